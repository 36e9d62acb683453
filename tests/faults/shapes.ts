/**
 * Faults of tasks of more shapes, at the steps that the contract's tests leave out: streams, groups, tasks that
 * submit tasks, tasks of one key, futures as arguments, and blocks.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type Future,
  FutureSource,
  importTasks,
  SerializationError,
  type TaskContext,
  TaskGroup,
  type TaskStream,
  TimeoutError,
  WorkerCrashError,
} from "../../mod.ts";
import { hold, leave } from "../contract/executors.ts";
import type { Call } from "./calls.ts";
import { hitsTheTest, hurried, outcomeOf, within } from "./fault.ts";

const double = (x: number): number => 2 * x;

/** A task that lasts until it is aborted, and for ever if it is not. */
function polite(this: TaskContext): Promise<never> {
  return new Promise((_, reject) => {
    this.signal.addEventListener("abort", () => reject(new Error("was aborted")));
  });
}

/** One that does not hear. */
function deaf(): Promise<never> {
  return new Promise(() => {});
}

/** All values, and the error after them. */
async function read(stream: TaskStream<unknown>): Promise<[values: unknown[], error: unknown]> {
  const values: unknown[] = [];
  try {
    for (;;) {
      const { done, value } = await within(stream.next(), "next()");
      if (done) return [values, undefined];
      values.push(value);
    }
  } catch (error) {
    return [values, error];
  }
}

async function errorOf(future: Future<unknown>): Promise<unknown> {
  const outcome = await outcomeOf(future);
  assert("error" in outcome, "it has succeeded");
  return outcome.error;
}

/** What a promise rejects with. */
async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return await within(promise.then(() => undefined, (error: unknown) => error), "it rejects");
}

/** Of a death that breaks the executor: what runs elsewhere is told of that, what ran there of the death. */
function assertBroken(error: unknown): void {
  assert(error instanceof BrokenExecutorError || error instanceof WorkerCrashError, `${error}`);
}

/** Its worker ends with it. */
async function* dying(): AsyncGenerator<number> {
  try {
    for (let i = 0;; i++) yield i;
  } finally {
    const { process, close } = globalThis as unknown as {
      process?: { exit?(exitCode: number): never };
      close(): void;
    };
    if (process?.exit !== undefined) process.exit(3);
    close();
    await new Promise(() => {});
  }
}

const missing = importTasks<{ none(): number[] }>("data:text/javascript,export const some = 1");

const STREAMS: readonly Call[] = [
  {
    name: "a stream that hangs, before its first value or a later one",
    after: "works",
    async act(executor, _gate, kind) {
      const late = hurried(executor, kind);
      const [none, before] = await read(late.stream(() => new Promise<number[]>(() => {})));
      assertEquals(none, []);
      assertInstanceOf(before, TimeoutError);
      const [values, behind] = await read(late.stream(async function* () {
        yield 1;
        await new Promise(() => {});
      }));
      assert(values.length <= 1);
      assertInstanceOf(behind, TimeoutError);
    },
  },
  {
    name: "a stream whose `finally` hangs",
    after: "works",
    async act(executor) {
      const stream = executor.stream(async function* () {
        try {
          for (let i = 0;; i++) yield i;
        } finally {
          await new Promise(() => {});
        }
      });
      assertEquals((await within(stream.next(), "next()")).value, 0);
      await within(stream.return(), "return()");
      assertInstanceOf(await errorOf(stream.future), CancelledError);
    },
  },
  {
    name: "a stream whose worker dies in its `finally`",
    after: "works",
    skip: hitsTheTest,
    async act(executor) {
      const stream = executor.stream(dying);
      assertEquals((await within(stream.next(), "next()")).value, 0);
      await within(stream.return(), "return()");
      assertInstanceOf(await errorOf(stream.future), CancelledError);
    },
  },
  {
    name: "a stream with an argument that cannot be cloned",
    after: "works",
    async act(executor) {
      const stream = executor.stream((x: unknown) => [x], () => 1);
      const [values, error] = await read(stream);
      assertEquals(values, []);
      assertInstanceOf(error, SerializationError);
    },
  },
  {
    name: "a stream whose function is missing, or gives nothing to iterate over",
    after: "works",
    async act(executor) {
      for (const stream of [executor.stream(missing.none), executor.stream(() => 5 as never)]) {
        const [values, error] = await read(stream);
        assertEquals(values, []);
        assertInstanceOf(error, TypeError);
      }
    },
  },
  {
    name: "a stream whose values nobody takes",
    after: "works",
    async act(executor, _gate, kind) {
      const stream = hurried(executor, kind).with({ bufferSize: 2 }).stream(function* () {
        for (let i = 0;; i++) yield i;
      });
      assertEquals(await outcomeOf(executor.submit(double, 1)), { value: 2 });
      assertInstanceOf(await errorOf(stream.future), TimeoutError);
      const [values, error] = await read(stream);
      assertEquals(values, [0, 1].slice(0, values.length));
      assertInstanceOf(error, TimeoutError);
    },
  },
];

const GROUPS: readonly Call[] = [
  {
    name: "a task of a group whose worker dies",
    after: "works",
    skip: hitsTheTest,
    async act(executor) {
      const group = new TaskGroup(executor);
      const other = group.submit(polite);
      const crash = group.submit(leave, 3);
      const error = await rejectionOf(group.close());
      // Those that shared the worker have failed on their own.
      const errors = error instanceof AggregateError ? error.errors : [error];
      for (const each of errors) assertInstanceOf(each, WorkerCrashError);
      assertInstanceOf(await errorOf(crash), WorkerCrashError);
      assert(other.done());
    },
  },
  {
    name: "a task of a group that hangs",
    after: "works",
    async act(executor) {
      const group = new TaskGroup(executor);
      const hanging = group.submit(deaf);
      group.submit((message: string) => {
        throw new RangeError(message);
      }, "the failure");
      assertInstanceOf(await rejectionOf(group.close()), RangeError);
      assertInstanceOf(await errorOf(hanging), CancelledError);
    },
  },
  {
    name: "a task of a group with an argument or a result that cannot be cloned",
    after: "works",
    async act(executor) {
      for (const task of [(x: unknown) => void x, () => () => 1]) {
        const group = new TaskGroup(executor);
        group.submit(polite);
        group.submit(task, task.length === 1 ? () => 1 : 1);
        assertInstanceOf(await rejectionOf(group.close()), SerializationError);
      }
    },
  },
  {
    name: "shutdown() while a group has tasks",
    after: "shut down",
    async act(executor, gate) {
      const group = new TaskGroup(executor);
      const running = group.submit(hold, gate.handle, 1);
      await within(gate.waitEntered(1), "task begins");
      const ended = executor.shutdown();
      gate.open();
      await within(group.close(), "close()");
      await within(ended, "shutdown()");
      assertEquals(await outcomeOf(running), { value: 1 });
    },
  },
  {
    name: "shutdown({ cancelFutures: true }) while a group has tasks",
    after: "shut down",
    async act(executor, gate) {
      const group = new TaskGroup(executor);
      const { future: never } = new FutureSource<number>();
      const running = group.submit(hold, gate.handle, 1);
      const pending = group.submit(double, never);
      await within(gate.waitEntered(1), "task begins");
      const ended = executor.shutdown({ cancelFutures: true });
      gate.open();
      await within(group.close(), "close()"); // what was cancelled is no failure
      await within(ended, "shutdown()");
      assertEquals(await outcomeOf(running), { value: 1 });
      assertInstanceOf(await errorOf(pending), CancelledError);
    },
  },
  {
    name: "terminate() while a group has tasks",
    after: "shut down",
    async act(executor, gate) {
      const group = new TaskGroup(executor);
      group.submit(hold, gate.handle, 1);
      const { future: never } = new FutureSource<number>();
      const pending = group.submit(double, never);
      await within(gate.waitEntered(1), "task begins");
      const closed = rejectionOf(group.close());
      await within(executor.terminate(), "terminate()");
      assertInstanceOf(await closed, BrokenExecutorError);
      assertInstanceOf(await errorOf(pending), CancelledError);
    },
  },
  {
    name: "a death that breaks the executor while a group has tasks",
    after: "broken",
    skip: hitsTheTest,
    options: { onCrash: "break" },
    async act(executor, gate) {
      const group = new TaskGroup(executor);
      group.submit(hold, gate.handle, 1);
      await within(gate.waitEntered(1), "task begins");
      const closed = rejectionOf(group.close());
      assertBroken(await errorOf(executor.submit(leave, 3)));
      const error = await closed;
      for (const each of error instanceof AggregateError ? error.errors : [error]) {
        assertBroken(each);
      }
    },
  },
];

const FAMILIES: readonly Call[] = [
  {
    name: "a child that hangs",
    after: "works",
    async act(executor, _gate, kind) {
      const waiting = hurried(executor, kind).submit(async function (this: TaskContext) {
        await this.submit(() => new Promise(() => {}));
      });
      assertInstanceOf(await errorOf(waiting), TimeoutError);
    },
  },
  {
    name: "a task that hangs after it has submitted others",
    after: "works",
    async act(executor, _gate, kind) {
      const hanging = hurried(executor, kind).submit(async function (this: TaskContext) {
        await this.submit(() => 1);
        this.submit(() => new Promise(() => {}));
        await new Promise(() => {});
      });
      assertInstanceOf(await errorOf(hanging), TimeoutError);
    },
  },
  {
    name: "a child whose function is missing",
    after: "works",
    async act(executor) {
      const task = async function (this: TaskContext, child: typeof missing.none) {
        return await this.submit(child);
      };
      assertInstanceOf(await errorOf(executor.submit(task, missing.none)), TypeError);
    },
  },
];

const KEYS: readonly Call[] = [
  {
    name: "a task with an argument or a result that cannot be cloned before others of its key",
    after: "works",
    async act(executor) {
      const own = executor.with({ affinity: "a key" });
      const first = own.submit((x: unknown) => void x, () => 1);
      const second = own.submit(() => () => 1);
      const behind = [1, 2, 3].map((x) => own.submit(double, x));
      for (const future of [first, second]) {
        assertInstanceOf(await errorOf(future), SerializationError);
      }
      for (const [i, future] of behind.entries()) {
        assertEquals(await outcomeOf(future), { value: 2 * (i + 1) });
      }
    },
  },
  {
    name: "an abort of a task that waits for others of its key",
    after: "works",
    async act(executor, gate) {
      const own = executor.with({ affinity: "a key" });
      const running = own.submit(hold, gate.handle, 1);
      await within(gate.waitEntered(1), "task begins");
      const controller = new AbortController();
      const waiting = own.with({ signal: controller.signal }).submit(double, 1);
      const behind = own.submit(double, 2);
      const reason = new Error("enough");
      controller.abort(reason);
      assertEquals(await errorOf(waiting), reason);
      gate.open();
      assertEquals(await outcomeOf(running), { value: 1 });
      assertEquals(await outcomeOf(behind), { value: 4 });
    },
  },
];

const ARGUMENTS: readonly Call[] = [
  {
    name: "a task that waits for a future which never settles",
    after: "works",
    async act(executor, _gate, kind) {
      const { future: never } = new FutureSource<number>();
      const controller = new AbortController();
      const late = hurried(executor, kind); // its time has not begun
      const aborted = late.with({ signal: controller.signal }).submit(double, never);
      const cancelled = late.submit(double, never);
      assertEquals(await outcomeOf(executor.submit(double, 1)), { value: 2 });
      controller.abort(new RangeError("enough"));
      assertEquals([cancelled.state, cancelled.cancel()], ["pending", true]);
      assertInstanceOf(await errorOf(aborted), RangeError);
      assertInstanceOf(await errorOf(cancelled), CancelledError);
    },
  },
  {
    name: "a task that waits for a future whose result cannot be cloned",
    after: "works",
    async act(executor) {
      const source = new FutureSource<unknown>();
      const future = executor.submit((x: unknown) => typeof x, source.future);
      source.setResult(() => 1);
      assertInstanceOf(await errorOf(future), SerializationError);
    },
  },
];

const numbers = (): Float64Array => Float64Array.from({ length: 100 }, (_, i) => i);

/** What befalls the number 50, in a block and alone. */
interface Both {
  block(block: Float64Array): Float64Array;
  item(x: number): number;
}

const HANG: Both = {
  block: ((block) => block[0] === 50 ? new Promise(() => {}) : block) as Both["block"],
  item: ((x) => x === 50 ? new Promise(() => {}) : x) as Both["item"],
};

const DIE: Both = {
  block: (async (block: Float64Array) => {
    if (block[0] !== 50) return block;
    const { process, close } = globalThis as unknown as {
      process?: { exit?(exitCode: number): never };
      close(): void;
    };
    if (process?.exit !== undefined) process.exit(3);
    close();
    await new Promise(() => {});
  }) as unknown as Both["block"],
  item: (async (x: number) => {
    if (x !== 50) return x;
    const { process, close } = globalThis as unknown as {
      process?: { exit?(exitCode: number): never };
      close(): void;
    };
    if (process?.exit !== undefined) process.exit(3);
    close();
    await new Promise(() => {});
  }) as unknown as Both["item"],
};

const UNCLONABLE: Both = {
  block: (block) => block[0] === 50 ? (() => 1) as never : block,
  item: (x) => x === 50 ? (() => 1) as never : x,
};

const SAME: Both = { block: (block) => block, item: (x) => x };

/** Both ways over a typed array, in blocks and chunks of ten. */
function bothWays(
  executor: Executor,
  { block, item }: Both,
): readonly (AsyncIterator<unknown> & { toArray(): Promise<unknown[]> })[] {
  return [
    executor.mapBlocks(block, numbers(), { blockSize: 10 }),
    executor.map(item, numbers(), { chunkSize: 10 }),
  ];
}

const BLOCKS: readonly Call[] = [
  {
    name: "a block of `mapBlocks`, or a number of `map`, that hangs",
    after: "works",
    async act(executor, _gate, kind) {
      for (const results of bothWays(hurried(executor, kind), HANG)) {
        const error = await rejectionOf(results.toArray());
        // What else that worker was running ends with it.
        const isNeighbour = kind.perWorker > 1 && error instanceof WorkerCrashError;
        if (!isNeighbour) assertInstanceOf(error, TimeoutError);
      }
    },
  },
  {
    name: "a worker that dies at a number of `map` over a typed array",
    after: "works",
    skip: hitsTheTest,
    async act(executor) {
      for (const results of bothWays(executor, DIE)) {
        assertInstanceOf(await rejectionOf(results.toArray()), WorkerCrashError);
      }
    },
  },
  {
    name: "a result of `mapBlocks`, or of `map` over a typed array, that cannot be cloned",
    after: "works",
    async act(executor) {
      for (const results of bothWays(executor, UNCLONABLE)) {
        assertInstanceOf(await rejectionOf(results.toArray()), SerializationError);
      }
    },
  },
  {
    name: "an abort while `map` runs over a typed array",
    after: "works",
    async act(executor) {
      for (const which of [0, 1]) {
        const controller = new AbortController();
        const limited = executor.with({ signal: controller.signal });
        // One way alone: two that hang could take both workers before the first result is there.
        const results = which === 0
          ? limited.mapBlocks(HANG.block, numbers(), { blockSize: 10 })
          : limited.map(HANG.item, numbers(), { chunkSize: 10 });
        await within<unknown>(results.next(), "next()");
        controller.abort(new RangeError("enough"));
        assertInstanceOf(await rejectionOf(results.toArray()), RangeError);
      }
    },
  },
  {
    name: "shutdown() while `mapBlocks`, or `map` over a typed array, runs",
    after: "shut down",
    async act(executor) {
      const [blocks, items] = bothWays(executor, SAME).map((results) => results.toArray());
      const ended = executor.shutdown();
      assertEquals((await within(blocks!, "mapBlocks() ends")).length, 10);
      assertEquals((await within(items!, "map() ends")).length, 100);
      await within(ended, "shutdown()");
    },
  },
  {
    name: "a death that breaks the executor while `mapBlocks`, or `map` over a typed array, runs",
    after: "broken",
    skip: hitsTheTest,
    options: { onCrash: "break" },
    async act(executor) {
      const both = bothWays(executor, DIE);
      for (const end of both.map((results) => rejectionOf(results.toArray()))) {
        assertBroken(await end);
      }
    },
  },
];

/** What the kind of a thread pool does not matter for is done with one. */
function onFew(rows: readonly Call[]): Call[] {
  return rows.map((row) => ({
    ...row,
    skip: (kind) =>
      row.skip?.(kind) ??
        (kind.name.startsWith("ThreadPoolExecutor ")
          ? "it is done with ThreadPoolExecutor"
          : undefined),
  }));
}

export const SHAPES: readonly Call[] = [
  ...STREAMS,
  ...KEYS,
  ...onFew([...GROUPS, ...FAMILIES, ...ARGUMENTS, ...BLOCKS]),
];
