/**
 * `map` over typed arrays, `into()` and `mapBlocks`.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  CancelledError,
  InlineExecutor,
  ShutdownError,
  type TaskContext,
  TimeoutError,
  type TypedArray,
  WorkerCrashError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { testEach } from "./subjects.ts";

const double = (x: number): number => 2 * x;
const doubles = (block: Float64Array): Float64Array => block.map((x) => 2 * x);

const count = (length: number): number[] => Array.from({ length }, (_, i) => i);

testEach("map() over typed arrays: each item has its outcome", async ({ create }) => {
  await using executor = create();
  const kinds = [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array],
    ...[Uint32Array, Float32Array, Float64Array],
  ];
  for (const kind of kinds) {
    for (const length of [0, 1, 100]) {
      const results = await executor.map(double, kind.from(count(length))).toArray();
      assertEquals(results, count(length).map(double), kind.name);
    }
  }
  for (const kind of [BigInt64Array, BigUint64Array]) {
    const numbers = kind.from(count(100).map(BigInt));
    const results = await executor.map((x: bigint) => x + 1n, numbers).toArray();
    assertEquals(results, count(100).map((i) => BigInt(i) + 1n));
  }
  const part = new Float64Array(new Float64Array(count(300)).buffer, 800, 100);
  assertEquals(await executor.map(double, part).toArray(), count(100).map((i) => 200 + 2 * i));
  const sums = executor.map((a: number, b: string) => a + b, new Uint8Array([1, 2, 3]), "ab");
  assertEquals(await sums.toArray(), ["1a", "2b"]);

  const numbers = Float64Array.from(count(20_000), (i) => i === 7 ? -0 : i === 8 ? NaN : i);
  const given = executor.map((x: number) => x, numbers);
  numbers.fill(1); // it has a copy
  const back = await given.toArray();
  assert(Object.is(back[7], -0) && Object.is(back[8], NaN));
  assertEquals([back.length, back[19_999]], [20_000, 19_999]);
  const odd = (x: number): number => {
    if (x % 2 === 0) return x;
    throw new RangeError(`${x} is odd`);
  };
  const settled = await executor.map(odd, Int16Array.from(count(200)), {
    settled: true,
    chunkSize: 70,
  }).toArray();
  settled.forEach((outcome, i) => {
    if (i % 2 === 0) assertEquals(outcome, { status: "fulfilled", value: i });
    else assertEquals((outcome as PromiseRejectedResult).reason.message, `${i} is odd`);
  });
});

testEach("into() writes results into a typed array", async ({ create }) => {
  await using executor = create();
  const target = new Float64Array(203).fill(-1);
  assertEquals(await executor.map(double, count(200)).into(target) === target, true);
  assertEquals([...target], [...count(200).map(double), -1, -1, -1]);
  async function* later(): AsyncGenerator<number> {
    await Promise.resolve();
    yield* [5, 6, 7];
  }
  assertEquals([...await executor.map(double, later()).into(new Uint8Array(3))], [10, 12, 14]);
  const big = executor.map((x: number) => BigInt(x), [1, 2]).into(new BigInt64Array(2));
  assertEquals([...await big], [1n, 2n]);
  const pairs = executor.map((x: number) => Uint8Array.of(x, x), [1, 2]).into(new Int32Array(4));
  assertEquals([...await pairs], [1, 1, 2, 2]);

  const short = executor.map(double, count(100), { chunkSize: 10 });
  await assertRejects(() => short.into(new Uint8Array(35)), RangeError, "typed array of 35");
  assertEquals((await short.next()).done, true);
  const text = executor.map((x: number) => `${x}`, [1, 2]);
  await assertRejects(() => text.into(new Uint8Array(2)), TypeError, 'got "1"');
  const mixed = executor.map((x: number) => BigInt(x), [1, 2]);
  await assertRejects(() => mixed.into(new Uint8Array(2)), TypeError);
  const failing = executor.map((x: number) => {
    if (x === 1) throw new RangeError("one");
    return x;
  }, [0, 1, 2]);
  await assertRejects(() => failing.into(new Uint8Array(3)), RangeError, "one");
  const list = [] as unknown as Uint8Array;
  await assertRejects(() => executor.map(double, [1]).into(list), TypeError, "a typed array");
});

testEach("mapBlocks(): blocks in order, of the size that was asked for", async ({ create }) => {
  await using executor = create();
  const numbers = Float64Array.from(count(1_000));
  const blocks = await executor.mapBlocks(doubles, numbers, { blockSize: 300 }).toArray();
  assertEquals(blocks.map(({ length }) => length), [300, 300, 300, 100]);
  assertEquals(blocks.flatMap((block) => [...block]), count(1_000).map(double));
  const lengths: number[] = [];
  for await (const block of executor.mapBlocks(doubles, numbers)) lengths.push(block.length);
  assertEquals(lengths.reduce((a, b) => a + b), 1_000);
  const narrow = await executor.mapBlocks(
    async (block: Float64Array) => Float32Array.from(await Promise.resolve(block)),
    numbers,
    { blockSize: 64 },
  ).into(new Float32Array(1_000));
  assertEquals([...narrow], count(1_000));
  assertEquals(await executor.mapBlocks(doubles, new Float64Array()).toArray(), []);
  // Of a block, and of no more, a worker gets the memory.
  const bytes = await executor.mapBlocks(
    (block: Uint8Array) => new Uint32Array([block.buffer.byteLength]),
    new Uint8Array(3),
    { blockSize: 1 },
  ).toArray();
  assertEquals(bytes.map(([size]) => size), [1, 1, 1]);
});

testEach(
  "mapBlocks(): a result of another length, errors of a block, and limits",
  async ({ create }) => {
    await using executor = create({ grace: 10 });
    const numbers = Float64Array.from(count(10));
    const results: unknown[] = [];
    const wrong = executor.mapBlocks(
      (block: Float64Array) => block[0] === 4 ? block.subarray(1) : block,
      numbers,
      { blockSize: 4 },
    );
    results.push(await wrong.next().then(({ value }) => value?.length));
    await assertRejects(() => wrong.next(), TypeError, "block 1: expected a typed array of 4, got");
    assertEquals(results, [4]);
    const none = executor.mapBlocks((() => 5) as unknown as typeof doubles, numbers);
    await assertRejects(() => none.toArray(), TypeError, "got 5");
    const failing = executor.mapBlocks((_: Float64Array): Float64Array => {
      throw new RangeError("of the block");
    }, numbers);
    await assertRejects(() => failing.into(new Float64Array(10)), RangeError, "of the block");
    function endless(this: TaskContext, _: Float64Array): Promise<Float64Array> {
      return new Promise((_, reject) => {
        this.signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    }
    const late = executor.with({ timeout: 20 }).mapBlocks(endless, numbers, { blockSize: 50 });
    await assertRejects(() => late.toArray(), TimeoutError);
    const controller = new AbortController();
    const aborted = executor.with({ signal: controller.signal }).mapBlocks(endless, numbers);
    const ended = assertRejects(() => aborted.toArray(), Error, "enough");
    controller.abort(new Error("enough"));
    await ended;
  },
);

testEach("mapBlocks(): shared memory is not copied", async ({ create }) => {
  await using executor = create();
  const numbers = new Int32Array(new SharedArrayBuffer(4 * 1_000));
  numbers.set(count(1_000));
  const fill = (block: Int32Array): Int32Array => {
    for (let i = 0; i < block.length; i++) block[i]! *= 3;
    return block;
  };
  const result = await executor.mapBlocks(fill, numbers, { blockSize: 128 }).into(
    new Int32Array(1_000),
  );
  assertEquals([...result], count(1_000).map((i) => 3 * i));
  const { sharedMemory } = executor.capabilities;
  assertEquals([...numbers], sharedMemory ? [...result] : count(1_000));
  const views = await executor.mapBlocks(fill, numbers.subarray(8, 16), { blockSize: 8 }).toArray();
  assertEquals(
    views.every(({ buffer }) => buffer.byteLength === (sharedMemory ? 4_000 : 32)),
    true,
  );
  assertEquals(await executor.map(double, numbers.subarray(0, 1)).toArray(), [0]);
}, { memory: true });

testEach(
  "mapBlocks(): a crash fails the block that ran, and not the executor",
  async ({ create }) => {
    await using executor = create();
    const numbers = new Float64Array(100);
    const crashing = executor.mapBlocks((_: Float64Array): Promise<Float64Array> => {
      const { process, close } = globalThis as unknown as {
        process?: { exit?(exitCode: number): never };
        close(): void;
      };
      if (process?.exit !== undefined) process.exit(3);
      close();
      return new Promise(() => {});
    }, numbers);
    await assertRejects(() => crashing.toArray(), WorkerCrashError);
    assertEquals(await executor.mapBlocks(doubles, numbers).into(numbers), numbers);
  },
  { options: true },
);

testEach("mapBlocks(): terminate() and shutdown({ cancelFutures: true })", async ({ create }) => {
  for (const terminates of [false, true]) {
    const executor = create();
    const blocks = executor.mapBlocks(doubles, new Float64Array(10_000), { blockSize: 1 });
    const failed = blocks.toArray().then(() => undefined, (error: unknown) => error);
    await (terminates ? executor.terminate() : executor.shutdown({ cancelFutures: true }));
    assertInstanceOf(await failed, CancelledError);
    assertThrows(() => executor.mapBlocks(doubles, new Float64Array(1)), ShutdownError);
  }
});

test("mapBlocks(): arguments are checked at once", async () => {
  await using executor = new InlineExecutor();
  const numbers = new Float64Array(1);
  const mapBlocks = (array: unknown, options?: unknown): unknown =>
    executor.mapBlocks(doubles, array as Float64Array, options as { blockSize: number });
  for (const array of [[1], new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), undefined]) {
    assertThrows(() => mapBlocks(array), TypeError, "expected a typed array");
  }
  assertThrows(() => mapBlocks(numbers, { blockSize: 0 }), RangeError, "blockSize");
  assertThrows(() => mapBlocks(numbers, { blockSize: "1" }), TypeError, "blockSize");
  assertThrows(() => mapBlocks(numbers, { blocksize: 1 }), TypeError, "did you mean blockSize?");
  assertThrows(() => executor.mapBlocks(5 as unknown as typeof doubles, numbers), TypeError);
  class Numbers extends Float64Array {
    override slice(): never {
      throw new Error("of its own");
    }
  }
  const own = new Numbers(4).fill(2) as TypedArray as Float64Array;
  assertEquals([...(await executor.mapBlocks(doubles, own, { blockSize: 4 }).toArray())[0]!], [
    4,
    4,
    4,
    4,
  ]);
  assertEquals(await executor.map(double, own).toArray(), [4, 4, 4, 4]);
});
