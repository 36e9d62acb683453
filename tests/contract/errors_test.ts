import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import {
  type Future,
  importTasks,
  SerializationError,
  transfer,
  WorkerCrashError,
} from "../../mod.ts";
import { Gate, IN_PAGE, leave, MUTED } from "./executors.ts";
import { blockAll, testEach } from "./subjects.ts";

const tasks = importTasks<typeof import("../fixtures/tasks.ts")>(
  import.meta.resolve("../fixtures/tasks.ts"),
);

// --- what tasks throw ---

testEach("any thrown value is a failure, and arrives as it left", async ({ create }) => {
  await using executor = create();
  const throwIt = (value: unknown): never => {
    throw value;
  };
  for (const value of [undefined, null, 0, "", "text", false, { a: [1] }]) {
    const future = executor.submit(throwIt, value);
    assertEquals(await future.exception(), value);
    assertEquals([future.state, await future.then(() => "value", () => "error")], [
      "finished",
      "error",
    ]);
  }
});

testEach(
  "an error keeps class, name, message, properties, cause and the worker's stack",
  async ({ create }) => {
    await using executor = create();
    const error = await executor.submit(tasks.throwHttpError).exception() as RangeError & {
      status: number;
    };
    assertInstanceOf(error, RangeError);
    assertEquals([error.name, error.message, error.status], ["HttpError", "Not found", 404]);
    assertInstanceOf(error.cause, TypeError);
    assertStringIncludes(error.stack!, "throwHttpError");
  },
);

testEach("AggregateError and DOMException arrive whole", async ({ create }) => {
  await using executor = create();
  const all = await executor.submit(() => {
    throw new AggregateError([new RangeError("a"), "b"], "both");
  }).exception() as AggregateError;
  assertInstanceOf(all, AggregateError);
  assertInstanceOf(all.errors[0], RangeError);
  assertEquals([all.message, all.errors[1]], ["both", "b"]);
  const dom = await executor.submit(() => {
    throw new DOMException("m", "QuotaExceededError");
  }).exception();
  assertInstanceOf(dom, DOMException);
});

testEach("what cannot be sent as an error settles the future all the same", async ({ create }) => {
  await using executor = create();
  const hostile = [
    () => {
      throw () => 1;
    },
    () => {
      throw Symbol("s");
    },
    () => {
      throw new Proxy({}, {
        get() {
          throw new Error("trap");
        },
      });
    },
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      throw proxy;
    },
    () => {
      throw Object.freeze(Object.assign(new Error("cold"), { f: () => 1 }));
    },
    () => {
      const error = new Error("circle");
      error.cause = error;
      throw error;
    },
    () => {
      let error = new Error("0");
      for (let i = 0; i < 10_000; i++) error = new Error("deep", { cause: error });
      throw error;
    },
    () => {
      const error = new Error("m");
      Object.defineProperty(error, "message", {
        get() {
          throw 1;
        },
      });
      throw error;
    },
  ];
  for (const task of hostile) {
    const future = executor.submit(task);
    await future.exception();
    assertEquals(future.state, "finished");
  }
  assertEquals(executor.stats().crashed, 0);
});

testEach(
  "a TimeoutError or CancelledError of the task is told from the library's own",
  async ({ create }) => {
    await using executor = create();
    const future = executor.submit(() => {
      throw Object.assign(new Error("mine"), { name: "CancelledError" });
    });
    const error = await future.exception() as Error;
    assertEquals([future.cancelled(), error.name, error.message], [
      false,
      "CancelledError",
      "mine",
    ]);
  },
);

testEach(
  "a closure rejects with a ReferenceError that names the variable and says what to do",
  async ({ create, inline }) => {
    await using executor = create();
    const outside = 41;
    const future = executor.submit(() => outside + 1);
    if (inline) {
      assertEquals(await future, 42); // on this thread a function sees its surroundings
      return;
    }
    const error = await assertRejects(() => future.result(), ReferenceError);
    assertStringIncludes(error.message, "outside");
    assertStringIncludes(error.message, "importTasks");
    assertStringIncludes(error.message, "as an argument");
  },
);

// --- what cannot be cloned ---

testEach(
  "an argument that cannot be cloned fails its own future, and names itself",
  async ({ create }) => {
    await using executor = create();
    const before = executor.submit((x: number) => x, 1);
    const bad = executor.submit((a: number, b: unknown) => [a, b], 1, () => 1);
    const after = executor.submit((x: number) => x, 2);
    const error = await assertRejects(() => bad.result(), SerializationError, "argument 2 of task");
    assert(error.cause !== undefined);
    assertEquals(await Promise.all([before, after]), [1, 2]);
  },
);

testEach(
  "an argument whose getter throws fails its own future with that error as cause",
  async ({ create }) => {
    await using executor = create();
    const trap = {
      get value() {
        throw new RangeError("trap");
      },
    };
    const error = await assertRejects(
      () => executor.submit((x: unknown) => x, trap as unknown).result(),
      SerializationError,
    );
    assertInstanceOf(error.cause, RangeError);
    assertEquals(await executor.submit(() => 1), 1);
  },
);

testEach(
  "a result that cannot be cloned fails its own future, not those gathered with it",
  async ({ create }) => {
    await using executor = create();
    const task = (i: number): unknown => i % 10 === 3 ? () => i : i;
    // Known to be short, so that results are gathered.
    await Promise.all(Array.from({ length: 300 }, () => executor.submit((i: number) => i, 0)));
    const futures = Array.from({ length: 200 }, (_, i) => executor.submit(task, i));
    for (let i = 0; i < futures.length; i++) {
      if (i % 10 === 3) {
        await assertRejects(() => futures[i]!.result(), SerializationError, "the result of task");
      } else assertEquals(await futures[i], i);
    }
  },
);

// --- what cannot be submitted ---

testEach("submit() refuses what is no task, at once, and is unharmed", async ({ create }) => {
  await using executor = create();
  class Task {}
  const wrong: [unknown, string][] = [
    [(() => 42)(), "pass the function itself, not the result of calling it"],
    ["task", "pass the function itself"],
    [undefined, "pass the function itself"],
    [Task, "class"],
    [Math.max, "native or bound"],
    [(() => 1).bind(null), "native or bound"],
    [{ method() {} }.method, "method"],
    [function* () {}, "generator"],
  ];
  for (const [task, advice] of wrong) {
    assertThrows(() => executor.submit(task as () => void), TypeError, advice);
    assertThrows(() => executor.map(task as (x: number) => void, [1]), TypeError, advice);
  }
  assertEquals(executor.stats().workers, 0);
  assertEquals(await executor.submit(() => "unharmed"), "unharmed");
});

testEach(
  "map() refuses what is no iterable, and unknown kinds of options, at once",
  async ({ create }) => {
    await using executor = create();
    const task = (x: number): number => x;
    for (const items of [undefined, null, 5, {}, () => []]) {
      assertThrows(() => executor.map(task, items as unknown as number[]), TypeError);
    }
    assertThrows(
      () => (executor.map as (...all: unknown[]) => unknown).call(executor, task),
      TypeError,
    );
    for (const size of ["1", null, NaN, {}]) {
      const kind = typeof size === "number" ? RangeError : TypeError;
      assertThrows(() => executor.map(task, [1], { chunkSize: size as number }), kind);
      assertThrows(() => executor.map(task, [1], { bufferSize: size as number }), kind);
    }
    for (const size of [0, -1, 1.5]) {
      assertThrows(() => executor.map(task, [1], { chunkSize: size }), RangeError);
      assertThrows(() => executor.map(task, [1], { bufferSize: size }), RangeError);
    }
    assertThrows(() => executor.map(task, [1], { timeout: NaN }), TypeError);
    assertThrows(() => executor.map(task, [1], { settled: 1 as unknown as boolean }), TypeError);
    assertEquals(executor.stats().workers, 0);
  },
);

// --- transfer ---

testEach("transfer() moves arguments and results", async ({ create }) => {
  await using executor = create();
  const bytes = new Uint8Array([1, 2, 3]);
  const future = executor.submit(
    (b: Uint8Array) => b.reduce((a, x) => a + x, 0),
    transfer(bytes, [bytes.buffer]),
  );
  assertEquals(bytes.length, 3); // it moves when the task is sent, not before
  assertEquals(await future, 6);
  assertEquals(bytes.length, 0);
});

testEach(
  "a task that is cancelled before it was sent still owns its buffers",
  async ({ create }) => {
    await using executor = create();
    const bytes = new Uint8Array(8);
    const future = executor.submit((b: Uint8Array) => b.length, transfer(bytes, [bytes.buffer]));
    assert(future.cancel());
    await executor.submit(() => 1);
    assertEquals(bytes.length, 8);
  },
);

testEach(
  "what is transferred arrives whole, also behind a task that was thought to be short",
  async ({ create, several }) => {
    await using executor = create({ maxWorkers: Math.min(several, 2) });
    const sizeOf = async (buffer: ArrayBuffer, milliseconds: number): Promise<number> => {
      if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return buffer.byteLength;
    };
    const submit = (milliseconds: number): Future<number> => {
      const buffer = new ArrayBuffer(64);
      return executor.submit(sizeOf, transfer(buffer, [buffer]), milliseconds);
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 50 }, () => executor.submit(sizeOf, new ArrayBuffer(8), 0)),
      );
    }
    // Were they sent ahead, those behind the first would have to be sent a second time, empty.
    const futures = [submit(200), ...Array.from({ length: 60 }, () => submit(0))];
    assertEquals(await Promise.all(futures), futures.map(() => 64));
  },
);

testEach(
  "a transfer behind a task that kills its worker runs on the next one",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1, tasksPerWorker: 1 });
    const buffer = new ArrayBuffer(64);
    const crash = executor.submit(leave, 1);
    const behind = executor.submit((b: ArrayBuffer) => b.byteLength, transfer(buffer, [buffer]));
    await assertRejects(() => crash.result(), WorkerCrashError);
    assertEquals(await behind, 64);
  },
  { parallel: true },
);

testEach("a SharedArrayBuffer is shared", async ({ create }) => {
  await using executor = create();
  const shared = new Int32Array(new SharedArrayBuffer(4));
  await executor.submit((s: Int32Array) => Atomics.store(s, 0, 42), shared);
  assertEquals(shared[0], 42);
}, { memory: true });

// --- workers that die ---

testEach(
  "a worker that exits fails only the task it ran, with its exit code",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1, tasksPerWorker: 1 });
    const crash = executor.submit(leave, 7);
    const behind = Array.from({ length: 20 }, (_, i) => executor.submit((x: number) => x, i));
    const error = await assertRejects(() => crash.result(), WorkerCrashError);
    assertEquals(error.exitCode, IN_PAGE ? 0 : 7);
    assertEquals(await Promise.all(behind), behind.map((_, i) => i));
    assertEquals(executor.stats().crashed, 1);
  },
  { parallel: true },
);

testEach("an error outside of the task fails it with that error as cause", async ({ create }) => {
  await using executor = create();
  const future = executor.submit(() => {
    setTimeout(() => {
      throw new RangeError("in a timer");
    });
    return new Promise<void>(() => {});
  });
  const error = await assertRejects(() => future.result(), WorkerCrashError);
  if (MUTED === undefined) assertInstanceOf(error.cause, RangeError);
  else assertEquals((error.cause as Error).message, MUTED);
  const rejection = executor.submit(() => {
    Promise.reject(new TypeError("nobody catches"));
    return new Promise<void>(() => {});
  });
  assertInstanceOf(
    (await assertRejects(() => rejection.result(), WorkerCrashError)).cause,
    TypeError,
  );
  assertEquals(await executor.submit(() => "alive"), "alive");
}, { parallel: true });

testEach(
  "a stray error after its task is nobody's, and the worker is replaced",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await executor.submit(() => {
        setTimeout(() => {
          throw new Error("later");
        }, 5);
        return "done";
      }),
      "done",
    );
    while (executor.stats().crashed === 0) await delay(1);
    assertEquals(await executor.submit(() => "alive"), "alive");
  },
  { parallel: true },
);

testEach(
  "three deaths in a row break the executor, and all that is pending",
  async ({ create, brokenError }) => {
    await using executor = create({ maxWorkers: 1, tasksPerWorker: 1 });
    const futures = Array.from({ length: 5 }, () => executor.submit(leave, 1));
    const errors = await Promise.all(futures.map((future) => future.exception()));
    assertEquals(
      errors.map((error) => (error as Error).name),
      [
        "WorkerCrashError",
        "WorkerCrashError",
        "WorkerCrashError",
        brokenError.name,
        brokenError.name,
      ],
    );
    assertThrows(() => executor.submit(() => 1), brokenError);
  },
  { parallel: true },
);

testEach('onCrash: "break" is the rule of Python\'s process pools', async (kind) => {
  const { brokenError } = kind;
  await using executor = kind.create({ maxWorkers: 2, onCrash: "break", tasksPerWorker: 1 });
  using gate = new Gate(kind);
  await blockAll(executor, gate);
  const exit = executor.submit(leave, 1);
  const pending = executor.submit(() => 1);
  gate.open();
  await assertRejects(() => exit.result());
  const outcome = await pending.exception();
  assert(outcome === undefined || outcome instanceof brokenError);
  assertThrows(() => executor.submit(() => 1), brokenError);
}, { parallel: true, options: true });

testEach("stack overflow in a task is its error", async ({ create }) => {
  await using executor = create();
  const future = executor.submit(() => {
    const deep = (n: number): number => 1 + deep(n + 1) + 1;
    return deep(0);
  });
  // Firefox has a class of its own for it.
  const { InternalError = RangeError } = globalThis as { InternalError?: typeof RangeError };
  assertInstanceOf(await future.exception(), InternalError);
  assertEquals(await executor.submit(() => "alive"), "alive");
});
