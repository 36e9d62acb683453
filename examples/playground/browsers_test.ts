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
import type { TraceFile } from "../../src/observe/trace.ts";
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
      const { done, tiles, lanes, took, drawn } = await page.evaluate<{
        done: number;
        tiles: number;
        took: number;
        drawn: number;
        lanes: [number, number][][];
      }>(`(() => {
        const { log, counts, lanes } = playground;
        return {
          ...counts,
          took: log.at(-1).at - log[0].at,
          drawn: lanes.flatMap(({ spans }) => spans).flatMap(({ tiles }) => tiles).length,
          lanes: lanes.map(({ spans }) => spans.map(({ from, to }) => [from, to])),
        };
      })()`);
      assert.equal(done, tiles);
      assert.ok(drawn >= tiles && tiles > 20, `${drawn} of ${tiles} tiles`);
      assert.ok(lanes.length >= 2 && took > 0, `${lanes.length} workers in ${took} ms`);
      for (const spans of lanes) {
        const busy = spans.reduce((sum, [from, to]) => sum + to - from, 0);
        assert.ok(busy > 0 && busy <= took + 1, `${busy} ms of ${took}`);
        for (const [from, to] of spans) assert.ok(from >= 0 && to >= from, `${from} to ${to}`);
      }

      // The trace, as it would be saved.
      const [name, trace] = await page.evaluate<[string, string]>(`(async () => {
        const { createObjectURL } = URL;
        let file;
        let name;
        URL.createObjectURL = (blob) => createObjectURL.call(URL, file = blob);
        HTMLAnchorElement.prototype.click = function () { name = this.download; };
        document.querySelector("#trace").click();
        URL.createObjectURL = createObjectURL;
        delete HTMLAnchorElement.prototype.click;
        return [name, await file.text()];
      })()`);
      assert.equal(name, "playground-trace.json");
      const { traceEvents } = JSON.parse(trace) as TraceFile;
      const slices = traceEvents.filter(({ ph }) => ph === "X");
      assert.ok(slices.length >= tiles, `${slices.length} slices`);

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
