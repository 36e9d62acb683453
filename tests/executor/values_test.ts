/**
 * Values that are hard to carry: too deep, of another realm, of classes of the runtime, or of use only
 * where they were made. Each fails alone, or arrives as `structuredClone` would have it.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import vm from "node:vm";
import { SerializationError, transfer } from "../../mod.ts";
import { isProcesses } from "../contract/executors.ts";
import { testEach } from "../contract/subjects.ts";

const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

testEach(
  "a result that is too deep for the other side fails alone, or arrives",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    const nest = (n: number): unknown => {
      let list: unknown = n;
      for (let i = 0; i < (n === 20 ? 30_000 : 0); i++) list = i % 2 === 0 ? { list } : [list];
      return list;
    };
    await executor.map(nest, [1, 2, 3]).toArray();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => executor.submit(nest, i)),
    );
    const mapped = await executor.map(nest, Array.from({ length: 40 }, (_, i) => i), {
      chunkSize: 8,
      settled: true,
    }).toArray();
    for (const all of [outcomes, mapped]) {
      const [deep] = all.splice(20, 1);
      if (deep!.status === "rejected") assertInstanceOf(deep!.reason, SerializationError);
      for (const outcome of all) assertEquals(outcome.status, "fulfilled");
    }
    assertEquals(executor.stats().crashed, 0);
  },
  { parallel: true },
);

testEach(
  "an error whose properties share lists, or that has endless prototypes",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    const shared = await executor.submit(() => {
      let list: unknown[] = [new Error("leaf")];
      for (let i = 0; i < 30; i++) list = [list, list, new Error("link")];
      throw Object.assign(new Error("dag"), { list });
    }).exception() as Error & { list: unknown[] };
    assertEquals(shared.message, "dag");
    assert(shared.list[0] === shared.list[1]);
    assertInstanceOf(shared.list[2], Error);
    const odd = executor.submit(() => {
      const next = (): object => new Proxy({}, { getPrototypeOf: next });
      throw next();
    });
    await odd.exception();
    assertEquals(odd.state, "finished");
  },
  { parallel: true },
);

testEach(
  "errors keep which of their properties are enumerable, at any depth",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    const error = await executor.submit(() => {
      const inner = Object.assign(new RangeError("i"), { code: "E_I", cause: "c" });
      const outer = Object.assign(new Error("o", { cause: { inner } }), {
        errors: [{ path: "a" }],
      });
      throw Object.defineProperty(outer, "hidden", { value: 1 });
    }).exception() as Error & { hidden: number; cause: { inner: Error & { code: string } } };
    assertEquals(JSON.stringify(error), '{"errors":[{"path":"a"}]}');
    assertEquals(error.hidden, 1);
    const { inner } = error.cause;
    assertInstanceOf(inner, RangeError);
    assertEquals(JSON.parse(JSON.stringify(inner)), { code: "E_I", cause: "c" });
  },
  { parallel: true },
);

testEach("errors of the runtime's classes arrive with their class", async ({ create }) => {
  await using executor = create({ maxWorkers: 1 });
  const compile = await executor.submit(() => {
    throw new WebAssembly.CompileError("w");
  }).exception();
  assertInstanceOf(compile, WebAssembly.CompileError);
  const assertion = await executor.submit(async () => {
    const { AssertionError } = await import("node:assert");
    throw new AssertionError({ actual: 1, expected: 2, operator: "strictEqual" });
  }).exception();
  const { AssertionError } = await import("node:assert");
  assertInstanceOf(assertion, AssertionError);
  assertEquals((assertion as unknown as { expected: number }).expected, 2);
}, { parallel: true });

testEach("values and errors of another realm arrive as what they are", async ({ create }) => {
  await using executor = create({ maxWorkers: 1 });
  const same = (x: unknown): unknown => x;
  for (
    const source of [
      "new Map([[1, 2]])",
      "new Set([1])",
      "new Date(5)",
      "/a/g",
      "new ArrayBuffer(4)",
      "new Uint8Array(2)",
      "new RangeError('x')",
      "new String('x')",
      "[1, 2]",
      "({ a: 1 })",
    ]
  ) {
    const value: unknown = vm.runInNewContext(source);
    assertEquals(tagOf(await executor.submit(same, value)), tagOf(value), source);
  }
  const error = await executor.submit(async () => {
    const vm = await import("node:vm");
    vm.runInNewContext("throw Object.assign(new TypeError('m'), { code: 'E' })");
  }).exception() as Error & { code?: string };
  assertInstanceOf(error, TypeError);
  assertEquals([error.message, error.code], ["m", "E"]);
}, { parallel: true });

testEach("what processes cannot carry is refused, never empty", async (subject) => {
  if (!isProcesses(subject)) return;
  await using executor = subject.create({ maxWorkers: 1 });
  const values = [
    new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
    new WebAssembly.Memory({ initial: 1 }),
    new Intl.NumberFormat(),
    new WeakMap(),
    new Blob(["x"]),
    Object(Symbol("s")),
    [1].values(),
  ];
  for (const value of values) {
    const error = await executor.submit((x: unknown) => JSON.stringify(x), value).exception();
    assertInstanceOf(error, SerializationError, tagOf(value));
  }
  const match = await executor.submit((text: string) => /a(?<b>.)/.exec(text), "zab");
  assertEquals([match!.index, match!.input, { ...match!.groups }], [1, "zab", { b: "b" }]);
  const buffer = new ArrayBuffer(4, { maxByteLength: 16 } as object);
  const [back, view] = await executor.submit(
    (x: ArrayBuffer): unknown[] => [x, new Uint8Array(x, 1)],
    buffer,
  ) as [ArrayBuffer & { maxByteLength: number; resize(length: number): void }, Uint8Array];
  assertEquals([back.byteLength, back.maxByteLength, view.length], [4, 16, 3]);
  back.resize(8);
  assertEquals(view.length, 7); // it follows
}, { parallel: true });

testEach(
  "a future inside of an argument, or an executor, is a TypeError that says what to do",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(() => 1);
    const tell = (x: unknown): string => typeof x;
    for (
      const argument of [[future], [future, future], executor, { a: 1, future }, { list: [future] }]
    ) {
      const error = await executor.submit(tell, argument).exception();
      assertInstanceOf(error, TypeError);
      assert(/^Cannot send argument 1 of task "tell": it (?:is|holds) an? /.test(error.message));
    }
    const options = { chunkSize: 3, settled: true } as const;
    const outcomes = await executor.map(tell, [1, [future], 3], options).toArray();
    assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  },
);

testEach(
  "transfer() moves views, alone, inside of objects, and several of one buffer",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    const lengths = (...views: ArrayBufferView[]): number[] => views.map((view) => view.byteLength);
    const bytes = new Uint8Array(100_000);
    assertEquals(await executor.submit(lengths, transfer(bytes, [bytes.buffer])), [100_000]);
    assertEquals(bytes.length, 0);
    const { buffer } = new Uint8Array(64);
    const value = { a: new Uint8Array(buffer, 8, 8), b: new DataView(buffer, 16), buffer };
    const back = await executor.submit(
      (x: typeof value) => [x.a.length, x.b.byteLength, x.a.buffer === x.buffer],
      transfer(value, [buffer]),
    );
    assertEquals([back, buffer.byteLength], [[8, 48, true], 0]);
  },
);
