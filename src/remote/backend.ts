// Length: all calls of the port, each of them short; what they need is in the files beside this one.

import type { ExecutorMetrics, Observer } from "../backend/executor_events.ts";
import type {
  ChunkReader,
  ChunkSource,
  ExecutorStats,
  OpenInput,
  TaskBackend,
  TaskLimits,
} from "../backend/task_backend.ts";
import { ArgumentWait, holdsFuture } from "../futures/argument_wait.ts";
import { clock } from "../futures/clock.ts";
import { listenToAbort, reasonOf } from "../futures/deadline.ts";
import {
  BrokenExecutorError,
  CancelledError,
  QueueFullError,
  ShutdownError,
  UnsupportedError,
} from "../futures/errors.ts";
import { outcome, sourceOf } from "../futures/future.ts";
import { FutureSource } from "../futures/future_source.ts";
import type { Future } from "../futures/future.ts";
import type { Capabilities, TaskChannel } from "../runtime/runtime.ts";
import { EngineLink, within } from "./engine_link.ts";
import { ExpiredError } from "./errors.ts";
import { Inbox, whole } from "./inbox.ts";
import { ItemTable } from "./item_table.ts";
import { Outbox } from "./outbox.ts";
import type { OutboxOptions } from "./outbox.ts";
import { Recall } from "./recall.ts";
import { RemoteEvents } from "./remote_events.ts";
import { RemoteItem } from "./remote_item.ts";
import type { RemoteLimits } from "./remote_item.ts";
import { RemoteTask, toRemoteTask } from "./remote_task.ts";
import { Signer } from "./signature.ts";
import { Sweep } from "./sweep.ts";
import { idOfTask, newIdPrefix } from "./task_id.ts";
import type { RemoteWorkerInfo, Transport } from "./transport.ts";

/** Places of a fleet of which nothing is known yet. */
const UNKNOWN_PLACES = 16;

/** Stands for the task of a future that was attached to: only its id is known. */
const ATTACHED = new RemoteTask("attached", "task");

/** Milliseconds that an executor that ends gives its engine to take tasks back. */
const TELL_WITHIN = 1_000;

/** Options of the backend, checked. */
export interface RemoteBackendOptions extends OutboxOptions {
  readonly label: string;
  readonly metrics: boolean;
  readonly maxPending: number;
  readonly readyTimeout: number;
  readonly secret: string | undefined;
}

/** Runs tasks on the workers of an engine. README.md beside this file tells why every future settles. */
export class RemoteBackend implements TaskBackend {
  readonly name = "DistributedExecutor";
  readonly capabilities: Capabilities = {
    parallel: true,
    stopsBusyTasks: true,
    sharedMemory: false,
    sandbox: false,
  };
  readonly #options: RemoteBackendOptions;
  readonly #link: EngineLink;
  readonly #outbox: Outbox;
  readonly #recall: Recall;
  readonly #sweep: Sweep;
  readonly #prefix = newIdPrefix();
  readonly #events: RemoteEvents;
  readonly #items: ItemTable;
  readonly #inputs = new Set<OpenInput>();
  #made = 0;
  #places: number | undefined;
  #closed = false;
  #ended: Promise<void> | undefined;

  constructor(transport: Transport, options: RemoteBackendOptions) {
    this.#options = options;
    const signer = new Signer(options.secret);
    this.#events = new RemoteEvents({
      name: options.label,
      engine: transport.name,
      keepsMetrics: options.metrics,
    });
    const items = this.#items = new ItemTable(this.#events, () => this.#sweep.rest());
    const inbox = new Inbox(signer, {
      find: (id) => this.#items.get(id),
      begun: (item, worker) => items.setBegun(item, worker),
      progressed: (item, value) => item.tellProgress(value),
      completed: (item, value, report) => items.succeed(item, value, report),
      failed: (item, error, report) => items.fail(item, error, report),
      doubtful: (item) => void this.#sweep.look(item),
    });
    this.#link = new EngineLink(transport, (replies) => {
      this.#sweep.heard();
      inbox.receive(replies);
    });
    this.#recall = new Recall(this.#link, signer);
    this.#outbox = new Outbox(this.#link, signer, options, {
      itemSending: (item) => this.#events.sending(item),
      itemHanded: (item) => this.#events.sent(item),
      itemsSent: (items) => this.#itemsSent(items),
      chunkUnsendable: (item) =>
        items.succeed(item, whole(item, { values: [], failures: undefined })),
      itemRefused: (item, error) => items.fail(item, error),
    });
    this.#sweep = new Sweep(this.#link, {
      get items() {
        return items.values();
      },
      lookedUp: async (item, found) => {
        if (found === "pending") this.#checkExpired(item);
        return await inbox.lookedUp(item, found);
      },
    });
  }

  get state(): "open" | "shut down" {
    return this.#closed ? "shut down" : "open";
  }

  /** Places of all workers, as they were last seen. */
  get maxWorkers(): number {
    return this.#places ?? UNKNOWN_PLACES;
  }

  get lookAhead(): number {
    return 4 * this.maxWorkers;
  }

  checkOpen(): void {
    if (!this.#closed) return;
    throw new ShutdownError(`Cannot submit a task to ${this.name}: executor is shut down`);
  }

  checkTask(task: unknown): void {
    toRemoteTask(task);
  }

  submit(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
  ): Future<unknown> {
    this.checkOpen();
    const remote = toRemoteTask(task);
    const { maxPending } = this.#options;
    if (this.#items.pending >= maxPending) {
      throw new QueueFullError(
        `Cannot submit a task to ${this.name}: ${maxPending} tasks are pending; await ready() first`,
      );
    }
    return this.#take(remote, args, limits ?? {}, 0);
  }

  submitChunk(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
    items: number,
  ): Future<unknown> {
    this.checkOpen();
    return this.#take(toRemoteTask(task), args, limits ?? {}, items);
  }

  submitSupply(
    task: unknown,
    source: ChunkSource,
    reader: ChunkReader,
    limits: TaskLimits | undefined,
  ): Future<unknown> {
    this.checkOpen();
    const remote = toRemoteTask(task);
    const whole = new FutureSource<unknown>();
    // All at once: the engine has the queue, and no worker of it is known to be free.
    while (source.remaining > 0) {
      const size = Math.min(source.chunkSize ?? 1, source.remaining);
      reader.chunkMade(this.#take(remote, source.take(size), limits ?? {}, size), size);
    }
    whole.setResult(undefined);
    return whole.future;
  }

  /** The future of a task that somebody submitted, perhaps another client, perhaps before this one began. */
  attach(taskId: string): Future<unknown> {
    this.checkOpen();
    const id = idOfTask(taskId);
    const known = this.#items.get(id);
    if (known !== undefined) return known.future;
    const item = new RemoteItem(this, id, ATTACHED, [], 0, {});
    item.handed = item.sent = item.shared = true;
    this.#items.add(item);
    this.#sweep.begin();
    void this.#sweep.look(item);
    return item.future;
  }

  #take(
    task: RemoteTask,
    args: readonly unknown[],
    limits: RemoteLimits,
    items: number,
  ): Future<unknown> {
    const { taskId } = limits;
    let id = `${this.#prefix}-${this.#made}`;
    if (taskId !== undefined) {
      if (items > 0) {
        throw new TypeError("Cannot map with taskId: it names one task, and map has many");
      }
      id = idOfTask(taskId);
      const known = this.#items.get(id);
      if (known !== undefined) return known.future;
    }
    const item = new RemoteItem(this, id, task, args, items, limits);
    item.shared = taskId !== undefined;
    this.#made++;
    this.#events.submit(item, () => this.#begin(item));
    return item.future;
  }

  #begin(item: RemoteItem): void {
    const { args, limits: { signal } } = item;
    this.#items.add(item);
    if (signal?.aborted) {
      this.#items.cancel(item, reasonOf(signal));
      return;
    }
    if (signal !== undefined) {
      try {
        item.release.push(listenToAbort(signal, (reason) => this.#abort(item, reason)));
      } catch (error) {
        this.#items.cancel(item, error); // a signal of a user's own making
        throw error;
      }
    }
    this.#sweep.begin();
    if (holdsFuture(args)) this.#hold(item);
    else this.#outbox.put(item);
  }

  #hold(item: RemoteItem): void {
    const wait = new ArgumentWait(item.args, {
      argumentsReady: (args) => {
        if (item.done) return;
        item.args = args;
        this.#outbox.put(item);
      },
      argumentFailed: (future) => {
        if (item.done) return;
        const { reason } = outcome(future) as { readonly reason: unknown };
        if (future.cancelled()) this.#items.cancel(item, reason);
        else this.#items.fail(item, reason);
      },
    });
    item.release.push(() => wait.stop());
    wait.begin();
  }

  /** `future.cancel()`: it is in no hands but ours. The future itself is cancelled by its caller. */
  takeBack(item: RemoteItem): boolean {
    return !item.handed && this.#items.takeOut(item);
  }

  #itemsSent(items: readonly RemoteItem[]): void {
    const now = clock.now();
    for (const item of items) {
      item.sent = true;
      item.looked = now;
      const expires = item.limits.expires ?? this.#options.expires;
      if (expires !== undefined) item.expiresAt = now + expires;
      if (item.recall !== undefined) void this.#retrieve(item, item.recall.abort);
      for (const tell of item.onSent.splice(0)) tell();
    }
  }

  /** Its time in the queue is over; a worker that takes it now would refuse it. */
  #checkExpired(item: RemoteItem): void {
    if (item.begun || clock.now() < item.expiresAt) return;
    item.expiresAt = Infinity;
    void this.#recall.take(item).then((removed) => {
      if (!removed || item.done) return;
      this.#items.fail(
        item,
        new ExpiredError(`Cannot run task "${item.task.name}": it waited longer than expires`),
      );
    });
  }

  #abort(item: RemoteItem, reason: unknown): void {
    if (item.done) return;
    if (!item.handed) return this.#items.cancel(item, reason);
    this.#recallLater(item, { reason });
    this.#items.fail(item, reason);
  }

  discard(future: Future<unknown>): void {
    if (future.cancel()) return;
    const item = sourceOf(future);
    if (item instanceof RemoteItem && item.owner === this) this.#recallLater(item, undefined);
  }

  #recallLater(item: RemoteItem, abort: { readonly reason: unknown } | undefined): void {
    if (item.recall !== undefined && abort === undefined) return; // it is asked for already
    item.recall = { abort };
    if (item.sent) void this.#retrieve(item, abort);
  }

  async #retrieve(
    item: RemoteItem,
    abort: { readonly reason: unknown } | undefined,
  ): Promise<boolean> {
    const removed = await this.#recall.take(item, abort);
    if (removed && !item.done) this.#items.cancel(item, undefined);
    return removed;
  }

  /** Takes a task back, if no worker has it. */
  async revoke(future: Future<unknown>): Promise<boolean> {
    if (future.cancel()) return true;
    const item = sourceOf(future);
    if (!(item instanceof RemoteItem) || item.owner !== this) return false;
    // It may be on its way; the engine is asked when it has come.
    if (!item.sent && !item.done) await new Promise<void>((sent) => item.onSent.push(sent));
    return item.done ? item.future.cancelled() : await this.#retrieve(item, undefined);
  }

  inputOpened(input: OpenInput): void {
    this.#inputs.add(input);
  }

  inputClosed(input: OpenInput): void {
    this.#inputs.delete(input);
  }

  broadcast(): Promise<unknown[]> {
    this.checkOpen();
    const why =
      "Cannot broadcast to other machines: workers come and go; use their own initializer";
    return Promise.reject(new UnsupportedError(why));
  }

  async warmUp(): Promise<void> {
    this.checkOpen();
    await this.#link.connectedWithin(this.#options.readyTimeout);
    if (this.#places === undefined) await this.workers().catch(() => {});
  }

  async ready(): Promise<void> {
    await this.warmUp();
    while (!this.#closed && this.#items.pending >= this.#options.maxPending) {
      await this.#items.whenChanged();
    }
    this.checkOpen();
  }

  /** The workers that live. */
  async workers(): Promise<readonly RemoteWorkerInfo[]> {
    const workers = await this.#link.ask((transport) => transport.workers());
    const places = workers.reduce((sum, { places }) => sum + places, 0);
    if (places > 0) this.#places = places;
    this.#events.alive(new Set(workers.map(({ name }) => name)));
    return workers;
  }

  get label(): string {
    return this.#events.name;
  }

  observe(observer: Observer): () => void {
    return this.#events.observe(observer);
  }

  trace(tool: TaskChannel): () => void {
    return this.#events.addTool(tool);
  }

  metrics(): ExecutorMetrics {
    return this.#events.metrics(this.#items.pending);
  }

  stats(): ExecutorStats {
    const workers = this.#link.closed ? 0 : this.#places ?? 0;
    return {
      workers,
      idle: Math.max(0, workers - this.#items.size),
      pending: this.#items.pending,
      running: this.#items.begun,
      waiting: 0,
      ...this.#items.counts,
      crashed: 0,
    };
  }

  async shutdown(cancelFutures: boolean): Promise<void> {
    this.#close();
    if (cancelFutures) await this.#cancelPending();
    return await this.#whenEnded();
  }

  async terminate(): Promise<void> {
    this.#close();
    const reason = new BrokenExecutorError(
      `Cannot finish the task: ${this.name} was terminated`,
    );
    await within(TELL_WITHIN, this.#cancelPending({ reason }));
    for (const item of [...this.#items.values()]) this.#items.fail(item, reason);
    return await this.#whenEnded();
  }

  #close(): void {
    this.#closed = true;
    this.#items.wake();
  }

  /** Cancels what is here, and takes back from the engine what no worker has. */
  async #cancelPending(abort?: { readonly reason: unknown }): Promise<void> {
    const reason = new CancelledError(`Cannot go on with map: ${this.name} ended`);
    for (const input of [...this.#inputs]) input.stop(reason);
    const waiting: Promise<unknown>[] = [];
    for (const item of [...this.#items.values()]) {
      if (item.done || item.future.cancel()) continue;
      if (item.sent) waiting.push(this.#retrieve(item, abort));
      else this.#recallLater(item, abort);
    }
    await Promise.all(waiting);
  }

  #whenEnded(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    await this.#items.whenEmpty();
    this.#sweep.end();
    // What was aborted is still told so, if the engine is there.
    await within(TELL_WITHIN, this.#outbox.rested().then(() => this.#recall.rested()));
    await this.#link.close();
  }
}
