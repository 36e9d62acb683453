import { callBack } from "../futures/callback.ts";
import type { TaskChannel, TaskTrace } from "../runtime/runtime.ts";

/** The tools of one executor, as one. What they throw is reported, but for what the submit itself throws. */
export class TaskTools implements TaskChannel {
  #tools: readonly TaskChannel[] = [];
  #findChannel: (() => TaskChannel | undefined) | undefined;

  /** @param findChannel Finds the one by which tools listen to all executors; asked when a task is submitted. */
  constructor(findChannel: (() => TaskChannel | undefined) | undefined) {
    this.#findChannel = findChannel;
  }

  add(tool: TaskChannel): () => void {
    this.#tools = [...this.#tools, tool];
    return () => {
      this.#tools = this.#tools.filter((one) => one !== tool);
    };
  }

  get hasSubscribers(): boolean {
    if (this.#findChannel !== undefined) {
      const channel = this.#findChannel();
      this.#findChannel = undefined;
      if (channel !== undefined) this.#tools = [channel, ...this.#tools];
    }
    // Once for each submit: without an iterator, which costs most of it on Bun.
    const tools = this.#tools;
    for (let i = 0; i < tools.length; i++) if (tools[i]!.hasSubscribers) return true;
    return false;
  }

  submit<R>(context: TaskTrace, callback: () => R): R {
    const tools = this.#tools;
    const from = (at: number): R =>
      at === tools.length ? callback() : tools[at]!.submit(context, () => from(at + 1));
    return from(0);
  }

  /** For each tool what it gives. */
  capture(): ReadonlyMap<TaskChannel, unknown> {
    return new Map(this.#tools.map((tool) => [tool, tool.capture?.()]));
  }

  sending(context: TaskTrace): void {
    for (const tool of this.#tools) callBack(() => tool.sending?.(context), "a tracing tool");
  }

  settled(context: TaskTrace): void {
    for (const tool of this.#tools) callBack(() => tool.settled(context), "a tracing tool");
  }
}
