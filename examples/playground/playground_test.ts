/**
 * Tests of the page, in the Chromium of this machine: `node --test examples/playground`. They build it
 * as it is deployed and serve it twice: under a path of its own without any header, and isolated.
 */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { TraceFile } from "../../src/observe/trace.ts";
import { build } from "./build.ts";
import { launchChromium } from "../../tests/browser/runner/browsers.mjs";
import { History } from "./history.ts";
import { paintRows, paintScene } from "./mandelbrot.ts";
import type { RenderEvent } from "./renderer.ts";
import { serve, type Served } from "./serve.ts";
import { sceneOf, type Tile, tilesOf, zoomed } from "./tiles.ts";

const DEADLINE = 30_000;

const folder = mkdtempSync(join(tmpdir(), "playground-"));
let browser: Browser;
let isolated: Served;
let plain: Served;
let strict: Served;

before(async () => {
  await build(folder);
  isolated = await serve(folder, { isolated: true });
  plain = await serve(folder, { isolated: false, base: "/some/where/" });
  // As strict as a page can be; Chromium then stops blob: workers.
  const csp = "default-src 'self'; img-src 'self' data:; style-src-attr 'unsafe-inline'";
  strict = await serve(folder, { isolated: true, csp });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  for (const server of [isolated, plain, strict]) server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Declares a test with a page of its own, on which nothing may go wrong unsaid. */
function pageTest(
  name: string,
  run: (page: Page) => Promise<void>,
  { server = () => isolated, errors = [], ...options }: BrowserContextOptions & {
    server?: () => Served;
    errors?: RegExp[];
  } = {},
): void {
  test(
    name,
    { timeout: DEADLINE },
    async () => {
      const context = await browser.newContext({
        viewport: { width: 560, height: 640 },
        ...options,
      });
      const complaints: string[] = [];
      const complain = (text: string) => {
        if (!errors.some((pattern) => pattern.test(text))) complaints.push(text);
      };
      try {
        const page = await context.newPage();
        page.setDefaultTimeout(DEADLINE);
        page.on("pageerror", (error) => complain(String(error)));
        page.on("console", (message) => {
          if (message.type() === "error" || message.type() === "warning") complain(message.text());
        });
        await page.goto(server().url);
        await idle(page);
        await run(page);
        assert.deepEqual(complaints, []);
      } finally {
        await context.close();
      }
    },
  );
}

function idle(page: Page): Promise<void> {
  return page.evaluate(() => playground.idle());
}

function counts(page: Page): Promise<PlaygroundHook["counts"]> {
  return page.evaluate(() => ({ ...playground.counts }));
}

type PlaygroundHook = typeof globalThis.playground;

/** Both pictures are there, and as one thread computes them. */
async function assertComplete(page: Page): Promise<void> {
  await idle(page);
  const { done, tiles } = await counts(page);
  assert.ok(tiles > 30, `${tiles} tiles`);
  assert.equal(done, tiles);
  const differences = await page.evaluate(() => [
    playground.differences("mandelbrot"),
    playground.differences("julia"),
  ]);
  assert.deepEqual(differences, [0, 0]);
}

/** What is told of the events of one kind. */
function events<K extends RenderEvent["kind"]>(
  page: Page,
  kind: K,
): Promise<{ run: number; worker?: string }[]> {
  return page.evaluate(
    (kind) =>
      playground.log.filter((event) => event.kind === kind).map((event) => ({
        run: (event as { run: number }).run,
        ...(event.kind === "started" ? { worker: event.worker } : {}),
      })),
    kind,
  );
}

/** Runs in the page, where no message is lost on the way: acts while the picture is half done. */
function whileItDraws(page: Page, act: "zoom" | "workers" | "window"): Promise<void> {
  return page.evaluate(async (act) => {
    const until = async (holds: () => boolean) => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    const started = () => playground.log.filter(({ kind }) => kind === "started").length;
    const before = started();
    document.querySelector<HTMLElement>("#again")!.click();
    await until(() => started() > before + 8);
    if (act === "zoom") document.querySelector<HTMLElement>("[data-move=in]")!.click();
    else {
      const slider = document.querySelector<HTMLInputElement>(`#${act}`)!;
      slider.value = slider.value === "3" ? "5" : "3";
      slider.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }, act);
}

/** Runs in the page: texts whose colour is too near to what is behind them. */
function textOfLowContrast(): string[] {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
  const rgba = (colour: string) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour: number[]) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const behind = (element: Element | null): number[] => {
    for (let one = element; one !== null; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3]! > 200) return colour;
    }
    return [255, 255, 255, 255];
  };
  const low: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement!;
    const text = texts.currentNode.textContent!.trim();
    if (text === "" || element.closest("script, noscript, .hidden, .skip, [hidden], option")) {
      continue;
    }
    const colours = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))];
    const [dark, light] = colours.sort((a, b) => a - b) as [number, number];
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) low.push(`${contrast.toFixed(2)}: ${text}`);
  }
  return low;
}

test("tiles cover a scene once, the centre first", () => {
  const scene = sceneOf({ x: 0, y: 0, across: 4 }, { width: 200, height: 130 }, 10);
  const tiles = tilesOf("mandelbrot", scene, 7);
  assert.deepEqual(tiles.map(({ id }) => id), tiles.map((_, index) => 7 + index));
  const covered = new Uint8Array(scene.width * scene.height);
  for (const { area } of tiles) {
    for (let y = area.top; y < area.top + area.height; y++) {
      for (let x = area.left; x < area.left + area.width; x++) covered[y * scene.width + x]!++;
    }
  }
  assert.ok(covered.every((times) => times === 1));
  const { left, top, width, height } = tiles[0]!.area;
  assert.ok(left < 100 && left + width > 100 && top < 65 && top + height >= 64);
});

test("tiles come to the same pixels as the whole scene", () => {
  for (const julia of [undefined, { x: -0.7, y: 0.3 }]) {
    const scene = sceneOf({ x: -0.6, y: 0.1, across: 3 }, { width: 150, height: 90 }, 60, julia);
    const whole = paintScene(scene);
    assert.ok(new Set(new Uint32Array(whole.buffer)).size > 50); // it is a picture
    for (const { area } of tilesOf("julia", scene, 0)) {
      const pixels = new Uint8ClampedArray(4 * area.width * area.height);
      paintRows(scene, area, pixels, 0, area.height);
      for (let y = 0; y < area.height; y++) {
        const at = 4 * ((area.top + y) * scene.width + area.left);
        const row = whole.subarray(at, at + 4 * area.width);
        assert.deepEqual(pixels.subarray(4 * y * area.width, 4 * (y + 1) * area.width), row);
      }
    }
  }
});

test("zooming keeps its place, and ends where numbers do", () => {
  const view = { x: 1, y: 2, across: 4 };
  assert.deepEqual(zoomed(view, 2), { x: 1, y: 2, across: 2 });
  assert.deepEqual(zoomed(view, 2, { x: 2, y: 2 }), { x: 1.5, y: 2, across: 2 });
  assert.equal(zoomed(view, 1e20).across, zoomed(view, 1e30).across);
  assert.equal(zoomed(view, 1e-20).across, 8);
});

test("the history is what an executor tells, and nothing else", () => {
  const history = new History();
  const task = (id: number, chunk = 0, priority = 0) => ({ id, name: "julia", priority, chunk });
  const at = (ms: number) => ({ at: ms, executor: "pool1" });
  const tile = (id: number) => ({ id, picture: "julia" }) as Tile;
  history.clear(0);
  for (const one of [task(0, 2), task(1), task(2), task(3, 0, 2)]) {
    history.take({ type: "submitted", ...at(1), task: one });
  }
  assert.equal(history.queue.at(-1)!.waiting, 5); // a chunk is as many tiles
  history.take({ type: "returned", ...at(2), task: task(1), worker: "a", reason: "stolen" });
  history.tileBegan("b", tile(7));
  history.take({ type: "started", ...at(3), task: task(0, 2), worker: "b" });
  history.tileBegan("b", tile(8));
  const ended = (ms: number, id: number, ran: number) => ({
    ...at(ms),
    type: "ended" as const,
    task: task(id),
    worker: "b",
    waited: 2,
    ran,
  });
  history.take({ ...ended(6, 0, 2.5), outcome: "succeeded", task: task(0, 2) });
  history.take({ type: "started", ...at(6), task: task(1), worker: "b" });
  history.take({ ...ended(9, 1, 3), outcome: "timedOut", error: new Error("late") });
  history.take({ type: "workerEnded", ...at(9), worker: "b", reason: "stopped" });
  history.take({ ...ended(10, 2, 0), worker: undefined, outcome: "cancelled" });
  history.take({ type: "started", ...at(11), task: task(3, 0, 2), worker: "c" });
  history.take({ ...ended(12, 3, 1), worker: "c", task: task(3, 0, 2), outcome: "succeeded" });
  const [b, c] = history.lanes;
  assert.deepEqual(
    b!.spans.map(({ from, to, kind, stolen, tiles }) => [from, to, kind, stolen, tiles.length]),
    [[3, 5.5, "julia", false, 2], [6, 9, "hang", true, 0]],
  );
  assert.deepEqual(b!.end, { at: 9, why: "hang" });
  assert.deepEqual(c!.spans.map(({ kind }) => kind), ["again"]);
  assert.deepEqual(history.cancels, [{ at: 10, count: 1 }]);
  assert.equal(history.queue.at(-1)!.waiting, 0);
});

test("the page that is built names only what lies beside it", async () => {
  await build(folder);
  const page = readFileSync(join(folder, "index.html"), "utf8");
  const links = [...page.matchAll(/(?:src|href)="([^"#][^"]*)"/g)].map(([, link]) => link!)
    .filter((link) => !/^(?:data|https):/.test(link));
  assert.deepEqual(links.sort(), ["./main.js", "./style.css"]);
  for (const file of ["main.js", "style.css", "tasks.js"]) {
    assert.ok(existsSync(join(folder, file)));
  }
  assert.ok(statSync(join(folder, "tasks.js")).size < 8000); // each worker loads it
});

// Two pages at once: a page mostly waits for its workers, or the driver for the page.
describe("the playground", { concurrency: 2 }, () => {
  pageTest("the picture equals the one computed inline, with shared memory", async (page) => {
    assert.equal(await page.textContent("#memory"), "shared memory: on");
    await assertComplete(page);
  });

  pageTest(
    "a static build works under a path, without shared memory",
    async (page) => {
      assert.equal(await page.textContent("#memory"), "shared memory: off");
      await assertComplete(page);
      await page.click("#crash");
      await assertComplete(page);
      assert.equal((await counts(page)).crashes, 1);
    },
    { server: () => plain },
  );

  pageTest(
    "zooming cancels what is no longer needed, and nothing stale is painted",
    async (page) => {
      await whileItDraws(page, "zoom");
      await assertComplete(page);
      const { cancelled } = await counts(page);
      assert.ok(cancelled > 0);
      assert.equal(await page.textContent("#cancelled"), String(cancelled));
      const painted = await page.evaluate(() => {
        const stale: number[] = [];
        const over = new Set<number>();
        for (const event of playground.log) {
          if (event.kind === "cancelled") over.add(event.run);
          if (event.kind === "done" && over.has(event.run)) stale.push(event.tile.id);
        }
        return { stale, over: over.size };
      });
      assert.deepEqual(painted.stale, []);
      assert.ok(painted.over > 0);
    },
  );

  for (const order of ["map", "submit"]) {
    pageTest(`a crash loses nothing, its worker is replaced: ${order}`, async (page) => {
      await page.locator(`[name=order][value=${order}]`).check();
      await page.locator("#workers").fill("1"); // so that none can do the work of the dead
      await idle(page);
      const before = new Set((await events(page, "started")).map(({ worker }) => worker));
      await page.click("#crash");
      await page.waitForFunction(() => playground.counts.crashes === 1);
      await assertComplete(page);
      assert.ok((await counts(page)).retried >= 1); // on a busy machine a slow tile counts as hung
      // The worker that died runs nothing more, another one has come.
      const workers = await page.evaluate(() => {
        const at = playground.log.findIndex(({ kind }) => kind === "failed");
        const failed = playground.log[at] as { tile: object };
        const names = playground.log.map((event) =>
          event.kind === "started" ? { worker: event.worker, tile: event.tile } : undefined
        );
        const dead = names.slice(0, at).findLast((one) => one?.tile === failed.tile)!.worker;
        const later = names.slice(at).flatMap((one) => one === undefined ? [] : [one.worker]);
        return { dead, later };
      });
      assert.ok(!workers.later.includes(workers.dead));
      assert.ok(workers.later.some((name) => !before.has(name)));
      await page.click("summary");
      const row = page.locator("#table-body tr", { hasText: "crashed, replaced" });
      assert.equal(await row.locator("th").textContent(), workers.dead);
    });
  }

  pageTest("a tile that hangs is stopped, and the picture is completed", async (page) => {
    await page.selectOption("#chunk", "4"); // three others go with it
    await page.click("#hang");
    await page.waitForFunction(() => playground.counts.hangs >= 1);
    await assertComplete(page);
    assert.ok((await counts(page)).retried >= 4);
  });

  pageTest("crashes in quick succession do not break the executor", async (page) => {
    await page.evaluate(() => {
      for (let i = 0; i < 4; i++) document.querySelector<HTMLElement>("#crash")!.click();
    });
    await page.waitForFunction(() => playground.counts.crashes + playground.counts.hangs >= 4);
    await assertComplete(page);
    assert.ok(await page.isHidden("#notice"));
  });

  pageTest("workers and window change while it draws", async (page) => {
    await whileItDraws(page, "workers");
    await assertComplete(page);
    const pools = (await events(page, "started")).map(({ worker }) => worker!.split("_")[0]);
    assert.deepEqual([...new Set(pools)], ["pool1", "pool2"]);
    await whileItDraws(page, "window");
    await assertComplete(page);
    const waiting = await page.evaluate(() => {
      const { run } = playground.log.at(-1) as { run: number };
      return playground.log.map((event) =>
        event.kind === "handed" && event.run === run ? event.waiting : 0
      );
    });
    // Two pictures, each with a window of three.
    assert.ok(Math.max(...waiting) <= 6, `${Math.max(...waiting)} are handed out`);
  });

  pageTest("priority: the picture that is chosen starts first", async (page) => {
    for (const first of ["julia", "mandelbrot"] as const) {
      await page.locator(`[name=first][value=${first}]`).check();
      await page.click("#again");
      await assertComplete(page);
      const median = await page.evaluate((first) => {
        const began = playground.log.findLastIndex(({ kind }) => kind === "began");
        const names = playground.log.slice(began).flatMap((event) =>
          event.kind === "started" ? [event.tile.picture] : []
        );
        const places = names.flatMap((name, at) => name === first ? [at] : []);
        return places[places.length >> 1]! - (places.length >> 1);
      }, first);
      // In the middle of the chosen one, hardly any of the other has begun.
      assert.ok(median <= 10, `${median} of the other began before`);
    }
  });

  pageTest("keys zoom, move and lead back", async (page) => {
    const view = () => page.evaluate(() => ({ ...playground.view }));
    const home = await view();
    await page.keyboard.press("Tab");
    await page.focus("#picture");
    await page.keyboard.press("+");
    assert.ok((await view()).across < home.across);
    await page.keyboard.press("ArrowRight");
    assert.ok((await view()).x > home.x);
    await page.keyboard.press("ArrowUp");
    assert.ok((await view()).y > home.y);
    await page.keyboard.press("-");
    assert.ok(Math.abs((await view()).across - home.across) < 1e-9);
    await page.keyboard.press("0");
    assert.equal((await view()).x, home.x);
    await assertComplete(page);
    // Arrows of a slider are its own.
    await page.focus("#window");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.textContent("#window-value"), "33");
    assert.equal((await view()).x, home.x);
  });

  pageTest(
    "a click zooms to its place, the wheel only where the picture was chosen",
    async (page) => {
      const { x, y, width, height } = (await page.locator("#picture").boundingBox())!;
      const across = () => page.evaluate(() => playground.view.across);
      const home = await across();
      await page.mouse.move(x + width / 4, y + height / 2);
      await page.mouse.wheel(0, -100);
      assert.equal(await across(), home);
      await page.evaluate(() => scrollTo(0, 0));
      const point = () => page.evaluate(() => playground.view.x - playground.view.across / 4);
      const before = await point();
      await page.mouse.click(x + width / 4, y + height / 2);
      assert.ok(Math.abs(await across() - home / 2) < 1e-9);
      assert.ok(Math.abs(await point() - before) < 0.02 * home);
      await page.mouse.wheel(0, -100);
      await page.waitForFunction((half) => playground.view.across < half, home / 2 - 1e-9);
      await assertComplete(page);
    },
  );

  pageTest("the timeline shows every task that ran, when it did", async (page) => {
    await page.selectOption("#chunk", "2");
    await assertComplete(page);
    await page.click("#again");
    await assertComplete(page);
    const { lanes, ran, tiles } = await page.evaluate(() => ({
      lanes: playground.lanes.map(({ spans }) =>
        spans.map(({ task, tiles, from, to, kind }) => ({
          ...task,
          tiles: tiles.map(({ id }) => id),
          from,
          to: to!,
          kind,
        })).sort((a, b) => a.from - b.from)
      ),
      ran: playground.observed.flatMap((event) =>
        event.type === "ended" && event.worker !== undefined ? [event.ran] : []
      ),
      tiles: playground.counts.tiles,
    }));
    const spans = lanes.flat();
    const drawn = spans.flatMap((span) => span.tiles).sort((a, b) => a - b);
    assert.deepEqual(drawn, Array.from({ length: tiles }, (_, id) => id)); // of the last picture
    for (const span of spans) {
      assert.equal(span.kind, span.name);
      assert.equal(span.tiles.length, span.chunk);
      assert.ok(span.to >= span.from);
      assert.ok(ran.some((time) => Math.abs(time - (span.to - span.from)) < 1e-6));
    }
    // A worker runs one task at a time.
    for (const own of lanes) {
      for (const [i, span] of own.entries()) {
        assert.ok(i === 0 || own[i - 1]!.to <= span.from + 1, "bars overlap");
      }
    }
  });

  pageTest("the trace can be had as a file", async (page) => {
    await page.click("#crash");
    await page.waitForFunction(() => playground.counts.crashes === 1);
    await assertComplete(page);
    const downloading = page.waitForEvent("download");
    await page.click("#trace");
    const download = await downloading;
    assert.equal(download.suggestedFilename(), "playground-trace.json");
    const path = join(folder, "trace.json");
    await download.saveAs(path);
    const { traceEvents } = JSON.parse(readFileSync(path, "utf8")) as TraceFile;
    const names = traceEvents.filter(({ ph }) => ph === "M").map(({ args }) => args?.["name"]);
    assert.ok(names.includes("pool1") && names.includes("pool1_0"));
    const slices = traceEvents.filter(({ ph }) => ph === "X");
    const { tiles } = await counts(page);
    assert.ok(slices.length >= tiles, `${slices.length} slices of ${tiles} tiles`);
    assert.deepEqual([...new Set(slices.map(({ name }) => name))].sort(), ["julia", "mandelbrot"]);
    assert.ok(traceEvents.some(({ ph, name }) => ph === "i" && name === "worker crashed"));
    const times = traceEvents.map(({ ts }) => ts);
    assert.deepEqual(times, times.toSorted((a, b) => a - b));
  });

  pageTest("the burst meter gives numbers", async (page) => {
    await page.selectOption("#burst-tasks", "2000");
    await page.click("#burst");
    await page.waitForFunction(() => playground.rates.size === 4);
    await page.waitForSelector("#burst:enabled");
    const rates = await page.evaluate(() => [...playground.rates]);
    assert.deepEqual(rates.map(([name]) => name), ["postMessage", "await each", "submit", "map"]);
    for (const [name, rate] of rates) {
      assert.ok(rate > 0 && Number.isFinite(rate), `${name}: ${rate}`);
    }
    assert.match((await page.textContent("#bars"))!, /map.*\d \/s/s);
    assert.match((await page.textContent("#burst-state"))!, /^2,000 tasks on \d+ workers/);
  });

  pageTest("a page that may not start workers says so, and draws by itself", async (page) => {
    await assertComplete(page);
    assert.match(
      (await page.textContent("#notice"))!,
      /No worker can be had.*Content-Security-Policy/,
    );
    assert.ok(await page.isDisabled("#hang"));
    assert.equal(await page.textContent("#memory"), "shared memory: off");
  }, { server: () => strict, errors: [/Content Security Policy/] });

  pageTest("everything that can be used has a name", async (page) => {
    const nameless = await page.evaluate(() => {
      const named = (one: Element) =>
        one.getAttribute("aria-label") ?? (one as HTMLInputElement).labels?.[0]?.textContent ??
          one.textContent;
      return [
        ...document.querySelectorAll(
          "button, input, select, canvas:not([aria-hidden]), a, summary",
        ),
      ]
        .filter((one) => named(one)!.trim() === "").map((one) => one.outerHTML);
    });
    assert.deepEqual(nameless, []);
    const tree = await page.locator("body").ariaSnapshot();
    for (const part of ["banner", "main", "contentinfo", 'form "Settings"', "progressbar"]) {
      assert.ok(tree.includes(part), `${part} in\n${tree}`);
    }
    assert.doesNotMatch(tree, /- (button|slider|combobox|radio|img|link)(:|\s*$)/m);
    const live = page.locator("[aria-live=polite]");
    await page.waitForFunction(() => document.querySelector("#live")!.textContent !== "");
    assert.match((await live.textContent())!, /percent drawn|Picture complete/);
  });

  pageTest(
    "text has contrast in both themes; the one that is chosen is remembered",
    async (page) => {
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await page.click("summary");
      const light = await ground();
      assert.deepEqual(await page.evaluate(textOfLowContrast), []);
      await page.emulateMedia({ colorScheme: "dark" }); // the system's
      const dark = await ground();
      assert.notEqual(dark, light);
      assert.deepEqual(await page.evaluate(textOfLowContrast), []);
      await page.locator("[name=theme][value=light]").check();
      assert.equal(await ground(), light);
      await page.reload();
      assert.equal(await ground(), light);
      await idle(page);
    },
    { colorScheme: "light" },
  );

  for (const width of [360, 1280]) {
    pageTest(`nothing scrolls sideways at ${width} pixels`, async (page) => {
      await page.click("summary");
      const wide = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        ...[...document.querySelectorAll("main *")].map((one) =>
          one.closest(".scroll, .hidden, .skip") ? 0 : Math.ceil(one.getBoundingClientRect().right)
        ),
      ]);
      assert.ok(Math.max(...wide) <= width, `${Math.max(...wide)} pixels`);
      await assertComplete(page);
      // And who wants no motion gets none.
      const times = await page.evaluate(() =>
        [...document.querySelectorAll("*")].map((one) => getComputedStyle(one).transitionDuration)
      );
      assert.deepEqual([...new Set(times)], ["0s"]);
    }, { viewport: { width, height: 740 }, reducedMotion: "reduce" });
  }
});
