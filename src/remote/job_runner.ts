import { backendOf } from "../executor/executor.ts";
import type { Executor } from "../executor/executor.ts";
import type { ChunkOutcome, TaskLimits } from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import { BrokenExecutorError, SerializationError, WorkerCrashError } from "../futures/errors.ts";
import type { Future } from "../futures/future.ts";
import { messageOf } from "../futures/show.ts";
import {
  decodeNote,
  decodeTask,
  encodeChunk,
  encodeFailure,
  encodeNote,
  encodeResult,
} from "./envelope.ts";
import type { TaskEnvelope } from "./envelope.ts";
import { CLOSE_WITHIN, within } from "./engine_link.ts";
import { ExpiredError, UnknownTaskError } from "./errors.ts";
import { runTask } from "./run_task.ts";
import type { RemoteCall } from "./run_task.ts";
import type { Signer } from "./signature.ts";
import type { Delivery, JobResult } from "./transport.ts";

/** Milliseconds that a task must run until its client is told that it began: most are over by then. */
const TELL_AFTER = 3;

/** Characters of an error that those who look at the queue see. */
const SUMMARY = 200;

/** Where a task is. */
export interface ServedTask {
  readonly url: string;
  readonly name: string;
}

/** What a runner works with. */
export interface JobRunnerOptions {
  readonly name: string;
  readonly executor: Executor;
  /** Makes another executor, if the one it has is its own and broke. */
  readonly renew: (() => Executor) | undefined;
  readonly signer: Signer;
  log(event: { readonly level: "info" | "warning"; readonly message: string }): void;
}

/** A job while its task runs. */
interface Run {
  readonly job: Delivery;
  readonly task: string;
  readonly abort: AbortController;
  future: Future<unknown> | undefined;
  /** Another worker has it now. */
  handedBack: boolean;
}

/** Runs jobs on a local executor: reads them, and writes what came of them. It never throws. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  #executor: Executor;
  #tasks: ReadonlyMap<string, ServedTask> = new Map();
  readonly #runs = new Set<Run>();
  readonly #refused = new Set<string>();
  #untold: Run[] = [];
  #idleWaiters: (() => void)[] = [];
  #break!: (error: unknown) => void;
  /** Rejects when tasks can run here no more. */
  readonly broken: Promise<never>;
  /** Jobs that have ended. */
  done = 0;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    this.#executor = options.executor;
    this.broken = new Promise((_, reject) => this.#break = reject);
    this.broken.catch(() => {});
  }

  get executor(): Executor {
    return this.#executor;
  }

  get running(): number {
    return this.#runs.size;
  }

  /** Names of the tasks that it serves. */
  get tasks(): Iterable<string> {
    return this.#tasks.keys();
  }

  serve(tasks: ReadonlyMap<string, ServedTask>): void {
    this.#tasks = tasks;
  }

  /** Resolves when no job is left. */
  idle(): Promise<void> {
    if (this.#runs.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Gives what still runs to other workers, and ends it here. */
  async handBack(): Promise<string[]> {
    const runs = [...this.#runs];
    for (const run of runs) run.handedBack = true;
    const handed = Promise.all(runs.map(({ job }) => job.handBack().catch(() => {})));
    await within(CLOSE_WITHIN, handed); // an engine that is away finds their locks run out
    for (const { abort } of runs) abort.abort(new BrokenExecutorError("The worker was stopped"));
    return runs.map(({ task }) => task);
  }

  /** Runs one job. */
  async run(job: Delivery): Promise<JobResult> {
    const run: Run = {
      ...{ job, task: job.name, abort: new AbortController(), future: undefined },
      handedBack: false,
    };
    this.#runs.add(run);
    try {
      return await this.#sealed(job, await this.#perform(run));
    } finally {
      if (!run.handedBack && !job.lost) this.done++;
      this.#runs.delete(run);
      if (this.#runs.size === 0) { for (const tell of this.#idleWaiters.splice(0)) tell(); }
    }
  }

  async #perform(run: Run): Promise<JobResult> {
    const { job } = run;
    const { signer } = this.#options;
    let task: TaskEnvelope;
    try {
      const payload = signer.signs ? await signer.open("task", job.id, job.payload) : job.payload;
      if (payload === undefined) throw new SerializationError("its signature is missing or wrong");
      task = decodeTask(payload);
    } catch (error) {
      return this.#refuse(job, messageOf(error));
    }
    const served = this.#tasks.get(`${task.module}#${task.name}`);
    if (served === undefined) {
      const what = `${task.module}#${task.name}`.slice(0, SUMMARY);
      return failure(
        new UnknownTaskError(`Cannot run task "${what}": worker ${this.#options.name} has none`),
        true,
      );
    }
    if (task.expires !== undefined && job.age > task.expires) {
      return failure(
        new ExpiredError(`Cannot run task "${task.name}": it waited longer than expires`),
        true,
      );
    }
    return await this.#execute(run, task, served);
  }

  async #execute(run: Run, task: TaskEnvelope, served: ServedTask): Promise<JobResult> {
    const { job, abort } = run;
    const stopListening = this.#listen(run);
    let notes: Promise<void> = Promise.resolve();
    const limits: { -readonly [K in keyof TaskLimits]: TaskLimits[K] } = {
      signal: abort.signal,
      timeout: task.timeout,
    };
    if (task.reports) {
      limits.onProgress = (value) => {
        const { signer } = this.#options;
        if (!signer.signs) return job.progress(encodeNote(value));
        const signed = signer.sign("note", job.id, encodeNote(value));
        notes = notes.then(async () => job.progress(await signed)); // in order
      };
    }
    try {
      const future = run.future = this.#submit(task, served, job, limits);
      this.#tellLater(run);
      const value = await future;
      await notes;
      if (task.items === 0) return this.#completed(task, () => encodeResult(value));
      const { values, failures } = value as ChunkOutcome;
      return this.#completed(task, () => encodeChunk(values, failures));
    } catch (error) {
      await notes;
      const unrun = error instanceof BrokenExecutorError && !(error instanceof WorkerCrashError) &&
        !abort.signal.aborted;
      if (unrun) await this.#renew(run, error);
      return failure(error, abort.signal.aborted || error instanceof SerializationError);
    } finally {
      stopListening();
    }
  }

  #submit(
    task: TaskEnvelope,
    { url, name }: ServedTask,
    { id, attempt }: Delivery,
    limits: TaskLimits,
  ): Future<unknown> {
    const [find] = backendOf(this.#executor);
    const { items, args, carrier } = task;
    const call: RemoteCall = { url, name, id, attempt, carrier };
    if (items === 0) return find().submit(runTask, [call, ...args], limits);
    const width = args.length / items;
    const rows: unknown[] = [];
    for (let i = 0; i < args.length; i++) {
      if (i % width === 0) rows.push(call); // one object for all: it is cloned once
      rows.push(args[i]);
    }
    return find().submitChunk(runTask, rows, limits, items);
  }

  #completed({ name, maxPayload }: TaskEnvelope, encode: () => Uint8Array): JobResult {
    let payload: Uint8Array;
    try {
      payload = encode();
    } catch (cause) {
      const why = messageOf(cause);
      return failure(
        new SerializationError(`Cannot send the result of task "${name}": ${why}`, { cause }),
        true,
      );
    }
    if (payload.length <= maxPayload) return { status: "completed", payload };
    return failure(
      new SerializationError(
        `Cannot send the result of task "${name}": it has ${payload.length} bytes, more than ` +
          `maxPayload, ${maxPayload}; store it and return where it is`,
      ),
      true,
    );
  }

  /** The executor broke before this task began: it runs elsewhere, or here on another one. */
  async #renew(run: Run, error: unknown): Promise<void> {
    run.handedBack = true;
    await run.job.handBack().catch(() => {}); // an engine that is away finds its lock run out
    const [find] = backendOf(this.#executor);
    if (find().state !== "broken") return;
    const { renew } = this.#options;
    if (renew === undefined) return this.#break(error);
    this.#options.log({ level: "warning", message: `its threads broke: ${messageOf(error)}` });
    this.#executor = renew();
  }

  /** Aborts the task when its client wants that, or another worker may have it. */
  #listen({ job, abort }: Run): () => void {
    const { signal } = job;
    const listener = async (): Promise<void> => {
      const { reason } = signal;
      if (!(reason instanceof Uint8Array)) return abort.abort(reason);
      const note = await this.#options.signer.open("note", "abort", reason);
      if (note === undefined) return;
      try {
        abort.abort(decodeNote(note));
      } catch { /* not from a client of ours */ }
    };
    const listen = (): void => void listener();
    if (signal.aborted) listen();
    else signal.addEventListener("abort", listen, { once: true });
    return () => signal.removeEventListener("abort", listen);
  }

  /** Says that a task began, unless it is over by then: one more reply for each would halve the rate. */
  #tellLater(run: Run): void {
    this.#untold.push(run);
    if (this.#untold.length === 1) clock.setTimeout(() => this.#tell(), TELL_AFTER);
  }

  #tell(): void {
    const runs = this.#untold.filter((run) => this.#runs.has(run));
    this.#untold = runs.filter(({ future, job }) => {
      if (future?.done()) return false;
      if (!future?.running()) return true;
      job.started();
      return false;
    });
    if (this.#untold.length > 0) clock.setTimeout(() => this.#tell(), TELL_AFTER);
  }

  #refuse(job: Delivery, why: string): JobResult {
    if (this.#refused.size < 100 && !this.#refused.has(why)) {
      this.#refused.add(why); // once: who can forge one can forge a million
      const message = `refused a job ${JSON.stringify(job.id.slice(0, 100))}: ${why}`;
      this.#options.log({ level: "warning", message });
    }
    return failure(new SerializationError(`Cannot read the task: ${why}`), true);
  }

  async #sealed(job: Delivery, result: JobResult): Promise<JobResult> {
    const { signer } = this.#options;
    if (!signer.signs) return result;
    return { ...result, payload: await signer.sign("outcome", job.id, result.payload) };
  }
}

function failure(error: unknown, final: boolean): JobResult {
  const name = error instanceof Error ? `${error.name}: ` : "";
  const summary = `${name}${messageOf(error)}`.slice(0, SUMMARY);
  return { status: "failed", payload: encodeFailure(error), summary, final };
}
