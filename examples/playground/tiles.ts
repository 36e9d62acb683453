/**
 * From a view to tiles: what is asked of the workers, the centre first.
 *
 * @module
 */

import type { Area, Point, Scene } from "./mandelbrot.ts";

/** Pictures of this page. */
export type PictureName = "mandelbrot" | "julia";

/** What a picture shows: its centre and how much of the plane is across. */
export interface View extends Point {
  readonly across: number;
}

/** A tile of a picture. */
export interface Tile {
  readonly id: number;
  readonly picture: PictureName;
  readonly scene: Scene;
  readonly area: Area;
}

/** Pixels of a tile's side. Smaller ones show more and cost more messages. */
const SIDE = 64;

/** How far can be zoomed: below, numbers have no digits left, above there is nothing to see. */
const [LEAST, MOST] = [2e-13, 8];

/** The scene of a view on a canvas of this size. */
export function sceneOf(
  view: View,
  { width, height }: { width: number; height: number },
  iterations: number,
  julia?: Point,
): Scene {
  const step = view.across / width;
  const corner = { x: view.x - step * width / 2, y: view.y + step * height / 2 };
  return { corner, step, iterations, width, height, ...(julia === undefined ? {} : { julia }) };
}

/** The tiles of a scene, those next to the centre first. */
export function tilesOf(picture: PictureName, scene: Scene, firstId: number): Tile[] {
  const areas: Area[] = [];
  for (let top = 0; top < scene.height; top += SIDE) {
    for (let left = 0; left < scene.width; left += SIDE) {
      const width = Math.min(SIDE, scene.width - left);
      const height = Math.min(SIDE, scene.height - top);
      areas.push({ left, top, width, height });
    }
  }
  const distance = ({ left, top, width, height }: Area) =>
    Math.hypot(left + width / 2 - scene.width / 2, top + height / 2 - scene.height / 2);
  areas.sort((a, b) => distance(a) - distance(b));
  return areas.map((area, index) => ({ id: firstId + index, picture, scene, area }));
}

/** A view that is so many times closer; `at` stays where it is. */
export function zoomed(view: View, times: number, at: Point = view): View {
  const across = Math.min(MOST, Math.max(LEAST, view.across / times));
  const ratio = across / view.across;
  return { x: at.x + (view.x - at.x) * ratio, y: at.y + (view.y - at.y) * ratio, across };
}
