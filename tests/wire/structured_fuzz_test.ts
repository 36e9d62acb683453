/**
 * The decoder of processes on bytes that nobody encoded: random ones, and mutated ones of real messages.
 * It ends soon, makes nothing that is much larger than the bytes, throws its own error and no other,
 * and leaves every built-in as it was. So does the decoder of errors on what comes out.
 *
 * `FUZZ_RUNS` and `SEED` try more and others: `npm run fuzz` tries a million.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { env } from "node:process";
import { decodeError, encodeError } from "../../src/wire/error_codec.ts";
import { decodeStructured, encodeStructured } from "../../src/wire/structured_codec.ts";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";
import { Random } from "../stress/random.ts";

const RUNS = Number(env.FUZZ_RUNS ?? 20_000);

/** Milliseconds that one message may take; a machine that is busy takes some, a hang takes all. */
const MOST = 5_000;

/** Elements, keys and bytes that may be made for each byte of a message: the widest is a wide string. */
const SPREAD = 64;

const cycle: Record<string, unknown> = { name: "cycle" };
cycle.self = cycle;
cycle.map = new Map<unknown, unknown>([[cycle, new Set([cycle, 1n, -(2n ** 70n)])]]);

/** Messages of every kind of value. */
const CORPUS: readonly unknown[] = [
  [3, 0, 1, -1, "text", -0, NaN, undefined, null, true, "\uD800"],
  [cycle, [cycle, [cycle]]],
  [Array.from({ length: 40 }, (_, i) => i), Array.from({ length: 40 }, (_, i) => i / 3)],
  [/a(?<x>b)/giu.exec("ab"), Object.assign([1, 2], { name: "x" }), [, 1, , 2]],
  [Object.assign([], { 5_000: 1, 9_000: 2 })],
  [new Date(5), /a/giu, Object(1), Object("s"), Object(false), Object(5n)],
  [new Uint8Array([1, 2, 3]), new Float64Array(4), new DataView(new ArrayBuffer(9), 1, 5)],
  [new Uint16Array(new ArrayBuffer(8, { maxByteLength: 32 } as object)), new BigInt64Array(2)],
  [JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')],
  [
    encodeError(
      Object.assign(new RangeError("m", { cause: { inner: new TypeError("t") } }), {
        errors: [new Error("a"), [new Error("b")]],
        map: new Map([[1, new Error("c")]]),
        code: "E",
      }),
    ),
  ],
  [new AggregateError([new Error("a"), new DOMException("d", "AbortError")], "all"), [
    new WebAssembly.CompileError("w"),
  ]],
  Array.from({ length: 30 }, (_, i) => ({ id: i, tags: ["x", "y"], name: `n${i}` })),
];

/** How much a value holds, to a bound. */
function sizeOf(value: unknown, bound: number): number {
  const seen = new Set<unknown>();
  const queue: unknown[] = [value];
  let size = 0;
  while (queue.length > 0 && size <= bound) {
    const item = queue.pop();
    size++;
    if (typeof item === "string") size += item.length;
    if (typeof item !== "object" || item === null || seen.has(item)) continue;
    seen.add(item);
    if (item instanceof ArrayBuffer) size += item.byteLength;
    else if (ArrayBuffer.isView(item)) queue.push(item.buffer);
    else if (item instanceof Map || item instanceof Set) {
      for (const entry of item as Iterable<unknown>) queue.push(entry);
    } else for (const key of Object.keys(item)) queue.push((item as Record<string, unknown>)[key]);
  }
  return size;
}

/** Names of all properties of the built-ins that a decoder could reach. */
function builtIns(): string {
  const owners = [Object, Array, Map, Set, Error, RangeError, Function, String, RegExp, Date];
  return owners.map((owner) =>
    [owner, owner.prototype as object].map((one) => Reflect.ownKeys(one).map(String).join()).join()
  ).join("\n");
}

/** One or several changes: bytes replaced, cut, doubled, put in, taken from another message. */
function mutate(
  bytes: Uint8Array,
  corpus: readonly Uint8Array[],
  random: (below: number) => number,
): Uint8Array {
  let all = [...bytes];
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(all.length + 1);
    switch (random(7)) {
      case 0:
        all[at] = random(256);
        break;
      case 1:
        all[at] = [0, 1, 10, 18, 20, 23, 24, 127, 128, 255][random(10)]!;
        break;
      case 2:
        all.splice(at, 1 + random(4));
        break;
      case 3:
        all.splice(at, 0, ...all.slice(at, at + random(20)));
        break;
      case 4:
        all = all.slice(0, at);
        break;
      case 5: {
        // A number that lies: as large as one can be written.
        all.splice(at, 0, 255, 255, 255, 255, random(128));
        break;
      }
      default: {
        const other = corpus[random(corpus.length)]!;
        const from = random(other.length);
        all.splice(at, random(10), ...other.subarray(from, from + random(40)));
      }
    }
  }
  return Uint8Array.from(all, (byte) => byte ?? 0);
}

test(`decodeStructured() of ${RUNS} rubbish messages ends, stays small, and only refuses`, () => {
  const random = new Random(SEED);
  const below = (limit: number): number => random.below(limit);
  const corpus = CORPUS.map((value) => encodeStructured(value));
  const before = builtIns();
  let read = 0;
  for (let run = 0; run < RUNS; run++) {
    const bytes = below(4) === 0
      ? Uint8Array.from({ length: below(60) }, () => below(256))
      : mutate(corpus[below(corpus.length)]!, corpus, below);
    const tell = (): string => `seed ${SEED}, run ${run}: [${bytes}]`;
    const begun = performance.now();
    let value: unknown;
    try {
      value = decodeStructured(bytes);
      read++;
    } catch (error) {
      assert(error instanceof DOMException && error.name === "DataCloneError", tell());
    }
    const bound = SPREAD * bytes.length + 1_000;
    assert(sizeOf(value, bound) <= bound, `too large: ${tell()}`);
    // Its first elements: a sparse array may be as long as one can be, and costs nothing.
    if (Array.isArray(value)) { for (const one of value.slice(0, 100)) decodeError(one); }
    assert(performance.now() - begun < MOST, `too slow: ${tell()}`);
    assertEquals(({} as { polluted?: number }).polluted, undefined, tell());
  }
  assert(read > 0 && read < RUNS, `${read} could be read`);
  assertEquals(builtIns(), before, `seed ${SEED}`);
}, { deadline: 30_000 + RUNS });

test("a short message does not make long work by sharing its parts", () => {
  // 20,000 lists of a graph that are one and the same list: a few bytes each.
  const items = Array.from({ length: 20_000 }, () => ({ value: 1 }));
  const nodes = Array.from({ length: 20_000 }, () => ({ kind: "list", items }));
  const errors = [{ classes: ["Error"], name: "Error", message: "m", stack: undefined, props: [] }];
  const begun = performance.now();
  decodeError({ kind: "errors", errors, nodes });
  // A name that is no text, and would take for ever to be made one.
  let list: unknown[] = [];
  for (let i = 0; i < 40; i++) list = [list, list];
  decodeError({ kind: "errors", errors: [{ ...errors[0], message: list }] });
  decodeError({ kind: "errors", errors: [{ ...errors[0], classes: list }] });
  assert(performance.now() - begun < MOST);
});
