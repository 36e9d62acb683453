/** Traces in a reader that others wrote. */

import assert from "node:assert/strict";
import type process from "node:process";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { ThreadPoolExecutor } from "../../mod.ts";
import { recordTrace } from "../../src/observe/trace.ts";
import { launchChromium } from "../../tests/browser/runner/browsers.mjs";
import { openTrace } from "./speedscope.ts";

let browser: Browser;

before(async () => {
  browser = await launchChromium();
});

after(() => browser?.close());

function spin(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

test(
  "speedscope shows a trace with steals, a crash and a cancel",
  { timeout: 120_000 },
  async () => {
    const executor = new ThreadPoolExecutor({ maxWorkers: 2, name: "shop" });
    const recording = recordTrace(executor);
    await executor.warmUp();
    const stolen = () =>
      recording.toJSON().traceEvents.filter(({ ph, name }) => ph === "i" && name === "stolen");
    // Short ones, which are sent ahead; behind one that is long the other worker takes them.
    for (let round = 0; stolen().length === 0 && round < 100; round++) {
      await Promise.all(Array.from({ length: 40 }, () => executor.submit(spin, 0)));
      await Promise.all(
        Array.from({ length: 60 }, (_, i) => executor.submit(spin, i === 0 ? 8 : 0)),
      );
    }
    assert.ok(stolen().length > 0);
    const unwanted = executor.submit(spin, 1);
    assert.ok(unwanted.cancel());
    await executor.submit(function die() {
      (globalThis as unknown as typeof globalThis & { process: typeof process }).process.exit(3);
    }).exception();
    await executor.submit(spin, 1);
    await executor.shutdown();
    recording.stop();
    const trace = recording.toJSON();

    // What was written, by row, and what the reader has of it.
    const written: Record<string, number[]> = {};
    const names = trace.traceEvents.filter(({ name }) => name === "thread_name");
    for (const { ph, tid, args } of trace.traceEvents) {
      if (ph !== "X") continue;
      const row = names.find((one) => one.tid === tid)!.args!["name"];
      (written[`shop (pid ${names[0]!.pid}), ${row} (tid ${tid})`] ??= []).push(
        args!["id"] as number,
      );
    }
    await using reader = await openTrace(browser, trace, { width: 900, height: 400 });
    const { profiles, shared: { frames } } = await reader.save();
    const read: Record<string, number[]> = {};
    for (const { name, events } of profiles) {
      read[name] = events.filter(({ type }) => type === "O").map(({ frame }) =>
        Number(/"id":(\d+),/.exec(frames[frame]!.name)![1])
      );
    }
    assert.deepEqual(read, written);
  },
);
