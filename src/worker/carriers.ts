import { SafeMap } from "../wire/originals.ts";

/** What tells a task of the trace that it belongs to. */
export type Carrier = Readonly<Record<string, string>>;

/** The trace contexts of the tasks that have arrived, by slot. */
export class Carriers {
  /** That of the task which has just had its turn. */
  current: Carrier | undefined = undefined;
  readonly #waiting = new SafeMap<number, Carrier>();

  /** Takes slots, each with its carrier. */
  add(carriers: readonly unknown[]): void {
    for (let i = 0; i < carriers.length; i += 2) {
      this.#waiting.set(carriers[i] as number, carriers[i + 1] as Carrier);
    }
  }

  /** The task in a slot has its turn, whether it begins or not. */
  next(slot: number): void {
    if (this.#waiting.size === 0) {
      this.current = undefined;
      return;
    }
    this.current = this.#waiting.get(slot);
    if (this.current !== undefined) this.#waiting.delete(slot);
  }
}
