/**
 * Tasks that workers of the tests serve.
 *
 * @module
 */

import type { TaskContext } from "../../mod.ts";

export function double(x: number): number {
  return 2 * x;
}

export function add(a: number, b: number): number {
  return a + b;
}

export function echo<T>(value: T): T {
  return value;
}

/** What its context tells. */
export function whoAmI(this: TaskContext): { id: string | undefined; attempt: number | undefined } {
  return { id: this.id, attempt: this.attempt };
}

export function fail(message: string): never {
  throw Object.assign(new RangeError(message, { cause: new TypeError("below") }), { code: "E_NO" });
}

export function failOdd(x: number): number {
  if (x % 2 === 1) throw new RangeError(`${x} is odd`);
  return x;
}

/** Throws on its first attempts. */
export function failUntil(this: TaskContext, attempt: number): number {
  if (this.attempt! < attempt) throw new Error(`attempt ${this.attempt}`);
  return this.attempt!;
}

/** Waits until its gate is open, or until it is aborted. */
export async function hold(this: TaskContext, name: string): Promise<number | undefined> {
  const gate = gates.get(name)!;
  gate.runs.push([this.id, this.attempt]);
  const aborted = new Promise<never>((_, reject) => {
    this.signal.addEventListener("abort", () => reject(this.signal.reason));
  });
  aborted.catch(() => {});
  try {
    await Promise.race([gate.opened, aborted]);
  } finally {
    gate.left++;
  }
  return this.attempt;
}

/** Reports so many values. */
export function report(this: TaskContext, count: number): string {
  for (let i = 0; i < count; i++) this.report({ step: i });
  return "done";
}

export function large(bytes: number): Uint8Array {
  return new Uint8Array(bytes);
}

export function unsendable(): () => void {
  return () => {};
}

export function forEver(): never {
  while (true);
}

export function leave(code: number): Promise<never> {
  process.exit(code);
}

export const answer = 42;

/** Holds tasks that run on the thread of the test. */
export interface Gate {
  /** Id and attempt of those that entered, in order. */
  readonly runs: (readonly [string | undefined, number | undefined])[];
  left: number;
  readonly opened: Promise<void>;
  open(): void;
}

const gates = new Map<string, Gate>();

/** A gate for `hold`, by a name of its own. */
export function gateOf(name: string): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => open = resolve);
  const gate: Gate = { runs: [], left: 0, opened, open };
  gates.set(name, gate);
  return gate;
}
