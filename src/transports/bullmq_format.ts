/**
 * How jobs, outcomes and replies lie in Redis.
 *
 * A job is BullMQ's own, so that whatever shows its queues shows these: the task's name, and of what failed one
 * readable line. Beside BullMQ's keys there are four kinds of `prefix:queue:cf:…`, all of which expire but the
 * totals.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Job, Lookup, Outcome, Reply } from "../remote/transport.ts";
import type { StreamFields } from "./redis_stream.ts";

/** What a job holds for its worker. */
export interface JobData {
  /** The payload in base64. */
  readonly p: string;
  /** The name of the client's private channel. */
  readonly r: string | undefined;
  /** How many redeliveries it may have. */
  readonly m: number;
}

/** Reads what stands in a job. Others may have written it. */
export function readJobData(data: unknown): JobData {
  const { p, r, m } = (data ?? {}) as Partial<Record<keyof JobData, unknown>>;
  if (typeof p !== "string" || typeof m !== "number") {
    throw new TypeError("Cannot read this job: it is none of @concurrent/futures");
  }
  return { p, r: typeof r === "string" ? r : undefined, m };
}

/** So that no id is a number, or one of BullMQ's own names for keys (`wait`, `meta`). */
const ID_MARK = "t-";

/** A job's id in BullMQ. */
export function toJobId(id: string): string {
  return ID_MARK + id;
}

/** A job's id here. */
export function fromJobId(id: string): string {
  return id.startsWith(ID_MARK) ? id.slice(ID_MARK.length) : id;
}

/** BullMQ's usual priority. Its lower numbers come first, from 1 to twice this. */
const MIDDLE = 1_000_000;

/**
 * BullMQ's number for a priority. All jobs have one: those without would go before all others, and a sorted set
 * gives one job of a hundred thousand back at once, a list only after a search.
 */
function toPriority(priority: number): number {
  return Math.min(Math.max(MIDDLE - Math.round(priority), 1), 2 * MIDDLE);
}

/** What `queue.addBulk()` takes. */
export interface BulkJob {
  readonly name: string;
  readonly data: JobData;
  readonly opts: Record<string, unknown>;
}

/** A job as BullMQ takes it. */
export function toBulkJob(job: Job, channel: string | undefined, timestamp: number): BulkJob {
  // By age, in seconds: `true` would delete the outcome before a sweep could ask for it.
  const keep = { age: Math.max(Math.ceil(job.resultTtl / 1000), 1) };
  return {
    name: job.name,
    data: { p: toBase64(job.payload), r: channel, m: job.maxRedeliveries },
    opts: {
      jobId: toJobId(job.id),
      timestamp,
      priority: toPriority(job.priority),
      ...job.retries === 0 ? {} : {
        attempts: job.retries + 1,
        backoff: { type: "exponential", delay: job.backoff },
      },
      removeOnComplete: keep,
      removeOnFail: keep,
      // Where BullMQ's own telemetry looks for it, as that of dashboards and of other workers does.
      ...job.carrier === undefined ? {} : { telemetry: { metadata: JSON.stringify(job.carrier) } },
    },
  };
}

/** What BullMQ keeps of a failure: one line for people, and one for us. */
export function toFailedReason(summary: string, rest: string): string {
  return `${summary.replaceAll("\n", " ")}\n${rest}`;
}

/** The second line of a job whose workers were lost. */
export function lostRest(redeliveries: number): string {
  return `lost ${redeliveries}`;
}

/** The fields of a job from which its outcome is read. */
export const OUTCOME_FIELDS = ["timestamp", "finishedOn", "returnvalue", "failedReason"] as const;

/** The outcome of a job, from the values of {@linkcode OUTCOME_FIELDS}. */
export function readOutcome(
  [timestamp, finishedOn, returnValue, failedReason]: readonly (string | null)[],
): Lookup {
  if (timestamp === null) return "missing";
  if (finishedOn === null) return "pending";
  if (typeof returnValue === "string") {
    return { status: "completed", payload: fromBase64(jsonOf(returnValue)) };
  }
  return failureOf(failedReason ?? "");
}

/** Others may have written it, and one such job must not hide the outcomes of those it is asked for with. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failureOf(reason: string): Outcome {
  const rest = reason.slice(reason.indexOf("\n") + 1);
  const lost = /^lost (\d+)$/.exec(rest);
  if (lost) return { status: "lost", redeliveries: Number(lost[1]) };
  return { status: "failed", payload: fromBase64(reason.includes("\n") ? rest : "") };
}

/** Bytes as text. */
export function toBase64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString("base64");
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Bytes from text; none from what is no text. */
export function fromBase64(text: unknown): Uint8Array {
  return typeof text === "string" ? plain(Buffer.from(text, "base64")) : new Uint8Array();
}

/** A buffer as an array of bytes, which shares its memory: whoever reads payloads copies what is kept of them. */
function plain({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Bytes of a reply above which it only says that there is an outcome, which is then asked for. */
const MOST_IN_REPLY = 64 * 1024;

/** One reply as a field of an entry: the first letter of its name says what it is, the rest is the id. */
export type ReplyField = readonly [name: string, value: Buffer | string];

/** A field for an outcome. */
export function outcomeField(id: string, outcome: Outcome): ReplyField {
  if (outcome.status === "lost") return [`l${id}`, String(outcome.redeliveries)];
  if (outcome.payload.length > MOST_IN_REPLY) return [`o${id}`, ""];
  return [outcome.status === "completed" ? `c${id}` : `f${id}`, bufferOf(outcome.payload)];
}

/** A field that says that a job has begun, and where. */
export function startedField(id: string, worker: string): ReplyField {
  return [`s${id}`, worker];
}

/** A field with something that a task tells. */
export function progressField(id: string, payload: Uint8Array): ReplyField {
  return [`p${id}`, bufferOf(payload)];
}

/** What was read from a channel: replies, and the ids of jobs whose outcome is to be asked for. */
export interface ReadReplies {
  readonly replies: Reply[];
  readonly ended: string[];
}

/** Reads entries of a channel. What is none of ours is passed by. */
export function readReplies(entries: readonly StreamFields[]): ReadReplies {
  const replies: Reply[] = [];
  const ended: string[] = [];
  for (const fields of entries) {
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i]!.toString();
      const value = fields[i + 1]!;
      const id = name.slice(1);
      const kind = name[0];
      if (kind === "c" || kind === "f") {
        const status = kind === "c" ? "completed" : "failed";
        const outcome: Outcome = { status, payload: plain(value) };
        replies.push({ kind: "outcome", id, outcome });
      } else if (kind === "l") {
        const outcome: Outcome = { status: "lost", redeliveries: Number(value.toString()) };
        replies.push({ kind: "outcome", id, outcome });
      } else if (kind === "s") replies.push({ kind: "started", id, worker: value.toString() });
      else if (kind === "p") replies.push({ kind: "progress", id, payload: plain(value) });
      else if (kind === "o") ended.push(id);
    }
  }
  return { replies, ended };
}
