/**
 * Makes the screenshots of README.md: `npm run playground:shots`.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { build } from "./build.ts";
import { launchChromium } from "../../tests/browser/runner/browsers.mjs";
import { serve } from "./serve.ts";

const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));

const SHOTS = [
  { name: "light", colorScheme: "light", width: 1100, height: 1130, place: "Seahorse valley" },
  { name: "dark", colorScheme: "dark", width: 1100, height: 1130, place: "Spirals" },
  { name: "phone", colorScheme: "light", width: 390, height: 844, place: "Elephant valley" },
] as const;

const folder = mkdtempSync(join(tmpdir(), "playground-"));
await build(folder);
const server = await serve(folder, { isolated: true });
const browser = await launchChromium();
try {
  for (const { name, colorScheme, width, height, place } of SHOTS) {
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
