/**
 * The table "What works where" of the README, as the library itself tells it: a column for the runtime
 * that runs this.
 *
 * @module
 */

import {
  createExecutor,
  InlineExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  UnsupportedError,
} from "../../mod.ts";
import type { Executor, ProcessPoolExecutorOptions, ThreadPoolExecutorOptions } from "../../mod.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import type { Capabilities } from "../../src/runtime/mod.ts";

/** The word that a cell begins with. A cell may go on, to say when or how. "?" is not known here. */
export type Word = "yes" | "no" | "threads" | "inline" | "with" | "isolated" | "–" | "?";

/** Words of the capabilities of an executor, or why there is none. */
function words(make: () => Executor): Record<keyof Capabilities, Word> {
  const told = capabilitiesOf(make);
  const word = (able: boolean | undefined) => able === undefined ? "–" : able ? "yes" : "no";
  return {
    parallel: word(told?.parallel),
    sharedMemory: word(told?.sharedMemory),
    stopsBusyTasks: word(told?.stopsBusyTasks),
    sandbox: word(told?.sandbox),
  };
}

function capabilitiesOf(make: () => Executor): Capabilities | undefined {
  try {
    return make().capabilities; // nothing has started yet
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** Pages share memory if they are cross-origin isolated, and say so. */
function memoryWord({ sharedMemory }: { sharedMemory: Word }): Word {
  if (!("document" in globalThis)) return sharedMemory;
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  return sharedMemory === (isolated ? "yes" : "no") ? "isolated" : sharedMemory;
}

/** A page that is not isolated has none to share, and cannot know whether one that is would. */
function inlineMemoryWord(): Word {
  const { sharedMemory } = words(() => new InlineExecutor());
  if (!("document" in globalThis)) return sharedMemory;
  if (!(globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated) return "?";
  return sharedMemory === "yes" ? "isolated" : sharedMemory;
}

/** Deno's workers have permissions of their own if it was started with a flag, which the error names. */
function permissionsWord({ sandbox }: { sandbox: Word }): Word {
  if (sandbox !== "no") return sandbox;
  try {
    new ThreadPoolExecutor({ permissions: "none" });
    return "yes";
  } catch (error) {
    return error instanceof UnsupportedError && / with the flag --/.test(error.message)
      ? "with"
      : "no";
  }
}

const takes = (make: () => Executor): Word => capabilitiesOf(make) === undefined ? "no" : "yes";
const threads = (options: ThreadPoolExecutorOptions) => () => new ThreadPoolExecutor(options);
const processes = (options: ProcessPoolExecutorOptions) => () => new ProcessPoolExecutor(options);

/** What the first words of this runtime's cells are, row by row. */
export function tellColumn(): Record<string, Word> {
  const thread = words(threads({}));
  const process = words(processes({}));
  const has = thread.parallel !== "–";
  const hasProcesses = process.parallel !== "–";
  return {
    "`createExecutor()` makes": createExecutor() instanceof ThreadPoolExecutor
      ? "threads"
      : "inline",
    "`ThreadPoolExecutor`: tasks in parallel": has ? thread.parallel : "no",
    "memory is shared": memoryWord(thread),
    "`InlineExecutor` shares memory": inlineMemoryWord(),
    "a busy task can be stopped": thread.stopsBusyTasks,
    "`env`": has ? takes(threads({ env: {} })) : "–",
    "`resourceLimits`": has ? takes(threads({ resourceLimits: { stackSizeMb: 4 } })) : "–",
    "`permissions`": permissionsWord(thread),
    "`ProcessPoolExecutor`: tasks in parallel": hasProcesses ? process.parallel : "no",
    "a busy process can be stopped": process.stopsBusyTasks,
    "`permissions` of processes": process.sandbox,
  };
}

/** The column of the README that this runtime is in. */
export function columnName(): string {
  if ("document" in globalThis) {
    if (navigator.vendor.startsWith("Apple")) return "WebKit";
    return navigator.userAgent.includes("Firefox/") ? "Firefox" : "Chromium";
  }
  const { name } = detectRuntime();
  return name === "Node.js" ? "Node" : name;
}

/** The first words of a column in the README's table, row by row. */
export function readColumn(readme: string, column: string): Record<string, string> {
  const section = readme.slice(readme.indexOf("\n## What works where\n"));
  const lines = section.split("\n").filter((line) => line.startsWith("|")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  const at = lines[0]!.findIndex((title) => title.startsWith(column));
  if (at < 0) throw new Error(`the README has no column "${column}"`);
  return Object.fromEntries(
    lines.slice(2).map((cells) => [cells[0]!, /^[^\s,;:¹²³⁴]*/.exec(cells[at]!)![0]]),
  );
}
