/** Faults: what ends a process. @module */

import { assertEquals } from "@std/assert";
import { WorkerCrashError } from "../../mod.ts";
import { fails, type Fault, run, RUNTIME, succeeds } from "./fault.ts";
import { breaks } from "./loads.ts";

/** What tasks use of their process. */
interface Scope {
  process: {
    readonly pid: number;
    kill(pid: number, signal: string): void;
    abort(): never;
    exit(code: number): never;
    getBuiltinModule(name: "child_process"): typeof import("node:child_process");
  };
}

/** The process is ended by that signal. */
function diesOf(signal: string): Fault["sees"] {
  return fails(WorkerCrashError, signal, (error) => {
    assertEquals([error.exitCode, error.signal], [undefined, signal]);
  });
}

const ROWS: readonly Fault[] = [
  {
    name: "SIGKILL in the task",
    kills: 1,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        const { process } = globalThis as unknown as Scope;
        process.kill(process.pid, "SIGKILL");
        for (;;);
      }),
    ],
    sees: diesOf("SIGKILL"),
  },
  {
    name: "SIGTERM in the task",
    kills: 1,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        const { process } = globalThis as unknown as Scope;
        process.kill(process.pid, "SIGTERM");
        return new Promise<void>(() => {});
      }),
    ],
    sees: diesOf("SIGTERM"),
  },
  {
    name: "SIGKILL after the task",
    kills: 1,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        const { process } = globalThis as unknown as Scope;
        setTimeout(() => process.kill(process.pid, "SIGKILL"), 5);
        return "done";
      }),
    ],
    sees: succeeds("done"),
  },
  {
    name: "a segmentation fault in the task",
    kills: 1,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        const { process } = globalThis as unknown as Scope;
        // Deno's handler lets the first one pass: a real one comes again.
        for (;;) process.kill(process.pid, "SIGSEGV");
      }),
    ],
    sees: diesOf("SIGSEGV"),
  },
  {
    name: "process.abort() in the task",
    kills: 1,
    prints: RUNTIME === "Node",
    cause: (executor, handle) => [
      run(executor, handle, () => (globalThis as unknown as Scope).process.abort()),
    ],
    sees: diesOf("SIGABRT"),
  },
  {
    name: "process.exit() while a child of the process holds its output",
    kills: 1,
    cause: (executor, handle) => [
      run(executor, handle, () => {
        const { process } = globalThis as unknown as Scope;
        const { spawn } = process.getBuiltinModule("child_process");
        spawn("sleep", ["2"], { stdio: "inherit", detached: true }).on("spawn", () => {
          process.exit(7);
        });
        return new Promise<void>(() => {});
      }),
    ],
    sees: fails(WorkerCrashError, "", ({ exitCode }) => assertEquals(exitCode, 7)),
  },
  {
    name: "an initializer that is ended by SIGKILL",
    breaks: true,
    options: {
      initializer: () => {
        const { process } = globalThis as unknown as Scope;
        process.kill(process.pid, "SIGKILL");
        for (;;);
      },
    },
    cause: (executor, handle) => [run(executor, handle, () => {})],
    sees: breaks("initializer failed"),
  },
];

export const PROCESS_DEATHS: readonly Fault[] = ROWS.map((row) => ({
  ...row,
  onlyProcesses: true,
}));
