/**
 * The page: connects the pictures, the settings, the timeline and the burst meter with the renderer.
 *
 * @module
 */

import type { ExecutorEvent } from "../../mod.ts";
import { measure } from "./burst.ts";
import { chooseTheme, Controls, element, PLACES } from "./controls.ts";
import { listenToGestures } from "./gestures.ts";
import { paintScene, type Point } from "./mandelbrot.ts";
import { Picture } from "./picture.ts";
import { Renderer, type RenderEvent } from "./renderer.ts";
import type { Lane, Span, SpanKind } from "./history.ts";
import { Timeline } from "./timeline.ts";
import { type PictureName, sceneOf, type Tile, tilesOf, type View, zoomed } from "./tiles.ts";

/** What Julia sets show. */
const JULIA_VIEW: View = { x: 0, y: 0, across: 3.2 };

/** What happened so far. */
const counts = { tiles: 0, done: 0, cancelled: 0, crashes: 0, hangs: 0, retried: 0 };

const canvas = element<HTMLCanvasElement>("picture");
const pictures: Record<PictureName, Picture> = {
  mandelbrot: new Picture(canvas, element("picture-marks")),
  julia: new Picture(element("julia"), element("julia-marks")),
};
const timeline = new Timeline(element("timeline"), element("legend"));
let view: View = PLACES[0];
let startedAt = 0;
/** Promises of {@linkcode PlaygroundHook.idle}. */
const whenIdle: (() => void)[] = [];

const controls = new Controls({
  settings: (settings) => renderer.apply(settings),
  iterations: () => drawSoon(),
  place: (place) => go(place),
});
const watcher = {
  take(event: ExecutorEvent) {
    keep(observed, event);
    timeline.history.take(event);
    timeline.redraw();
    showSoon();
  },
  tileBegan: (worker: string, tile: Tile) => timeline.history.tileBegan(worker, tile),
};
const renderer = new Renderer(controls.settings, watcher, (event) => {
  keep(log, event);
  take(event);
});

// --- what is drawn ---

function draw(): void {
  const scene = sceneOf(view, pictures.mandelbrot.size, controls.iterations);
  const centre: Point = { x: view.x, y: view.y };
  const juliaIterations = Math.min(1000, controls.iterations);
  const julia = sceneOf(JULIA_VIEW, pictures.julia.size, juliaIterations, centre);
  const large = tilesOf("mandelbrot", scene, 0);
  const small = tilesOf("julia", julia, large.length);
  pictures.mandelbrot.show(scene, large);
  pictures.julia.show(julia, small);
  counts.tiles = large.length + small.length;
  startedAt = performance.now();
  renderer.draw([...large, ...small]);
  canvas.setAttribute("aria-label", `The Mandelbrot set at ${describe(view)}`);
}

/** Gestures come more often than frames. */
let frame = 0;
function drawSoon(): void {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    draw();
  });
}

function go(next: View): void {
  view = next;
  controls.showPlace(next);
  drawSoon();
}

/** The point of the plane at a part of the picture's width and height. */
function pointAt({ x, y }: Point): Point {
  const { width, height } = canvas.getBoundingClientRect();
  const down = view.across * height / width;
  return { x: view.x + (x - 0.5) * view.across, y: view.y - (y - 0.5) * down };
}

const moves = {
  zoom: (times: number, at: Point) => go(zoomed(view, times, pointAt(at))),
  pan: ({ x, y }: Point) => go({ ...view, ...pointAt({ x: 0.5 + x, y: 0.5 + y }) }),
  home: () => go(PLACES[0]),
};
listenToGestures(canvas, moves);
for (const button of document.querySelectorAll<HTMLElement>("[data-move]")) {
  const times = { in: 2, out: 1 / 2 }[button.dataset["move"]!];
  button.addEventListener("click", () => {
    if (times === undefined) moves.home();
    else moves.zoom(times, { x: 0.5, y: 0.5 });
  });
}
element("again").addEventListener("click", drawSoon);
for (const fault of ["crash", "hang"] as const) {
  element(fault).addEventListener("click", () => {
    renderer.fail(fault);
    if (!renderer.handsOut) drawSoon(); // no tile is left to fail
  });
}

let sizes = "";
new ResizeObserver(() => {
  const now = JSON.stringify([pictures.mandelbrot.size, pictures.julia.size]);
  if (now !== sizes) drawSoon(); // the first time, too
  sizes = now;
}).observe(canvas);

// --- what happens ---

function take(event: RenderEvent): void {
  switch (event.kind) {
    case "workers":
      showMemory(event.parallel);
      break;
    case "began":
      timeline.begin(event.at - performance.timeOrigin);
      counts.done = counts.tiles - event.tiles;
      break;
    case "started":
      pictures[event.tile.picture].mark(event.tile, true);
      break;
    case "computed":
      pictures[event.tile.picture].mark(event.tile, false);
      break;
    case "done":
      pictures[event.tile.picture].paint(event.tile, event.pixels);
      counts.done++;
      break;
    case "failed":
      pictures[event.tile.picture].mark(event.tile, false);
      if (event.alone) counts[event.why === "crash" ? "crashes" : "hangs"]++;
      counts.retried++;
      break;
    case "cancelled":
      timeline.cancelled(event.at - performance.timeOrigin);
      counts.cancelled += event.waiting + event.running.length;
      for (const picture of Object.values(pictures)) picture.clearMarks();
      break;
    case "broken":
      timeline.ended();
      element("notice").hidden = false;
      element("notice").textContent = `No worker can be had, so this thread draws. ${
        textOf(event.error)
      }`;
      renderer.useThisThread();
      break;
    case "ended":
      timeline.ended();
      if (renderer.hasFaults) return drawSoon(); // a button was pressed more often than tiles were left
      for (const resolve of whenIdle.splice(0)) resolve();
  }
  showSoon();
}

function textOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return [error, cause].filter((one) => one !== undefined).map(String).join(" – ");
}

function showMemory(parallel: boolean): void {
  const shared = parallel && crossOriginIsolated;
  element("memory").textContent = `shared memory: ${shared ? "on" : "off"}`;
  element("memory").classList.toggle("on", shared);
  element("memory").title = shared
    ? "This page is cross-origin isolated: tasks go ahead to workers, and can be taken back."
    : "This page is not cross-origin isolated (COOP and COEP headers): each task is sent alone.";
  for (const id of ["crash", "hang", "burst"]) {
    element<HTMLButtonElement>(id).disabled = !parallel;
  }
}

let shown = 0;
function showSoon(): void {
  shown ||= requestAnimationFrame(() => {
    shown = 0;
    const { tiles, done } = counts;
    element<HTMLProgressElement>("progress").value = tiles === 0 ? 0 : done / tiles;
    if (renderer.busy || done < tiles) element("progress-text").textContent = `${done} of ${tiles}`;
    else {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
      element("progress-text").textContent = `${tiles} tiles in ${seconds} s`;
    }
    for (const name of ["cancelled", "crashes", "hangs", "retried"] as const) {
      element(name).textContent = counts[name].toLocaleString("en");
    }
    tellLive();
    showTable();
  });
}

/** For those who listen: seldom, and never what is outdated. */
let toldAt = -Infinity;
let tellLater: ReturnType<typeof setTimeout> | undefined;
function tellLive(): void {
  const wait = toldAt + 2000 - performance.now();
  if (wait > 0) {
    tellLater ??= setTimeout(() => {
      tellLater = undefined;
      tellLive();
    }, wait);
    return;
  }
  const { tiles, done, cancelled } = counts;
  const text = renderer.busy
    ? `${Math.floor(100 * done / tiles)} percent drawn`
    : `Picture complete: ${tiles} tiles. ${cancelled} were cancelled so far.`;
  if (element("live").textContent === text) return;
  element("live").textContent = text;
  toldAt = performance.now();
}

// --- the timeline's words ---

const details = element<HTMLDetailsElement>("table");
details.addEventListener("toggle", showTable);

function showTable(): void {
  if (!details.open) return;
  element("table-body").replaceChildren(...timeline.history.lanes.map(rowOf));
}

function rowOf({ worker, spans, end }: Lane): HTMLTableRowElement {
  const row = document.createElement("tr");
  const times = spans.filter(({ to }) => to !== undefined).map(({ from, to }) => to! - from);
  const busy = times.reduce((sum, time) => sum + time, 0);
  const tilesOf = (...kinds: SpanKind[]) =>
    spans.filter(({ kind }) => kinds.includes(kind))
      .reduce((sum, { task }) => sum + Math.max(1, task.chunk), 0);
  const state = end !== undefined
    ? `${end.why === "crash" ? "crashed" : "hung"}, replaced`
    : spans.some(({ to }) => to === undefined)
    ? "runs"
    : "idle";
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = worker;
  row.append(name);
  const slowest = `${Math.max(0, ...times).toFixed(1)} ms`;
  const done = tilesOf("mandelbrot", "julia", "again");
  const cancelled = tilesOf("cancelled");
  for (const text of [done, `${busy.toFixed(0)} ms`, slowest, cancelled, state]) {
    row.insertCell().textContent = String(text);
  }
  return row;
}

const chart = element("timeline");
chart.addEventListener("pointermove", detail);
chart.addEventListener("pointerdown", detail);
function detail({ offsetX, offsetY }: PointerEvent): void {
  const span = timeline.spanAt(offsetX, offsetY);
  for (const [name, picture] of Object.entries(pictures)) {
    picture.point(span?.tiles.find((tile) => tile.picture === name));
  }
  element("timeline-detail").textContent = span === undefined ? "" : sentenceOf(span);
}
chart.addEventListener("pointerleave", () => {
  for (const picture of Object.values(pictures)) picture.point(undefined);
});

function sentenceOf({ task, tiles, worker, from, to, kind, stolen }: Span): string {
  const ids = tiles.map(({ id }) => id);
  const which = ids.length > 1 ? `Tiles ${ids.join(", ")}` : `Tile ${ids[0] ?? "…"}`;
  const time = to === undefined ? "still running" : `${(to - from).toFixed(1)} ms`;
  const how = kind === task.name || kind === "running" ? "" : `, ${HOW[kind] ?? kind}`;
  const taken = stolen ? ", taken over from another worker" : "";
  return `${which} (${task.name}) on ${worker}: ${time}${how}${taken}`;
}

const HOW: Record<string, string> = {
  again: "tried again",
  crash: "crashed its worker",
  hang: "hung, its worker was stopped",
};

element("trace").addEventListener("click", () => {
  const file = new Blob([JSON.stringify(renderer.trace())], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = "playground-trace.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it when it likes
});

// --- the burst meter ---

/** Ways to be measured, and what is said of them. */
const WAYS = new Map([
  ["postMessage", "bare worker, a message each"],
  ["await each", "submit, one after the other"],
  ["submit", crossOriginIsolated ? "all at once, in batches" : "all at once, a message each"],
  ["map", "in chunks"],
]);
const bars = new Map([...WAYS].map(([name, words]) => {
  const row = document.createElement("li");
  row.className = name === "postMessage" ? "" : "ours";
  row.innerHTML = "<p><code></code> <small></small></p><div><i></i><span>–</span></div>";
  row.querySelector("code")!.textContent = name;
  row.querySelector("small")!.textContent = words;
  element("bars").append(row);
  return [name, row] as const;
}));
const rates = new Map<string, number>();

element("burst-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void showBurst();
});

/** Said where no memory is shared. */
const ALONE =
  " Without shared memory submitted tasks travel alone, so that cancel() stays exact; " +
  "map still sends chunks.";

async function showBurst(): Promise<void> {
  const button = element<HTMLButtonElement>("burst");
  const state = element("burst-state");
  const tasks = Number(element<HTMLSelectElement>("burst-tasks").value);
  const { workers } = controls.settings;
  button.disabled = true;
  state.textContent = "Measuring …";
  try {
    if (renderer.busy) await idle(); // one would disturb the other
    rates.clear();
    await measure(tasks, workers, ({ name, perSecond }) => {
      rates.set(name, perSecond);
      showRates();
    });
    state.textContent = `${tasks.toLocaleString("en")} tasks on ${workers} workers, the best of ` +
      `three runs.${crossOriginIsolated ? "" : ALONE}`;
  } catch (error) {
    state.textContent = `Cannot measure: ${textOf(error)}`;
  }
  button.disabled = false;
}

function showRates(): void {
  const most = Math.max(...rates.values());
  for (const [name, row] of bars) {
    const rate = rates.get(name);
    row.querySelector("i")!.style.setProperty("--part", String((rate ?? 0) / most));
    row.querySelector("span")!.textContent = rate === undefined
      ? "–"
      : `${Math.round(rate).toLocaleString("en")} /s`;
  }
}

// --- for tests and the curious ---

/** Events that are kept. */
const LOGGED = 20_000;
const log: RenderEvent[] = [];
const observed: ExecutorEvent[] = [];

function keep<T>(events: T[], event: T): void {
  events.push(event);
  if (events.length > LOGGED) events.shift();
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    if (!renderer.busy && frame === 0 && counts.tiles > 0) resolve();
    else whenIdle.push(resolve);
  });
}

/** `globalThis.playground`: what the page knows of itself. */
export interface PlaygroundHook {
  /** What happened so far, as the page shows it. */
  readonly counts: typeof counts;
  /** The last events of the renderer. */
  readonly log: readonly RenderEvent[];
  /** The last events that executors told. */
  readonly observed: readonly ExecutorEvent[];
  /** What the timeline shows. */
  readonly lanes: readonly Lane[];
  /** Tasks per second that were measured, by the way. */
  readonly rates: ReadonlyMap<string, number>;
  /** The view of the large picture. */
  readonly view: View;
  /** Resolves when the pictures are complete. */
  idle(): Promise<void>;
  /** How many pixels differ from the same picture, computed inline on this thread. */
  differences(name: PictureName): number;
}

declare global {
  var playground: PlaygroundHook;
}

globalThis.playground = {
  counts,
  log,
  observed,
  lanes: timeline.history.lanes,
  rates,
  get view() {
    return view;
  },
  idle,
  differences(name) {
    const scene = pictures[name].scene!;
    const context = pictures[name].canvas.getContext("2d")!;
    const { data } = context.getImageData(0, 0, scene.width, scene.height);
    const shown = new Uint32Array(data.buffer);
    const expected = new Uint32Array(paintScene(scene).buffer);
    return expected.reduce((sum, pixel, i) => sum + (pixel === shown[i] ? 0 : 1), 0);
  },
};

chooseTheme(() => timeline.redraw());

function describe({ x, y, across }: View): string {
  return `${x.toPrecision(6)} + ${y.toPrecision(6)} i, ${across.toPrecision(3)} across`;
}
