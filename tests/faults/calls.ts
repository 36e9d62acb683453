/**
 * Faults of the caller's side: callbacks, inputs, and shutdown() and terminate() at any time.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type Future,
  importTasks,
  ShutdownError,
  type TaskContext,
  type ThreadPoolExecutorOptions,
  WorkerCrashError,
} from "../../mod.ts";
import { type ExecutorKind, type Gate, hold, leave } from "../contract/executors.ts";
import { hitsTheTest, isSlow, outcomeOf, takesOthers, within } from "./fault.ts";
import { SHAPES } from "./shapes.ts";

/** One row: something that the caller does at a bad time. */
export interface Call {
  /** As in `docs/faults.md`. */
  readonly name: string;
  /** Does it, and checks what it sees. */
  act(executor: Executor, gate: Gate, kind: ExecutorKind): Promise<void>;
  /** What the executor is afterwards. */
  readonly after: "works" | "shut down" | "broken";
  readonly options?: ThreadPoolExecutorOptions;
  /** It befalls processes and nothing else. */
  readonly onlyProcesses?: boolean;
  skip?(kind: ExecutorKind): string | undefined;
}

const nested = importTasks<typeof import("./nested_tasks.ts")>(
  import.meta.resolve("./nested_tasks.ts"),
);
const hang = importTasks<{ hang(): void }>(
  "data:text/javascript,export function hang() {} await new Promise((r) => setTimeout(r, 60000));",
);

const double = (x: number): number => 2 * x;

/** Runs while what it prints as errors is kept from the console. */
async function silently(run: () => Promise<void>): Promise<unknown[][]> {
  const printed: unknown[][] = [];
  const { error } = console;
  console.error = (...args: unknown[]) => printed.push(args);
  try {
    await run();
  } finally {
    console.error = error;
  }
  return printed;
}

/** Each has ended, as its right value or as one of those that a stop makes. */
async function allEnd(futures: readonly Future<number>[]): Promise<void> {
  for (const [i, future] of futures.entries()) {
    const outcome = await outcomeOf(future);
    if ("value" in outcome) assertEquals(outcome.value, 2 * i);
    else {
      const { error } = outcome;
      const stopped = error instanceof CancelledError || error instanceof BrokenExecutorError;
      assert(stopped, `${error}`);
    }
  }
}

const CALLBACKS: readonly Call[] = [
  {
    name: "a done callback that throws",
    after: "works",
    async act(executor) {
      const printed = await silently(async () => {
        const future = executor.submit(double, 1);
        let called = 0;
        for (const thrown of [new RangeError("mine"), undefined, Object.create(null)]) {
          future.addDoneCallback(() => {
            called++;
            throw thrown;
          });
        }
        assertEquals(await outcomeOf(future), { value: 2 });
        await outcomeOf(executor.submit(double, 2));
        assertEquals(called, 3);
      });
      assertEquals(printed.length, 3);
    },
  },
  {
    name: "a then handler that throws",
    after: "works",
    async act(executor) {
      const future = executor.submit(double, 1);
      const handled = future.then(() => {
        throw new RangeError("mine");
      });
      await assertRejects(() => handled, RangeError, "mine");
      assertEquals(await outcomeOf(future), { value: 2 });
    },
  },
  {
    name: "shutdown() from an onProgress",
    after: "shut down",
    async act(executor) {
      let ended: Promise<void> | undefined;
      const future = executor.with({ onProgress: () => ended = executor.shutdown() })
        .submit(function (this: TaskContext) {
          this.report(1);
          return 2;
        });
      assertEquals(await outcomeOf(future), { value: 2 });
      assert(ended !== undefined);
      await within(ended, "shutdown()");
    },
  },
  {
    name: "terminate() from an onProgress",
    after: "shut down",
    async act(executor) {
      let ended: Promise<void> | undefined;
      const future = executor.with({ onProgress: () => ended = executor.terminate() })
        .submit(function (this: TaskContext) {
          this.report(1);
          return new Promise<void>(() => {});
        });
      const outcome = await outcomeOf(future);
      assert("error" in outcome);
      assertInstanceOf(outcome.error, BrokenExecutorError);
      await within(ended!, "terminate()");
    },
  },
  {
    name: "shutdown() from the input of map()",
    after: "shut down",
    async act(executor) {
      function* input(): Generator<number> {
        yield 1;
        yield 2;
        executor.shutdown();
        yield 3;
      }
      const results = executor.map(double, input(), { bufferSize: 1 });
      const taken: number[] = [];
      let error: unknown;
      try {
        for (;;) {
          const { done, value } = await within(results.next(), "next()");
          if (done) break;
          taken.push(value);
        }
      } catch (reason) {
        error = reason;
      }
      assertEquals(taken.slice(0, 2), [2, 4]);
      assert(error === undefined || error instanceof ShutdownError, `${error}`);
    },
  },
  {
    name: "terminate() from the input of map()",
    after: "shut down",
    async act(executor) {
      function* input(): Generator<number> {
        yield 1;
        yield 2;
        executor.terminate();
        yield 3;
      }
      const results = executor.map(double, input(), { bufferSize: 1 });
      await within(results.toArray().then(() => {}, () => {}), "the iteration ends");
    },
  },
  {
    name: "an asynchronous input that rejects, and whose return() throws",
    after: "works",
    async act(executor) {
      const input = {
        [Symbol.asyncIterator]: () => {
          let at = 0;
          return {
            next: () =>
              ++at < 3
                ? Promise.resolve({ done: false, value: at })
                : Promise.reject(new RangeError("input")),
            return: () => {
              throw new TypeError("return");
            },
          };
        },
      };
      const results = executor.map(double, input as AsyncIterable<number>);
      assertEquals((await within(results.next(), "next()")).value, 2);
      assertEquals((await within(results.next(), "next()")).value, 4);
      await assertRejects(() => within(results.next(), "next()"), RangeError, "input");
      assertEquals((await within(results.next(), "next()")).done, true);
    },
  },
  {
    name: "an asynchronous input that hangs",
    after: "works",
    async act(executor) {
      const input = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<IteratorResult<number>>(() => {}),
          return: () => new Promise<IteratorResult<number>>(() => {}),
        }),
      };
      const results = executor.map(double, input, { timeout: 20 });
      await assertRejects(() => within(results.next(), "next()"), Error, "20 ms");
      assertEquals((await within(results.next(), "next()")).done, true);
    },
  },
];

const NESTED: readonly Call[] = [
  {
    name: "a task that uses an executor in its worker, crashes it and leaves it",
    after: "works",
    skip: isSlow, // Deno 2.9 delays the first messages of a worker's worker by half a second
    async act(executor) {
      const outcome = await outcomeOf(executor.submit(nested.useExecutor, 21));
      assertEquals(outcome, { value: [42, "WorkerCrashError"] });
    },
  },
];

const SHUTDOWNS: readonly Call[] = [
  {
    name: "shutdown() twice while workers start",
    after: "shut down",
    async act(executor) {
      const futures = Array.from({ length: 6 }, (_, i) => executor.submit(double, i));
      const both = Promise.all([executor.shutdown(), executor.shutdown()]);
      for (const [i, future] of futures.entries()) {
        assertEquals(await outcomeOf(future), { value: 2 * i });
      }
      await within(both, "shutdown()");
    },
  },
  {
    name: "shutdown() while a worker crashes",
    after: "shut down",
    skip: (kind) => hitsTheTest(kind) ?? takesOthers(kind),
    async act(executor, gate) {
      const running = executor.submit(hold, gate.handle, 1);
      await within(gate.waitEntered(1), "task begins");
      const crash = executor.submit(leave, 3);
      const futures = Array.from({ length: 6 }, (_, i) => executor.submit(double, i));
      const ended = executor.shutdown();
      const outcome = await outcomeOf(crash);
      assert("error" in outcome);
      assertInstanceOf(outcome.error, WorkerCrashError);
      for (const [i, future] of futures.entries()) {
        assertEquals(await outcomeOf(future), { value: 2 * i });
      }
      gate.open();
      await outcomeOf(running); // its worker may be the one that has crashed
      await within(ended, "shutdown()");
    },
  },
  {
    name: "shutdown({ cancelFutures: true }) while an initializer hangs",
    after: "shut down",
    skip: ({ inline }) => inline ? "it has no initializer" : undefined,
    options: { initializer: () => new Promise<void>(() => {}) },
    async act(executor) {
      const future = executor.submit(double, 1);
      await delay(50); // it may have begun
      const ended = executor.shutdown({ cancelFutures: true });
      assertEquals(future.cancelled(), true);
      await within(ended, "shutdown()");
    },
  },
  {
    name: "a crash storm while it shuts down",
    after: "broken",
    skip: (kind) => hitsTheTest(kind) ?? takesOthers(kind),
    async act(executor) {
      const futures = Array.from({ length: 8 }, () => executor.submit(leave, 3));
      const ended = executor.shutdown();
      for (const future of futures) {
        const outcome = await outcomeOf(future);
        assert("error" in outcome);
        const { error } = outcome;
        assert(error instanceof WorkerCrashError || error instanceof BrokenExecutorError);
      }
      await within(ended, "shutdown()");
    },
  },
];

const TERMINATES: readonly Call[] = [
  {
    name: "terminate() while workers start",
    after: "shut down",
    async act(executor) {
      const futures = Array.from({ length: 6 }, (_, i) => executor.submit(double, i));
      await within(executor.terminate(), "terminate()");
      await allEnd(futures);
    },
  },
  {
    name: "terminate() a moment after workers have started",
    after: "shut down",
    async act(executor) {
      const futures = Array.from({ length: 2_000 }, (_, i) => executor.submit(double, i));
      await futures[0];
      await within(executor.terminate(), "terminate()");
      await allEnd(futures);
    },
  },
  {
    name: "terminate() while an initializer hangs",
    after: "shut down",
    skip: ({ inline }) => inline ? "it has no initializer" : undefined,
    options: { initializer: () => new Promise<void>(() => {}) },
    async act(executor) {
      const future = executor.submit(double, 0);
      const warm = executor.warmUp();
      await delay(50);
      const ended = executor.terminate();
      await assertRejects(() => within(warm, "warmUp()"));
      await allEnd([future]);
      await within(ended, "terminate()");
    },
  },
  {
    name: "terminate() while an initializer is busy for ever",
    after: "shut down",
    skip: (kind) => kind.inline ? "it has no initializer" : isSlow(kind),
    options: {
      initializer: () => {
        for (;;);
      },
    },
    async act(executor) {
      const future = executor.submit(double, 0);
      await delay(50);
      await within(executor.terminate(), "terminate()");
      await allEnd([future]);
    },
  },
  {
    name: "terminate() while a module hangs at load",
    after: "shut down",
    async act(executor) {
      const future = executor.submit(hang.hang);
      await delay(50);
      await within(executor.terminate(), "terminate()");
      assert("error" in await outcomeOf(future));
    },
    skip: ({ inline }) => inline ? "its timer would hold the test up" : undefined,
  },
  {
    name: "terminate() while a worker crashes",
    after: "shut down",
    skip: hitsTheTest,
    async act(executor) {
      const crash = executor.submit(leave, 3);
      const futures = Array.from({ length: 6 }, (_, i) => executor.submit(double, i));
      crash.addDoneCallback(() => executor.terminate());
      assert("error" in await outcomeOf(crash));
      await within(executor.terminate(), "terminate()");
      await allEnd(futures);
    },
  },
  {
    name: "terminate() after shutdown() while a task hangs",
    after: "shut down",
    async act(executor) {
      const future = executor.submit(() => new Promise<number>(() => {}));
      const ended = executor.shutdown();
      await within(executor.terminate(), "terminate()");
      await within(ended, "shutdown()");
      await allEnd([future]);
    },
  },
];

export const CALLS: readonly Call[] = [
  ...CALLBACKS,
  ...NESTED,
  ...SHUTDOWNS,
  ...TERMINATES,
  ...SHAPES,
];
