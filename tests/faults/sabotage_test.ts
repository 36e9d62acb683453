/**
 * A task changes the world that it shares with its worker's program. Later tasks settle as ever, and the
 * executor ends. `npm run fuzz:sabotage` does all that is known, and much at random.
 */

import process from "node:process";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";
import { randomSabotage, sabotageAll } from "./sabotage_run.ts";
import { SABOTAGES } from "./sabotages.ts";

const { SABOTAGE_RUNS } = process.env ?? {};

const hasProcesses = !("document" in globalThis) &&
  process.getBuiltinModule?.("node:child_process") !== undefined;

const KINDS = [
  ["threads", () => new ThreadPoolExecutor({ maxWorkers: 1 })],
  ["processes", () => new ProcessPoolExecutor({ maxWorkers: 1 })],
] as const;

/** Of those that do not make a worker deaf, every so many is done where time is short. */
const EVERY = 6;

const known = SABOTAGES.map(([name, body]) => ({ name, body, exact: true }));
const chosen = known.filter(({ name }, i) =>
  SABOTAGE_RUNS !== undefined || i % EVERY === 0 || name.includes("Array.prototype ") ||
  name.endsWith("Array.prototype") ||
  name.includes("removeAllListeners") || name.startsWith("getters") || name === "globalThis" ||
  name.startsWith("AsyncLocalStorage") || name === "Object.prototype.then"
);

for (const [kind, make] of KINDS) {
  test(`later tasks settle, whatever a task has replaced [${kind}]`, async () => {
    await sabotageAll(make, chosen);
    const runs = Number(SABOTAGE_RUNS ?? 0);
    await sabotageAll(make, Array.from({ length: runs }, (_, i) => randomSabotage(SEED + i)));
  }, {
    deadline: SABOTAGE_RUNS === undefined ? 120_000 : 3_600_000,
    skip: kind === "processes" && !hasProcesses && "there are no processes here",
  });
}
