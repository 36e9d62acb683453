/**
 * Draws pictures on an executor: hands out tiles, tries again what a dying worker took with it, and
 * cancels what is no longer needed. It knows no page; what happens is told as events.
 *
 * @module
 */

import {
  type Executor,
  type ExecutorEvent,
  importTasks,
  InlineExecutor,
  ThreadPoolExecutor,
  TimeoutError,
  UnsupportedError,
  WorkerCrashError,
} from "../../mod.ts";
import { recordTrace, type TraceFile, type TraceRecording } from "../../src/observe/trace.ts";
import { AGAIN } from "./history.ts";
import type { Fault, TileOrder, TilePixels, TileReport } from "./tasks.ts";
import type { PictureName, Tile } from "./tiles.ts";

/** What can be changed while it draws. */
export interface Settings {
  readonly workers: number;
  /** Tiles of a picture that are handed out and not taken back yet: `bufferSize` of `map`. */
  readonly window: number;
  /** Tiles that go to a worker as one task. */
  readonly chunk: number;
  /** Whether results are taken in input order, by `map`, or as they come, by `submit`. */
  readonly order: "map" | "submit";
  /** Whose tiles start first. */
  readonly first: PictureName | "equal";
}

/** What happens. Times are milliseconds since 1970. `run` tells apart what was scheduled together. */
export type RenderEvent =
  | { kind: "workers"; parallel: boolean; at: number }
  | { kind: "began"; run: number; at: number; tiles: number }
  | { kind: "handed"; run: number; at: number; waiting: number }
  | { kind: "started"; run: number; at: number; tile: Tile; worker: string }
  | { kind: "computed"; run: number; at: number; tile: Tile; again: boolean }
  | { kind: "done"; run: number; at: number; tile: Tile; pixels: TilePixels }
  /** `alone` unless a tile of the same task was told of already: tiles of a chunk fail together. */
  | { kind: "failed"; run: number; at: number; tile: Tile; why: Fault; alone: boolean }
  | { kind: "cancelled"; run: number; at: number; waiting: number; running: readonly Tile[] }
  | { kind: "ended"; run: number; at: number }
  | { kind: "broken"; run: number; at: number; error: unknown };

/** Who looks at the executors. */
export interface Watcher {
  /** What they tell their observers. */
  take(event: ExecutorEvent): void;
  /** A worker has begun a tile. */
  tileBegan(worker: string, tile: Tile): void;
}

/** Executors whose traces are kept: each number of workers has one of its own. */
const TRACED = 8;

/** Milliseconds that a tile may take, and how often it is tried, each time with twice the time. */
const TILE_LIMIT = 1500;
const TRIES = 5;

/** The tasks stand beside this script, in a file of their own (see build.ts). */
const tasks = importTasks<typeof import("./tasks.ts")>(
  new URL("./tasks.js", import.meta.url),
);

/** Tiles that were scheduled together, and where each of them is. */
class Run {
  readonly controller = new AbortController();
  readonly id: number;
  /** Handed out and not begun. */
  readonly waiting = new Set<Tile>();
  readonly running = new Set<Tile>();
  /** Not handed out yet. */
  left: number;

  constructor(id: number, tiles: number) {
    this.id = id;
    this.left = tiles;
  }
}

/** Draws pictures, one view after the other. */
export class Renderer {
  #settings: Settings;
  readonly #tell: (event: RenderEvent) => void;
  #executor: Executor | undefined = undefined;
  #inline = false;
  #pools = 0;
  #runs = 0;
  #run: Run | undefined = undefined;
  #missing = new Set<Tile>();
  /** What is to go wrong, one after the other: three deaths in a row would break the executor. */
  #faults: Fault[] = [];
  #faulty: { readonly tile: Tile; readonly fault: Fault } | undefined = undefined;
  readonly #errors = new WeakSet<object>();
  readonly #watcher: Watcher;
  #recordings: TraceRecording[] = [];

  constructor(settings: Settings, watcher: Watcher, tell: (event: RenderEvent) => void) {
    this.#settings = settings;
    this.#watcher = watcher;
    this.#tell = tell;
  }

  /** What all executors did so far, as https://ui.perfetto.dev opens it. */
  trace(): TraceFile {
    const files = this.#recordings.map((recording) => recording.toJSON());
    const events = files.flatMap(({ traceEvents }) => traceEvents);
    // The names of rows come first, then what happened, in order of time.
    return { displayTimeUnit: "ms", traceEvents: events.sort((a, b) => a.ts - b.ts) };
  }

  /** Whether it draws now. */
  get busy(): boolean {
    return this.#run !== undefined;
  }

  /** Draws these tiles; what was being drawn is cancelled. */
  draw(tiles: readonly Tile[]): void {
    this.#cancel();
    this.#missing = new Set(tiles);
    this.#begin();
  }

  /** From now on so; what is drawn already stays. */
  apply(settings: Settings): void {
    const { workers } = this.#settings;
    this.#settings = settings;
    this.#cancel();
    if (settings.workers !== workers) this.#letGo();
    if (this.#missing.size > 0) this.#begin();
  }

  /** Whether there are tiles that no worker was given yet. */
  get handsOut(): boolean {
    return this.#run !== undefined && this.#run.left > 0;
  }

  /** Whether something is yet to go wrong. */
  get hasFaults(): boolean {
    return this.#faults.length > 0;
  }

  /** Lets one of the tiles to come crash its worker, or hang. */
  fail(fault: Fault): void {
    this.#faults.push(fault);
  }

  /** Draws on this thread from now on, as no worker can be had. */
  useThisThread(): void {
    this.#inline = true;
    this.#letGo();
    this.#begin();
  }

  // --- the executor ---

  #open(): Executor {
    if (this.#executor !== undefined) return this.#executor;
    if (!this.#inline) {
      try {
        this.#executor = new ThreadPoolExecutor({
          maxWorkers: this.#settings.workers,
          threadNamePrefix: `pool${++this.#pools}`,
        });
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        this.#inline = true;
      }
    }
    this.#executor ??= new InlineExecutor({ maxWorkers: 1 });
    this.#executor.observe((event) => this.#watcher.take(event));
    this.#recordings = [...this.#recordings.slice(1 - TRACED), recordTrace(this.#executor)];
    this.#tell({ kind: "workers", parallel: this.#executor.capabilities.parallel, at: now() });
    return this.#executor;
  }

  #letGo(): void {
    void this.#executor?.shutdown({ wait: false, cancelFutures: true });
    this.#executor = undefined;
  }

  // --- runs ---

  #begin(): void {
    const tiles = [...this.#missing];
    const run = this.#run = new Run(++this.#runs, tiles.length);
    this.#tell({ kind: "began", run: run.id, at: now(), tiles: tiles.length });
    const names = new Set(tiles.map(({ picture }) => picture));
    const pictures = [...names].map((name) =>
      this.#drawPicture(run, name, tiles.filter(({ picture }) => picture === name))
    );
    Promise.all(pictures).then(() => {
      if (this.#run !== run) return;
      this.#run = undefined;
      this.#tell({ kind: "ended", run: run.id, at: now() });
    }, (error) => {
      if (this.#run !== run) return;
      this.#cancel();
      this.#letGo();
      this.#tell({ kind: "broken", run: run.id, at: now(), error });
    });
  }

  /** Takes back all that is handed out. Whoever waits is cancelled, whoever runs is asked to stop. */
  #cancel(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    const { waiting, running, id } = run;
    // What was to go wrong, and had no time to, is for the next.
    if (this.#faulty !== undefined && waiting.has(this.#faulty.tile)) {
      this.#faults.unshift(this.#faulty.fault);
    }
    this.#faulty = undefined;
    this.#tell({
      kind: "cancelled",
      run: id,
      at: now(),
      waiting: waiting.size,
      running: [...running],
    });
    run.controller.abort(new DOMException("No longer needed", "AbortError"));
  }

  async #drawPicture(run: Run, picture: PictureName, tiles: readonly Tile[]): Promise<void> {
    const { order, first, window, chunk } = this.#settings;
    const executor = this.#open().with({ priority: first === picture ? 1 : 0 });
    const again: Promise<void>[] = [];
    const take = (tile: Tile, outcome: PromiseSettledResult<TilePixels>) => {
      if (run !== this.#run) return; // an outcome of a view that is gone
      const failure = this.#take(run, tile, outcome);
      if (failure !== undefined) again.push(this.#tryAgain(run, tile, failure));
    };
    if (order === "map") {
      const handed: Tile[] = [];
      const orders = this.#handOut(run, tiles, handed);
      const results = this.#limited(executor, run, tiles).map(tasks[picture], orders, {
        bufferSize: window,
        chunkSize: chunk,
        settled: true,
      });
      for await (const outcome of results) take(handed.shift()!, outcome);
    } else {
      // As many as the window is wide, each with one tile after the other.
      const handed: Tile[] = [];
      const orders = this.#handOut(run, tiles, handed);
      const limited = this.#limited(executor, run, tiles);
      await Promise.all(Array.from({ length: window }, async () => {
        for (const next of orders) {
          const tile = handed.shift()!;
          const [outcome] = await Promise.allSettled([limited.submit(tasks[picture], next)]);
          take(tile, outcome!);
        }
      }));
    }
    await Promise.all(again);
  }

  /** Gives the tiles one by one, as they are asked for, and remembers them in `handed`. */
  *#handOut(
    run: Run,
    tiles: readonly Tile[],
    handed: Tile[],
  ): Generator<TileOrder, void> {
    for (const tile of tiles) {
      if (run !== this.#run) return;
      run.left--;
      run.waiting.add(tile);
      handed.push(tile);
      this.#tell({ kind: "handed", run: run.id, at: now(), waiting: run.waiting.size });
      const { id, scene, area } = tile;
      yield { id, scene, area, fault: this.#nextFault(tile) };
    }
  }

  #nextFault(tile: Tile): Fault | undefined {
    if (this.#faulty !== undefined) return undefined;
    const fault = this.#faults.shift();
    if (fault !== undefined) this.#faulty = { tile, fault };
    return fault;
  }

  /** The executor with what all tiles of a run have in common. */
  #limited(executor: Executor, run: Run, tiles: readonly Tile[], tried = 0): Executor {
    const byId = new Map(tiles.map((tile) => [tile.id, tile]));
    const onProgress = (value: unknown) => {
      const { id, worker, at, ended } = value as TileReport;
      const tile = byId.get(id);
      if (tile === undefined) return;
      if (!ended) this.#watcher.tileBegan(worker, tile); // of a view that is gone, too
      if (run !== this.#run) return;
      if (!ended) return this.#started(run, tile, worker, at);
      run.running.delete(tile);
      this.#tell({ kind: "computed", run: run.id, at, tile, again: tried > 0 });
    };
    const timeout = TILE_LIMIT * 2 ** tried;
    return executor.with({ signal: run.controller.signal, timeout, onProgress });
  }

  #started(run: Run, tile: Tile, worker: string, at: number): void {
    run.waiting.delete(tile);
    run.running.add(tile);
    this.#tell({ kind: "started", run: run.id, at, tile, worker });
  }

  /** Tells what came of a tile; gives what went wrong if it is to be tried again. */
  #take(run: Run, tile: Tile, outcome: PromiseSettledResult<TilePixels>): Fault | undefined {
    run.waiting.delete(tile);
    run.running.delete(tile);
    if (outcome.status === "rejected") {
      const why = faultOf(outcome.reason);
      const alone = !this.#errors.has(outcome.reason);
      this.#errors.add(outcome.reason);
      this.#tell({ kind: "failed", run: run.id, at: now(), tile, why, alone });
      return why;
    }
    this.#missing.delete(tile);
    if (tile === this.#faulty?.tile) this.#faulty = undefined;
    this.#tell({ kind: "done", run: run.id, at: now(), tile, pixels: outcome.value });
  }

  /** The library runs nothing twice by itself. A tile does no harm, so it is tried again, before others. */
  async #tryAgain(run: Run, tile: Tile, why: Fault): Promise<void> {
    for (let tried = 1; tried < TRIES; tried++) {
      const executor = this.#open().with({ priority: AGAIN });
      const limited = this.#limited(executor, run, [tile], tried);
      const { id, scene, area } = tile;
      run.waiting.add(tile);
      const [outcome] = await Promise.allSettled([
        limited.submit(tasks[tile.picture], { id, scene, area }),
      ]);
      if (run !== this.#run || this.#take(run, tile, outcome!) === undefined) return;
    }
    throw new Error(`Cannot draw tile ${tile.id}: ${why} ${TRIES} times`);
  }
}

/** What an error of a tile tells; others are thrown on. */
function faultOf(error: unknown): Fault {
  if (error instanceof WorkerCrashError) return "crash";
  if (error instanceof TimeoutError) return "hang";
  throw error;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
