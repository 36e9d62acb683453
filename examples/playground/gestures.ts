/**
 * How a picture is moved: by mouse, wheel, fingers and keys.
 *
 * @module
 */

import type { Point } from "./mandelbrot.ts";

/** What is asked for. Points and distances are parts of the picture's width and height. */
export interface Moves {
  zoom(times: number, at: Point): void;
  pan(by: Point): void;
  home(): void;
}

/** How much a click, a key and a notch of the wheel zoom, and an arrow moves. */
const [CLICK, KEY, NOTCH, ARROW] = [2, 1.5, 1.2, 0.15];

const CENTRE: Point = { x: 0.5, y: 0.5 };

/** Listens to everything that moves the picture. */
export function listenToGestures(canvas: HTMLCanvasElement, moves: Moves): void {
  const pointers = new Map<number, PointerEvent>();
  let moved = false;
  let pinched = false;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    if (pointers.size === 1) moved = pinched = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (before === undefined) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (!moved && Math.hypot(dx, dy) < 6) return; // a hand trembles
    moved = true;
    pointers.set(event.pointerId, event);
    const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (other === undefined) {
      const { width, height } = canvas.getBoundingClientRect();
      if (!pinched) moves.pan({ x: -dx / width, y: -dy / height });
      return;
    }
    pinched = true;
    const times = distance(event, other) / distance(before, other);
    moves.zoom(times, placeOf(middle(event, other), canvas));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!pointers.delete(event.pointerId) || moved) return;
    moves.zoom(event.shiftKey || event.altKey ? 1 / CLICK : CLICK, placeOf(event, canvas));
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));

  // The wheel scrolls the page, until the picture was chosen; two fingers on a touchpad zoom.
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    const notches = Math.max(-2, Math.min(2, -event.deltaY / (event.ctrlKey ? 20 : 100)));
    moves.zoom(NOTCH ** notches, placeOf(event, canvas));
  }, { passive: false });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const elsewhere = event.target instanceof HTMLElement &&
      event.target.matches("input, select, textarea");
    if (elsewhere) return;
    const arrows: Record<string, Point> = {
      ArrowLeft: { x: -ARROW, y: 0 },
      ArrowRight: { x: ARROW, y: 0 },
      ArrowUp: { x: 0, y: -ARROW },
      ArrowDown: { x: 0, y: ARROW },
    };
    const arrow = arrows[event.key];
    // Arrows scroll the page, unless the picture was chosen.
    if (arrow !== undefined && document.activeElement === canvas) moves.pan(arrow);
    else if (event.key === "+" || event.key === "=") moves.zoom(KEY, CENTRE);
    else if (event.key === "-") moves.zoom(1 / KEY, CENTRE);
    else if (event.key === "0") moves.home();
    else return;
    event.preventDefault();
  });
}

type Place = { readonly clientX: number; readonly clientY: number };

function placeOf({ clientX, clientY }: Place, canvas: HTMLCanvasElement): Point {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return { x: (clientX - left) / width, y: (clientY - top) / height };
}

function distance(a: Place, b: Place): number {
  return Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));
}

function middle(a: Place, b: Place): Place {
  return { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
}
