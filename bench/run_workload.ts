/**
 * Runs one workload on this runtime and prints its result as JSON, for `main.ts`:
 *
 *     node bench/run_workload.ts burst [--quick]
 */

import process from "node:process";
import { runWorkload } from "./workload.ts";
import type { Workload } from "./workload.ts";

const [id, flag] = process.argv.slice(2);
const { workload } = await import(`./workloads/${id}.ts`) as {
  workload: Workload;
};
const result = await runWorkload(id!, workload, flag === "--quick");
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
