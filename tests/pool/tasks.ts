/** Tasks of a module, for the tests of pools: the gates are folders, which processes share, too. */

import { appendFileSync, existsSync } from "node:fs";
import process from "node:process";
import type { TaskContext } from "../../src/worker/mod.ts";

/** What a task that waits for a gate is given. */
export interface Held {
  readonly gate: string;
  readonly value: number;
  /** It fails when it is let through. */
  readonly fails?: boolean;
}

function log(gate: string, line: string): void {
  try {
    appendFileSync(`${gate}/log`, `${line}\n`);
  } catch { /* the test is over */ }
}

/** Waits until the gate is open, for all or for this value. */
export async function hold({ gate, value, fails }: Held): Promise<number> {
  log(gate, `entered ${value}`);
  const isShut = () =>
    existsSync(gate) && !existsSync(`${gate}/open`) && !existsSync(`${gate}/open-${value}`);
  while (isShut()) await new Promise((resolve) => setTimeout(resolve, 1));
  log(gate, `left ${value}`);
  if (fails) throw new RangeError(`${value}`);
  return value;
}

export function holdRow(gate: string, value: number): Promise<number> {
  return hold({ gate, value });
}

/** Only tells that it ran. */
export function enter({ gate, value, fails }: Held): number {
  log(gate, `entered ${value}`);
  if (fails) throw new RangeError(`${value}`);
  return value;
}

/** An initializer that tells that it ran. */
export function initialize(gate: string, value?: number): void {
  log(gate, `entered ${process.pid} ${value}`);
  (globalThis as { poolValue?: number | undefined }).poolValue = value;
}

export function initialized(): number | undefined {
  return (globalThis as { poolValue?: number | undefined }).poolValue;
}

export async function initializeLater(value: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  (globalThis as { poolValue?: number | undefined }).poolValue = value;
}

export function failToInitialize(gate: string): never {
  log(gate, `entered ${process.pid}`);
  throw new RangeError("no luck");
}

export function whoAmI(this: TaskContext, _item?: unknown): string {
  return this.workerName;
}

/** Ends its worker if the item says so. */
export function dieAt(item: number, at: number = item): number {
  if (item === at) process.exit(3);
  return item;
}

export function dieIfNegative(item: number): number {
  if (item < 0) process.exit(3);
  return item;
}
