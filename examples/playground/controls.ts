/**
 * The form beside the picture, as settings; and the choice of the theme.
 *
 * @module
 */

import type { Settings } from "./renderer.ts";
import type { View } from "./tiles.ts";

/** Somewhere worth seeing. */
export interface Place extends View {
  readonly name: string;
  readonly iterations: number;
}

/** The first is the whole set. */
export const PLACES: readonly [Place, ...Place[]] = [
  { name: "The whole set", x: -0.65, y: 0, across: 3.6, iterations: 1000 },
  { name: "Seahorse valley", x: -0.7453, y: 0.1127, across: 0.0085, iterations: 3000 },
  { name: "Elephant valley", x: 0.2925, y: 0.0149, across: 0.022, iterations: 1000 },
  { name: "Spirals", x: -0.761574, y: -0.0847596, across: 0.0009, iterations: 3000 },
  { name: "A small copy", x: -1.7497591, y: 0, across: 0.06, iterations: 3000 },
];

/** Stands for every other place; cannot be chosen. */
const ELSEWHERE = new Option("Somewhere else");

/** An element that the page must have. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find element "${id}"`);
  return found as T;
}

/** The form. It calls back when something was changed. */
export class Controls {
  readonly #workers: HTMLInputElement = element("workers");
  readonly #window: HTMLInputElement = element("window");
  readonly #chunk: HTMLSelectElement = element("chunk");
  readonly #iterations: HTMLSelectElement = element("iterations");
  readonly #place: HTMLSelectElement = element("place");

  constructor(changed: {
    settings(settings: Settings): void;
    iterations(): void;
    place(place: Place): void;
  }) {
    const cores = navigator.hardwareConcurrency || 4;
    this.#workers.max = String(Math.max(8, 2 * cores));
    this.#workers.value = String(Math.min(8, Math.max(2, cores)));
    this.#place.replaceChildren(...PLACES.map(({ name }) => new Option(name)));
    this.#place.add(ELSEWHERE);
    ELSEWHERE.hidden = true;
    const form = element("controls");
    form.addEventListener("input", () => this.#showValues());
    form.addEventListener("change", ({ target }) => {
      if (target === this.#iterations) changed.iterations();
      else if (target === this.#place) {
        const place = PLACES[this.#place.selectedIndex]!;
        this.#iterations.value = String(place.iterations);
        changed.place(place);
      } else changed.settings(this.settings);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    this.#showValues();
  }

  /** What is chosen. */
  get settings(): Settings {
    return {
      workers: Number(this.#workers.value),
      window: Number(this.#window.value),
      chunk: Number(this.#chunk.value),
      order: chosen("order") as Settings["order"],
      first: chosen("first") as Settings["first"],
    };
  }

  /** How much work a point is at the most. */
  get iterations(): number {
    return Number(this.#iterations.value);
  }

  /** Names the place that is seen, if it is one of them. */
  showPlace(view: View): void {
    const index = PLACES.findIndex((place) => place === view);
    if (index >= 0) this.#place.selectedIndex = index;
    else ELSEWHERE.selected = true;
  }

  #showValues(): void {
    element("workers-value").textContent = this.#workers.value;
    element("window-value").textContent = this.#window.value;
  }
}

/** Lets light, dark or the system's theme be chosen, and remembers it. */
export function chooseTheme(changed: () => void): void {
  const radios = element("theme");
  const show = (theme: string) => {
    document.documentElement.dataset["theme"] = theme;
    changed();
  };
  radios.addEventListener("change", () => {
    const theme = chosen("theme");
    show(theme);
    try {
      localStorage.setItem("theme", theme);
    } catch { /* pages without storage forget it */ }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  try {
    const theme = localStorage.getItem("theme");
    const radio = radios.querySelector<HTMLInputElement>(`[value="${CSS.escape(theme ?? "")}"]`);
    if (radio === null) return;
    radio.checked = true;
    show(radio.value);
  } catch { /* as above */ }
}

function chosen(name: string): string {
  return document.querySelector<HTMLInputElement>(`input[name="${name}"]:checked`)!.value;
}
