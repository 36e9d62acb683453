"""Tasks per second through ProcessPoolExecutor, by submit or by map with chunks, printed."""

import sys
import time
from concurrent.futures import ProcessPoolExecutor


def identity(x):
    return x


def main():
    workers, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with ProcessPoolExecutor(workers) as executor:
        list(executor.map(identity, range(1000)))
        started_at = time.perf_counter()
        if kind == "submit":
            futures = [executor.submit(identity, i) for i in range(count)]
            results = [future.result() for future in futures]
        else:
            results = list(executor.map(identity, range(count), chunksize=1000))
        seconds = time.perf_counter() - started_at
    assert results == list(range(count))
    print(count / seconds)


if __name__ == "__main__":
    main()
