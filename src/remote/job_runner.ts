import { backendOf } from "../executor/executor.ts";
import type { Executor } from "../executor/executor.ts";
import type { ChunkOutcome, TaskLimits } from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import { BrokenExecutorError, SerializationError, WorkerCrashError } from "../futures/errors.ts";
import { messageOf } from "../futures/show.ts";
import {
  decodeNote,
  decodeTask,
  encodeChunk,
  encodeFailure,
  encodeNote,
  encodeResult,
} from "./envelope.ts";
import type { RunReport, TaskEnvelope } from "./envelope.ts";
import { CLOSE_WITHIN, within } from "./engine_link.ts";
import { ExpiredError, UnknownTaskError } from "./errors.ts";
import { runTask } from "./run_task.ts";
import type { RemoteCall } from "./run_task.ts";
import type { Signer } from "./signature.ts";
import { TaskPlaces } from "./task_places.ts";
import type { SubmitTo } from "./task_places.ts";
import type { Delivery, JobResult } from "./transport.ts";

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
  /** Jobs that it runs at once. */
  readonly places: number;
  readonly executor: Executor;
  /** For tasks that are short; see {@linkcode TaskPlaces}. */
  readonly shared: Executor | undefined;
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
  /** Another worker has it now. */
  handedBack: boolean;
}

/** Runs jobs on a local executor: reads them, and writes what came of them. It never throws. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #places: TaskPlaces;
  #tasks: ReadonlyMap<string, ServedTask> = new Map();
  readonly #runs = new Set<Run>();
  readonly #refused = new Set<string>();
  #idleWaiters: (() => void)[] = [];
  #break!: (error: unknown) => void;
  /** Rejects when tasks can run here no more. */
  readonly broken: Promise<never>;
  /** Jobs that have ended. */
  done = 0;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    this.#places = new TaskPlaces(options.executor, options.shared);
    this.broken = new Promise((_, reject) => this.#break = reject);
    this.broken.catch(() => {});
  }

  get executor(): Executor {
    return this.#places.executor;
  }

  /** Where modules are to be loaded at first. */
  get first(): Executor {
    return this.#places.first;
  }

  get running(): number {
    return this.#runs.size;
  }

  /** Names of the tasks that it serves. */
  get tasks(): Iterable<string> {
    return this.#tasks.keys();
  }

  /** It runs no more. */
  async end(): Promise<void> {
    await this.#places.end();
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
      ...{ job, task: job.name, abort: new AbortController() },
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
    const began = clock.now();
    const { name: worker, places } = this.#options;
    const report = (): RunReport | undefined =>
      task.times ? { worker, places, ran: clock.now() - began } : undefined;
    try {
      const value = await this.#submit(task, served, job, limits);
      const told = report();
      await notes;
      if (task.items === 0) return this.#completed(task, () => encodeResult(value, told));
      const { values, failures } = value as ChunkOutcome;
      return this.#completed(task, () => encodeChunk(values, failures, told));
    } catch (error) {
      const told = report();
      await notes;
      const unrun = error instanceof BrokenExecutorError && !(error instanceof WorkerCrashError) &&
        !abort.signal.aborted;
      if (unrun) await this.#renew(run, error);
      return failure(error, abort.signal.aborted || error instanceof SerializationError, told);
    } finally {
      stopListening();
    }
  }

  #submit(
    task: TaskEnvelope,
    { url, name }: ServedTask,
    job: Delivery,
    limits: TaskLimits,
  ): Promise<unknown> {
    const { items, args, carrier } = task;
    const call: RemoteCall = { url, name, id: job.id, attempt: job.attempt, carrier };
    const submit: SubmitTo = (backend) => {
      if (items === 0) return backend.submit(runTask, [call, ...args], limits);
      const width = args.length / items;
      const rows: unknown[] = [];
      for (let i = 0; i < args.length; i++) {
        if (i % width === 0) rows.push(call); // one object for all: it is cloned once
        rows.push(args[i]);
      }
      return backend.submitChunk(runTask, rows, limits, items);
    };
    const key = items === 0 ? job.name : `${job.name} of ${items}`;
    return this.#places.run(key, submit, () => job.started(this.#options.name));
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
    const [find] = backendOf(this.executor);
    if (find().state !== "broken") return;
    const { renew } = this.#options;
    if (renew === undefined) return this.#break(error);
    this.#options.log({ level: "warning", message: `its threads broke: ${messageOf(error)}` });
    this.#places.executor = renew();
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

function failure(error: unknown, final: boolean, report?: RunReport): JobResult {
  const name = error instanceof Error ? `${error.name}: ` : "";
  const summary = `${name}${messageOf(error)}`.slice(0, SUMMARY);
  return { status: "failed", payload: encodeFailure(error, report), summary, final };
}
