/**
 * What workers run: one tile. A module of its own, since workers import it by its URL.
 *
 * @module
 */

import { type TaskContext, transfer } from "../../mod.ts";
import { type Area, paintRows, type Scene } from "./mandelbrot.ts";

/** What is to go wrong. */
export type Fault = "crash" | "hang";

/** A tile as it is sent to a worker. */
export interface TileOrder {
  readonly id: number;
  readonly scene: Scene;
  readonly area: Area;
  readonly fault?: Fault | undefined;
}

/**
 * Reported when a tile begins, and when it has ended: its result may have to wait for its turn. Times
 * are milliseconds since 1970, so that all threads agree.
 */
export interface TileReport {
  readonly id: number;
  readonly worker: string;
  readonly at: number;
  readonly ended: boolean;
}

/** Pixels of a tile, four bytes for each. */
export type TilePixels = Uint8ClampedArray<ArrayBuffer>;

/** Milliseconds of work after which messages are looked at: one may say that nobody needs the tile. */
const BREATH = 8;

/** Computes a tile of the large picture. The name of a task is what observers know it by. */
export function mandelbrot(this: TaskContext, order: TileOrder): Promise<TilePixels> {
  return renderTile(this, order);
}

/** Computes a tile of the inset. */
export function julia(this: TaskContext, order: TileOrder): Promise<TilePixels> {
  return renderTile(this, order);
}

/** Its pixels move to the page, they are not copied. */
async function renderTile(task: TaskContext, order: TileOrder): Promise<TilePixels> {
  const { id, scene, area } = order;
  const report = (ended: boolean) => {
    const at = performance.timeOrigin + performance.now();
    task.report({ id, worker: task.workerName, at, ended } satisfies TileReport);
  };
  report(false);
  const pixels = new Uint8ClampedArray(4 * area.width * area.height);
  let breath = performance.now();
  for (let row = 0; row < area.height; row++) {
    if (order.fault !== undefined && row === area.height >> 1) await fail(order.fault);
    paintRows(scene, area, pixels, row, row + 1);
    if (performance.now() - breath < BREATH) continue;
    await messages();
    task.signal.throwIfAborted();
    breath = performance.now();
  }
  report(true);
  return transfer(pixels, [pixels.buffer]);
}

/** Half of the tile is done, and now this. */
function fail(fault: Fault): Promise<never> {
  if (fault === "hang") { for (;;); }
  globalThis.close(); // the worker is gone, and nobody has caught anything
  return new Promise(() => {});
}

const { port1, port2 } = new MessageChannel();

/** Resolves when the messages that have come are read. A timer would wait four milliseconds. */
function messages(): Promise<void> {
  return new Promise((resolve) => {
    port1.onmessage = () => resolve();
    port2.postMessage(undefined);
  });
}
