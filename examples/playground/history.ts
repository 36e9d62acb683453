/**
 * What happened, as the timeline shows it: made of what `executor.observe()` tells, so that nothing is
 * drawn that should have happened and has not. A task is a bar; which tiles it drew, the tiles report.
 *
 * @module
 */

import type { ExecutorEvent, TaskInfo } from "../../mod.ts";
import type { PictureName, Tile } from "./tiles.ts";

/** How a task ended, or that it runs. */
export type SpanKind = "running" | PictureName | "again" | "cancelled" | "crash" | "hang";

/** A task on a worker. Times are milliseconds of `performance.now()`. */
export interface Span {
  readonly worker: string;
  readonly task: TaskInfo;
  /** The tiles that it has begun. */
  readonly tiles: readonly Tile[];
  readonly from: number;
  /** It was taken from another worker that had not begun it. */
  readonly stolen: boolean;
  /** Until when; `undefined` while it runs. */
  to: number | undefined;
  kind: SpanKind;
}

/** A worker, as far as its tasks tell of it. */
export interface Lane {
  readonly worker: string;
  readonly spans: Span[];
  /** When and why it was replaced. */
  end: { readonly at: number; readonly why: "crash" | "hang" } | undefined;
}

/** The priority of tiles that are tried again: none of the others has it. */
export const AGAIN = 2;

/** Milliseconds within which cancels are one. */
const TOGETHER = 20;

/** Collects what is told. */
export class History {
  /** When what is seen begins, and the last thing was. */
  from = 0;
  to = 0;
  readonly lanes: Lane[] = [];
  /** How many tiles wait for a worker, each time that it changed. */
  queue: { at: number; waiting: number }[] = [];
  cancels: { at: number; count: number }[] = [];
  #waiting = 0;
  /** Tasks that have not ended, by executor and number. */
  readonly #open = new Map<string, { span: Span | undefined; stolen: boolean }>();
  /** Tiles of which a worker has told since its last task ended. */
  readonly #tiles = new Map<string, Tile[]>();

  /** Forgets what was before. */
  clear(at: number): void {
    this.lanes.length = 0;
    this.queue = [];
    this.cancels = [];
    this.from = this.to = at;
  }

  /** A worker has begun a tile of the task that it runs. */
  tileBegan(worker: string, tile: Tile): void {
    const tiles = this.#tiles.get(worker);
    if (tiles === undefined) this.#tiles.set(worker, [tile]);
    else tiles.push(tile);
  }

  /** Takes what an executor tells. */
  take(event: ExecutorEvent): void {
    this.to = Math.max(this.to, event.at);
    switch (event.type) {
      case "submitted":
        this.#open.set(keyOf(event), { span: undefined, stolen: false });
        this.#wait(event.at, tilesOf(event.task));
        break;
      case "returned": {
        const open = this.#open.get(keyOf(event));
        if (open !== undefined) open.stolen ||= event.reason === "stolen";
        break;
      }
      case "started": {
        const open = this.#open.get(keyOf(event));
        if (open === undefined) break;
        const { worker, task, at: from } = event;
        const tiles = this.#tiles.get(worker) ?? [];
        this.#tiles.set(worker, tiles);
        const { stolen } = open;
        open.span = { worker, task, tiles, from, stolen, to: undefined, kind: "running" };
        this.#lane(worker).spans.push(open.span);
        this.#wait(from, -tilesOf(task));
        break;
      }
      case "ended": {
        const span = this.#open.get(keyOf(event))?.span;
        this.#open.delete(keyOf(event));
        if (event.worker !== undefined && span !== undefined) this.#tiles.delete(event.worker);
        if (span === undefined) this.#wait(event.at, -tilesOf(event.task));
        else {
          span.to = Math.min(span.from + event.ran, Math.max(event.at, span.from));
          span.kind = kindOf(event);
        }
        if (kindOf(event) === "cancelled") this.#cancelled(event.at, tilesOf(event.task));
        break;
      }
      case "workerEnded":
        this.#tiles.delete(event.worker);
        if (event.reason !== "crashed" && event.reason !== "stopped") break;
        this.#lane(event.worker).end = {
          at: event.at,
          why: event.reason === "crashed" ? "crash" : "hang",
        };
    }
  }

  #lane(worker: string): Lane {
    let lane = this.lanes.find((one) => one.worker === worker);
    if (lane === undefined) this.lanes.push(lane = { worker, spans: [], end: undefined });
    return lane;
  }

  #wait(at: number, change: number): void {
    this.#waiting = Math.max(0, this.#waiting + change);
    // That a short task began is told with its end, later than what is known here.
    this.queue.push({ at: Math.max(at, this.queue.at(-1)?.at ?? 0), waiting: this.#waiting });
  }

  #cancelled(at: number, count: number): void {
    const last = this.cancels.at(-1);
    if (last !== undefined && at - last.at < TOGETHER) last.count += count;
    else this.cancels.push({ at, count });
  }
}

function keyOf({ executor, task }: { executor: string; task: TaskInfo }): string {
  return `${executor} ${task.id}`;
}

/** A tile that is submitted alone is no chunk. */
function tilesOf({ chunk }: TaskInfo): number {
  return Math.max(1, chunk);
}

function kindOf({ task, outcome, error }: ExecutorEvent & { type: "ended" }): SpanKind {
  if (outcome === "crashed") return "crash";
  if (outcome === "timedOut") return "hang";
  // One that runs fails with what it was aborted with.
  if (outcome === "cancelled" || (error as Error | undefined)?.name === "AbortError") {
    return "cancelled";
  }
  return task.priority === AGAIN ? "again" : task.name as PictureName;
}
