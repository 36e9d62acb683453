/**
 * A whole program with one pool: `process_probe.ts <pool> factorial|first count`. It prints nothing but an
 * error; whoever runs it takes the time. The library is the one that is installed from npm, as built.
 */

import process from "node:process";
import { RUNTIME } from "./workload.ts";

const [name, task, given] = process.argv.slice(2);
const count = Number(given);

interface Submitter {
  submit(arg: number): PromiseLike<unknown>;
}

async function start(): Promise<Submitter> {
  const fn = task === "first" ? "identity" : "factorial";
  if (name === "@concurrent/futures") {
    const library = RUNTIME === "deno" ? "../mod.ts" : "../dist/mod.js";
    const { ThreadPoolExecutor } = await import(
      library
    ) as typeof import("../mod.ts");
    const executor = new ThreadPoolExecutor(2);
    const tasks = await import("./tasks.js");
    const run = tasks[fn] as (n: number) => unknown;
    return { submit: (arg) => executor.submit(run, arg) };
  }
  const { PEERS } = await import("./pools.ts");
  const kind = PEERS.find((peer) => peer.name === name)!;
  return kind.start(fn, 1);
}

async function bare(): Promise<Submitter> {
  const { RawChannel } = await import("./raw.ts");
  const channel = await RawChannel.start(1, "identity");
  return { submit: (arg) => channel.send(arg) };
}

const pool = name === "bare Worker" ? await bare() : await start();
const argument = task === "first" ? 7 : 1000;
const pending: PromiseLike<unknown>[] = [];
for (let i = 0; i < count; i++) pending.push(pool.submit(argument));
const results = await Promise.all(pending);
if (
  results.length !== count ||
  `${results.at(-1)}`.length !== (task === "first" ? 1 : 2568)
) {
  throw new Error("wrong result");
}
process.exit();
