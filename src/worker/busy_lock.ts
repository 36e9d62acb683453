import { PromiseOf, uncurried } from "../wire/originals.ts";
import { whenSettled } from "./thenable.ts";

/** What is used of a navigator with locks; Deno's own types have none. */
interface Locking {
  readonly locks: { request(name: string, callback: () => Promise<void>): Promise<unknown> };
}

/**
 * Deno 2.9 stops a busy worker only while it holds a Web Lock, and must not stop one that loads a
 * built-in module, or the whole process panics (denoland/deno#35657). So the lock is held while
 * tasks run and let go while modules load.
 */
export class BusyLock {
  readonly #locks = (navigator as unknown as Locking).locks;
  readonly #request = uncurried(this.#locks.request) as (
    locks: unknown,
    name: string,
    callback: () => PromiseLike<void>,
  ) => PromiseLike<unknown>;
  readonly #name = `@concurrent/futures ${crypto.randomUUID()}`;
  #letGo: () => void = () => {};
  /** Settles when the lock that was held last is free. */
  #freed: PromiseLike<unknown> | undefined = undefined;
  #loading = 0;

  /** Calls back when the lock is held. */
  hold(held: () => void): void {
    // Not called in the lock's callback, nor where it is refused: a program that ends just then would
    // print that its execution was terminated, as the rejection of a promise.
    const lent = new PromiseOf<void>((resolve) => {
      this.#freed = this.#request(this.#locks, this.#name, () => {
        resolve();
        return new PromiseOf<void>((resolve) => {
          this.#letGo = resolve;
        });
      });
      whenSettled(this.#freed, () => {}, () => resolve()); // none to be had: tasks run all the same
    });
    whenSettled(lent, held, held);
  }

  /** Lets it go; calls back when it is free. Deno prints an error if a worker ends while it holds one. */
  release(freed: () => void): void {
    this.#letGo();
    if (this.#freed === undefined) freed();
    else whenSettled(this.#freed, freed, freed);
  }

  /** Runs `load` without the lock. */
  released<T>(load: () => PromiseLike<T>): PromiseLike<T> {
    return new PromiseOf((resolve, reject) => {
      const ended = (settle: () => void): void => {
        if (--this.#loading === 0) this.hold(settle);
        else settle();
      };
      const start = (): void =>
        whenSettled(
          load(),
          (value) => ended(() => resolve(value)),
          (error) => ended(() => reject(error)),
        );
      if (this.#loading++ === 0) this.release(start);
      else start();
    });
  }
}

/** The lock of a worker that needs one. Deno 2.5 has none; it stops a busy worker without one, after two seconds. */
export function busyLock(scope: { readonly Deno?: unknown }): BusyLock | undefined {
  return scope.Deno === undefined || !("locks" in navigator) ? undefined : new BusyLock();
}
