// Length: all that is known of one worker but its tasks, a few lines each.

import {
  ABORT,
  CREDIT,
  DEFINE,
  FORGET,
  REVOKE,
  SETUP,
  STOP,
  TIME,
  TRACED,
  UNDEFINE,
} from "../wire/messages.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import { clock } from "../futures/clock.ts";
import { MAX_DELAY } from "../futures/deadline.ts";
import { encodeError } from "../wire/error_codec.ts";
import type { WorkerHandle } from "../runtime/runtime.ts";
import { ItemQueue } from "./item_queue.ts";
import { ListPlace } from "./list_place.ts";
import { carriersOf, runMessage } from "./run_message.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import { newSecret } from "./secret.ts";
import { SentTasks } from "./sent_tasks.ts";
import { MAX_WINDOW } from "./task_registry.ts";
import type { TaskEntry } from "./task_registry.ts";
import type { WorkItem, WorkItemHolder } from "./work_item.ts";
import { WorkerLife } from "./worker_life.ts";
import type { WorkerEnd, WorkerState } from "./worker_life.ts";
import { WorkerLoad } from "./worker_load.ts";

/** Slots of one worker: room for a window, for as many that are taken back, and for some that last. */
const MIN_SLOTS = 4 * MAX_WINDOW;

/** More would cost memory for tasks that no thread runs at once. */
const MAX_SLOTS = 2 ** 17;

/** How many task functions a worker knows at once. One that is forgotten and used again is sent again. */
const MAX_DEFINED = 512;

/** One worker as the scheduler sees it: its life, the tasks that it has, and what it is told. */
export class WorkerSlot implements WorkItemHolder {
  readonly name: string;
  /** What stands with the kind at the head of each message, once the worker was told. */
  readonly secret: number;
  readonly life: WorkerLife;
  readonly load: WorkerLoad;
  readonly sent: SentTasks;
  /** Its place among the workers with room. */
  readonly place: ListPlace<WorkerSlot> = new ListPlace();
  readonly #options: SchedulerOptions;
  #handle: WorkerHandle | undefined = undefined;
  #isReferenced = false;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  #isSetUp = false;

  #lastMessageAt = 0;
  #received = 0;
  #stillLooks = 0;
  #isRecalled = false;
  #hasMissedMessage = false;
  #stopAnswerTimer: (() => void) | undefined = undefined;

  #backlog: WorkItem[] = [];
  #own: ItemQueue | undefined = undefined;
  #groups = 0;
  readonly #childTasks = new Map<number, TaskEntry>();
  readonly #defined = new Set<number>();

  constructor(name: string, options: SchedulerOptions, startedAfter: number) {
    const { tasksPerWorker, maxTasksPerChild, inThread } = options;
    this.name = name;
    this.life = new WorkerLife(startedAfter);
    this.#options = options;
    this.load = new WorkerLoad(maxTasksPerChild ?? Infinity);
    const slots = Math.min(Math.max(MIN_SLOTS, 2 * tasksPerWorker), MAX_SLOTS);
    const claims = options.claims(slots, tasksPerWorker, () => this.#handle?.begun ?? 0);
    this.sent = new SentTasks(this, slots, claims, this.load, tasksPerWorker, inThread);
    // Nobody else can post on the owner's own thread; and Cloudflare has no random numbers outside of requests.
    this.secret = inThread ? 0 : newSecret();
  }

  // --- its life ---

  get state(): WorkerState {
    return this.life.state;
  }

  /** It is there once the worker was started; a runtime may report events before that. */
  get handle(): WorkerHandle {
    return this.#handle!;
  }

  /** The runtime has started it. */
  started(handle: WorkerHandle): void {
    this.#handle = handle;
    this.setReferenced(true);
  }

  /** Its program has loaded: sets it up, and tells it the secret. */
  setUp(setup: Omit<WorkerSetup, "secret" | "name" | "claims" | "outcomes">): void {
    this.life.initialize();
    const { secret, name, sent: { claims: { table, outcomes } } } = this;
    this.#post([SETUP, { ...setup, secret, name, claims: table, outcomes }]);
    this.#isSetUp = true;
  }

  /**
   * It gets no more work.
   *
   * @param isCrashed Whether because of a fault of its own.
   */
  leave(isCrashed: boolean): void {
    this.life.stop(this.load.isBusy, isCrashed);
    this.stopTimer();
  }

  /** It is gone. */
  die(told: WorkerEnd): WorkerEnd {
    this.stopTimer();
    this.stopAwaiting();
    return this.life.end(told, this.#handle?.pid);
  }

  /** Asks the idle worker to end by itself, after its finalizer if that is to run. */
  askToStop(finalizes = false): void {
    this.tell(this.#isSetUp ? [this.secret + STOP, finalizes] : [STOP]);
  }

  /** Keeps the program alive, or lets it end; only a change reaches the runtime. */
  setReferenced(isReferenced: boolean): void {
    if (isReferenced === this.#isReferenced) return;
    this.#isReferenced = isReferenced;
    if (isReferenced) this.handle.ref();
    else this.handle.unref();
  }

  /** Calls back in so many milliseconds, unless it gets work before, or ends. It has one timer at a time. */
  startTimer(milliseconds: number, callback: () => void): void {
    if (milliseconds === Infinity) return;
    const now = Math.min(milliseconds, MAX_DELAY);
    this.#timer = this.#options.runtime.timer(() => {
      this.#timer = undefined;
      if (milliseconds > now) this.startTimer(milliseconds - now, callback);
      else callback();
    }, now);
  }

  stopTimer(): void {
    if (this.#timer === undefined) return;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get hasTimer(): boolean {
    return this.#timer !== undefined;
  }

  // --- what is heard of it ---

  /**
   * It has said something.
   *
   * @param isSigned Whether only its program can have said it.
   */
  heard(isSigned: boolean): void {
    this.#lastMessageAt = clock.now();
    if (isSigned) this.#received++;
    this.#stillLooks = 0;
    this.#isRecalled = false;
  }

  /** When it last said something, in milliseconds of the scheduler's clock; 0 while it has nothing to say. */
  get lastMessageAt(): number {
    return this.#lastMessageAt;
  }

  /** Whether it has sent more than has arrived, so far. */
  get isMute(): boolean {
    return ((this.sent.claims.messages - this.#received) | 0) > 0; // the count goes round
  }

  /**
   * Whether something is wrong if this lasts: it is mute, or was sent tasks and has begun none. Where it
   * cannot be known, false.
   */
  get standsStill(): boolean {
    return this.isMute || this.sent.standStill;
  }

  /** Looks whether it stands still: how often it did, one look after the other. */
  look(): number {
    return this.#stillLooks = this.standsStill ? this.#stillLooks + 1 : 0;
  }

  /** Whether what was sent ahead to it was taken back since it was last heard. */
  get isRecalled(): boolean {
    return this.#isRecalled;
  }

  /** What was sent ahead to it is taken back because it is silent: once for each silence. */
  recall(): void {
    this.#isRecalled = true;
  }

  /** It could not read a message: it gets no more tasks. */
  missMessage(): void {
    this.#hasMissedMessage = true;
    this.load.close();
  }

  get hasMissedMessage(): boolean {
    return this.#hasMissedMessage;
  }

  // --- what it is to have ---

  /** It has been given work. */
  work(): void {
    if (this.#lastMessageAt === 0) this.#lastMessageAt = clock.now();
    this.stopTimer();
    this.setReferenced(true);
  }

  /** It has nothing to do. */
  rest(): void {
    this.#lastMessageAt = 0;
    this.setReferenced(false);
  }

  /** Tasks that it is to run, and no other worker, and for which there was no slot yet: those of `broadcast`. */
  get backlog(): readonly WorkItem[] {
    return this.#backlog;
  }

  addToBacklog(item: WorkItem): void {
    this.#backlog.push(item);
    this.setReferenced(true);
  }

  /** Takes out all that it will not run. */
  dropBacklog(): readonly WorkItem[] {
    const dropped = this.#backlog;
    this.#backlog = [];
    return dropped;
  }

  /** Gives slots to as many as there are slots for. */
  assignBacklog(): readonly WorkItem[] {
    let count = 0;
    while (count < this.#backlog.length && this.sent.hasSlot) {
      this.sent.assign(this.#backlog[count++]!);
    }
    return this.#backlog.splice(0, count);
  }

  /** Tasks of keys that are its own, and have not been sent. */
  get own(): ItemQueue | undefined {
    return this.#own;
  }

  /** The queue of these. */
  ownQueue(): ItemQueue {
    return this.#own ??= new ItemQueue();
  }

  /** How many groups of keys are its own. */
  get groups(): number {
    return this.#groups;
  }

  addGroup(): void {
    this.#groups++;
  }

  dropGroups(): void {
    this.#groups = 0;
  }

  /** One of the functions that its tasks submit, by its number. */
  childTask(number: number): TaskEntry | undefined {
    return this.#childTasks.get(number);
  }

  defineChildTask(number: number, entry: TaskEntry): void {
    this.#childTasks.set(number, entry);
  }

  // --- what it is told ---

  /**
   * Sends items that have their slots, in one message.
   *
   * @throws What the runtime throws if something in it cannot be cloned; then nothing was sent.
   */
  post(items: readonly WorkItem[], transfer?: readonly Transferable[]): void {
    let last: TaskEntry | undefined;
    for (const { task } of items) {
      if (task === last) continue;
      last = task;
      if (!this.#defined.has(task.id)) this.#define(task);
    }
    const run = runMessage(this.secret, items);
    const carriers = carriersOf(items);
    const message = carriers === undefined ? run : [this.secret + TRACED, carriers, run];
    this.#post(message, transfer);
    if (this.#defined.size > MAX_DEFINED) this.#undefine();
    this.sent.claims.posted(items);
  }

  #post(message: unknown, transfer?: readonly Transferable[]): void {
    this.handle.post(message, transfer);
    this.sent.claims.ring?.();
  }

  #define(task: TaskEntry): void {
    this.#post([this.secret + DEFINE, task.id, task.wire]);
    this.#defined.add(task.id);
  }

  /** Lets the worker forget the half of its functions that it has known for longest. */
  #undefine(): void {
    const oldest = [...this.#defined].slice(0, MAX_DEFINED / 2);
    for (const id of oldest) this.#defined.delete(id);
    this.tell([this.secret + UNDEFINE, ...oldest]);
  }

  /** Asks for the times of its tasks, or for none any more. */
  observe(isObserved: boolean): void {
    if (this.state === "live") this.tell([this.secret + TIME, isObserved]);
  }

  /** Asks it for tasks that it has not begun: see `SentTasks.ask`. */
  askBack(most: number, which?: (item: WorkItem) => boolean): void {
    const slots = this.sent.ask(most, which);
    if (slots.length > 0) this.tell([this.secret + REVOKE, ...slots]);
  }

  /** It has answered what it gives back: see `SentTasks.returned`. */
  returned(message: readonly unknown[]): WorkItem[] {
    const items = this.sent.returned(message);
    if (!this.sent.isAsked) this.stopAwaiting();
    return items;
  }

  /** It is awaited, until that is stopped. */
  awaitAnswer(stopTimer: () => void): void {
    this.stopAwaiting();
    this.#stopAnswerTimer = stopTimer;
  }

  /** It has answered, or need not any more. */
  stopAwaiting(): void {
    this.#stopAnswerTimer?.();
    this.#stopAnswerTimer = undefined;
  }

  /** Asks a task to end that was sent, or to be given back if it has not begun. */
  abort(item: WorkItem, reason: unknown): void {
    item.control?.stream?.stop();
    this.tell([this.secret + ABORT, item.slot, encodeError(reason, this.handle.check)]);
    if (this.sent.claims.asksBack) this.askBack(1, (one) => one === item);
  }

  /** Its streams may wait for a timer that a task has broken: they go on by a message. */
  nudge(): void {
    for (const item of this.sent.all()) {
      if (!item.done && item.control?.stream !== undefined) this.grant(item, 0);
    }
  }

  grant(item: WorkItem, count: number): void {
    this.tell([this.secret + CREDIT, item.slot, count]);
  }

  /** Tells a worker on the owner's thread that its task is not waited for any more. */
  forget(item: WorkItem): void {
    this.tell([this.secret + FORGET, item.slot]);
    this.sent.release(item.slot);
  }

  /** Says what can always be cloned: a worker that throws at that is one that cannot be talked to. */
  tell(message: readonly unknown[]): void {
    try {
      this.#post(message);
    } catch (reason) {
      this.life.blame(reason);
      this.handle.terminate();
    }
  }

  // --- for its items ---

  /** The task waits for those which it has submitted: its place is free. */
  lend(item: WorkItem): void {
    if (item.worker === this) this.load.lend(item);
  }

  /** It waits no more. */
  unlend(item: WorkItem): void {
    if (item.worker === this) this.load.unlend(item);
  }

  isRunning(item: WorkItem): boolean {
    return this.sent.isRunning(item);
  }

  hasEnded(item: WorkItem): boolean {
    return this.sent.hasEnded(item);
  }

  revoke(item: WorkItem): boolean {
    return this.sent.revoke(item);
  }
}
