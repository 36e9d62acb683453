/**
 * `testEach`: a test that is written once and run for every executor of `executors.ts`. What one
 * cannot do is a flag there and a visible skip here.
 *
 * @module
 */

import type { Executor } from "../../mod.ts";
import { test, type TestOptions } from "../harness.ts";
import { type ExecutorKind, EXECUTORS } from "./executors.ts";

/** What a test needs of an executor; one that lacks it is skipped, and says so. */
export interface Needs extends TestOptions {
  /** Tasks that block their thread while the test goes on. */
  parallel?: boolean;
  /** Options of workers. */
  options?: boolean;
  /** Exactly one task at a time on each worker. */
  serial?: boolean;
}

/** Declares a test for every executor. */
export function testEach(
  name: string,
  fn: (subject: ExecutorKind) => Promise<void>,
  needs: Needs = {},
): void {
  for (const kind of EXECUTORS) {
    const skip = needs.parallel && !kind.parallel
      ? "its tasks run on this thread"
      : needs.options && (kind.inline || kind.name === "createExecutor()")
      ? "it has no such options"
      : needs.serial && (kind.perWorker > 1 || kind.inline)
      ? "it runs several tasks at once"
      : needs.skip;
    test(
      `${name} [${kind.name}]`,
      () => fn({ ...kind, create: (options) => kind.create({ maxWorkers: 2, ...options }) }),
      { ...needs, skip },
    );
  }
}

/** A gate that tasks on other threads wait at: they block their worker until it is opened. */
export class Gate {
  /** What tasks are given; see `waitAtGate`. */
  readonly buffer: Int32Array = new Int32Array(new SharedArrayBuffer(8));

  open(): void {
    Atomics.store(this.buffer, 0, 1);
    Atomics.notify(this.buffer, 0);
  }

  /** Resolves when so many tasks have arrived. */
  async arrived(count = 1): Promise<void> {
    while (Atomics.load(this.buffer, 1) < count) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** A task: says that it has arrived and blocks its worker until the gate is open. */
export function waitAtGate(gate: Int32Array): string {
  Atomics.add(gate, 1, 1);
  Atomics.wait(gate, 0, 0);
  return "passed";
}

/** Makes every worker block at the gate. */
export async function occupy(executor: Executor, gate: Gate): Promise<void> {
  await executor.warmUp();
  const { maxWorkers } = executor;
  const blocked = executor.broadcast(waitAtGate, gate.buffer);
  blocked.catch(() => {}); // of those that are terminated at the gate
  await gate.arrived(maxWorkers);
}
