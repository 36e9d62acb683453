import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { SerializationError } from "../../mod.ts";
import { isProcesses } from "./executors.ts";
import { testEach } from "./subjects.ts";

/** What Deno 2.9 sends, and cannot read on the other side; elsewhere it is a value like any other. */
function unreadable(): unknown {
  const error = new DOMException("m", "DataError");
  Object.defineProperty(error, "stack", { value: error });
  return error;
}

const typeOf = (value: unknown): string => typeof value;

testEach(
  "an argument that cannot be read on the other side fails its own future, and no neighbour",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    await executor.map(typeOf, [1, 2, 3]).toArray(); // from now on it is known to be short
    const futures = Array.from(
      { length: 50 },
      (_, i) => executor.submit(typeOf, i === 25 ? unreadable() : i),
    );
    const outcomes = await Promise.allSettled(futures);
    const [odd] = outcomes.splice(25, 1);
    if (odd!.status === "rejected") assertInstanceOf(odd!.reason, SerializationError);
    else assertEquals(odd!.value, "object");
    for (const outcome of outcomes) assertEquals(outcome, { status: "fulfilled", value: "number" });
    assertEquals(await executor.submit(() => 1), 1);
    assertEquals(executor.stats().crashed, 0);
  },
  { parallel: true },
);

testEach(
  "an item of map that cannot be read on the other side fails alone",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    const items = Array.from({ length: 30 }, (_, i) => i === 7 ? unreadable() : i);
    const outcomes = await executor.map(typeOf, items, { chunkSize: 10, settled: true }).toArray();
    for (const [i, outcome] of outcomes.entries()) {
      if (i === 7 && outcome.status === "rejected") {
        assertInstanceOf(outcome.reason, SerializationError);
      } else assertEquals(outcome, { status: "fulfilled", value: i === 7 ? "object" : "number" });
    }
  },
  { parallel: true },
);

testEach(
  "initargs that cannot be read on the other side break the executor",
  async ({ create }) => {
    await using executor = create({
      maxWorkers: 1,
      initializer: (_: unknown) => {},
      initargs: [unreadable()],
    });
    const [outcome] = await Promise.allSettled([executor.submit(() => 1)]);
    assert(
      outcome.status === "fulfilled" ||
        /a worker could not read initargs/.test((outcome.reason as Error).message),
    );
  },
  { parallel: true },
);

testEach(
  "a result that cannot be read on the other side fails its own future, and no neighbour",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    await executor.map((i: number): unknown => i, [1, 2, 3]).toArray();
    const futures = Array.from({ length: 50 }, (_, i) =>
      executor.submit((i: number): unknown => {
        if (i !== 25) return i;
        const error = new DOMException("m", "DataError");
        Object.defineProperty(error, "stack", { value: error });
        return [error];
      }, i));
    const outcomes = await Promise.allSettled(futures);
    const [odd] = outcomes.splice(25, 1);
    if (odd!.status === "rejected") assertInstanceOf(odd!.reason, SerializationError);
    for (const outcome of outcomes) assertEquals(outcome.status, "fulfilled");
    assertEquals(executor.stats().crashed, 0);
  },
  {
    parallel: true,
    bug: (kind) =>
      !isProcesses(kind) && "Deno" in globalThis
        ? "bug: its worker ends, and its neighbours fail"
        : undefined,
  },
);

/** What threads of Deno, and old Node, would send as `{}`. */
const LOST: readonly (() => unknown)[] = [
  () => new URL("http://localhost/"),
  () => [{ headers: new Headers() }],
  () => new Map([[1, new Response("body")]]),
];

testEach(
  "what would arrive as an empty object is refused, as an argument and as a result",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    for (const make of LOST) {
      assertInstanceOf(
        await executor.submit(typeOf, make()).exception(),
        SerializationError,
      );
      assertInstanceOf(await executor.submit(make).exception(), SerializationError);
    }
    assertEquals(await executor.submit(typeOf, [new Date(0)]), "object");
  },
  { parallel: true },
);
