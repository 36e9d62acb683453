/** Which workers live, seen from outside: each holds a lock, whose name its page asks for. @module */

/** The locks of the workers that this page starts from now on. */
export class WorkerLocks implements Disposable {
  readonly names: Set<string> = new Set();
  // Of the prototype: WebKit may forget what is set on `navigator.locks` itself.
  readonly #request = LockManager.prototype.request;

  constructor() {
    const { names } = this;
    const request = this.#request as (...args: unknown[]) => Promise<unknown>;
    LockManager.prototype.request = function (this: LockManager, ...args: unknown[]) {
      names.add(args[0] as string);
      return request.apply(this, args);
    } as LockManager["request"];
  }

  [Symbol.dispose](): void {
    LockManager.prototype.request = this.#request;
  }
}

/** How many of those locks are held. Other pages of this origin see them, too. */
export async function countHeld(names: Iterable<string>): Promise<number> {
  const all = new Set(names);
  const { held = [] } = await navigator.locks.query();
  return held.filter(({ name }) => all.has(name!)).length;
}

/** Resolves when none of them is held any more. */
export async function allReleased(names: Iterable<string>): Promise<void> {
  while (await countHeld(names) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}
