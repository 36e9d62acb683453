/**
 * Who runs what, when: a lane for each worker, a bar for each tile, and above them how many tiles are
 * handed out and wait. Drawn from what the renderer tells, never from what should have happened.
 *
 * @module
 */

import type { RenderEvent } from "./renderer.ts";
import type { Tile } from "./tiles.ts";

/** How a tile ended, or that it runs. */
export type SpanKind =
  | "running"
  | "mandelbrot"
  | "julia"
  | "again"
  | "cancelled"
  | "crash"
  | "hang";

/** A tile on a worker. */
export interface Span {
  readonly worker: string;
  readonly tile: Tile;
  readonly run: number;
  readonly from: number;
  /** It began although one that was handed out earlier was still waiting. */
  readonly overtook: boolean;
  to: number | undefined;
  kind: SpanKind;
}

/** A worker, as far as its tiles tell of it. */
export interface Lane {
  readonly worker: string;
  readonly spans: Span[];
  /** When and why it was replaced. */
  end: { readonly at: number; readonly why: "crash" | "hang" } | undefined;
}

/** Milliseconds that are seen at the most. */
const SEEN = 8000;

/** Milliseconds between two drawings at the least. */
const FRAME = 60;

/** In CSS pixels. */
const [LANE, GAP, QUEUE, AXIS, TOP] = [22, 4, 30, 22, 18];

/** The record of what happened, and its picture. */
export class Timeline {
  readonly lanes: Lane[] = [];
  readonly #canvas: HTMLCanvasElement;
  readonly #swatches: Element;
  #queue: { at: number; waiting: number }[] = [];
  #cancels: { at: number; count: number }[] = [];
  #open = new Map<Tile, Span>();
  #from = 0;
  #to = 0;
  #busy = false;
  #waiting = 0;
  #frame = 0;
  #drawnAt = 0;

  /**
   * @param canvas Where it is drawn.
   * @param swatches Its legend: each kind's colour is that of the swatch with its name.
   */
  constructor(canvas: HTMLCanvasElement, swatches: Element) {
    this.#canvas = canvas;
    this.#swatches = swatches;
    new ResizeObserver(() => this.redraw()).observe(canvas.parentElement!);
  }

  /** Takes what has happened. */
  take(event: RenderEvent): void {
    if (event.kind === "workers") return;
    this.#to = Math.max(this.#to, event.at);
    switch (event.kind) {
      case "began":
        if (!this.#busy && !this.#follows(event.at)) this.#clear(event.at);
        this.#busy = true;
        break;
      case "handed":
        this.#wait(event.at, event.waiting);
        break;
      case "started": {
        const { worker, tile, run, at, overtook } = event;
        const span: Span = {
          worker,
          tile,
          run,
          from: at,
          overtook,
          to: undefined,
          kind: "running",
        };
        this.#lane(worker).spans.push(span);
        this.#open.set(tile, span);
        this.#wait(at, Math.max(0, this.#waiting - 1));
        break;
      }
      case "computed":
        this.#close(event.tile, event.at, event.again ? "again" : event.tile.picture);
        break;
      case "failed": {
        const span = this.#open.get(event.tile);
        this.#close(event.tile, event.at, event.why);
        // The other tiles of its chunk went with it.
        if (span !== undefined) this.#lane(span.worker).end = { at: event.at, why: event.why };
        break;
      }
      case "cancelled":
        for (const tile of event.running) this.#close(tile, event.at, "cancelled");
        this.#cancels.push({ at: event.at, count: event.waiting + event.running.length });
        this.#wait(event.at, 0);
        this.#busy = false;
        break;
      case "ended":
      case "broken":
        this.#busy = false;
        this.#wait(event.at, 0);
    }
    this.redraw();
  }

  /** Draws it at the next frame, but not at every one: the workers are to be seen, not slowed down. */
  redraw(): void {
    this.#frame ||= requestAnimationFrame((time) => {
      this.#frame = 0;
      const soon = time - this.#drawnAt < FRAME;
      if (!soon) {
        this.#drawnAt = time;
        this.#draw();
      }
      if (this.#busy || soon) this.redraw();
    });
  }

  /** What is at a place of the canvas. */
  spanAt(x: number, y: number): Span | undefined {
    const { left, scale, from } = this.#layout();
    const lane = this.#seen()[Math.floor((y - TOP - QUEUE - GAP) / (LANE + GAP))];
    const at = from + (x - left) / scale;
    // A bar may be narrower than a finger.
    const near = 2 / scale;
    return lane?.spans.findLast((span) =>
      span.from - near <= at && at <= (span.to ?? this.#to) + near
    );
  }

  /** Whether what begins now belongs to what is seen: it was cancelled to begin anew. */
  #follows(at: number): boolean {
    const last = this.#cancels.at(-1);
    return last !== undefined && at - last.at < 250;
  }

  #clear(at: number): void {
    this.lanes.length = 0;
    this.#queue = [];
    this.#cancels = [];
    this.#open.clear();
    this.#from = this.#to = at;
  }

  #lane(worker: string): Lane {
    let lane = this.lanes.find((one) => one.worker === worker);
    if (lane === undefined) this.lanes.push(lane = { worker, spans: [], end: undefined });
    return lane;
  }

  #wait(at: number, waiting: number): void {
    this.#waiting = waiting;
    // What workers tell comes later than what is known here.
    this.#queue.push({ at: Math.max(at, this.#queue.at(-1)?.at ?? 0), waiting });
  }

  #close(tile: Tile, at: number, kind: SpanKind): void {
    const span = this.#open.get(tile);
    if (span === undefined) return;
    this.#open.delete(tile);
    span.to = Math.max(at, span.from);
    span.kind = kind;
  }

  /** Lanes that have something to show: not those of workers that are long gone. */
  #seen(): Lane[] {
    const { from } = this.#layout();
    return this.lanes.filter(({ spans }) => spans.some(({ to }) => to === undefined || to > from));
  }

  #layout() {
    const width = this.#canvas.parentElement!.clientWidth;
    const left = width < 520 ? 58 : 76;
    const to = this.#busy
      ? Math.max(this.#to, performance.timeOrigin + performance.now())
      : this.#to;
    const from = Math.max(this.#from, to - SEEN);
    const scale = (width - left - 10) / Math.max(200, 1.02 * (to - from));
    return { width, left, from, to, scale };
  }

  #draw(): void {
    const { width, left, from, to, scale } = this.#layout();
    const lanes = this.#seen();
    const rows = Math.max(lanes.length, 2);
    const height = TOP + QUEUE + GAP + rows * (LANE + GAP) + AXIS;
    const ratio = devicePixelRatio;
    const canvas = this.#canvas;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d")!;
    context.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    const colours = this.#colours();
    const text = style.color;
    const line = colours["line"]!;
    const place = (at: number) => left + (at - from) * scale;
    const lanesTop = TOP + QUEUE + GAP;
    const lanesBottom = lanesTop + rows * (LANE + GAP) - GAP;
    context.font = `12px ${style.fontFamily}`;
    context.textBaseline = "middle";

    // The axis, relative to the beginning.
    context.textAlign = "center";
    const tick = tickOf(90 / scale);
    for (
      let at = this.#from + Math.ceil((from - this.#from) / tick) * tick;
      place(at) < width;
      at += tick
    ) {
      const x = Math.round(place(at)) + 0.5;
      context.fillStyle = line;
      context.fillRect(x - 0.5, TOP, 1, lanesBottom - TOP);
      context.fillStyle = text;
      const label = tick < 1000
        ? `${Math.round(at - this.#from)} ms`
        : `${(at - this.#from) / 1000} s`;
      if (x > left + 10 && x < width - 20) context.fillText(label, x, lanesBottom + AXIS / 2 + 2);
    }

    // What waits.
    context.textAlign = "right";
    context.fillText("waiting", left - 8, TOP + QUEUE / 2);
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, height);
    context.clip();
    const most = Math.max(4, ...this.#queue.map(({ waiting }) => waiting));
    context.beginPath();
    context.moveTo(left, TOP + QUEUE);
    let level = TOP + QUEUE;
    for (const { at, waiting } of this.#queue) {
      context.lineTo(place(at), level);
      level = TOP + QUEUE - waiting / most * (QUEUE - 6);
      context.lineTo(place(at), level);
    }
    context.lineTo(place(to), level);
    context.lineTo(place(to), TOP + QUEUE);
    context.fillStyle = colours["waiting"]!;
    context.fill();
    context.restore();

    for (const [row, lane] of lanes.entries()) {
      const y = lanesTop + row * (LANE + GAP);
      context.fillStyle = text;
      context.textAlign = "right";
      context.fillText(lane.worker, left - 8, y + LANE / 2);
      context.save();
      context.beginPath();
      context.rect(left, y - 2, width - left, LANE + 4);
      context.clip();
      context.fillStyle = line;
      const laneEnd = lane.end === undefined ? width : place(lane.end.at);
      context.fillRect(left, y + LANE / 2 - 0.5, Math.max(0, laneEnd - left), 1);
      for (const span of lane.spans) {
        const x = place(span.from);
        const w = Math.max(1.5, (Math.max(span.from, span.to ?? to) - span.from) * scale - 1);
        if (x + w < left) continue;
        context.fillStyle = colours[span.kind]!;
        context.beginPath();
        context.roundRect(x, y, w, LANE, Math.min(3, w / 3));
        context.fill();
        if (span.overtook) {
          context.fillStyle = colours["overtook"]!;
          context.fillRect(x, y - 2, Math.max(2, Math.min(6, w)), 3);
        }
        const sign = SIGNS[span.kind];
        const label = sign ?? (w > 34 ? `${span.tile.id}` : "");
        if (label === "" || (sign !== undefined && w < 10)) continue;
        context.fillStyle = colours["ink"]!;
        context.textAlign = "center";
        context.fillText(label, x + w / 2, y + LANE / 2 + 1);
      }
      if (lane.end !== undefined) {
        context.fillStyle = text;
        context.textAlign = "left";
        const room = width - laneEnd > context.measureText(REPLACED).width + 8;
        context.fillText(room ? REPLACED : "✕", laneEnd + 6, y + LANE / 2);
      }
      context.restore();
    }

    // Cancels, over all lanes.
    let free = left;
    for (const { at, count } of this.#cancels) {
      const x = place(at);
      if (x < left || count === 0) continue;
      context.strokeStyle = colours["mark"]!;
      context.setLineDash([3, 3]);
      context.beginPath();
      context.moveTo(x, 2);
      context.lineTo(x, lanesBottom);
      context.stroke();
      context.setLineDash([]);
      const label = `${count} cancelled`;
      const room = context.measureText(label).width + 8;
      const start = Math.min(x + 4, width - room);
      if (start < free) continue; // the next would be written over the last
      free = start + room;
      context.fillStyle = colours["mark"]!;
      context.textAlign = "left";
      context.fillText(label, start, TOP / 2);
    }
  }

  /** The colours of the legend, in the present theme. */
  #colours(): Record<string, string> {
    const swatches = this.#swatches.querySelectorAll<HTMLElement>("[data-kind]");
    return Object.fromEntries(
      [...swatches].map((swatch) => [
        swatch.dataset["kind"]!,
        getComputedStyle(swatch).backgroundColor,
      ]),
    );
  }
}

const REPLACED = "✕ replaced";

/** Colours are not for everybody. */
const SIGNS: Partial<Record<SpanKind, string>> = { crash: "✕", hang: "∞", again: "↻" };

/** A round number of milliseconds, not smaller. */
function tickOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= least)!;
}
