/**
 * Streams, and tasks that submit tasks, in the world of the model test: what they do in their worker, and
 * what the model says of them.
 *
 * - A stream gives its values in order, none is missing before its end or its error, and its generator is never
 *   more than `bufferSize` values ahead of those that were asked for. When leaving it has come to an end, so has
 *   its generator, or its worker.
 * - A child runs at most once. Where memory is shared, none begins when the task from which it descends has its
 *   outcome. A parent that waits for all gives its own value only if all have given theirs.
 *
 * @module
 */

import type { TaskContext, TaskStream } from "../../mod.ts";
import type { Kind, World } from "./model_world.ts";
import { must, TASKS, valueOf } from "./model_world.ts";

/** What is asked of one stream. */
export interface StreamCall {
  readonly size: number;
  /** How it ends, when it has given so many values. */
  readonly end: "returns" | "throws" | "never";
  /** Whether its values take time, are waited for, or are waited for until they are not wanted any more. */
  readonly pace: "quick" | "slow" | "soon" | "waiting" | "polite";
  readonly bufferSize: number | undefined;
  readonly stopAfter: number | undefined;
  readonly priority: number;
  readonly abortable: boolean;
}

/** A stream, as its generator and its reader know it. */
export interface StreamState extends StreamCall {
  /** Values that the generator has been asked to make, and those that the reader has asked for. */
  made: number;
  asked: number;
  /** The reader has left before the end. */
  left: boolean;
  /** The generator is over. */
  closed: boolean;
}

/** What a task does that submits others. */
export interface FamilyCall {
  readonly children: readonly (Kind | FamilyCall)[];
  /** Waits for all and their values, for their ends, or for none; or fails. */
  readonly waits: "all" | "ends" | "none" | "fails";
  /** Cancels its last child at once. */
  readonly cancels: boolean;
}

/** The same, with the numbers of the tasks. */
export interface Family {
  readonly index: number;
  readonly waits: FamilyCall["waits"];
  readonly cancels: boolean;
  readonly children: readonly { readonly index: number; readonly kind: Kind }[];
  /** Whether the task that was submitted from outside has its outcome. */
  readonly isOver: () => boolean;
}

/** Numbers the tasks of a family, and tells the world of them. Returns the number of the first. */
export function addFamily(
  world: World,
  call: FamilyCall,
  nextIndex: () => number,
  isOver: () => boolean,
): number {
  const index = nextIndex();
  const children = call.children.map((child) =>
    typeof child === "string"
      ? { kind: child, index: nextIndex() }
      : { kind: "parent" as const, index: addFamily(world, child, nextIndex, isOver) }
  );
  const { waits, cancels } = call;
  const family: Family = { index, waits, cancels, children, isOver };
  world.families.set(index, family);
  for (const child of children) world.parents.set(child.index, family);
  return index;
}

/** What such a task does, in its worker. */
export function runParent(world: World, index: number, context: TaskContext): unknown {
  const { children, waits, cancels } = world.families.get(index)!;
  const futures = children.map(({ kind, index }) => context.submit(TASKS[kind], index));
  if (cancels) must(futures.at(-1)?.cancel() ?? true, () => `the last child of ${index} is sent`);
  switch (waits) {
    case "fails":
      throw new RangeError(`task ${index}`);
    case "none":
      return Promise.resolve().then(() => valueOf(index));
    case "ends":
      return Promise.allSettled(futures).then((all) => {
        checkChildren(world, index, all);
        return valueOf(index);
      });
  }
  return Promise.all(futures).then((values) => {
    checkChildren(world, index, values.map((value) => ({ status: "fulfilled", value })));
    return valueOf(index);
  });
}

/** The values are those of the children, and each of these has run. */
function checkChildren(
  world: World,
  index: number,
  results: readonly PromiseSettledResult<unknown>[],
): void {
  const { children } = world.families.get(index)!;
  results.forEach((result, i) => {
    const child = children[i]!;
    const what = () => `child ${child.index} of ${index}: ${JSON.stringify(result)}`;
    if (result.status === "fulfilled") {
      must(result.value === valueOf(child.index) && world.runs[child.index]?.length === 1, what);
    } else must(result.reason instanceof Error, what);
  });
}

/** Whether an error is that of a task which a family has submitted, at whatever depth. */
export function isErrorOfChild(world: World, index: number, reason: unknown): boolean {
  if (!(reason instanceof RangeError)) return false;
  const from = Number(reason.message.replace("task ", ""));
  for (let parent = world.parents.get(from); parent !== undefined;) {
    if (parent.index === index) return true;
    parent = world.parents.get(parent.index);
  }
  return false;
}

/** The generator of a stream, in its worker. */
export function runStream(world: World, index: number, context: TaskContext): unknown {
  const state = world.streams.get(index)!;
  const { pace, size, end } = state;
  const next = (): number => {
    const { made, asked, bufferSize = 64 } = state;
    must(
      made < asked + bufferSize,
      () => `stream ${index} makes value ${made}, and ${asked} were asked for, with ${bufferSize}`,
    );
    state.made++;
    world.now += pace === "slow" ? 3 : 0.001;
    return made;
  };
  const last = (): number => {
    if (end === "throws") throw new RangeError(`task ${index}`);
    return valueOf(index);
  };
  const isLast = (): boolean => end !== "never" && state.made === size;
  if (pace === "quick" || pace === "slow") {
    return function* () {
      try {
        while (!isLast()) yield next();
        return last();
      } finally {
        state.closed = true;
      }
    }();
  }
  return async function* () {
    try {
      while (!isLast()) {
        if (pace !== "soon" && state.made === size >> 1) {
          await world.wait(context, pace === "polite");
        }
        yield next();
      }
      return last();
    } finally {
      state.closed = true;
    }
  }();
}

/**
 * Reads a stream as far as it is wanted.
 *
 * @returns How it has ended: with its own result, with an error, or because it was left.
 */
export async function readStream(
  state: StreamState,
  stream: TaskStream<number, unknown>,
  onValue: () => void,
): Promise<PromiseSettledResult<unknown> | "left"> {
  let taken = 0;
  try {
    for (;;) {
      if (taken === state.stopAfter) {
        state.left = true;
        await stream.return();
        return "left";
      }
      state.asked++;
      const { done, value } = await stream.next();
      onValue();
      if (done) {
        must(taken === state.size && state.end === "returns", () => `a stream ended at ${taken}`);
        return { status: "fulfilled", value };
      }
      must(value === taken, () => `value ${taken} of a stream is ${value}`);
      taken++;
    }
  } catch (reason) {
    if (reason instanceof Error && reason.name === "Violation") throw reason;
    must(taken <= state.made, () => `${taken} values of ${state.made} came`);
    return { status: "rejected", reason };
  }
}
