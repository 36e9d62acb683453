/**
 * The work: pixels of the Mandelbrot set and of Julia sets, as pure functions. Workers call them for a
 * tile, the tests for a whole picture on one thread.
 *
 * @module
 */

/** A point of the plane. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A whole picture: which part of the plane it shows, and how. */
export interface Scene {
  /** The constant of a Julia set; without it it is the Mandelbrot set. */
  readonly julia?: Point;
  /** The upper left pixel. */
  readonly corner: Point;
  /** From one pixel to the next. */
  readonly step: number;
  /** Steps after which a point counts as one that never escapes. */
  readonly iterations: number;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** A part of a picture, in its pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Squared distance at which a point has escaped: a large one makes colours smooth. */
const ESCAPED = 1 << 16;

/** The colours of one round, in equal distances; the last goes over into the first. */
const STOPS = [
  [9, 14, 48],
  [28, 72, 168],
  [94, 176, 226],
  [236, 246, 242],
  [250, 190, 92],
  [196, 84, 46],
  [74, 24, 62],
] as const;

/** Colours of one round in the palette. */
const COLOURS = 2048;
const PALETTE = makePalette();

/**
 * Paints rows of an area.
 *
 * @param pixels All of the area, four bytes for each pixel: red, green, blue, alpha.
 */
export function paintRows(
  scene: Scene,
  area: Area,
  pixels: Uint8ClampedArray,
  from: number,
  to: number,
): void {
  const { corner, step, iterations, julia } = scene;
  let at = 4 * from * area.width;
  for (let row = from; row < to; row++) {
    const y = corner.y - step * (area.top + row);
    for (let column = 0; column < area.width; column++) {
      const x = corner.x + step * (area.left + column);
      const colour = julia === undefined
        ? escape(0, 0, x, y, iterations)
        : escape(x, y, julia.x, julia.y, iterations);
      pixels[at++] = PALETTE[colour]!;
      pixels[at++] = PALETTE[colour + 1]!;
      pixels[at++] = PALETTE[colour + 2]!;
      pixels[at++] = 255;
    }
  }
}

/** A whole picture on this thread: what the tiles must come to. */
export function paintScene(scene: Scene): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * scene.width * scene.height);
  paintRows(scene, { left: 0, top: 0, ...scene }, pixels, 0, scene.height);
  return pixels;
}

/** Where in the palette the colour of a point is: how soon z² + c escapes. */
function escape(zx: number, zy: number, cx: number, cy: number, iterations: number): number {
  let x = zx;
  let y = zy;
  let xx = x * x;
  let yy = y * y;
  for (let i = 0; i < iterations; i++) {
    y = 2 * x * y + cy;
    x = xx - yy + cx;
    xx = x * x;
    yy = y * y;
    if (xx + yy > ESCAPED) {
      const smooth = i + 1 - Math.log2(Math.log2(xx + yy) / 2);
      const turn = 0.28 * Math.log2(Math.max(1, smooth));
      return 3 * (Math.floor(COLOURS * turn) % COLOURS);
    }
  }
  return 3 * COLOURS; // it never does
}

function makePalette(): Uint8Array {
  const palette = new Uint8Array(3 * (COLOURS + 1)); // the last is of points that never escape
  for (let i = 0; i < COLOURS; i++) {
    const place = i / COLOURS * STOPS.length;
    const before = Math.floor(place);
    const [from, to] = [STOPS[before]!, STOPS[(before + 1) % STOPS.length]!];
    const t = (1 - Math.cos(Math.PI * (place - before))) / 2;
    for (let k = 0; k < 3; k++) palette[3 * i + k] = Math.round(from[k]! + t * (to[k]! - from[k]!));
  }
  palette.set([6, 8, 20], 3 * COLOURS);
  return palette;
}
