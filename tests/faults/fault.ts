/**
 * What a fault is, and `checkFault`: what holds after every fault, on every executor. The rows are in
 * the other files of this folder, under the names that `docs/faults.md` has for them.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import process from "node:process";
import {
  BrokenExecutorError,
  type Executor,
  type Future,
  type ThreadPoolExecutorOptions,
  WorkerCrashError,
} from "../../mod.ts";
import {
  type ExecutorKind,
  Gate,
  type Handle,
  hold,
  IN_PAGE,
  isProcesses,
  Notes,
  until,
} from "../contract/executors.ts";

/** Milliseconds in which everything settles, on a busy machine too. */
const BOUND = 20_000;

/** Tasks before the fault, and as many after it. */
const NEIGHBOURS = 6;

/** How a future has ended. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** One row of the table. */
export interface Fault {
  /** As in `docs/faults.md`. */
  readonly name: string;
  /** Submits what has the fault, with `run` what notes with the handle that it runs. */
  cause(executor: Executor, handle: Handle, kind: ExecutorKind): Future<unknown>[];
  /** Checks what the caller sees of each of them. */
  sees(outcome: Outcome, kind: ExecutorKind): void;
  /** Runs of what has the fault, all together. @default as many as there are futures */
  readonly runs?: number;
  /** Options that it needs. */
  readonly options?: ThreadPoolExecutorOptions;
  /** Workers that die of it. @default 0 */
  readonly kills?: number;
  /** It stops a worker, which counts as no death. */
  readonly stops?: boolean;
  /** It breaks the executor. */
  readonly breaks?: boolean;
  /** It befalls processes and nothing else. */
  readonly onlyProcesses?: boolean;
  /** The runtime prints something when it happens. */
  readonly prints?: boolean;
  /** Why it cannot be caused there. */
  skip?(kind: ExecutorKind): string | undefined;
}

/** Whether workers end of it. */
export function endsWorkers({ kills = 0, stops, breaks }: Fault): boolean {
  return kills > 0 || stops === true || breaks === true;
}

/** An executor for faults. */
export function createFor(kind: ExecutorKind, options?: ThreadPoolExecutorOptions): Executor {
  return kind.create({ maxWorkers: 2, grace: 10, ...options });
}

/** Causes a fault and checks all that holds after every one. */
export async function checkFault(
  kind: ExecutorKind,
  fault: Fault,
  executor: Executor,
): Promise<void> {
  const { kills = 0 } = fault;
  const before = executor.stats();
  using gate = new Gate(kind);
  using notes = new Notes(kind);

  // One neighbour runs meanwhile, others come before and behind.
  const beside = executor.submit(hold, gate.handle, 42);
  await within(gate.waitEntered(1), "neighbour beside begins");
  const neighbours: Future<unknown>[] = [];
  const addNeighbours = (): void => {
    for (let i = 0; i < NEIGHBOURS; i++) {
      neighbours.push(executor.submit(runOnce, notes.handle, 1 + neighbours.length));
    }
  };
  addNeighbours();
  const faulty = fault.cause(executor, notes.handle, kind);
  addNeighbours();

  const outcomes = await within(Promise.all(faulty.map(settled)), "what has the fault settles");
  for (const outcome of outcomes) fault.sees(outcome, kind);
  const lost = new Set<number>();
  const mayBeLost = losable(kind, fault, kills);
  for (const [i, future] of neighbours.entries()) {
    const outcome = await outcomeOf(future);
    if (lost.size < mayBeLost && "error" in outcome) {
      assertInstanceOf(outcome.error, WorkerCrashError);
      lost.add(1 + i);
    } else assertEquals(outcome, { value: 1 + i }, `neighbour ${i}`);
  }
  const crashed = before.crashed + kills;
  await within(until(() => executor.stats().crashed >= crashed), "worker dies");
  gate.open();
  const outcome = await outcomeOf(beside);
  // Only tasks that share a worker share its end.
  if (endsWorkers(fault) && (kind.perWorker > 1 || kind.inline) && "error" in outcome) {
    assertInstanceOf(outcome.error, WorkerCrashError);
  } else assertEquals(outcome, { value: 42 });
  const ran = countRuns(notes, 1 + neighbours.length);
  const expected = [fault.runs ?? faulty.length, ...neighbours.map(() => 1)];
  for (const i of lost) if (ran[i] === 0) expected[i] = 0;
  assertEquals(ran, expected, "how often each has run");
  assertEquals(await outcomeOf(executor.submit(() => "works")), { value: "works" });
  const isIdle = (): boolean => executor.stats().pending + executor.stats().running === 0;
  await within(until(isIdle), "nothing is left to do");
  assertEquals(executor.stats().crashed, crashed);
}

/** Causes a fault that breaks the executor: it refuses everything and says why. */
export async function checkBreak(
  kind: ExecutorKind,
  fault: Fault,
  executor: Executor,
): Promise<void> {
  using notes = new Notes(kind);
  const neighbours = Array.from(
    { length: NEIGHBOURS },
    (_, i) => executor.submit(runOnce, notes.handle, 1 + i),
  );
  for (const future of fault.cause(executor, notes.handle, kind)) {
    fault.sees(await outcomeOf(future), kind);
  }
  for (const [i, future] of neighbours.entries()) {
    const outcome = await outcomeOf(future);
    if ("error" in outcome) assertInstanceOf(outcome.error, BrokenExecutorError);
    else assertEquals(outcome.value, 1 + i);
  }
  const ran = countRuns(notes, 1 + neighbours.length);
  assert(ran.every((runs) => runs <= 1), "something ran twice");
  const error = assertThrows(() => executor.submit(() => 1), BrokenExecutorError);
  assert(error.message.startsWith("Cannot use"), error.message);
  const { pending, running } = executor.stats();
  assertEquals([pending, running], [0, 0]);
}

/**
 * How many neighbours a worker may take with it. Without shared memory nobody knows whether a thread
 * that dies had begun those that it was sent. A process has counted what it began, but what it had
 * done and not yet reported is lost.
 */
function losable(kind: ExecutorKind, fault: Fault, kills: number): number {
  if (isProcesses(kind)) return endsWorkers(fault) ? Infinity : 0;
  if (kind.shared) return 0;
  // The one that runs, and what was sent to run beside the fault.
  return kills + (endsWorkers(fault) ? kind.perWorker - 1 : 0);
}

/** How often each has run, by its number. */
export function countRuns(notes: Notes, length: number): number[] {
  const ran = new Array<number>(length).fill(0);
  for (const i of notes.values) ran[i]!++;
  return ran;
}

/** Shuts an executor down, in time. */
export async function checkShutdown(executor: Executor): Promise<void> {
  await within(executor.shutdown(), "shutdown()");
  assertEquals(executor.stats().workers, 0);
}

/** Rejects if it takes longer than anything may here. */
export async function within<T>(promise: PromiseLike<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${BOUND} ms`)), BOUND);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How a future ends, told without throwing: what was thrown may be anything. */
export async function outcomeOf(future: Future<unknown>): Promise<Outcome> {
  return await within(settled(future), "future settles");
}

function settled(future: Future<unknown>): Promise<Outcome> {
  return future.then((value) => ({ value }), (error: unknown) => ({ error }));
}

/** The caller sees an error of that class with that text, and what else `more` looks at. */
export function fails<E extends Error>(
  errorClass: abstract new (...args: never[]) => E,
  text: string | RegExp = "",
  more: (error: E) => void = () => {},
): Fault["sees"] {
  return (outcome) => {
    assert("error" in outcome, "the task has succeeded");
    const { error } = outcome;
    assertInstanceOf(error, errorClass);
    const matches = typeof text === "string"
      ? error.message.includes(text)
      : text.test(error.message);
    assert(matches, `message is "${error.message}"`);
    more(error);
  };
}

/** The caller sees that value. */
export function succeeds(value: unknown): Fault["sees"] {
  return (outcome) => assertEquals(outcome, { value });
}

/** Rows of tasks that do not get so far as to run. */
export function neverRun(rows: readonly Fault[]): Fault[] {
  return rows.map((row) => ({ ...row, runs: 0 }));
}

/** Submits a task that notes that it runs and does that; its text is sent, whatever it is. */
export function run<T>(
  executor: Executor,
  handle: Handle,
  task: (() => T) | string,
): Future<Awaited<T>> {
  return executor.submit(noteAndRun<T>, handle, String(task));
}

function noteAndRun<T>(handle: Handle, source: string): T {
  if (typeof handle === "string") {
    process.getBuiltinModule("node:fs").appendFileSync(`${handle}/notes`, "0\n");
  } else Atomics.add(new Int32Array(handle), 0, 1); // behind it is a 0 already
  return new Function(`return (${source})()`)();
}

/** For tasks that are to be late: processes are slower to begin them. */
export function hurried(executor: Executor, kind: ExecutorKind): Executor {
  return executor.with({ timeout: isProcesses(kind) ? 200 : 20 });
}

/** Why nothing exits there. */
export const NO_EXIT: string | undefined = IN_PAGE
  ? "a page has no process.exit(), only self.close()"
  : undefined;

/** Why a fault that would hit the test itself is skipped. */
export function hitsTheTest(kind: ExecutorKind): string | undefined {
  return kind.inline ? "it would hit the test's own thread" : undefined;
}

/** Why a test is skipped in which a worker must take nobody with it. */
export function takesOthers(kind: ExecutorKind): string | undefined {
  return kind.perWorker > 1 && !kind.shared
    ? "without shared memory, all that was sent to a worker ends with it"
    : undefined;
}

/** Why what takes its time is done with one executor of a kind. */
export function isDouble(kind: ExecutorKind): string | undefined {
  return kind.name === "createExecutor()" ? "it is a ThreadPoolExecutor" : undefined;
}

/** Why what takes a second and more is done with one executor of workers. */
export function isSlow(kind: ExecutorKind): string | undefined {
  const first = kind.name === "ThreadPoolExecutor" || kind.inline || isProcesses(kind);
  return first ? undefined : "it takes a second, and is done with ThreadPoolExecutor";
}

/** Which runtime this is. */
export const RUNTIME: "Deno" | "Bun" | "Node" | "browser" = "Deno" in globalThis
  ? "Deno"
  : IN_PAGE
  ? "browser"
  : "Bun" in globalThis
  ? "Bun"
  : "Node";

/** A task that notes that it runs. */
export function runOnce(handle: Handle, at: number): number {
  if (typeof handle === "string") {
    process.getBuiltinModule("node:fs").appendFileSync(`${handle}/notes`, `${at}\n`);
  } else {
    const cells = new Int32Array(handle);
    cells[1 + Atomics.add(cells, 0, 1)] = at;
  }
  return at;
}
