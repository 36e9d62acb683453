/**
 * A canvas with a picture: shows tiles as they come, the old picture moved and scaled until then. A
 * second canvas above it dims what is not done and outlines where workers are at it.
 *
 * @module
 */

import type { Scene } from "./mandelbrot.ts";
import type { TilePixels } from "./tasks.ts";
import type { Tile } from "./tiles.ts";

/** Pixels across at the most: a large screen is no reason for a slow picture. */
const MOST = 1280;

/** One of the pictures of the page. */
export class Picture {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #marks: CanvasRenderingContext2D;
  readonly #running = new Set<Tile>();
  readonly #missing = new Set<Tile>();
  #scene: Scene | undefined = undefined;

  constructor(canvas: HTMLCanvasElement, marks: HTMLCanvasElement) {
    this.canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false, willReadFrequently: true })!;
    this.#marks = marks.getContext("2d")!;
  }

  /** What it shows. */
  get scene(): Scene | undefined {
    return this.#scene;
  }

  /** Its size in pixels, as the page gives it room. */
  get size(): { width: number; height: number } {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = Math.min(devicePixelRatio, MOST / clientWidth);
    return {
      width: Math.max(1, Math.round(clientWidth * ratio)),
      height: Math.max(1, Math.round(clientHeight * ratio)),
    };
  }

  /** Shows another scene from now on, whose tiles are to come: at first what is known of it. */
  show(scene: Scene, tiles: readonly Tile[]): void {
    const old = this.#scene;
    this.#scene = scene;
    const context = this.#context;
    const before = document.createElement("canvas");
    before.width = this.canvas.width;
    before.height = this.canvas.height;
    before.getContext("2d")!.drawImage(this.canvas, 0, 0);
    this.canvas.width = this.#marks.canvas.width = scene.width;
    this.canvas.height = this.#marks.canvas.height = scene.height;
    if (old !== undefined && old.julia === undefined) {
      const scale = old.step / scene.step;
      const left = (old.corner.x - scene.corner.x) / scene.step;
      const top = (scene.corner.y - old.corner.y) / scene.step;
      context.drawImage(before, left, top, old.width * scale, old.height * scale);
    } else if (old !== undefined) {
      context.drawImage(before, 0, 0, scene.width, scene.height);
    }
    this.#running.clear();
    this.#missing.clear();
    for (const tile of tiles) this.#missing.add(tile);
    this.point(undefined);
  }

  /** A tile is done. */
  paint(tile: Tile, pixels: TilePixels): void {
    const { area } = tile;
    this.#missing.delete(tile);
    this.#dim(tile);
    this.#context.putImageData(new ImageData(pixels, area.width, area.height), area.left, area.top);
  }

  /** A worker is at a tile, or no longer. */
  mark(tile: Tile, runs: boolean): void {
    if (runs) this.#running.add(tile);
    else this.#running.delete(tile);
    this.#dim(tile);
    if (runs) this.#outline(tile);
  }

  /** No worker is at any tile. */
  clearMarks(): void {
    for (const tile of [...this.#running]) this.mark(tile, false);
  }

  /** Outlines a tile until the next one is, or none. */
  point(tile: Tile | undefined): void {
    this.#marks.clearRect(0, 0, this.#marks.canvas.width, this.#marks.canvas.height);
    for (const one of this.#missing) this.#dim(one);
    for (const one of this.#running) this.#outline(one);
    if (tile !== undefined && tile.scene === this.#scene) this.#outline(tile);
  }

  #dim(tile: Tile): void {
    const { left, top, width, height } = tile.area;
    this.#marks.clearRect(left, top, width, height);
    if (!this.#missing.has(tile)) return;
    this.#marks.fillStyle = "rgb(6 8 20 / 50%)";
    this.#marks.fillRect(left, top, width, height);
  }

  #outline({ area: { left, top, width, height } }: Tile): void {
    const marks = this.#marks;
    marks.strokeStyle = "rgb(0 0 0 / 60%)";
    marks.lineWidth = 4;
    marks.strokeRect(left + 2, top + 2, width - 4, height - 4);
    marks.strokeStyle = "#fff";
    marks.lineWidth = 2;
    marks.strokeRect(left + 2, top + 2, width - 4, height - 4);
  }
}
