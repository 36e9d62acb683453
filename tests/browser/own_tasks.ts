/** Tasks of a worker of the user's own. @module */

import type { TaskContext } from "../../mod.ts";

export function add(a: number, b: number): number {
  return a + b;
}

export function whoAmI(this: TaskContext): string {
  return this.workerName;
}

export function fail(message: string): never {
  throw new RangeError(message, { cause: new TypeError("deep") });
}

export function spin(): never {
  for (;;);
}

export function wait(): Promise<void> {
  return new Promise(() => {});
}

export function leave(): Promise<void> {
  close();
  return new Promise(() => {});
}

export function stray(): Promise<void> {
  Promise.reject(new RangeError("stray"));
  return new Promise(() => {});
}

export function strayLater(): Promise<void> {
  setTimeout(() => {
    throw new RangeError("stray");
  });
  return new Promise(() => {});
}

export function storeIn(key: string, value: number): void {
  Object.assign(globalThis, { [key]: value });
}

export function loadFrom(key: string): unknown {
  return (globalThis as Record<string, unknown>)[key];
}
