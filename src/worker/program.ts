import { decodeError } from "../wire/error_codec.ts";
import {
  ABORT,
  CHILDREN,
  CREDIT,
  DEFINE,
  EXITING,
  FORGET,
  INITIALIZED,
  INITIALIZER_FAILED,
  REVOKE,
  RUN,
  SETUP,
  STOP,
  TIME,
  TRACED,
  UNCAUGHT,
  UNDEFINE,
} from "../wire/messages.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import { append, ErrorOf, isArray } from "../wire/originals.ts";
import { Context, slotOf } from "./context.ts";
import { initialize } from "./initialize.ts";
import { Outbox } from "./outbox.ts";
import type { ProgramHost } from "./program_host.ts";
import { RunLoop } from "./run_loop.ts";
import { SentCount } from "./sent_count.ts";

/** As it was before any task could change it. */
const report = console.error.bind(console);

/** The far side: takes messages of the owner, runs its tasks, and tells it of their outcomes. */
export class Program {
  readonly #host: ProgramHost;
  readonly #outbox: Outbox;
  readonly #loop: RunLoop;
  /** What is added to the kind of each message; -1 before it is told. */
  #secret = -1;
  /** A message was lost: what comes after it is not taken. */
  #missedMessage = false;

  readonly #sent = new SentCount();
  /** What runs before this worker ends in good order. */
  #finalizer: WorkerSetup["finalizer"] = undefined;

  constructor(host: ProgramHost) {
    const counting = this.#host = this.#sent.counting(host);
    this.#outbox = new Outbox(counting);
    this.#loop = new RunLoop(counting, this.#outbox);
  }

  /** Says that the program listens. */
  start(): void {
    this.#outbox.ready();
  }

  /** Takes a message of the owner, and nothing else that looks like one. */
  receive(message: unknown): void {
    // What Bun gives of a message that it could not read; but the owner of a worker that serves may send it null.
    // A stream may wait for what was lost.
    if (message === null && this.#host.named === undefined) {
      return this.#loop.hasStreams
        ? this.uncaughtError(new ErrorOf("the worker missed a message"))
        : this.unreadable();
    }
    if (!isArray(message)) return;
    const loop = this.#loop;
    const isSetUp = this.#secret >= 0;
    const kind = isSetUp ? (message[0] as number) - this.#secret : message[0] as number;
    if (isSetUp ? this.#isDead && kind !== STOP : kind !== SETUP && kind !== STOP) return;
    switch (kind) {
      case RUN:
        if (this.#missedMessage) return;
        loop.batches.add(message);
        return loop.drain();
      case TRACED:
        if (this.#missedMessage) return;
        loop.carriers.add(message[1]);
        loop.batches.add(message[2]);
        return loop.drain();
      case DEFINE:
        return loop.tasks.define(message[1], message[2]);
      case UNDEFINE:
        return loop.tasks.forget(message, 1, loop.batches.functions());
      case ABORT:
        return loop.abort(message[1], decodeError(message[2]));
      case TIME:
        this.#outbox.times.isOn = message[1] === true;
        return;
      case CHILDREN:
        return loop.children.ended(message);
      case CREDIT:
        return loop.grant(message[1], message[2]);
      case REVOKE:
        return this.#outbox.returned(loop.batches.giveBack(message));
      case FORGET:
        return loop.forget(message[1]);
      case SETUP:
        if (isSetUp) return;
        this.#secret = (message[1] as WorkerSetup).secret; // also after an uncaught error: it is told to stop by it
        this.#outbox.open(this.#secret);
        this.#sent.open(message[1]);
        if (!this.#isDead) this.#setUp(message[1]);
        return;
      case STOP:
        return this.#stop(message[1] === true);
    }
  }

  /** An error outside of every task: the owner replaces this worker; nothing begins here any more. */
  uncaughtError(error: unknown): void {
    if (this.#isDead) return;
    try {
      this.#outbox.flush();
      this.#outbox.close();
      this.#outbox.say(UNCAUGHT, this.#host.encodeError(error));
    } catch {
      // A task has broken what its runtime sends with: the owner hears of the end, or sees the count.
      this.#outbox.close();
      this.#sent.add();
      this.#host.exit();
    }
  }

  /** This worker ends on its own account: nothing begins here any more, though `close()` goes on. */
  exiting(exitCode: number): void {
    this.#outbox.flush();
    this.#outbox.close();
    this.#outbox.say(EXITING, exitCode);
  }

  /** A message could not be read: whoever sent it has to know what was in it. */
  unreadable(): void {
    if (this.#isDead || this.#missedMessage) return;
    this.#missedMessage = true;
    const slots: number[] = [];
    this.#loop.places.forEach((context) => append(slots, slotOf(context)));
    this.#loop.batches.addSlots(slots);
    this.#outbox.unreadable(slots);
  }

  /** Sends what is gathered. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Nothing begins here, and nothing is told of tasks. */
  get #isDead(): boolean {
    return this.#outbox.isClosed;
  }

  /** Ends this worker, after its finalizer if it is to run. */
  #stop(finalizes: boolean): void {
    const mayRun = finalizes && !this.#isDead;
    const finalizer = this.#finalizer;
    this.#finalizer = undefined;
    this.#outbox.close();
    if (!mayRun || finalizer === undefined) return this.#host.exit();
    const { functions, workerName } = this.#loop;
    initialize(
      functions,
      new Context(this.#loop, -1),
      finalizer,
      () => this.#host.exit(),
      (error) => {
        report(`Uncaught error in the finalizer of worker ${workerName}:`, error);
        this.#host.exit();
      },
    );
  }

  #setUp(setup: WorkerSetup): void {
    this.#outbox.claims.setUp(setup);
    this.#loop.setUp(setup);
    this.#finalizer = setup.finalizer;
    if (setup.claims !== undefined) this.#host.waitAt?.(setup.claims, () => this.#loop.isIdle);
    if (setup.initializer === undefined) return this.#loop.begin();
    const { functions } = this.#loop;
    initialize(functions, new Context(this.#loop, -1), setup.initializer, () => {
      this.#outbox.say(INITIALIZED);
      this.#loop.begin();
    }, (error) => {
      this.#outbox.close();
      this.#outbox.say(INITIALIZER_FAILED, this.#host.encodeError(error));
    });
  }
}
