import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { decodeStructured, encodeStructured } from "../../src/wire/structured_codec.ts";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";

// deno-lint-ignore no-explicit-any
function travel(value: unknown): any {
  return decodeStructured(encodeStructured(value));
}

const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]).buffer;
const long = "x".repeat(100_000);

/** Values that arrive equal to themselves, and with the same prototype. */
const VALUES: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["true", true],
  ["false", false],
  ...[0, -0, 1, -1, 127, 128, -128, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53, -(2 ** 53), 0.1]
    .map((number) => [Object.is(number, -0) ? "-0" : `${number}`, number] as const),
  ...[NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE]
    .map((number) => [`${number}`, number] as const),
  ...[0n, 1n, -1n, 2n ** 64n, -(2n ** 64n), 10n ** 500n]
    .map((number) => [`bigint of ${String(number).length} digits`, number] as const),
  ["an empty string", ""],
  ["a short string", "text"],
  ["a string of 200 letters", "ab".repeat(100)],
  ["a string of 100,000 letters", long],
  ["a string with umlauts", "Grüße"],
  ["a long string with umlauts", "Grüße".repeat(10_000)],
  ["a string with emoji", "👩‍👩‍👧 ok"],
  ["a string with a NUL and a BOM", "\uFEFFa\0b"],
  ["a lone high surrogate", "a\uD800b"],
  ["a lone low surrogate", "\uDC00"],
  ["a long string with a lone surrogate", `${long}\uD800`],
  ["an empty array", []],
  ["an array of everything", [1, "a", null, undefined, true, [2, [3]], { a: 1 }]],
  ["an array of small integers", Array.from({ length: 100 }, (_, i) => i)],
  ["an array of integers", Array.from({ length: 100 }, (_, i) => i * -20_000_000)],
  ["an array of doubles", Array.from({ length: 100 }, (_, i) => i / 3)],
  ["an array of integers and -0", Array.from({ length: 100 }, () => -0)],
  ["an array of integers and NaN", [...Array(20).keys(), NaN]],
  ["an empty object", {}],
  ["a nested object", { a: { b: { c: [{ d: 1 }] } }, "": 0, "ü": 1, 3: 2 }],
  ["objects with the same keys", [{ a: 1, b: 2 }, { b: 3, a: 4 }, { a: 5 }]],
  ["a Map", new Map<unknown, unknown>([[1, "a"], ["1", "b"], [NaN, new Map()], [{}, -0]])],
  ["a Set", new Set<unknown>([1, "1", NaN, new Set([1]), undefined])],
  ["a Date", new Date(1e12)],
  ["an invalid Date", new Date(NaN)],
  ["a RegExp", /a(?<b>.)\/[/]/giu],
  ["an ArrayBuffer", buffer],
  ["an empty ArrayBuffer", new ArrayBuffer(0)],
  ["a DataView", new DataView(buffer, 3, 5)],
  ["Int8Array", new Int8Array([-1, 2])],
  ["Uint8Array", new Uint8Array([1, 255])],
  ["Uint8ClampedArray", new Uint8ClampedArray([1, 255])],
  ["Int16Array", new Int16Array([-1, 2])],
  ["Uint16Array", new Uint16Array([1, 65535])],
  ["Int32Array", new Int32Array([-1, 2])],
  ["Uint32Array", new Uint32Array([1, 2 ** 32 - 1])],
  ["Float32Array", new Float32Array([0.5, NaN, -0])],
  ["Float64Array", new Float64Array([0.1, NaN, -0])],
  ["BigInt64Array", new BigInt64Array([-1n, 2n])],
  ["BigUint64Array", new BigUint64Array([1n, 2n ** 64n - 1n])],
  ["an empty typed array", new Float64Array(0)],
  ["a part of a buffer", new Uint16Array(buffer, 4, 3)],
  ["a boxed number", Object(-0)],
  ["a boxed string", Object("a\uD800")],
  ["a boxed boolean", Object(false)],
  ["a boxed bigint", Object(5n)],
];

for (const [name, value] of VALUES) {
  test(`${name} arrives as it left, alone and in containers`, () => {
    for (const one of [value, [value], { value }].map((sent) => [sent, travel(sent)])) {
      assertEquals(one[1], one[0]);
    }
    const arrived = travel([value])[0];
    if (typeof value !== "object" || value === null) return assert(Object.is(arrived, value));
    assertStrictEquals(Object.getPrototypeOf(arrived), Object.getPrototypeOf(value));
    assertEquals([...travel(new Map([[value, value]]))][0], [value, value]);
    assertEquals([...travel(new Set([value]))][0], value);
  });
}

test("Float16Array arrives where the runtime has it", () => {
  const { Float16Array: Halves } = globalThis as unknown as {
    Float16Array?: Float64ArrayConstructor;
  };
  if (Halves !== undefined) assertEquals(travel(new Halves([0.5, 1])), new Halves([0.5, 1]));
});

test("cycles and what is shared are kept, through every container", () => {
  const object: Record<string, unknown> = { shared: new Date(1) };
  object.self = object;
  object.array = [object, object.shared];
  object.map = new Map<unknown, unknown>([[object, object.array]]);
  object.set = new Set([object.map]);
  const arrived = travel(object);
  assertStrictEquals(arrived.self, arrived);
  assertStrictEquals(arrived.array[0], arrived);
  assertStrictEquals(arrived.array[1], arrived.shared);
  assertStrictEquals(arrived.map.get(arrived), arrived.array);
  assertStrictEquals([...arrived.set][0], arrived.map);
});

test("views of one buffer share it, and the buffer is as large as it was", () => {
  const [bytes, words, whole] = travel([
    new Uint8Array(buffer, 2, 3),
    new Uint16Array(buffer, 2),
    buffer,
  ]);
  assertStrictEquals(bytes.buffer, words.buffer);
  assertStrictEquals(words.buffer, whole);
  assertEquals(whole.byteLength, 16);
  assertEquals(bytes.byteOffset, 2);
});

test("what arrives shares no memory with what was sent, nor with the message", () => {
  const message = encodeStructured(new Uint8Array([1]));
  const arrived = decodeStructured(message) as Uint8Array;
  message.fill(0);
  assertEquals(arrived, new Uint8Array([1]));
});

test("a Buffer, whose slice() copies nothing, is read as any other bytes", () => {
  const message = Buffer.concat([
    Buffer.from("before"),
    encodeStructured([new Uint8Array(3), "\uD800"]),
  ]);
  const arrived = decodeStructured(message.subarray(6)) as [Uint8Array, string];
  message.fill(255);
  assertEquals(arrived, [new Uint8Array(3), "\uD800"]);
  assertEquals(arrived[0].buffer.byteLength, 3);
});

test("missing elements stay missing, and a sparse array costs what it has", () => {
  // deno-lint-ignore no-sparse-arrays
  const holes = travel([, 1, , undefined, ,]);
  assertEquals(holes.length, 5);
  assertEquals(Object.keys(holes), ["1", "3"]);
  const sparse: unknown[] = [1];
  sparse[4_000_000_000] = "end";
  sparse[7] = sparse;
  assert(encodeStructured(sparse).length < 100);
  const arrived = travel(sparse);
  assertEquals(arrived.length, 4_000_000_001);
  assertEquals(Object.keys(arrived), ["0", "7", "4000000000"]);
  assertStrictEquals(arrived[7], arrived);
  assertEquals(travel(new Array(1e9)).length, 1e9);
});

test("__proto__ and its like are keys as any other", () => {
  const sent = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": 3, "length": 4}');
  const arrived = travel(sent);
  assertEquals(Object.keys(arrived), ["__proto__", "constructor", "toString", "length"]);
  assertEquals(Object.getOwnPropertyDescriptor(arrived, "__proto__")?.value, { a: 1 });
  assertStrictEquals(Object.getPrototypeOf(arrived), Object.prototype);
  assertEquals(arrived.a, undefined);
  const bare = Object.assign(Object.create(null), { a: 1 });
  assertEquals(travel(bare), { a: 1 });
});

test("instances of classes arrive with their own properties, subclasses of built-ins as built-ins", () => {
  class Point {
    x = 1;
    #hidden = 2;
    get [Symbol.toStringTag](): string {
      return `Map${this.#hidden}`;
    }
  }
  assertEquals(travel(new Point()), { x: 1 });
  class Cache extends Map<number, number> {
    override get [Symbol.toStringTag](): string {
      return "Cache";
    }
  }
  assertEquals(travel(new Cache([[1, 2]])), new Map([[1, 2]]));
  const accessors = {
    get a(): number {
      return 5;
    },
  };
  assertEquals(travel(accessors), { a: 5 });
});

test("errors arrive with class, properties and causes, also within a cycle", () => {
  const cause = new TypeError("why");
  const error = Object.assign(new RangeError("what", { cause }), { code: 7, data: {} as unknown });
  error.data = { back: error };
  const { list: [arrived, again] } = travel({ list: [error, error] });
  assertInstanceOf(arrived, RangeError);
  assertStrictEquals(arrived, again);
  assertEquals([arrived.message, arrived.stack, arrived.name], ["what", error.stack, "RangeError"]);
  const { code, data } = arrived as unknown as { code: number; data: { back: unknown } };
  assertEquals(code, 7);
  assertStrictEquals(data.back, arrived);
  assertInstanceOf(arrived.cause, TypeError);
  assertEquals(arrived.cause.message, "why");
  const aggregate = travel(new AggregateError([new SyntaxError("a"), 5], "both"));
  assertInstanceOf(aggregate, AggregateError);
  assertInstanceOf(aggregate.errors[0], SyntaxError);
  assertEquals(aggregate.errors[1], 5);
  const exception = travel(new DOMException("late", "TimeoutError"));
  assertInstanceOf(exception, DOMException);
  assertEquals([exception.name, exception.message], ["TimeoutError", "late"]);
});

test("what holds an error and is its cause stays one object", () => {
  const error = new Error("within");
  const holders: { [kind: string]: object } = {
    object: { error, again: error },
    list: [error, error],
    map: new Map([[error, error]]),
    set: new Set([error]),
  };
  for (const [kind, holder] of Object.entries(holders)) {
    error.cause = holder;
    const [arrived, same] = travel([holder, error]);
    assertStrictEquals(same.cause, arrived, kind);
    const first = kind === "object" ? arrived.error : [...arrived.values()][0];
    assertStrictEquals(first, same, kind);
    if (kind === "object") assertStrictEquals(arrived.again, same);
  }
});

test("a list of a million links travels", () => {
  let list: { next: unknown } | undefined;
  for (let i = 0; i < 1_000_000; i++) list = { next: list };
  let count = 0;
  for (let at = travel(list); at !== undefined; at = at.next) count++;
  assertEquals(count, 1_000_000);
}, { deadline: 30_000 });

const { port1, port2 } = new MessageChannel();
port1.close();
port2.close();
const detached = new ArrayBuffer(8);
structuredClone(detached, { transfer: [detached] });

for (
  const [name, value] of [
    ["a function", () => 1],
    ["a class", class {}],
    ["a symbol", Symbol("s")],
    ["a SharedArrayBuffer", new SharedArrayBuffer(8)],
    ["a view of shared memory", new Int32Array(new SharedArrayBuffer(8))],
    ["a MessagePort", port1],
    ["a Promise", Promise.resolve()],
    ["a WeakMap", new WeakMap()],
    ["a WeakRef", new WeakRef({})],
    ["a generator", (function* () {})()],
    ["an iterator", [1][Symbol.iterator]()],
    ["a Blob", new Blob([])],
    ["a detached buffer", detached],
    ["a boxed symbol", Object(Symbol())],
  ] as const
) {
  test(`${name} is refused with a DataCloneError, and the next value travels`, () => {
    for (const sent of [value, [1, { a: value }], new Map([[1, value]])]) {
      const error = assertThrows(() => encodeStructured(sent), DOMException);
      assertEquals(error.name, "DataCloneError");
    }
    assertEquals(travel([1]), [1]);
  });
}

test("what a getter throws is thrown, and a message within it does no harm", () => {
  const reason = { reason: 1 };
  const hostile = {
    a: 1,
    get b(): number {
      encodeStructured("inner");
      throw reason;
    },
  };
  let thrown;
  try {
    encodeStructured(hostile);
  } catch (error) {
    thrown = error;
  }
  assertStrictEquals(thrown, reason);
  const nested = {
    a: "before",
    get b(): unknown {
      return travel({ inner: "x".repeat(100) });
    },
    c: "after",
  };
  assertEquals(travel(nested), { a: "before", b: { inner: "x".repeat(100) }, c: "after" });
});

test("headroom is left at the beginning", () => {
  assertEquals(decodeStructured(encodeStructured(["a"], 4).subarray(4)), ["a"]);
  assertEquals(decodeStructured(encodeStructured(long, 4).subarray(4)), long);
});

test("any value arrives as it left", () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withUnicodeString: true,
    withObjectString: true,
    maxDepth: 5,
  } as fc.ObjectConstraints);
  fc.assert(fc.property(anything, (value) => assertEquals(travel(value), value)), {
    numRuns: 1000,
    seed: SEED,
  });
}, { deadline: 60_000 });

test("any text arrives as it left", () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xFFFF }), { maxLength: 100 });
  fc.assert(
    fc.property(units, (codes) => {
      const text = String.fromCharCode(...codes);
      assertStrictEquals(travel([text, { [text]: 1 }])[0], text);
      assertEquals(Object.keys(travel({ [text]: 1 })), [text]);
    }),
    { numRuns: 1000, seed: SEED },
  );
}, { deadline: 60_000 });

test("bytes that nobody encoded give a value or a DataCloneError, whatever they are", () => {
  const check = (bytes: Uint8Array): void => {
    try {
      decodeStructured(bytes);
    } catch (error) {
      assertInstanceOf(error, DOMException);
      assertEquals(error.name, "DataCloneError");
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 5000, seed: SEED });
  // Messages of which a byte is wrong, or that end too soon, get further.
  const whole = encodeStructured(
    VALUES.map(([, value]) => value === long ? 0 : value).concat([
      new Error("e", { cause: new Error("c") }),
    ]),
  ).subarray(0, 50_000);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
      const damaged = whole.slice(0, cut ? at : whole.length);
      damaged[at] = byte;
      check(damaged);
    }),
    { numRuns: 300, seed: SEED },
  );
}, { deadline: 60_000 });

test("lies about lengths cost neither time nor memory", () => {
  const huge = [255, 255, 255, 255, 15];
  for (let tag = 0; tag < 32; tag++) {
    for (const more of [[], [0], [1], [2], [3]]) {
      assertThrows(
        () => decodeStructured(new Uint8Array([11, tag, ...more, ...huge])),
        DOMException,
      );
    }
  }
});
