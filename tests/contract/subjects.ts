/**
 * `testEach`: a test that is written once and run for every executor of `executors.ts`. What one
 * cannot do is a flag there and a visible skip here.
 *
 * @module
 */

import type { Executor } from "../../mod.ts";
import { test, type TestOptions } from "../harness.ts";
import { ALL_EXECUTORS, block, type ExecutorKind, type Gate } from "./executors.ts";

/** What a test needs of an executor; one that lacks it is skipped, and says so. */
export interface Needs extends TestOptions {
  /** Tasks that block their thread while the test goes on. */
  parallel?: boolean;
  /** Options of workers. */
  options?: boolean;
  /** Exactly one task at a time on each worker. */
  serial?: boolean;
  /** Memory that tasks share with the test. */
  memory?: boolean;
  /** What is wrong with a kind, so that it is skipped for now. */
  bug?(kind: ExecutorKind): string | undefined;
}

/** Declares a test for every executor. */
export function testEach(
  name: string,
  fn: (subject: ExecutorKind) => Promise<void>,
  needs: Needs = {},
): void {
  for (const kind of ALL_EXECUTORS) {
    const skip = needs.parallel && !kind.parallel
      ? "its tasks run on this thread"
      : needs.options && (kind.inline || kind.name === "createExecutor()")
      ? "it has no such options"
      : needs.serial && (kind.perWorker > 1 || kind.inline)
      ? "it runs several tasks at once"
      : needs.memory && !kind.memory
      ? "it shares no memory with its tasks"
      : needs.skip ?? needs.bug?.(kind);
    test(
      `${name} [${kind.name}]`,
      () => fn({ ...kind, create: (options) => kind.create({ maxWorkers: 2, ...options }) }),
      { ...needs, skip },
    );
  }
}

/** Makes every worker block at the gate. */
export async function blockAll(executor: Executor, gate: Gate): Promise<void> {
  await executor.warmUp();
  const { maxWorkers } = executor;
  const blocked = executor.broadcast(block, gate.handle);
  blocked.catch(() => {}); // of those that are terminated at the gate
  await gate.waitEntered(maxWorkers);
}
