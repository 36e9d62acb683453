/**
 * Everything that `structuredClone` keeps, held against what a task gives back: the same, or a
 * `SerializationError`, whatever runs the task.
 *
 * @module
 */

import { assertEquals, assertInstanceOf } from "@std/assert";
import { type Executor, SerializationError } from "../../mod.ts";
import { testEach } from "./subjects.ts";

/** Newer than the oldest library that this is checked with. */
interface Newer {
  Float16Array?: { from(values: number[]): ArrayBufferView };
  Temporal?: { PlainDate: { from(text: string): unknown } };
}
type Resizable = new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;

const { Float16Array, Temporal } = globalThis as Newer;
const ResizableBuffer = ArrayBuffer as unknown as Resizable;
const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
];
const ERRORS = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
const shared = { x: 1 };
const SETS = "[a--b]"; // newer than the linter

function resizable(): ArrayBuffer {
  return new ResizableBuffer(8, { maxByteLength: 32 });
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

class Point {
  x = 1;
  #hidden = 2;
  get sum(): number {
    return this.x + this.#hidden;
  }
}

/** A value of each kind, made anew for each who takes it. */
const VALUES: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  "NaN": () => NaN,
  "-0": () => -0,
  "-Infinity": () => -Infinity,
  "a large bigint": () => -(2n ** 200n),
  "a string with a lone surrogate": () => "a\0\ud800b",
  "a symbol": () => Symbol("a"),
  "a function": () => () => 1,
  "boxed numbers": () => [new Number(-0), new Number(NaN)],
  "boxed strings, booleans and bigints": () => [new String("ab"), new Boolean(false), Object(10n)],
  "a boxed symbol": () => Object(Symbol("a")),
  "dates": () => [new Date(5), new Date(NaN)],
  "regular expressions": () => [/a(?<n>b)/dgimsuy, new RegExp(SETS, "v")],
  "a sparse array": () => Object.assign([1, , 3], { length: 10 }),
  "an array with named properties": () => Object.assign([1, 2], { index: 3, foo: "x" }),
  "a match": () => /(?<y>a)b/d.exec("ab"),
  "nested undefined": () => ({ a: undefined, b: [undefined, null] }),
  "an object's order of keys": () => ({ 2: "a", x: "c", 1: "b" }),
  "an object without prototype": () => Object.assign(Object.create(null), { a: 1 }),
  "an object with a key __proto__": () => JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'),
  "an accessor": () => ({
    get a() {
      return 5;
    },
  }),
  "what cannot be enumerated": () => Object.defineProperty({ a: 1 }, "h", { value: 2 }),
  "keys that are symbols": () => ({ [Symbol("a")]: 1, b: 2 }),
  "an object of a class": () => new Point(),
  "objects of subclasses": () => [
    new (class extends Map<number, number> {})([[1, 2]]),
    new (class extends Date {})(7),
    new (class extends Set<number> {})([1]),
  ],
  "maps and sets in their order": () =>
    new Map<unknown, unknown>([[shared, 1], ["b", shared], [NaN, new Set([3, 1, shared])]]),
  "maps as keys": () => new Map([[new Map([[1, 2]]), new Set([new Set([1])])]]),
  "a cycle": () => {
    const cycle: Record<string, unknown> = { a: 1 };
    cycle["self"] = [cycle, new Map([[cycle, cycle]])];
    return cycle;
  },
  "shared references": () => [shared, shared, { s: shared }],
  "a buffer": () => new Uint8Array([1, 2, 3]).buffer,
  "a resizable buffer": resizable,
  "views that track the length": () => {
    const buffer = resizable();
    return [new Uint8Array(buffer), new Uint8Array(buffer, 2), new DataView(buffer, 1)];
  },
  "views of a resizable buffer": () => new Uint8Array(resizable(), 2, 4),
  "views of one buffer": () => {
    const buffer = new ArrayBuffer(16);
    return [new Uint8Array(buffer, 0, 4), new Uint16Array(buffer, 4, 2), buffer];
  },
  "a DataView": () => new DataView(new ArrayBuffer(16), 3, 5),
  "typed arrays": () => TYPED_ARRAYS.map((Class) => Class.from([1, 2])),
  "typed arrays of bigints": () => [BigInt64Array.from([1n]), BigUint64Array.from([2n])],
  "a Float16Array": () => Float16Array?.from([1.5]),
  "a detached buffer": detached,
  "properties of maps, dates, buffers": () => [
    Object.assign(new Date(3), { extra: 1 }),
    Object.assign(new Uint8Array(2), { extra: 1 }),
    Object.assign(/a/, { extra: 1 }),
  ],
  "errors": () => ERRORS.map((Class) => new Class("m")),
  "an error without a message": () => new Error(),
  "an error without a stack": () => {
    const error = new Error("m");
    delete error.stack;
    return error;
  },
  "a DOMException": () => new DOMException("m", "AbortError"),
  "500 arrays, one in the other": () => {
    let value: unknown = 1;
    for (let i = 0; i < 500; i++) value = [value];
    return value;
  },
  "a WeakMap": () => new WeakMap(),
  "a WeakRef": () => new WeakRef({}),
  "a promise": () => Promise.resolve(1),
  "a generator": () => (function* () {})(),
  "an iterator": () => [1].values(),
  "a class": () => class {},
  "Intl": () => new Intl.NumberFormat("en"),
  "Intl.Locale": () => new Intl.Locale("en"),
  "Temporal": () => Temporal?.PlainDate.from("2020-01-01"),
  "a table of WebAssembly": () => new WebAssembly.Table({ element: "anyfunc", initial: 1 }),
  "memory of WebAssembly": () => new WebAssembly.Memory({ initial: 1 }),
};

/** A value in words, with everything that a copy could lose. */
function describe(value: unknown, seen = new Map<unknown, number>()): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object" || value === null) return `${typeof value} ${String(value)}`;
  const number = seen.get(value);
  if (number !== undefined) return `again ${number}`;
  seen.set(value, seen.size);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const inner = (one: unknown): unknown => describe(one, seen);
  if (value instanceof Error) {
    const { name, message } = value;
    return { tag, name, message, code: (value as { code?: unknown }).code };
  }
  const keys = ArrayBuffer.isView(value) ? [] : Object.keys(value);
  return {
    tag,
    // Of this realm, and of no subclass.
    prototype: Object.getPrototypeOf(value)?.constructor?.name,
    own: keys.map((key) => [key, inner((value as Record<string, unknown>)[key])]),
    state: stateOf(value, inner),
  };
}

function stateOf(value: object, inner: (one: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return [...value].map(([key, of]) => [inner(key), inner(of)]);
  if (value instanceof Set) return [...value].map(inner);
  if (value instanceof Date) return String(value.getTime());
  if (value instanceof RegExp) return [value.source, value.flags, value.lastIndex];
  if (value instanceof ArrayBuffer) {
    const { resizable, maxByteLength } = value as { resizable?: boolean; maxByteLength?: number };
    return [value.byteLength, resizable, maxByteLength, [...new Uint8Array(value)]];
  }
  if (ArrayBuffer.isView(value)) {
    return [value.byteOffset, value.byteLength, inner(value.buffer)];
  }
  return inner(value.valueOf() === value ? undefined : value.valueOf());
}

/** What is got, or that it cannot be. */
async function outcomeOf(get: () => unknown): Promise<unknown> {
  try {
    return describe(await get());
  } catch {
    return "refused";
  }
}

const echo = (value: unknown): unknown => value;

async function echoed(executor: Executor, value: unknown): Promise<unknown> {
  try {
    return describe(await executor.submit(echo, value));
  } catch (error) {
    assertInstanceOf(error, SerializationError);
    return "refused";
  }
}

testEach("values arrive as structuredClone would copy them, or are refused", async ({ create }) => {
  await using executor = create({ maxWorkers: 1 });
  for (const [name, make] of Object.entries(VALUES)) {
    const expected = await outcomeOf(() => structuredClone(make()));
    assertEquals([name, await echoed(executor, make())], [name, expected]);
  }
  assertEquals(executor.stats().crashed, 0);
});
