/**
 * Makes the screenshots of README.md, and the picture of a trace in docs/observability.md:
 * `npm run playground:shots`, or with `-- trace` only that.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import process from "node:process";
import { ThreadPoolExecutor } from "../../mod.ts";
import { recordTrace } from "../../src/observe/trace.ts";
import { build } from "./build.ts";
import { launchChromium } from "../../tests/browser/runner/browsers.mjs";
import { serve } from "./serve.ts";
import { openTrace } from "./speedscope.ts";

const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));

const SHOTS = [
  { name: "light", colorScheme: "light", width: 1100, height: 1130, place: "Seahorse valley" },
  { name: "dark", colorScheme: "dark", width: 1100, height: 1130, place: "Spirals" },
  { name: "phone", colorScheme: "light", width: 390, height: 844, place: "Elephant valley" },
] as const;

const ONLY_TRACE = process.argv.includes("trace");

const folder = mkdtempSync(join(tmpdir(), "playground-"));
await build(folder);
const server = await serve(folder, { isolated: true });
const browser = await launchChromium();
try {
  await shootTrace();
  for (const { name, colorScheme, width, height, place } of ONLY_TRACE ? [] : SHOTS) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(server.url);
    await page.selectOption("#place", place);
    await page.locator("#workers").fill("4");
    await page.evaluate(() => playground.idle());
    await page.click("#burst");
    await page.waitForFunction(() => playground.rates.size === 4);
    await page.selectOption("#iterations", "10000"); // slow enough to be caught
    await page.evaluate(catchIt);
    await page.evaluate(() => scrollTo(0, 0));
    const image = await page.screenshot();
    // A palette makes it a quarter. sharp is not ours: it comes with miniflare.
    await sharp(image).png({ palette: true, colours: 200, effort: 10, dither: 0 }).toFile(
      join(IMAGES, `playground-${name}.png`),
    );
    await page.close();
  }
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
}

/** What a worker of a pool that is too small did: short tasks, a long one, one that timed out. */
async function shootTrace(): Promise<void> {
  const executor = new ThreadPoolExecutor({ maxWorkers: 2, name: "shop", grace: 0 });
  await executor.warmUp();
  const recording = recordTrace(executor);
  const order = (milliseconds: number) =>
    executor.submit(async function checkOrder(time: number) {
      await new Promise((resolve) => setTimeout(resolve, time));
    }, milliseconds);
  const orders = Array.from({ length: 16 }, (_, i) => order(i === 5 ? 150 : 20 + 15 * (i % 4)));
  const late = executor.with({ timeout: 120 }).submit(async function askBank() {
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });
  await Promise.allSettled([...orders, late]);
  await executor.shutdown();
  recording.stop();
  await using reader = await openTrace(browser, recording.toJSON(), { width: 900, height: 190 });
  const image = await reader.page.screenshot();
  await sharp(image).png({ palette: true, colours: 128, effort: 10, dither: 0 }).toFile(
    join(IMAGES, "trace.png"),
  );
}

/** Runs in the page: a crash, a zoom that cancels, and on until the picture is half done. */
async function catchIt(): Promise<void> {
  const { counts } = playground;
  const click = (selector: string) => document.querySelector<HTMLElement>(selector)!.click();
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  await playground.idle();
  click("#crash");
  await until(() => counts.retried > 0 && counts.done > 0.3 * counts.tiles);
  const before = counts.cancelled;
  click("[data-move=in]");
  await until(() => counts.cancelled > before);
  await until(() => counts.done > 0.45 * counts.tiles);
}
