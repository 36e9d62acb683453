/** Faults: modules and initializers that fail, or end their worker. @module */

import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  type BrokenExecutorError,
  importTasks,
  type Task,
  type ThreadPoolExecutorOptions,
  WorkerCrashError,
} from "../../mod.ts";
import type { ExecutorKind } from "../contract/executors.ts";
import { fails, type Fault, hitsTheTest, neverRun, NO_EXIT, run, RUNTIME } from "./fault.ts";

/** A task of a module with that text. */
function taskOf(source: string): Task<[], void> {
  const module = `data:text/javascript,${encodeURIComponent(source)}`;
  return importTasks<{ task(): void }>(module).task;
}

const MODULES: readonly Fault[] = neverRun([
  {
    name: "a module that throws at its top level",
    cause: (executor) => [
      executor.submit(taskOf(`export function task() {} throw new RangeError("at load")`)),
    ],
    sees: fails(TypeError, "at load", ({ cause }) => assertInstanceOf(cause, RangeError)),
  },
  {
    name: "a module that throws undefined at its top level",
    cause: (executor) => [executor.submit(taskOf(`export function task() {} throw undefined`))],
    sees: fails(TypeError, "Cannot run task", ({ cause }) => assertEquals(cause, undefined)),
  },
  {
    name: "a module that rejects at its top level, later",
    cause: (executor) => [
      executor.submit(
        taskOf(`export function task() {}
          await new Promise((resolve) => setTimeout(resolve, 1)); throw new RangeError("late")`),
      ),
    ],
    sees: fails(TypeError, "late", ({ cause }) => assertInstanceOf(cause, RangeError)),
  },
  {
    name: "a module with an error of syntax",
    cause: (executor) => [executor.submit(taskOf("export function task( {"))],
    sees: fails(TypeError, "Cannot run task"),
  },
  {
    name: "a module that has been lost",
    cause: (executor) => [
      executor.submit(importTasks<{ task(): void }>("file:///no/such/module.js").task),
    ],
    sees: fails(TypeError, "Cannot run task"),
  },
  {
    name: "a module whose task is a Proxy that throws",
    cause: (executor) => [
      executor.submit(taskOf(`export const task = new Proxy(() => {}, {
        get() { throw new RangeError("trap"); },
        apply() { throw new RangeError("trap"); } })`)),
    ],
    sees: fails(RangeError, "trap"),
  },
  {
    name: "a module that calls process.exit() at load",
    skip: (kind) => hitsTheTest(kind) ?? NO_EXIT,
    kills: RUNTIME === "Bun" ? 0 : 1,
    cause: (executor) => [
      executor.submit(taskOf("export function task() {} globalThis.process.exit(8)")),
    ],
    // Bun ends the loading and not the worker.
    sees: RUNTIME === "Bun"
      ? fails(TypeError, "Cannot run task")
      : fails(WorkerCrashError, "", ({ exitCode }) => assertEquals(exitCode, 8)),
  },
]);

/** The executor is broken, and says why. */
export function breaks(text: string): Fault["sees"] {
  return (outcome, kind) => fails<BrokenExecutorError>(kind.brokenError, text)(outcome, kind);
}

function noInitializer(kind: ExecutorKind): string | undefined {
  if (kind.inline) return "it has no initializer";
  return undefined;
}

type Initializing =
  & Pick<Fault, "name" | "sees" | "skip">
  & Pick<ThreadPoolExecutorOptions, "initializer" | "initargs">;

const FAILING: readonly Initializing[] = [
  {
    name: "an initializer that calls process.exit()",
    skip: () => NO_EXIT,
    initializer: () => {
      (globalThis as unknown as { process: { exit(code: number): never } }).process.exit(4);
    },
    sees: breaks("worker died with exit code 4 in the initializer"),
  },
  {
    name: "an initializer that throws in a timer while it waits",
    initializer: () => {
      setTimeout(() => {
        throw new RangeError("in a timer");
      });
      return new Promise<void>(() => {});
    },
    sees: breaks("initializer failed"),
  },
  {
    name: "an initializer whose module does not load",
    initializer: taskOf(`export function task() {} throw new RangeError("at load")`),
    sees: breaks("initializer failed"),
  },
];

/** What waits is broken, with the initializer's error as its cause. */
const INITIALIZERS: readonly Fault[] = FAILING.map(({ name, sees, skip, ...options }): Fault => ({
  name,
  sees,
  options,
  breaks: true,
  skip: (kind) => noInitializer(kind) ?? skip?.(kind),
  cause: (executor, handle) => [run(executor, handle, () => {})],
}));

export const LOADS: readonly Fault[] = [...MODULES, ...INITIALIZERS];
