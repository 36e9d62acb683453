/** The page in Chromium, Firefox and WebKit, on a narrow window that is touched. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import sharp from "sharp";
import {
  type BrowserName,
  BROWSERS,
  drive,
  findBrowser,
  MissingBrowserError,
} from "../../tests/browser/runner/browsers.mjs";
import { build } from "./build.ts";
import { serve, type Served } from "./serve.ts";

const SIZE = { width: 390, height: 760 };

const folder = mkdtempSync(join(tmpdir(), "playground-"));
let server: Served;

before(async () => {
  await build(folder);
  server = await serve(folder, { isolated: true });
});

after(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Why it is skipped; where all must be there, a missing one is a failure. */
function missing(name: BrowserName): string | false {
  try {
    findBrowser(name);
    return false;
  } catch (error) {
    if (!(error instanceof MissingBrowserError) || process.env.CI === "true") throw error;
    return error.message;
  }
}

for (const name of Object.keys(BROWSERS) as BrowserName[]) {
  const skip = missing(name);
  const title = BROWSERS[name].title + (skip === false ? "" : ` # skipped: ${skip}`);
  test(`the playground on a narrow window of ${title}`, { skip, timeout: 120_000 }, async () => {
    const browser = await drive(name, { sharedMemory: true });
    try {
      const page = await browser.openPage(server.url, SIZE);
      const idle = () => page.evaluate("playground.idle().then(() => true)");
      await idle();
      assert.equal(
        await page.evaluate("document.querySelector('#memory').textContent"),
        "shared memory: on",
      );

      // The picture is the one that this thread computes, on several workers, at plausible times.
      assert.deepEqual(
        await page.evaluate("['mandelbrot', 'julia'].map((one) => playground.differences(one))"),
        [0, 0],
      );
      const { done, tiles, workers, took, spans } = await page.evaluate<{
        done: number;
        tiles: number;
        workers: number;
        took: number;
        spans: number[];
      }>(`(() => {
        const { log, counts } = playground;
        const started = log.filter(({ kind }) => kind === "started");
        const at = (kind, tile) => log.find((one) => one.kind === kind && one.tile?.id === tile.id).at;
        return {
          ...counts,
          workers: new Set(started.map(({ worker }) => worker)).size,
          took: log.at(-1).at - log[0].at,
          spans: started.map(({ tile, at: began }) => at("done", tile) - began),
        };
      })()`);
      assert.equal(done, tiles);
      assert.ok(tiles > 20 && workers >= 2, `${tiles} tiles on ${workers} workers`);
      assert.ok(spans.length >= tiles && took > 0);
      for (const span of spans) assert.ok(span >= 0 && span <= took, `${span} of ${took} ms`);

      // The burst meter.
      const rates = await page.evaluate<[string, number][]>(`(async () => {
        document.querySelector("#burst-tasks").value = "2000";
        document.querySelector("#burst").click();
        while (playground.rates.size < 4) await new Promise((go) => setTimeout(go, 20));
        return [...playground.rates];
      })()`);
      assert.deepEqual(rates.map(([name]) => name), ["postMessage", "await each", "submit", "map"]);
      for (const [way, rate] of rates) assert.ok(rate > 10 && rate < 1e9, `${way}: ${rate}`);

      // Nothing is wider than the window; a finger zooms to where it taps.
      assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"));
      const [x, y, across] = await page.evaluate<[number, number, number]>(`(() => {
        scrollTo(0, 0);
        const { x, y, width, height } = document.querySelector("#picture").getBoundingClientRect();
        return [x + width / 4, y + height / 2, playground.view.across];
      })()`);
      await page.tap(Math.round(x), Math.round(y));
      await page.evaluate(
        `(async () => { while (playground.view.across >= ${across}) await new Promise((go) => setTimeout(go, 20)); })()`,
      );
      await idle();

      const image = sharp(await page.screenshot());
      const { width, height } = await image.metadata();
      assert.ok(width >= SIZE.width - 40 && height >= SIZE.height - 160, `${width} x ${height}`);
      const { entropy } = await image.stats();
      assert.ok(entropy > 1, `the screenshot is nearly blank: ${entropy}`);
      if (process.env.SHOTS !== undefined) {
        await image.toFile(join(process.env.SHOTS, `playground-${name}.png`));
      }
      await page.close();
    } finally {
      await browser.close();
    }
  });
}
