import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import {
  CancelledError,
  Executor,
  type Future,
  FutureSource,
  InvalidStateError,
  type Task,
  type TaskContext,
  TaskGroup,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { testEach } from "./subjects.ts";

/** A task that lasts until it is aborted. */
function endless(this: TaskContext): Promise<never> {
  return new Promise((_, reject) => {
    this.signal.addEventListener("abort", () => reject(new Error("was aborted")));
  });
}

function fail(message: string): never {
  throw new RangeError(message);
}

testEach("TaskGroup: the end of the block waits for all tasks", async ({ create }) => {
  await using executor = create();
  let futures: Future<number>[];
  {
    await using group = new TaskGroup(executor);
    futures = group.map((x: number) => x * x, [1, 2, 3]);
    futures.push(group.submit((a: number, b: number) => a + b, 20, 22));
  }
  assert(futures.every((future) => future.done()));
  assertEquals(await Promise.all(futures), [1, 4, 9, 42]);
});

testEach("TaskGroup: thousands of tasks", async ({ create }) => {
  await using executor = create();
  const results = await TaskGroup.run(executor, async (group) => {
    const futures = group.map((x: number) => x + 1, Array.from({ length: 3_000 }, (_, i) => i));
    return await Promise.all(futures);
  });
  assertEquals(results, Array.from({ length: 3_000 }, (_, i) => i + 1));
});

testEach("TaskGroup: the first failure aborts the rest, and is thrown", async ({ create }) => {
  await using executor = create();
  const group = new TaskGroup(executor);
  const running = group.submit(endless);
  const failing = group.submit(fail, "first");
  const pending = Array.from({ length: 50 }, () => group.submit(endless));
  const error = await assertRejects(() => group.close(), RangeError, "first");
  assertStrictEquals(error, await failing.exception());
  for (const future of [running, ...pending]) {
    assert(future.done());
    const reason = await assertRejects(() => future.result(), CancelledError);
    assertStrictEquals(reason.cause, error);
  }
  assert(group.signal.aborted);
  assertEquals(await executor.submit(() => "alive"), "alive");
});

test("TaskGroup: what failed in the same moment comes in an AggregateError", async () => {
  const sources: FutureSource<unknown>[] = [];
  class Fake extends Executor {
    override submit<A extends unknown[], R>(_fn: Task<A, R>, ..._args: A): Future<Awaited<R>> {
      const source = new FutureSource<unknown>();
      sources.push(source);
      return source.future as Future<Awaited<R>>;
    }
    override with(): Executor {
      return this;
    }
  }
  const group = new TaskGroup(new Fake());
  group.map(fail, ["a", "b", "c"]);
  const closed = group.close();
  sources[0]!.setException("a");
  sources[1]!.setException("b");
  let ended = false;
  closed.catch(() => ended = true);
  await Promise.resolve();
  assert(group.signal.aborted);
  await delay(0);
  assert(!ended); // it waits for the third
  sources[2]!.setException(group.signal.reason);
  const error = await assertRejects(() => closed, AggregateError);
  assertEquals(error.errors, ["a", "b"]);
});

testEach("TaskGroup: a cancelled task is no failure", async ({ create }) => {
  await using executor = create();
  const group = new TaskGroup(executor);
  assert(group.submit((x: number) => x, 1).cancel());
  const other = group.submit((x: number) => x, 2);
  await group.close();
  assertEquals(await other, 2);
});

testEach("TaskGroup.cancel() ends it early, and close() does not throw", async ({ create }) => {
  await using executor = create();
  const group = new TaskGroup(executor, { limit: 1 });
  const futures = group.map(endless as () => Promise<never>, [1, 2, 3]);
  const reason = new Error("enough");
  group.cancel(reason);
  await group.close();
  for (const future of futures) {
    assertStrictEquals((await Promise.allSettled([future]))[0]!.status, "rejected");
  }
  await assertRejects(() => futures[2]!.result(), Error, "enough");
  assertThrows(() => group.submit(() => 1), InvalidStateError);
});

// Both end in one message: what the first one's awaiter submits came before close() had gone on.
testEach(
  "TaskGroup.close() waits for what an awaiter submits as the last tasks end",
  async (kind) => {
    await using executor = kind.create();
    await executor.submit((x: number) => x, 0); // known to be short: the next ones go together
    for (let i = 0; i < 5; i++) {
      const group = new TaskGroup(executor);
      let late: Future<number> | undefined;
      const first = group.submit((x: number) => x, 1);
      group.submit((x: number) => x, 2);
      const chained = first.then(() => {
        late = group.submit(() => new Promise<number>((resolve) => setTimeout(resolve, 10, 3)));
      }).catch(() => {}); // they may end in two messages: then the group is closed
      await group.close();
      assert(late?.done() ?? true);
      await chained;
    }
  },
);

// Under a limit they waited in the group, where nobody cancelled them: close() hung.
testEach("TaskGroup.submit() after cancel() is cancelled at once", async ({ create }) => {
  await using executor = create();
  const group = new TaskGroup(executor, { limit: 1 });
  const first = group.submit(endless);
  group.cancel();
  const waiting = new FutureSource<number>();
  const late = [
    group.submit((x: number) => x, 1),
    group.submit((x: number) => x, waiting.future),
  ];
  assert(late.every((future) => future.cancelled()));
  await group.close();
  assert(first.done());
});

testEach("TaskGroup.run(): the block's own error wins, after all have ended", async (kind) => {
  await using executor = kind.create();
  let task: Future<never> | undefined;
  await assertRejects(
    () =>
      TaskGroup.run(executor, (group) => {
        task = group.submit(endless);
        throw new SyntaxError("the block's");
      }),
    SyntaxError,
    "the block's",
  );
  assert(task!.done());
  // A failure that the block awaits is thrown as it is.
  await assertRejects(
    () => TaskGroup.run(executor, (group) => group.submit(fail, "x")),
    RangeError,
  );
  // What the group did to the block's task is not the block's error.
  await assertRejects(
    () =>
      TaskGroup.run(executor, async (group) => {
        const other = group.submit(endless);
        group.submit(fail, "own");
        await other;
      }),
    RangeError,
    "own",
  );
  assertEquals(await TaskGroup.run(executor, (group) => group.submit(() => 3)), 3);
});

testEach("TaskGroup: an outer group, or the executor's signal, aborts it", async ({ create }) => {
  await using executor = create();
  const outer = new TaskGroup(executor);
  const inner = new TaskGroup(outer);
  const task = inner.submit(endless);
  outer.submit(fail, "outer");
  await assertRejects(() => outer.close(), RangeError, "outer");
  await inner.close();
  assert(task.done());

  const controller = new AbortController();
  const group = new TaskGroup(executor.with({ signal: controller.signal }));
  group.submit(endless);
  controller.abort(new Error("from outside"));
  await assertRejects(() => group.close(), Error, "from outside");
  const late = new TaskGroup(executor.with({ signal: controller.signal }));
  assert(late.submit(() => 1).cancelled());
  await assertRejects(() => late.close(), Error, "from outside");
});

testEach("TaskGroup: no more than limit tasks are with the executor", async ({ create }) => {
  await using executor = create();
  const group = new TaskGroup(executor, { limit: 3 });
  let most = 0;
  const futures = Array.from({ length: 2000 }, (_, i) => {
    const future = group.submit((x: number) => x, i);
    future.addDoneCallback(() => {
      const { pending, running } = executor.stats();
      most = Math.max(most, pending + running);
    });
    return future;
  });
  assertEquals(futures[1000]!.cancel(), true);
  await group.close();
  assert(most <= 3);
  assertEquals(await futures[1999], 1999);
  assert(futures[1000]!.cancelled());
});

testEach("TaskGroup: tasks may be submitted while it closes; options are checked", async (kind) => {
  await using executor = kind.create();
  const group = new TaskGroup(executor);
  group.submit(() => 1);
  const closed = group.close();
  const late = group.submit(() => 2);
  await closed;
  assertEquals([late.done(), await late], [true, 2]);
  assertThrows(() => new TaskGroup(executor, { limit: 0 }), RangeError);
  assertThrows(() => new TaskGroup(executor, { limits: 1 } as object), TypeError, "limit");
  assertThrows(() => new TaskGroup(undefined as unknown as Executor), TypeError, "executor");
});
