// What a user's tests test: functions that travel as their text, and one that calls an executor.

export function fibonacci(n) {
  let [a, b] = [0, 1];
  for (let i = 0; i < n; i++) {
    [a, b] = [b, a + b];
  }
  return n < 0 ? undefined : a;
}

export async function baseName(path) {
  const { basename } = await import("node:path");
  return basename(path);
}

export function fail(message) {
  throw new RangeError(message);
}

export function spin() {
  for (;;);
}

/** The sum of squares, on the workers of an executor. */
export async function sumOfSquares(executor, numbers) {
  const squares = await executor.map((x) => x * x, numbers).toArray();
  return squares.reduce((sum, square) => sum + square, 0);
}
