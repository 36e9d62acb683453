"""Tasks per second of a burst through ThreadPoolExecutor, printed."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor


def identity(x):
    return x


def main():
    workers, count = int(sys.argv[1]), int(sys.argv[2])
    with ThreadPoolExecutor(workers) as executor:
        list(executor.map(identity, range(1000)))
        started_at = time.perf_counter()
        futures = [executor.submit(identity, i) for i in range(count)]
        results = [future.result() for future in futures]
        seconds = time.perf_counter() - started_at
    assert results == list(range(count))
    print(count / seconds)


if __name__ == "__main__":
    main()
