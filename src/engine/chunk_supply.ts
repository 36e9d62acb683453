import type { ChunkReader, ChunkSource, TaskLimits } from "../backend/task_backend.ts";
import type { TaskTrace } from "../runtime/runtime.ts";
import { ItemControl, WorkItem } from "./work_item.ts";
import type { WorkItemOwner } from "./work_item.ts";
import type { TaskEntry } from "./task_registry.ts";

/** How long a chunk of `map` should take, in nanoseconds, if its size is left to the library. */
const CHUNK_NANOSECONDS = 400_000;

/** Items of a chunk at the most. A larger one would make results wait; a smaller one costs messages. */
const MAX_CHUNK = 8192;

/**
 * A whole `map` in the queue: it has its place in submit order, and is cut into chunks as workers
 * have room, when it is known how long one item takes. Its own future only tells the end of cutting.
 */
export class ChunkSupply extends WorkItem {
  readonly source: ChunkSource;
  readonly reader: ChunkReader;
  /** What tools know of the moment of its `map`. */
  parent: TaskTrace["parent"] = undefined;
  /** What was asked for each of its chunks. */
  readonly limits: TaskLimits | undefined;

  constructor(
    owner: WorkItemOwner,
    task: TaskEntry,
    source: ChunkSource,
    reader: ChunkReader,
    limits: TaskLimits | undefined,
  ) {
    super(owner, task, [], -1);
    this.source = source;
    this.reader = reader;
    this.limits = limits;
  }

  /** Items that the next chunk should have, so that `workers` end at about the same time. */
  nextSize(workers: number): number {
    const { remaining, chunkSize } = this.source;
    if (chunkSize !== undefined) return Math.min(chunkSize, remaining);
    const { nanoseconds } = this.task;
    if (nanoseconds < 0) return Math.min(1, remaining);
    const timely = Math.floor(CHUNK_NANOSECONDS / (nanoseconds + 1));
    const fair = Math.ceil(remaining / (2 * workers));
    return Math.max(1, Math.min(timely, MAX_CHUNK, fair, remaining));
  }

  /** Cuts the next chunk. */
  cut(size: number): WorkItem {
    const chunk = new WorkItem(this.owner, this.task, this.source.take(size), size);
    chunk.sequence = this.sequence;
    if (this.control !== undefined) {
      chunk.control = new ItemControl();
      chunk.control.priority = this.control.priority;
      chunk.control.context = this.control.context;
    }
    return chunk;
  }
}
