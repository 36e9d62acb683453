import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import process from "node:process";
import { FLAGS } from "./child.ts";
import { BATCH } from "./raw.ts";
import { RUNTIME } from "./workload.ts";

/**
 * Bare processes: batches as lines of JSON through pipes, one promise per task. What anybody could reach
 * who lets tasks be awaited one by one, without queue, cancel, errors or crash handling.
 */
export class BatchedPipe {
  readonly #children: ChildProcess[] = [];
  readonly #waiting: ((value: unknown) => void)[][][] = [];
  #args: unknown[] = [];
  #resolves: ((value: unknown) => void)[] = [];
  #next = 0;

  constructor(workers: number, task: string) {
    const script = new URL("./raw_pipe_child.js", import.meta.url).pathname;
    for (let i = 0; i < workers; i++) {
      const child = spawn(process.execPath, [...FLAGS[RUNTIME], script, task], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      const waiting: ((value: unknown) => void)[][] = [];
      let rest = "";
      child.stdout!.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
          const results = JSON.parse(line) as unknown[];
          const resolves = waiting.shift()!;
          for (let at = 0; at < results.length; at++) resolves[at]!(results[at]);
        }
      });
      this.#children.push(child);
      this.#waiting.push(waiting);
    }
  }

  submit(arg: unknown): Promise<unknown> {
    if (this.#args.length === 0) queueMicrotask(() => this.#flush());
    this.#args.push(arg);
    return new Promise((resolve) => {
      this.#resolves.push(resolve);
    });
  }

  #flush(): void {
    const args = this.#args;
    const resolves = this.#resolves;
    this.#args = [];
    this.#resolves = [];
    for (let at = 0; at < args.length; at += BATCH) {
      const worker = this.#next;
      this.#next = (worker + 1) % this.#children.length;
      this.#waiting[worker]!.push(resolves.slice(at, at + BATCH));
      this.#children[worker]!.stdin!.write(`${JSON.stringify(args.slice(at, at + BATCH))}\n`);
    }
  }

  end(): void {
    for (const child of this.#children) child.kill();
  }
}
