import { ArgumentWait } from "../futures/argument_wait.ts";
import type { Future } from "../futures/future.ts";
import type { WorkItem } from "./work_item.ts";

/** Whom {@linkcode WaitingItems} tells. */
export interface WaitingOwner {
  /** The item has its arguments, and is to be queued. */
  argumentsReady(item: WorkItem): void;
  /** The item will never have them: this one failed, or was cancelled. */
  argumentFailed(item: WorkItem, future: Future<unknown>): void;
}

/** Work items among whose arguments are futures that are not done. */
export class WaitingItems {
  /** Set right after construction. */
  owner!: WaitingOwner;
  readonly #waits = new Map<WorkItem, ArgumentWait>();

  /** How many there are. */
  get size(): number {
    return this.#waits.size;
  }

  /** Adds an item, which can be taken out from now on. */
  add(item: WorkItem): void {
    const wait = new ArgumentWait(item.argumentList, {
      argumentsReady: (args) => {
        this.#waits.delete(item);
        item.setArguments(args);
        this.owner.argumentsReady(item);
      },
      argumentFailed: (future) => {
        this.#waits.delete(item);
        this.owner.argumentFailed(item, future);
      },
    });
    this.#waits.set(item, wait);
  }

  /** Begins to wait, if the item is still here. Its owner may be told at once. */
  begin(item: WorkItem): void {
    this.#waits.get(item)?.begin();
  }

  /** Takes an item out. False if it does not wait here. */
  remove(item: WorkItem): boolean {
    const wait = this.#waits.get(item);
    if (wait === undefined) return false;
    this.#waits.delete(item);
    wait.stop();
    return true;
  }

  /** Takes the first one out. */
  shift(): WorkItem | undefined {
    for (const item of this.#waits.keys()) {
      this.remove(item);
      return item;
    }
    return undefined;
  }
}
