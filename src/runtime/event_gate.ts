import { clock } from "../futures/clock.ts";
import type { EndedTask, WorkerEvents } from "./runtime.ts";

/**
 * How long a terminated worker has to end, in milliseconds, until it is given up. Less would give up
 * workers on a busy machine that end in time; more delays whoever waits for one that cannot be stopped:
 * Bun has to wait for wasm, Node for a synchronous child process.
 */
const GIVE_UP_AFTER = 500;

/**
 * Stands between a worker and its owner and keeps the order that {@linkcode WorkerEvents} promises:
 * the exit comes last, and once, however many signs of it a runtime gives.
 */
export class EventGate implements WorkerEvents {
  readonly #events: WorkerEvents;
  #heard = 0;
  #state: "open" | "closing" | "closed" = "open";
  #giveUpTimer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(events: WorkerEvents) {
    this.#events = events;
  }

  /** The worker gave a sign that is no message. */
  heard(): void {
    this.#heard++;
  }

  message(data: unknown): void {
    this.#heard++;
    if (this.#state !== "closed") this.#events.message(data);
  }

  ended(slot: number, number: number, told: (() => EndedTask) | undefined): void {
    if (this.#state !== "closed") this.#events.ended?.(slot, number, told);
  }

  error(error: unknown): void {
    if (this.#state !== "closed") this.#events.error(error);
  }

  messageError(): void {
    if (this.#state !== "closed") this.#events.messageError();
  }

  exit(exitCode?: number, signal?: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    clock.clearTimeout(this.#giveUpTimer);
    this.#whenQuiet(() => {
      this.#state = "closed";
      this.#events.exit(exitCode, signal);
    });
  }

  /** Tells the exit also if the runtime never does. */
  exitSoon(giveUp: () => void): void {
    if (this.#state !== "open" || this.#giveUpTimer !== undefined) return;
    this.#giveUpTimer = clock.setTimeout(() => {
      giveUp();
      this.exit();
    }, GIVE_UP_AFTER);
  }

  /** Waits for a turn of the event loop without a message: Deno delivers some of them late. */
  #whenQuiet(callback: () => void): void {
    const heard = this.#heard;
    clock.setTimeout(() => heard === this.#heard ? callback() : this.#whenQuiet(callback), 0);
  }
}
