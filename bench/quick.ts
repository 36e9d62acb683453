/**
 * An everyday look at the channel's limit and at this library, side by side, in one run:
 *
 *     npm run bench                 on Deno, Bun and Node
 *     npx deno run -A bench/quick.ts   on one of them
 *
 * It prints ratios, because absolute times mean nothing on a shared machine. The peers, the charts
 * and the full table come with the benchmarks' own issue.
 */

import process from "node:process";
import { Bench } from "tinybench";
import { ThreadPoolExecutor } from "../mod.ts";
import { detectRuntime } from "../src/runtime/mod.ts";
import type { WorkerHandle } from "../src/runtime/mod.ts";

const TASKS = 20_000;
const ITEMS = 200_000;
const identity = (x: number): number => x;

/** A bare worker that answers each array with its own elements, as the library starts one. */
const ECHO = `
  const threads = globalThis.self === undefined || globalThis.Deno !== undefined
    ? process.getBuiltinModule("node:worker_threads").parentPort : undefined;
  const identity = (x) => x;
  const answer = (data, post) => post(Array.isArray(data) ? data.map((x) => identity(x)) : identity(data));
  if (threads) threads.on("message", (data) => answer(data, (m) => threads.postMessage(m)));
  else self.onmessage = (event) => answer(event.data, (m) => self.postMessage(m));
  (threads ?? self).postMessage("ready");
`;

/** Two raw workers; `send` resolves with the answer. Answers come in the order of the questions. */
class RawChannel {
  readonly #waiting: ((data: unknown) => void)[][] = [];
  readonly #handles: WorkerHandle[] = [];

  static async start(workers: number): Promise<RawChannel> {
    const channel = new RawChannel();
    const runtime = detectRuntime();
    await Promise.all(Array.from({ length: workers }, () =>
      new Promise((ready) => {
        const waiting: ((data: unknown) => void)[] = [ready];
        channel.#waiting.push(waiting);
        channel.#handles.push(runtime.spawn({ name: "raw", program: ECHO }, {
          message: (data) => waiting.shift()!(data),
          error: (error) => console.error(error),
          messageError: () => {},
          exit: () => {},
        }));
        channel.#handles.at(-1)!.ref();
      })));
    return channel;
  }

  send(worker: number, message: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      this.#waiting[worker]!.push(resolve);
      this.#handles[worker]!.post(message);
    });
  }

  end(): void {
    for (const handle of this.#handles) handle.terminate();
  }
}

function check(ok: boolean): void {
  if (!ok) throw new Error("A benchmark gave a wrong result");
}

const raw = await RawChannel.start(2);
const executor = new ThreadPoolExecutor(2);
await executor.warmUp();
const numbers = Array.from({ length: ITEMS }, (_, i) => i);

const bench = new Bench({ time: 1000, warmupTime: 300 });
bench
  .add("round trip: raw", async () => {
    check(await raw.send(0, 1) === 1);
  })
  .add("round trip: submit", async () => {
    check(await executor.submit(identity, 1) === 1);
  })
  .add("burst: raw, one message per task", async () => {
    const all = await Promise.all(numbers.slice(0, TASKS).map((n) => raw.send(n % 2, n)));
    check(all[TASKS - 1] === TASKS - 1);
  })
  .add("burst: raw, flat arrays of 512", async () => {
    const sent = [];
    for (let at = 0; at < TASKS; at += 512) {
      sent.push(raw.send(at / 512 % 2, numbers.slice(at, Math.min(at + 512, TASKS))));
    }
    const all = (await Promise.all(sent)).flat();
    check(all.length === TASKS && all[TASKS - 1] === TASKS - 1);
  })
  .add("burst: submit", async () => {
    const all = await Promise.all(numbers.slice(0, TASKS).map((n) => executor.submit(identity, n)));
    check(all[TASKS - 1] === TASKS - 1);
  })
  .add("map: raw, flat arrays of 8192", async () => {
    const sent = [];
    for (let at = 0; at < ITEMS; at += 8192) {
      sent.push(raw.send(at / 8192 % 2, numbers.slice(at, at + 8192)));
    }
    check((await Promise.all(sent)).flat().length === ITEMS);
  })
  .add("map: map().toArray()", async () => {
    check((await executor.map(identity, numbers).toArray()).length === ITEMS);
  });
await bench.run();
raw.end();
await executor.shutdown();

const { deno, bun, node } = process.versions as Record<string, string | undefined>;
console.log(`\n${deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`}, 2 workers`);
const COUNTS: Record<string, number> = { round: 1, burst: TASKS, map: ITEMS };
const LIMITS: Record<string, string> = {
  round: "round trip: raw",
  burst: "burst: raw, flat arrays of 512",
  map: "map: raw, flat arrays of 8192",
};
const rates = new Map<string, number>();
for (const task of bench.tasks) {
  const { result } = task;
  if (!("latency" in result)) throw new Error(`${task.name} did not run: ${result.state}`);
  const kind = task.name.split(/[ :]/)[0]!;
  rates.set(task.name, COUNTS[kind]! / (result.latency.p50 / 1000));
  const rate = rates.get(task.name)!;
  const ratio = rate / (rates.get(LIMITS[kind]!) ?? rate);
  console.log(
    `${task.name.padEnd(36)} ${Math.round(rate).toLocaleString("en").padStart(12)} /s` +
      `${ratio === 1 ? "" : `   ${ratio.toFixed(2)} of the limit`}`,
  );
}
