/** Faults: what ends a worker. @module */

import { assertEquals, assertInstanceOf } from "@std/assert";
import { WorkerCrashError } from "../../mod.ts";
import { MUTED } from "../contract/executors.ts";
import { fails, type Fault, hitsTheTest, NO_EXIT, run, RUNTIME, succeeds } from "./fault.ts";

/** What tasks use of their worker's globals. */
interface Scope {
  process: { exit(code?: number): never };
  Deno: { exit(code?: number): never };
  close(): void;
}

const hasNoDeno = RUNTIME === "Deno" ? undefined : "only Deno has Deno.exit()";
const hasNoClose = RUNTIME === "Deno" || RUNTIME === "browser"
  ? undefined
  : "only Deno and browsers have self.close()";

/** A death of the worker while the task runs, and its exit code. */
function dies(exitCode?: number): Fault["sees"] {
  return fails(WorkerCrashError, "", (error) => {
    if (exitCode !== undefined) assertEquals(error.exitCode, exitCode);
  });
}

/** A death by an error outside of the task. */
function strays(errorClass: new () => Error, text: string): Fault["sees"] {
  return fails(WorkerCrashError, "", ({ cause }) => {
    assertInstanceOf(cause, MUTED === undefined ? errorClass : Error);
    assertEquals(cause.message, MUTED ?? text);
  });
}

const ROWS: readonly Omit<Fault, "kills">[] = [
  {
    name: "unhandled rejection with undefined during the task",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        Promise.reject(undefined);
        return new Promise<void>(() => {});
      }),
    ],
    sees: fails(WorkerCrashError),
  },
  {
    name: "error of a microtask during the task",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        queueMicrotask(() => {
          throw new RangeError("in a microtask");
        });
        return new Promise<void>(() => {});
      }),
    ],
    sees: strays(RangeError, "in a microtask"),
  },
  {
    name: "unhandled rejection after the task",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        setTimeout(() => Promise.reject(new Error("later")), 5);
        return "done";
      }),
    ],
    sees: succeeds("done"),
  },
  {
    name: "hostile error of a timer after the task",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        setTimeout(() => {
          throw new Proxy({}, {
            get() {
              throw new Error("trap");
            },
          });
        }, 5);
        return "done";
      }),
    ],
    sees: succeeds("done"),
  },
  {
    name: "process.exit() after an await in the task",
    skip: () => NO_EXIT,
    cause: (executor, handle) => [
      run(executor, handle, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        (globalThis as unknown as Scope).process.exit(5);
      }),
    ],
    sees: dies(5),
  },
  {
    name: "process.exit() after the task",
    skip: () => NO_EXIT,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        setTimeout(() => (globalThis as unknown as Scope).process.exit(5), 5);
        return "done";
      }),
    ],
    sees: succeeds("done"),
  },
  {
    name: "Deno.exit() in the task",
    skip: () => hasNoDeno,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        (globalThis as unknown as Scope).Deno.exit(6);
      }),
    ],
    sees: dies(6),
  },
  {
    name: "Deno.exit() after the task",
    skip: () => hasNoDeno,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        setTimeout(() => (globalThis as unknown as Scope).Deno.exit(6), 5);
        return "done";
      }),
    ],
    sees: succeeds("done"),
  },
  {
    name: "self.close() in the task",
    skip: () => hasNoClose,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        (globalThis as unknown as Scope).close();
        return new Promise<void>(() => {});
      }),
    ],
    sees: dies(0),
  },
  {
    name: "self.close() after the task",
    skip: () => hasNoClose,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        setTimeout(() => (globalThis as unknown as Scope).close(), 5);
        return "done";
      }),
    ],
    sees: succeeds("done"),
  },
];

export const DEATHS: readonly Fault[] = ROWS.map((row) => ({
  ...row,
  kills: 1,
  skip: (kind) => hitsTheTest(kind) ?? row.skip?.(kind),
}));
