/**
 * Random programs against the scheduler on fake workers, compared with a model: model.ts tells what the
 * model says, model_world.ts what there is of workers, tasks and time. Nothing in a program waits for real
 * time, so a seed does the same everywhere.
 *
 * `FC_RUNS` sets how many programs are run, `SEED` (and `FC_PATH`) which.
 *
 * @module
 */

import { delay } from "@std/async";
import fc from "fast-check";
import { env } from "node:process";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";
import { type Death, type MapCall, Model, type Setup } from "./model.ts";
import type { FamilyCall, StreamCall } from "./model_shapes.ts";
import { rows } from "../../src/engine/item_queue.ts";
import type { Kind } from "./model_world.ts";

const RUNS = Number(env.FC_RUNS ?? 4_000);

/** Programs between two pauses in which the runtime may collect what was left. */
const PAUSE_AFTER = 200;

const which = fc.nat(1000);
const kind: fc.Arbitrary<Kind> = fc.constantFrom(
  "quick",
  "quick",
  "quick",
  "slow",
  "failing",
  "soon",
  "waiting",
  "polite",
);
const mapKind: fc.Arbitrary<Kind> = fc.constantFrom("quick", "slow", "failing", "soon");
const death: fc.Arbitrary<Death> = fc.constantFrom(
  "lost",
  "flushed",
  "error",
  "stray",
  "unreadable",
);

/** A count, or none; mostly none. */
function maybe(min: number, max: number): fc.Arbitrary<number | undefined> {
  return fc.option(fc.integer({ min, max }), { nil: undefined, freq: 1 });
}

/** From how many on tasks wait in rows outside of this test. */
const ROWS_FROM = rows.from;

const setup: fc.Arbitrary<Setup> = fc.record({
  memory: fc.constantFrom("shared", "none", "counted"),
  maxWorkers: fc.integer({ min: 1, max: 3 }),
  tasksPerWorker: fc.constantFrom(1, 1, 2, 3),
  onCrash: fc.constantFrom("replace", "replace", "replace", "break"),
  maxTasksPerChild: maybe(1, 12),
  idleTimeout: fc.constantFrom(undefined, undefined, 0, 20),
  maxPending: maybe(1, 10),
  grace: fc.constantFrom(0, 10, 100),
  initializer: fc.constantFrom("none", "none", "none", "none", "sync", "async", "failing"),
  slowExit: fc.boolean(),
  rowsFrom: fc.constantFrom(1, 3, ROWS_FROM),
});

const mapCall: fc.Arbitrary<MapCall> = fc.record({
  kind: mapKind,
  size: fc.nat(20),
  chunkSize: maybe(1, 6),
  bufferSize: maybe(1, 10),
  stopAfter: maybe(0, 10),
  settled: fc.boolean(),
  abortable: fc.boolean(),
});

const priority = fc.constantFrom(0, 0, 0, 1, -1);
const abortable = fc.constantFrom(false, false, true);

const streamCall: fc.Arbitrary<StreamCall> = fc.record({
  size: fc.nat(12),
  end: fc.constantFrom("returns", "returns", "throws", "never"),
  pace: fc.constantFrom("quick", "quick", "slow", "soon", "waiting", "polite"),
  bufferSize: maybe(1, 6),
  stopAfter: fc.oneof(fc.constant(undefined), fc.nat(14)),
  priority,
  abortable,
}).map((call) => call.end === "never" ? { ...call, stopAfter: call.stopAfter ?? 20 } : call);

const familyCall: fc.Arbitrary<FamilyCall> = fc.letrec<{ family: FamilyCall }>((tie) => ({
  family: fc.record({
    children: fc.array(fc.oneof({ maxDepth: 2, withCrossShrink: true }, kind, tie("family")), {
      maxLength: 4,
    }),
    waits: fc.constantFrom("all", "all", "all", "ends", "none", "fails"),
    cancels: fc.constantFrom(false, false, false, true),
  }),
})).family;

/** One step of a program: a name and its arguments, so that a counterexample can be read. */
type Step =
  | readonly [
    "load" | "receive" | "reply" | "exit" | "finish" | "cancel" | "abort" | "advance",
    number,
  ]
  | readonly ["submit", number, Kind, number, boolean, number | undefined]
  | readonly ["map", MapCall]
  | readonly ["stream", StreamCall]
  | readonly ["parent", FamilyCall, number, boolean]
  | readonly ["kill", number, Death]
  | readonly ["failSpawns", number]
  | readonly ["broadcast", Kind]
  | readonly ["shutdown", boolean]
  | readonly ["tick" | "settle" | "warmUp" | "ready" | "terminate"];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.tuple(
      fc.constant("submit" as const),
      fc.integer({ min: 1, max: 8 }),
      kind,
      priority,
      abortable,
      fc.constantFrom(undefined, undefined, undefined, 20),
    ),
  },
  { weight: 10, arbitrary: fc.tuple(fc.constant("load" as const), which) },
  { weight: 20, arbitrary: fc.tuple(fc.constant("receive" as const), which) },
  { weight: 20, arbitrary: fc.tuple(fc.constant("reply" as const), which) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("exit" as const), which) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("finish" as const), which) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("cancel" as const), which) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("abort" as const), which) },
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constant("advance" as const), fc.constantFrom(0, 5, 11, 100, 1000)),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant("kill" as const), which, death) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("map" as const), mapCall) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("stream" as const), streamCall) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant("parent" as const), familyCall, priority, abortable),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constant("failSpawns" as const), fc.integer({ min: 1, max: 2 })),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("broadcast" as const), kind) },
  { weight: 20, arbitrary: fc.tuple(fc.constant("tick" as const)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("settle" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("warmUp" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("ready" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("shutdown" as const), fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("terminate" as const)) },
);

/** Takes one step: at once, unless it lets microtasks run. */
function take(model: Model, step: Step): void | Promise<void> {
  switch (step[0]) {
    case "submit":
      for (let i = 0; i < step[1]; i++) model.submit(step[2], step[3], step[4], step[5]);
      return;
    case "map":
      return model.map(step[1]);
    case "stream":
      return model.stream(step[1]);
    case "parent":
      return model.parent(step[1], step[2], step[3]);
    case "kill":
      return model.kill(step[1], step[2]);
    case "broadcast":
      return model.broadcast(step[1]);
    case "shutdown":
      return model.shutdown(step[1]);
    case "advance":
      return model.world.advance(step[1]);
    case "tick":
      return model.tick().then(() => model.checkAlive());
    case "settle":
      return model.settle().then(() => model.checkIdle());
    case "warmUp":
    case "ready":
    case "terminate":
      return model[step[0]]();
    default:
      return model[step[0]](step[1]);
  }
}

async function run(setup: Setup, program: readonly Step[]): Promise<void> {
  const model = new Model(setup);
  const uninstall = model.world.install();
  rows.from = setup.rowsFrom;
  try {
    for (const step of program) {
      const pause = take(model, step);
      if (pause !== undefined) await pause;
      model.check();
    }
    await model.end();
  } finally {
    rows.from = ROWS_FROM;
    uninstall();
  }
}

test(
  `any program of ${RUNS}: the scheduler does what its model says`,
  async () => {
    let runs = 0;
    const program = fc.array(step, { maxLength: 60, size: "max" });
    const details = await fc.check(
      fc.asyncProperty(setup, program, async (setup, program) => {
        if (++runs % PAUSE_AFTER === 0) await delay(0);
        await run(setup, program);
      }),
      {
        numRuns: RUNS,
        seed: SEED,
        ...(env.FC_PATH === undefined ? {} : { path: env.FC_PATH }),
      },
    );
    if (!details.failed) return;
    const { seed, counterexamplePath, errorInstance } = details;
    throw new Error(
      `${errorInstance}\n\n${fc.defaultReportMessage(details)}\n\nReproduce it:\n  ` +
        `SEED=${seed} FC_PATH=${counterexamplePath} ` +
        `./node_modules/.bin/node --test tests/engine/model_test.ts\n`,
      { cause: errorInstance },
    );
  },
  { deadline: 600_000 },
);
