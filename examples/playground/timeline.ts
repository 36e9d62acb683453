/**
 * Who runs what, when: a lane for each worker, a bar for each task, and above them how many tiles wait.
 * Drawn from what `executor.observe()` tells, never from what should have happened.
 *
 * @module
 */

import { History, type Lane, type Span, type SpanKind } from "./history.ts";

/** Milliseconds that are seen at the most. */
const SEEN = 8000;

/** Milliseconds between a cancel and the picture that it was for. */
const FOLLOWS = 250;

/** Milliseconds between two drawings at the least. */
const FRAME = 60;

/** In CSS pixels. */
const [LANE, GAP, QUEUE, AXIS, TOP] = [22, 4, 30, 22, 18];

/** The picture of what happened. */
export class Timeline {
  readonly history: History = new History();
  readonly #canvas: HTMLCanvasElement;
  readonly #swatches: Element;
  #busy = false;
  #cancelledAt = -Infinity;
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

  /** A picture is begun: unless the last one was cancelled for it, what was before is forgotten. */
  begin(at: number): void {
    if (at - this.#cancelledAt > FOLLOWS) this.history.clear(at);
    this.#busy = true;
  }

  /** It is complete. */
  ended(): void {
    this.#busy = false;
  }

  /** It is no longer wanted. */
  cancelled(at: number): void {
    this.#cancelledAt = at;
    this.#busy = false;
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
      span.from - near <= at && at <= (span.to ?? this.history.to) + near
    );
  }

  /** Lanes that have something to show: not those of workers that are long gone. */
  #seen(): Lane[] {
    const { from } = this.#layout();
    return this.history.lanes.filter(({ spans }) =>
      spans.some(({ to }) => to === undefined || to > from)
    );
  }

  #layout() {
    const width = this.#canvas.parentElement!.clientWidth;
    const left = width < 520 ? 58 : 76;
    const { history } = this;
    const to = this.#busy ? Math.max(history.to, performance.now()) : history.to;
    const from = Math.max(history.from, to - SEEN);
    const scale = (width - left - 10) / Math.max(200, 1.02 * (to - from));
    return { width, left, from, to, scale };
  }

  #draw(): void {
    const { width, left, from, to, scale } = this.#layout();
    const { from: begin, queue, cancels } = this.history;
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
      let at = begin + Math.ceil((from - begin) / tick) * tick;
      place(at) < width;
      at += tick
    ) {
      const x = Math.round(place(at)) + 0.5;
      context.fillStyle = line;
      context.fillRect(x - 0.5, TOP, 1, lanesBottom - TOP);
      context.fillStyle = text;
      const label = tick < 1000 ? `${Math.round(at - begin)} ms` : `${(at - begin) / 1000} s`;
      if (x > left + 10 && x < width - 20) context.fillText(label, x, lanesBottom + AXIS / 2 + 2);
    }

    // What waits.
    context.textAlign = "right";
    context.fillText("waiting", left - 8, TOP + QUEUE / 2);
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, height);
    context.clip();
    const most = Math.max(4, ...queue.map(({ waiting }) => waiting));
    context.beginPath();
    context.moveTo(left, TOP + QUEUE);
    let level = TOP + QUEUE;
    for (const { at, waiting } of queue) {
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
        if (span.stolen) {
          context.fillStyle = colours["stolen"]!;
          context.fillRect(x, y - 2, Math.max(2, Math.min(6, w)), 3);
        }
        const sign = SIGNS[span.kind];
        const label = sign ?? (w > 34 ? labelOf(span) : "");
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
    for (const { at, count } of cancels) {
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

/** The first of its tiles stands for all of a chunk. */
function labelOf({ tiles: [first] }: Span): string {
  return first === undefined ? "" : `${first.id}`;
}

/** A round number of milliseconds, not smaller. */
function tickOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= least)!;
}
