/**
 * Random programs on real workers: what `tests/engine/model_test.ts` does on fake ones, with fewer of
 * them and simpler claims, for here nobody knows the order of events. program.ts has the claims.
 *
 * `STRESS=20` runs twenty times as many; `SEED` and `FC_PATH` run one again.
 *
 * @module
 */

import fc from "fast-check";
import { env } from "node:process";
import { detectRuntime } from "../../src/runtime/mod.ts";
import { test } from "../harness.ts";
import { type Kind, type MapCall, Program, type Setup, type Step } from "./program.ts";
import { SEED } from "../seed.ts";
import { STRESS } from "./random.ts";

const RUNS = 30 * STRESS;
const { sharedMemory } = detectRuntime().capabilities;

/** A count, or none; mostly none. */
function maybe(min: number, max: number): fc.Arbitrary<number | undefined> {
  return fc.option(fc.integer({ min, max }), { nil: undefined, freq: 1 });
}

const setup: fc.Arbitrary<Setup> = fc.record({
  shared: sharedMemory ? fc.boolean() : fc.constant(false),
  maxWorkers: fc.integer({ min: 1, max: 3 }),
  tasksPerWorker: fc.constantFrom(1, 1, 3),
  onCrash: fc.constantFrom("replace", "replace", "replace", "replace", "break"),
  maxTasksPerChild: maybe(1, 30),
  idleTimeout: fc.constantFrom(undefined, undefined, 0, 5),
  maxPending: maybe(1, 100),
  initializer: fc.boolean(),
});

const kind: fc.Arbitrary<Kind> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom<Kind>("quick", "quick", "quick", "slow", "failing", "soon"),
  },
  { weight: 1, arbitrary: fc.constantFrom<Kind>("polite", "stubborn") },
);

const map: fc.Arbitrary<MapCall> = fc.record({
  kind: fc.constantFrom("quick", "slow", "soon", "failing"),
  size: fc.nat(40),
  chunkSize: maybe(1, 10),
  stopAfter: maybe(0, 20),
  settled: fc.boolean(),
  fatal: maybe(0, 40),
});

const submit = fc.constant("submit" as const);
const limits = fc.record({
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  timeout: fc.constantFrom(undefined, undefined, undefined, undefined, 30),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: fc.tuple(submit, kind, fc.integer({ min: 1, max: 20 }), limits) },
  {
    weight: 3,
    arbitrary: fc.tuple(
      submit,
      fc.constantFrom<Kind>("exit", "stray"),
      fc.constant(1),
      limits,
    ),
  },
  { weight: 5, arbitrary: fc.tuple(fc.constant("map" as const), map) },
  { weight: 20, arbitrary: fc.tuple(fc.constantFrom("cancel", "abort"), fc.nat(1000)) },
  {
    weight: 20,
    arbitrary: fc.tuple(fc.constant("pause" as const), fc.constantFrom(0, 0, 0, 1, 5, 20, 40)),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("broadcast", "warmUp", "ready")) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("shutdown" as const), fc.boolean()) },
  { weight: 1, arbitrary: fc.constant(["terminate"] as const) },
);

test(
  `any program of ${RUNS} on real workers: every future settles, rightly and once`,
  async () => {
    const details = await fc.check(
      fc.asyncProperty(
        setup,
        fc.array(step, { minLength: 10, maxLength: 50, size: "max" }),
        async (setup, steps) => {
          const program = new Program(setup);
          for (const step of steps) await program.take(step);
          await program.end();
        },
      ),
      {
        numRuns: RUNS,
        seed: SEED,
        endOnFailure: true, // no shrinking: the next run would be another
        ...(env.FC_PATH === undefined ? {} : { path: env.FC_PATH }),
      },
    );
    if (!details.failed) return;
    const { seed, counterexamplePath, errorInstance } = details;
    throw new Error(
      `${errorInstance}\n\n${fc.defaultReportMessage(details)}\n\nTry it again:\n  ` +
        `SEED=${seed} FC_PATH=${counterexamplePath} ` +
        `./node_modules/.bin/node --test tests/stress/programs_test.ts\n`,
      { cause: errorInstance },
    );
  },
  { deadline: 60_000 * Math.max(1, STRESS) },
);
