/** Returns its argument. */
export function identity(x: number): number;
/** What the public poolifier/benchmark computes. */
export function factorial(n: number): bigint;
/** Work that cannot be optimised away; returns how many milliseconds it took. */
export function burn(units: number): number;
/** Waits without working; returns its argument. */
export function sleep(milliseconds: number): Promise<number>;
