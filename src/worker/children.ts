import { clock } from "../futures/clock.ts";
import { CancelledError, InvalidStateError, SerializationError } from "../futures/errors.ts";
import { isFuture } from "../futures/future.ts";
import type { Future } from "../futures/future.ts";
import { FutureSource } from "../futures/future_source.ts";
import { messageOf } from "../futures/show.ts";
import { decodeError } from "../wire/error_codec.ts";
import {
  CHILD_CANCELLED,
  CHILD_FAILED,
  MAX_ROW,
  PARKED,
  SPAWN,
  UnclonedError,
} from "../wire/messages.ts";
import { append, SafeMap, TypeErrorOf } from "../wire/originals.ts";
import { unwrapTransfer } from "../wire/transfer.ts";
import type { ChildFunctions } from "./child_functions.ts";
import { childrenOf, hasEnded, slotOf } from "./context.ts";
import type { Context } from "./context.ts";
import type { Outbox } from "./outbox.ts";
import type { Places } from "./places.ts";

/** A task that a task of this worker has submitted, and its future here. */
class Child extends FutureSource<unknown> {
  readonly owner: Children;
  readonly parent: Context;
  readonly number: number;
  /** The number of its function. */
  readonly task: number;
  readonly args: readonly unknown[];
  /** It waits to be sent, with others. */
  isHere = true;

  constructor(
    owner: Children,
    parent: Context,
    number: number,
    task: number,
    args: readonly unknown[],
  ) {
    super();
    this.owner = owner;
    this.parent = parent;
    this.number = number;
    this.task = task;
    this.args = args;
  }

  /** Only what was not sent is known not to run. */
  override revoke(): boolean {
    if (!this.isHere || hasEnded(this.parent)) return false;
    leaveFamily(this);
    return true;
  }

  override started(): boolean {
    return false;
  }
}

/** Whom {@linkcode Children} tell. */
export interface ChildrenOwner {
  /** A task has lent its place, or will when it waits. */
  lent(): void;
  /** A task waits for no other any more. */
  resumed(context: Context): void;
}

let leaveFamily: (child: Child) => void;

/** The tasks that tasks of this worker have submitted and that are not done. */
export class Children {
  static {
    // Of its own executor: several may be on one thread.
    leaveFamily = (child) => child.owner.#remove(child);
  }

  readonly #outbox: Outbox;
  readonly #places: Places;
  readonly #functions: ChildFunctions;
  readonly #owner: ChildrenOwner;
  readonly #open = new SafeMap<number, Child>();
  #count = 0;
  /** Those of one task that are sent together. */
  #gathered: Child[] = [];
  #scheduled = false;
  /** Places of parked tasks that are free again, and how many there have been. */
  readonly #free: number[] = [];
  #parked = 0;

  constructor(outbox: Outbox, places: Places, functions: ChildFunctions, owner: ChildrenOwner) {
    this.#outbox = outbox;
    this.#places = places;
    this.#functions = functions;
    this.#owner = owner;
  }

  submit(parent: Context, task: unknown, args: readonly unknown[]): Future<unknown> {
    if (hasEnded(parent) || slotOf(parent) < 0) {
      throw new InvalidStateError(
        slotOf(parent) < 0
          ? "Cannot submit a task: an initializer has no executor yet"
          : "Cannot submit a task: the task that submits it has ended",
      );
    }
    for (let i = 0; i < args.length; i++) {
      if (isFuture(args[i])) {
        throw new TypeErrorOf(
          `Cannot submit a task: argument ${i + 1} is a Future of this worker; await it`,
        );
      }
    }
    const gathered = this.#gathered;
    if (gathered.length > 0 && gathered[0]!.parent !== parent) this.flush();
    const number = this.#functions.numberOf(task, () => this.flush());
    const child = new Child(this, parent, this.#count++, number, args);
    const family = childrenOf(parent);
    family.add(child);
    this.#open.set(child.number, child);
    if (family.size === 1) this.#places.lend(parent);
    append(this.#gathered, child);
    // The owner begins with these, while more of them are submitted.
    if (this.#gathered.length >= MAX_ROW) this.flush();
    if (!this.#scheduled) {
      this.#scheduled = true;
      clock.queueMicrotask(() => {
        this.#scheduled = false;
        this.flush();
        this.#owner.lent();
      });
    }
    return child.future;
  }

  /** What became of some of them: of each its number, how it ended, and its value or its error. */
  ended(message: readonly unknown[]): void {
    for (let at = 1; at < message.length; at += 3) {
      const child = this.#open.get(message[at] as number);
      if (child === undefined) continue;
      const kind = message[at + 1];
      const value = message[at + 2];
      this.#remove(child);
      if (kind === CHILD_FAILED) child.setException(errorOf(value));
      else if (kind === CHILD_CANCELLED) child.setCancelled(errorOf(value));
      else child.setResult(value);
    }
  }

  /** A task has ended: whoever takes its outcome ends its children, too. */
  orphaned(parent: Context): void {
    const family = childrenOf(parent);
    if (family.size > 0) {
      const error = new CancelledError("The task that submitted it has ended");
      family.forEach((child) => {
        this.#open.delete((child as Child).number);
        (child as Child).setCancelled(error);
      });
    }
    if (this.#gathered.length > 0 && this.#gathered[0]!.parent === parent) this.#gathered = [];
    this.#places.forget(parent);
    // It is used again behind the outcome of this one: see `flush`.
    if (slotOf(parent) >= PARKED) append(this.#free, slotOf(parent));
  }

  /** Sends what was submitted since the last time. */
  flush(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    const { parent } = gathered[0]!;
    const parked = this.#parkedSlot(parent);
    const rows = new Rows(parent, parked);
    for (let i = 0; i < gathered.length; i++) {
      const child = gathered[i]!;
      if (!child.future.done()) rows.add(child);
    }
    this.#outbox.flush();
    let isSent = false;
    try {
      isSent = rows.values.length > 2;
      if (isSent) this.#outbox.tell(SPAWN, rows.values, rows.transfer);
    } catch {
      isSent = false;
      // Something in it cannot be cloned, and nothing was sent: find out whose it is.
      for (let i = 0; i < gathered.length; i++) {
        const child = gathered[i]!;
        if (child.future.done()) continue;
        if (!this.#sendOne(child, parked)) continue;
        isSent = true;
        this.#places.park(parent, parked);
      }
    }
    for (let i = 0; i < gathered.length; i++) gathered[i]!.isHere = false;
    if (isSent) this.#places.park(parent, parked);
    else if (slotOf(parent) !== parked) append(this.#free, parked);
  }

  #sendOne(child: Child, parked: number): boolean {
    const rows = new Rows(child.parent, parked);
    rows.add(child);
    try {
      this.#outbox.tell(SPAWN, rows.values, rows.transfer);
      return true;
    } catch (error) {
      this.#remove(child);
      child.setException(
        new SerializationError(
          `Cannot send the arguments of a task of a task: ${messageOf(error)}; ` +
            `pass plain data, and functions by importTasks`,
          { cause: error },
        ),
      );
      return false;
    }
  }

  #remove(child: Child): void {
    this.#open.delete(child.number);
    const family = childrenOf(child.parent);
    family.delete(child);
    if (family.size > 0) return;
    this.#places.unlend(child.parent);
    this.#owner.resumed(child.parent);
  }

  /** A task that waits for others is known by a number that takes no slot: there may be many. */
  #parkedSlot(parent: Context): number {
    if (slotOf(parent) >= PARKED) return slotOf(parent);
    const { length } = this.#free;
    if (length === 0) return PARKED + this.#parked++;
    const slot = this.#free[length - 1]!;
    this.#free.length = length - 1;
    return slot;
  }
}

/** What is said of children: those of one function, one after the other, share a header. */
class Rows {
  readonly values: unknown[];
  readonly transfer: Transferable[] = [];
  #header = -1;
  /** The one that would go on where the last has ended. */
  #next = -1;
  #task = -1;
  #arity = -1;

  constructor(parent: Context, parked: number) {
    this.values = [slotOf(parent), parked];
  }

  add({ args, number, task }: Child): void {
    const { values, transfer } = this;
    const arity = args.length;
    const goesOn = number === this.#next && task === this.#task && arity === this.#arity;
    const header = goesOn ? this.#header : values.length;
    if (!goesOn) {
      append(values, number);
      append(values, task);
      append(values, arity);
      append(values, 0);
    }
    const at = values.length;
    let moved: Transferable[] | undefined;
    for (let i = 0; i < arity; i++) {
      const mark = unwrapTransfer(args[i]);
      append(values, mark === undefined ? args[i] : mark.value);
      if (mark === undefined) continue;
      moved ??= [];
      for (let k = 0; k < mark.transfer.length; k++) {
        append(moved, mark.transfer[k]!);
        append(transfer, mark.transfer[k]!);
      }
    }
    if (moved === undefined) {
      values[header + 3] = values[header + 3] as number + 1;
      this.#header = header;
      this.#next = number + 1;
      this.#task = task;
      this.#arity = arity;
      return;
    }
    this.#next = -1;
    if (!goesOn) {
      values[header + 3] = moved;
      return;
    }
    // It has a header of its own.
    const own: unknown[] = [];
    for (let i = at; i < values.length; i++) append(own, values[i]);
    values.length = at;
    append(values, number);
    append(values, task);
    append(values, arity);
    append(values, moved);
    for (let i = 0; i < own.length; i++) append(values, own[i]);
  }
}

function errorOf(value: unknown): unknown {
  return value instanceof UnclonedError ? value.thrown : decodeError(value);
}
