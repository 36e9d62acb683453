/** Workers whose clocks tell anything at all: what is told of times stays between what the owner knows. @module */

import { assert, assertEquals } from "@std/assert";
import { type ExecutorEvent, ThreadPoolExecutor } from "../../mod.ts";
import { KINDS, SETUP, STARTED, TIMES, type WorkerSetup } from "../../src/wire/messages.ts";
import { test } from "../harness.ts";
import { FakeRuntime, type FakeWorker, type Memory, tick } from "./fake_runtime.ts";

/** What a clock may say that a task, or a fault, has broken. */
const SAID = [NaN, -Infinity, -1e308, -5, 0, 1e-3, 1e12, 1e308, Infinity] as const;
/** A start and how long the task ran, each with each; in shared memory a start at 0 says that there is none. */
const BOTH = SAID.flatMap((start) => SAID.map((ran) => [start, ran] as const));

/** Puts other times into what a worker says and leaves in shared memory. */
class Forger {
  readonly #now: number;
  #next = 0;
  /** How many were put. */
  count = 0;
  #shared: Float64Array | undefined = undefined;

  constructor(now: number) {
    this.#now = now;
  }

  #both(): readonly [number, number] {
    this.count++;
    return BOTH[this.#next++ % BOTH.length]!;
  }

  /** The worker is set up: where its times stand. */
  see(worker: FakeWorker): void {
    for (const message of worker.inbox as [number, WorkerSetup][]) {
      if (message[0] === SETUP) this.#shared = message[1].outcomes?.times;
    }
  }

  forge(worker: FakeWorker): void {
    for (const message of worker.outbox as [number, ...unknown[]][]) {
      const kind = message[0] % KINDS;
      if (kind === STARTED && message.length > 3) message[3] = this.#now;
      if (kind !== TIMES) continue;
      message[1] = this.#now;
      const times = message[2] as number[];
      for (let at = 0; at < times.length; at += 3) {
        [times[at + 1], times[at + 2]] = this.#both() as [number, number];
      }
    }
    for (let at = 0; at < (this.#shared?.length ?? 0); at += 2) {
      if (this.#shared![at] === 0) continue; // nothing was timed there
      const [start, ran] = this.#both();
      [this.#shared![at], this.#shared![at + 1]] = [start || NaN, ran];
    }
  }
}

/** Holds the times of events against each other. */
function check(events: readonly ExecutorEvent[], from: number, tasks: number): void {
  const last = new Map<number, ExecutorEvent>();
  const submitted = new Map<number, number>();
  let ended = 0;
  for (const event of events) {
    assert(event.at >= from && event.at <= performance.now(), `${event.type} at ${event.at}`);
    if (!("task" in event)) continue;
    const { id } = event.task;
    assert(event.at >= (last.get(id)?.at ?? from), `${event.type} before what came before it`);
    last.set(id, event);
    if (event.type === "submitted") submitted.set(id, event.at);
    if (event.type !== "ended") continue;
    ended++;
    const { waited, ran } = event;
    const life = event.at - submitted.get(id)!;
    assert(waited >= 0 && ran >= 0 && waited + ran <= life + 1e-6, `${waited} + ${ran} in ${life}`);
  }
  assertEquals(ended, tasks);
}

async function run(memory: Memory, now: number, isObserved: boolean): Promise<number> {
  const from = performance.now();
  const runtime = new FakeRuntime(memory);
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, metrics: true, runtime });
  const events: ExecutorEvent[] = [];
  if (isObserved) executor.observe((event) => events.push(event));
  const futures = BOTH.map((_, i) => executor.submit((x: number) => x, i));
  await tick();
  const worker = runtime.workers[0]!;
  const forger = new Forger(now);
  worker.start();
  worker.reply();
  forger.see(worker);
  for (let rounds = 0; futures.some((future) => !future.done()); rounds++) {
    assert(rounds < 10_000, "it goes on");
    await tick();
    while (worker.receive());
    forger.forge(worker);
    while (worker.reply());
  }
  assertEquals(await Promise.all(futures), BOTH.map((_, i) => i));
  if (isObserved) check(events, from, BOTH.length);
  const { waitTime, runTime, utilization } = executor.metrics();
  const most = performance.now() - from;
  for (const { count, min, max, mean } of [waitTime, runTime]) {
    assertEquals(count, BOTH.length);
    assert(min >= 0 && mean >= min && max >= mean && max <= most, `${min} ${mean} ${max}`);
  }
  for (const part of Object.values(utilization)) assert(part >= 0 && part <= 1, String(part));
  const ending = executor.shutdown();
  await runtime.settle();
  await ending;
  return forger.count;
}

for (const memory of ["shared", "none", "counted"] as const) {
  test(`whatever a worker's clock says, times stay between what is known [${memory}]`, async () => {
    for (const now of SAID) {
      for (const isObserved of [true, false]) {
        assert(await run(memory, now, isObserved) >= BOTH.length, "too few were forged");
      }
    }
  });
}
