/**
 * Errors on every way between a caller and its workers: thrown, rejected, thrown by an item of `map`, as
 * the reason of an abort, as an argument, as a result. What the codec makes of a graph is tested in
 * `tests/wire/error_codec_test.ts`; here every way must give just that, whatever the graph.
 *
 * `FC_RUNS` and `SEED` try more and others.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { env } from "node:process";
import { type Executor, importTasks, SerializationError } from "../../mod.ts";
import { useClone } from "../../src/wire/clone_error.ts";
import { decodeError, encodeError } from "../../src/wire/error_codec.ts";
import {
  checkStructured,
  decodeStructured,
  encodeStructured,
} from "../../src/wire/structured_codec.ts";
import {
  build,
  CLASS_NAMES,
  type ErrorPlan,
  type Part,
  type Plan,
  tell,
  tellBuiltins,
} from "../fixtures/error_graphs.ts";
import { type ExecutorKind, isProcesses } from "./executors.ts";
import { SEED } from "../seed.ts";
import { testEach } from "./subjects.ts";

const RUNS = Number(env.FC_RUNS ?? 100);

const tasks = importTasks<typeof import("../fixtures/error_graphs.ts")>(
  import.meta.resolve("../fixtures/error_graphs.ts"),
);

/** One error with such a property. */
function withPart(name: string, part: Part): Plan {
  return { errors: [error("RangeError", [[name, part], ["code", { kind: "value", value: 7 }]])] };
}

function error(className: string, props: ErrorPlan["props"] = [], frozen = false): ErrorPlan {
  return { className, message: `a ${className}`, props, frozen };
}

const ODD: readonly Part["kind"][] = [
  "function",
  "symbol",
  "weak map",
  "throwing getter",
  "throwing proxy",
  "revoked proxy",
  "ring",
  "no text",
];

const HOSTILE_NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "then",
  "toJSON",
  "hasOwnProperty",
  "name",
  "message",
  "stack",
  "cause",
  "errors",
];

const VALUES = [undefined, null, 0, -0, NaN, "", "text", false, 10n, [1, [2]], { a: 1 }];

/** The table: what is thrown, by name. */
const PLANS: readonly (readonly [string, Plan])[] = [
  ...CLASS_NAMES.map((name) => [`a ${name}`, { errors: [error(name)] }] as const),
  ...VALUES.map((value, i) =>
    [
      `no error but value ${i} of the list`,
      { errors: [], bare: { kind: "value", value } },
    ] as const
  ),
  ...ODD.map((kind) => [`no error but a ${kind}`, { errors: [], bare: { kind } as Part }] as const),
  ...ODD.map((kind) => [`an error with a ${kind}`, withPart("odd", { kind } as Part)] as const),
  ...HOSTILE_NAMES.flatMap((name) =>
    [
      [`an error with an own ${name}`, withPart(name, { kind: "value", value: { polluted: 1 } })],
      [`an error with a function as ${name}`, withPart(name, { kind: "function" })],
      [
        `an error with a getter that throws as ${name}`,
        withPart(name, { kind: "throwing getter" }),
      ],
    ] as const
  ),
  ["a frozen error", { errors: [error("TypeError", [], true)] }],
  ["an error that is its own cause", withPart("cause", { kind: "error", at: 0 })],
  ["an error whose errors hold itself", withPart("errors", { kind: "errors", at: [0, 0] })],
  ["a chain of 150", {
    errors: Array.from(
      { length: 150 },
      (_, i) => error("Error", [["cause", { kind: "error", at: (i + 1) % 150 }]]),
    ),
  }],
  ["two that cause each other", {
    errors: [
      error("AggregateError", [["cause", { kind: "error", at: 1 }]]),
      error("DOMException", [["cause", { kind: "error", at: 0 }]]),
    ],
  }],
];

// --- generated graphs ---

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({
    kind: fc.constant("value" as const),
    value: fc.oneof(
      fc.constantFrom(...VALUES),
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.jsonValue(),
    ),
  }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant("error" as const), at: fc.nat(20) }, { noNullPrototype: true }),
  fc.record({
    kind: fc.constant("errors" as const),
    at: fc.array(fc.nat(20), { maxLength: 6 }),
  }, { noNullPrototype: true }),
  fc.constantFrom(...ODD).map((kind) => ({ kind }) as Part),
);

const name = fc.oneof(
  fc.constantFrom(...HOSTILE_NAMES),
  fc.constantFrom("a", "b", "code"),
  fc.string({ unit: "binary", maxLength: 5 }),
);

/** bug: Deno cannot read such results, and ends their worker; see `unreadable_test.ts`. */
function isReadable({ errors }: Plan): boolean {
  return !("Deno" in globalThis) ||
    errors.every(({ className, props }) =>
      className !== "DOMException" || props.every(([name]) => name !== "stack")
    );
}

const plan: fc.Arbitrary<Plan> = fc.record({
  errors: fc.array(
    fc.record({
      className: fc.constantFrom(...CLASS_NAMES),
      message: fc.string({ unit: "binary" }),
      props: fc.array(fc.tuple(name, part), { maxLength: 6 }),
      frozen: fc.boolean(),
    }, { noNullPrototype: true }),
    { minLength: 1, maxLength: 8 },
  ),
  bare: fc.option(part, { nil: undefined, freq: 10 }),
}, { noNullPrototype: true }).filter(isReadable);

// --- the ways ---

/**
 * What the codec makes of it. Processes have a clone of their own, which takes what they take and loses
 * less of errors inside of values.
 */
function expected(plan: Plan, kind: ExecutorKind): string {
  if (!isProcesses(kind)) return tell(decodeError(structuredClone(encodeError(build(plan)))));
  useClone(checkStructured); // as a process does
  try {
    const bytes = encodeStructured(encodeError(build(plan)));
    return tell(decodeError(decodeStructured(bytes)));
  } finally {
    useClone(structuredClone);
  }
}

/** What a future fails with, in a box: a promise would look into some of it. */
async function failure(future: PromiseLike<unknown>): Promise<{ readonly error: unknown }> {
  return await future.then(
    () => {
      throw new Error("it has succeeded");
    },
    (error: unknown) => ({ error }),
  );
}

/** Sends it on every way; all of them must give what they have to. */
async function checkWays(kind: ExecutorKind, executor: Executor, plan: Plan): Promise<void> {
  const [thrown, rejected, [mapped]] = await Promise.all([
    failure(executor.submit(tasks.throwIt, plan)),
    failure(executor.submit(tasks.rejectWithIt, plan)),
    executor.map(tasks.throwIt, [plan], { settled: true }).toArray(),
  ]);
  const words = expected(plan, kind);
  assertEquals(tell(thrown.error), words, "thrown");
  assertEquals(tell(rejected.error), words, "rejected");
  assert(mapped!.status === "rejected");
  assertEquals(tell(mapped!.reason), words, "thrown by an item of map()");
  await checkClones(executor, plan);
}

/** The reason of an abort: the task sees it through the codec, the caller as it is. */
async function checkReason(kind: ExecutorKind, executor: Executor, plan: Plan): Promise<void> {
  const reason = build(plan);
  const controller = new AbortController();
  const waits = Promise.withResolvers<void>();
  let told: unknown;
  const onProgress = (value: unknown): void => {
    if (value === "waiting") waits.resolve();
    else told = value;
  };
  const future = executor.with({ signal: controller.signal, onProgress }).submit(tasks.tellReason);
  await waits.promise;
  controller.abort(reason);
  const { error } = await failure(future);
  assert(Object.is(error, controller.signal.reason), "the caller's reason");
  // No reason at all is one that the platform makes.
  assertEquals(told, reason === undefined ? told : expected(plan, kind), "reason of an abort");
}

/**
 * As an argument and a result: they are cloned, or refused, and nothing else suffers. Which of the two
 * is the engine's affair: Deno's channels let errors pass that its `structuredClone()` refuses.
 */
async function checkClones(executor: Executor, plan: Plan): Promise<void> {
  const value = build(plan);
  if (isMisread(value)) return;
  const results = [
    executor.submit(tasks.tell, value),
    executor.submit(tasks.tell, "text"),
    executor.submit(tasks.returnIt, plan),
  ];
  const [argument, neighbour, result] = await Promise.allSettled(results);
  assertEquals(neighbour, { status: "fulfilled", value: `"text"` });
  for (const settled of [argument!, result!]) {
    if (settled.status === "rejected") assertInstanceOf(settled.reason, SerializationError);
  }
  if (result!.status === "fulfilled" && argument!.status === "fulfilled") {
    assertEquals(tell((result!.value as unknown[])[0]), argument!.value);
  }
}

/**
 * Firefox writes an `AggregateError` whose `errors` are no array, and cannot read it: as a result it costs
 * its worker, which docs/cloning.md tells.
 */
function isMisread(value: unknown): boolean {
  try {
    structuredClone(value);
    return false;
  } catch (error) {
    return (error as Error).name === "InternalError";
  }
}

testEach("any error of the table is the same on every way", async (kind) => {
  await using executor = kind.create();
  const builtins = tellBuiltins();
  for (const [name, plan] of PLANS) {
    try {
      await checkWays(kind, executor, plan);
      await checkReason(kind, executor, plan);
    } catch (cause) {
      throw new Error(`${name}: ${(cause as Error).message}`, { cause });
    }
  }
  assertEquals(tellBuiltins(), builtins);
  assertEquals(await executor.submit(tasks.tellBuiltins), builtins);
  assertEquals(executor.stats().crashed, 0);
}, { parallel: true, deadline: 30_000 });

for (
  const [how, check] of [
    ["on every way", checkWays],
    ["as the reason of an abort", checkReason],
  ] as const
) {
  testEach(`any of ${RUNS} graphs of errors is the same ${how}`, async (kind) => {
    await using executor = kind.create();
    const builtins = tellBuiltins();
    await fc.assert(fc.asyncProperty(plan, (plan) => check(kind, executor, plan)), {
      numRuns: RUNS,
      seed: SEED,
    });
    assertEquals(tellBuiltins(), builtins);
    assertEquals(await executor.submit(tasks.tellBuiltins), builtins);
    assertEquals(executor.stats().crashed, 0);
  }, { parallel: true, deadline: 30_000 });
}
