import { clock } from "../futures/clock.ts";
import { TimeoutError } from "../futures/errors.ts";
import { TransportError } from "./transport.ts";
import type { Reply, Subscription, Transport } from "./transport.ts";

/** Milliseconds before an engine that is away is asked again: at first, and at the most. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 500;

/** Milliseconds in which a transport has closed, whatever its engine does. */
export const CLOSE_WITHIN = 5_000;

/** One client's use of its transport: asks again while the engine is away, and ends. */
export class EngineLink {
  readonly transport: Transport;
  readonly #onReplies: (replies: readonly Reply[]) => void;
  #subscription: Promise<Subscription> | undefined;
  #closed = false;
  readonly #pauses = new Set<() => void>();

  constructor(transport: Transport, onReplies: (replies: readonly Reply[]) => void) {
    this.transport = transport;
    this.#onReplies = onReplies;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when the engine is there and replies are read. What it refuses now it may allow later: that is asked anew. */
  connected(): Promise<Subscription> {
    if (this.#subscription !== undefined) return this.#subscription;
    const subscription = this.#persist(() => this.transport.replies(this.#onReplies));
    this.#subscription = subscription;
    subscription.catch(() => {
      if (this.#subscription === subscription) this.#subscription = undefined;
    });
    return subscription;
  }

  /** The same, but for no longer than so many milliseconds: then it rejects. */
  async connectedWithin(milliseconds: number): Promise<void> {
    let isThere = false;
    const connected = this.connected().then(() => {
      isThere = true;
    });
    await within(milliseconds, connected.catch(() => {}));
    if (isThere) return;
    const late = new TimeoutError(`Cannot reach ${this.transport.name} within ${milliseconds} ms`);
    await Promise.race([connected, Promise.reject(late)]); // what it rejected with comes first
  }

  /** Does something as soon as the engine is there; it may be done more than once. Rejects if it cannot be, or the link is closed. */
  async ask<T>(call: (transport: Transport) => Promise<T>): Promise<T> {
    await this.connected();
    return await this.#persist(() => call(this.transport));
  }

  async #persist<T>(call: () => Promise<T>): Promise<T> {
    for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      if (this.#closed) throw new TransportError("away", "Cannot ask the engine: closed");
      try {
        return await call();
      } catch (error) {
        if (this.#closed || !isAway(error)) throw error;
      }
      await this.#rest(pause);
    }
  }

  #rest(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clock.clearTimeout(timer);
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = clock.setTimeout(wake, milliseconds);
      this.#pauses.add(wake);
    });
  }

  /** Ends this client's connections; what waits is told. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const subscription = this.#subscription;
    for (const wake of [...this.#pauses]) wake();
    if (subscription !== undefined) {
      // An engine that is away cannot be told; then its own limits clear the channel.
      const left = subscription.then((own) => own.close()).catch(() => {});
      await within(1_000, left);
    }
    await within(CLOSE_WITHIN, this.transport.close());
  }
}

/** Whether the engine is only away. */
function isAway(error: unknown): boolean {
  return error instanceof TransportError && error.reason === "away";
}

/** Waits for a promise, but not for longer than this. */
export async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, milliseconds);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
