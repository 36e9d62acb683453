import type { TaskContext } from "../mod.ts";

/** Returns its argument. */
export function identity(x: number): number;
/** What the public poolifier/benchmark computes. */
export function factorial(n: number): bigint;
/** Work that cannot be optimised away; returns how many milliseconds it took. */
export function burn(units: number): number;
/** Waits without working; returns its argument. */
export function sleep(milliseconds: number): Promise<number>;
export function root(x: number): number;
/** The square roots of a block of numbers. */
export function roots(block: Float64Array): Float64Array;
/** Takes a thread for so many milliseconds. */
export function spin(milliseconds: number): number;
/** The numbers below `count`, one by one. */
export function numbers(count: number): Generator<number>;
/** The bytes of what was sent: a buffer, a view, or an object with one. */
export function lengthOf(value: ArrayBuffer | Uint8Array | { bytes: Uint8Array }): number;
/** Submits so many tasks, and adds up what they give. */
export function sumOfTasks(this: TaskContext, count: number): Promise<number>;
/** How many nodes a tree has: a task for each. */
export function countNodes(this: TaskContext, depth: number, fan: number): Promise<number>;
/** Sorts the numbers from `begin` to `end`, in memory that is shared: each part is a task. */
export function quicksort(this: TaskContext, begin: number, end: number): Promise<void>;
/** Gives a worker the numbers that `quicksort` sorts. */
export function shareNumbers(memory: SharedArrayBuffer): void;
