import { clock } from "../futures/clock.ts";
import type { BackPressure } from "./back_pressure.ts";
import { ChunkSupply } from "./chunk_supply.ts";
import { dispatch, moves } from "./dispatch.ts";
import type { EndedWatch } from "./ended_watch.ts";
import type { Ending } from "./ending.ts";
import type { ItemLimits } from "./item_limits.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import type { Settlement } from "./settlement.ts";
import type { SilenceWatch } from "./silence_watch.ts";
import type { Supervisor } from "./supervisor.ts";
import type { TakeBack } from "./take_back.ts";
import type { TaskQueue } from "./task_queue.ts";
import { MAX_WINDOW } from "./task_registry.ts";
import type { Watch } from "./watch.ts";
import type { WorkItem } from "./work_item.ts";
import type { WorkerList } from "./worker_list.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** What a feeder works with. */
export interface FeederParts {
  readonly options: SchedulerOptions;
  readonly watch: Watch;
  readonly queue: TaskQueue;
  readonly room: WorkerList;
  readonly supervisor: Supervisor;
  readonly settlement: Settlement;
  readonly silence: SilenceWatch;
  readonly takeBack: TakeBack;
  readonly limits: ItemLimits;
  readonly ending: Ending;
  readonly backPressure: BackPressure;
}

/** Brings tasks from the queue to the workers: starts workers, decides who gets what, and how much ahead. */
export class Feeder {
  readonly #options: SchedulerOptions;
  readonly #watch: Watch;
  readonly #queue: TaskQueue;
  /** Live workers with room for one more task. */
  readonly #room: WorkerList;
  readonly #supervisor: Supervisor;
  readonly #settlement: Settlement;
  readonly #silence: SilenceWatch;
  readonly #takeBack: TakeBack;
  readonly #limits: ItemLimits;
  readonly #ending: Ending;
  readonly #backPressure: BackPressure;
  #scheduled = false;
  /** Set right after construction. */
  endedWatch!: EndedWatch;

  constructor(parts: FeederParts) {
    this.#options = parts.options;
    this.#watch = parts.watch;
    this.#queue = parts.queue;
    this.#room = parts.room;
    this.#supervisor = parts.supervisor;
    this.#settlement = parts.settlement;
    this.#silence = parts.silence;
    this.#takeBack = parts.takeBack;
    this.#limits = parts.limits;
    this.#ending = parts.ending;
    this.#backPressure = parts.backPressure;
  }

  /** Something was queued: all that is submitted in one turn is looked at together. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    clock.queueMicrotask(() => {
      this.#scheduled = false;
      this.pump();
    });
  }

  /** Starts the workers that the queue asks for and gives work to those that have room. */
  pump(): void {
    this.#takeBack.makeWayForPriority();
    this.#startWorkers();
    if (this.#queue.lanes.length > 0) this.#feedLanes();
    for (;;) {
      const worker = this.#room.first;
      if (worker === undefined || this.#queue.length === 0 || !this.#feed(worker)) break;
    }
    this.#backPressure.check();
  }

  #startWorkers(): void {
    const supervisor = this.#supervisor;
    if (supervisor.free <= 0 || this.#queue.length === 0) return;
    const first = this.#queue.first;
    const queued = first instanceof ChunkSupply ? first.source.remaining : this.#queue.length;
    let wanted = queued - supervisor.starting - this.#room.countIdle(queued);
    while (wanted-- > 0 && supervisor.free > 0) supervisor.start();
  }

  /** Gives workers the tasks that only they may take. */
  #feedLanes(): void {
    const { lanes } = this.#queue;
    lanes.settle(() => this.#home());
    for (const worker of lanes.takeReady()) {
      if (worker.state === "live" && (worker.own?.length ?? 0) > 0) this.#feed(worker);
    }
  }

  /** The worker that is to have one group of keys more. */
  #home(): WorkerSlot | undefined {
    const supervisor = this.#supervisor;
    let least: WorkerSlot | undefined;
    for (const worker of supervisor.workers) {
      if (worker.state === "stopping" || worker.load.remaining <= 0) continue;
      if (least === undefined || worker.groups < least.groups) least = worker;
    }
    if ((least?.groups ?? 1) === 0 || supervisor.free <= 0) return least;
    const started = supervisor.start();
    return started.state === "dead" ? least : started;
  }

  /** What a worker is to have next: of the queue, or of what only it may take. */
  #next(worker: WorkerSlot): WorkItem | undefined {
    const any = this.#queue.first;
    const own = worker.own?.first;
    if (own === undefined || any === undefined) return own ?? any;
    const ownIsFirst = own.priority > any.priority ||
      (own.priority === any.priority && own.sequence < any.sequence);
    return ownIsFirst ? own : any;
  }

  /** Gives a worker its share of the queue. False if nothing fits. */
  #feed(worker: WorkerSlot): boolean {
    const queue = this.#queue;
    const { live } = this.#supervisor;
    const share = shareOf(queue.length, live);
    const batch: WorkItem[] = [];
    for (let item = this.#next(worker); item !== undefined; item = this.#next(worker)) {
      if (item instanceof ChunkSupply) {
        const size = item.nextSize(live);
        const chunks = batch.length + Math.ceil(item.source.remaining / size);
        if (batch.length >= shareOf(chunks, live) || !this.#fits(worker, item, size)) break;
        const chunk = this.#cut(worker, item, size);
        if (!chunk.done) batch.push(chunk);
      } else {
        const isOwn = item.control?.lane !== undefined;
        if (batch.length >= share && !isOwn || !this.#fits(worker, item, item.chunk)) break;
        if (isOwn) queue.lanes.take(worker);
        else queue.shift();
        this.#assign(worker, item);
        batch.push(item);
      }
    }
    if (batch.length === 0) return false;
    this.#send(worker, batch);
    return true;
  }

  /** Cuts a chunk off a `map` for a worker. */
  #cut(worker: WorkerSlot, supply: ChunkSupply, size: number): WorkItem {
    const chunk = supply.cut(size);
    this.#settlement.addChunk();
    this.#watch.events?.submitted(chunk, supply.parent);
    if (supply.limits !== undefined) {
      try {
        this.#limits.apply(chunk, supply.limits);
      } catch (error) {
        this.#settlement.fail(chunk, error);
      }
      if (chunk.aborted !== undefined) this.#settlement.fail(chunk, chunk.aborted.reason);
    }
    if (!chunk.done) this.#assign(worker, chunk);
    supply.reader.chunkMade(chunk.future, size);
    if (supply.source.remaining === 0) {
      this.#queue.remove(supply);
      this.#settlement.supplyEnded(supply);
    }
    return chunk;
  }

  #fits(worker: WorkerSlot, item: WorkItem, items: number): boolean {
    const { sent, load } = worker;
    if (!sent.takesMore || !sent.hasSlot) return false;
    if (load.inFlight < this.#options.tasksPerWorker) return true;
    return sent.claims.sendsAhead && load.longTasks === 0 &&
      load.inFlight < item.task.window(items) && !moves(item);
  }

  #assign(worker: WorkerSlot, item: WorkItem): void {
    item.long = item.task.window(item.chunk) === 1 || (item.control?.alone ?? false);
    worker.sent.assign(item);
    this.#takeBack.assigned(worker, item);
  }

  #send(worker: WorkerSlot, batch: readonly WorkItem[]): void {
    worker.work();
    this.#room.update(worker);
    this.#watch.events?.sending(batch);
    dispatch(worker, batch, (item, error) => {
      this.#settlement.fail(item, error);
      // Whatever else goes on, the worker may be idle now, and it will not say so.
      clock.queueMicrotask(() => this.afterReply(worker));
    });
    this.#watch.events?.sent(worker, batch);
    if (!this.#options.inThread) {
      this.#silence.watch();
      this.endedWatch.sent(worker);
    }
    for (const item of batch) {
      const timeout = item.control?.timeout;
      if (timeout === undefined || item.done) continue;
      item.control!.sentAt = clock.epoch();
      if (!this.#options.inThread) this.#silence.sent(worker, item, timeout);
    }
  }

  /** Sends what every worker is to run, as far as it has slots. */
  sendBacklog(worker: WorkerSlot): void {
    const items = worker.assignBacklog();
    if (items.length > 0) this.#send(worker, items);
  }

  /** A worker settled something, or began to live: it gets more, or takes from another. */
  afterReply(worker: WorkerSlot): void {
    if (worker.state !== "live") return;
    if (worker.backlog.length > 0) this.sendBacklog(worker);
    this.#room.update(worker);
    const next = this.#next(worker);
    if (next !== undefined) {
      this.#takeBack.recallStalled(worker);
      const window = next instanceof ChunkSupply ? MAX_WINDOW : next.task.window(next.chunk);
      if (2 * worker.load.inFlight <= window) this.#feed(worker);
      this.#queue.lanes.roomIn(worker);
      this.pump();
    } else if (worker.load.inFlight < this.#options.tasksPerWorker) {
      const stolen = this.#takeBack.steal(worker);
      if (stolen.length > 0) {
        for (const item of stolen) this.#assign(worker, item);
        this.#send(worker, stolen);
      }
    }
    if (!worker.load.isBusy && !worker.sent.isAsked) this.#rest(worker);
  }

  /** The worker has nothing to do. */
  #rest(worker: WorkerSlot): void {
    worker.rest();
    if (worker.load.remaining <= 0) this.#supervisor.dismiss(worker);
    else if (this.#ending.isEnding) this.#ending.check();
    else if (this.#options.idleTimeout !== undefined && !worker.hasTimer) {
      worker.startTimer(this.#options.idleTimeout, () => {
        if (this.#supervisor.spare > 0) this.#supervisor.dismiss(worker);
      });
    }
  }
}

/**
 * How many of so many tasks or chunks a worker gets at once. Of a few one each: what is sent ahead may wait
 * behind a task that turns out to be long, and younger ones would begin before it on another worker.
 */
function shareOf(count: number, workers: number): number {
  return count < 2 * workers ? 1 : Math.ceil(count / workers);
}
