// Prints, as JSON, the tasks per second of the first burst of a program, and the median of the last five
// of 15: `first_burst_probe.js ours|raw`. The workers have started before.

import process from "node:process";

const COUNT = 100_000;
const WORKERS = 2;

async function ours() {
  const { ThreadPoolExecutor } = await import("../dist/mod.js");
  const { identity } = await import("./tasks.js");
  const executor = new ThreadPoolExecutor(WORKERS);
  await executor.warmUp();
  return (arg) => executor.submit(identity, arg);
}

async function raw() {
  const { BatchedChannel, RawChannel } = await import("./raw.ts");
  const channel = await RawChannel.start(WORKERS, "identity", { batched: true });
  const batched = new BatchedChannel(channel);
  return (arg) => batched.submit(arg);
}

const submit = await (process.argv[2] === "raw" ? raw() : ours());
const rates = [];
for (let round = 0; round < 15; round++) {
  const startedAt = performance.now();
  const pending = [];
  for (let i = 0; i < COUNT; i++) pending.push(submit(i));
  const results = await Promise.all(pending);
  rates.push(COUNT / (performance.now() - startedAt) * 1000);
  if (!results.every((x, i) => x === i)) throw new Error("wrong result");
}
const steady = rates.slice(-5).sort((a, b) => a - b)[2];
process.stdout.write(`${JSON.stringify([rates[0], steady])}\n`, () => process.exit());
