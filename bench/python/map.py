"""Items per second of map through multiprocessing's Pool or ThreadPool, printed."""

import sys
import time
from multiprocessing.pool import Pool, ThreadPool


def identity(x):
    return x


def main():
    workers, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with (Pool if kind == "Pool" else ThreadPool)(workers) as pool:
        pool.map(identity, range(1000))
        numbers = list(range(count))
        started_at = time.perf_counter()
        results = pool.map(identity, numbers)
        seconds = time.perf_counter() - started_at
    assert results == numbers
    print(count / seconds)


if __name__ == "__main__":
    main()
