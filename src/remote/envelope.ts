import { SerializationError, TimeoutError, WorkerCrashError } from "../futures/errors.ts";
import { show } from "../futures/show.ts";
import { decodeStructured, encodeStructured } from "../wire/structured_codec.ts";
import { unwrapTransfer } from "../wire/transfer.ts";
import { checkDepth } from "../wire/value_depth.ts";
import { ExpiredError, UnknownTaskError } from "./errors.ts";

/**
 * What clients and workers say to each other, as bytes that an engine carries. All of it is in the structured
 * codec that processes use, and all that is read is checked: whoever can write to a queue may have written it.
 */

/** Changes with the layout; each side refuses others. */
const VERSION = 2;

/** Items of a chunk at the most. */
const MAX_ITEMS = 1_000_000;

/** A task as it is sent. */
export interface TaskEnvelope {
  readonly module: string;
  readonly name: string;
  /** Calls of a chunk; 0 for a task of its own. */
  readonly items: number;
  readonly args: readonly unknown[];
  readonly timeout: number | undefined;
  /** Milliseconds that it may wait. */
  readonly expires: number | undefined;
  /** Bytes of its result at the most. */
  readonly maxPayload: number;
  /** Somebody listens to what it reports. */
  readonly reports: boolean;
  /** Its worker is to tell where and how long it ran. */
  readonly times: boolean;
  /** The trace context that came with it. */
  readonly carrier: Readonly<Record<string, string>> | undefined;
}

/** What a worker tells of a run, if it is asked. */
export interface RunReport {
  /** The worker's name. */
  readonly worker: string;
  /** Tasks that it runs at once. */
  readonly places: number;
  /** Milliseconds that the task ran. */
  readonly ran: number;
}

/** Bits of what a client wants to hear. */
const REPORTS = 1;
const TIMES = 2;

/** Characters of a trace context at the most: what the W3C asks of everybody for baggage, and some more. */
const MAX_CARRIER = 10_000;

/** Errors of this library as they travel: a class of theirs that a task throws itself is no instance of it. */
const OWN_ERRORS: readonly (readonly [string, new (message: string) => Error])[] = [
  ["timeout", TimeoutError],
  ["crash", WorkerCrashError],
  ["unsendable", SerializationError],
  ["unknown", UnknownTaskError],
  ["expired", ExpiredError],
];

/** An argument that cannot be sent is named. */
export function encodeTask(task: TaskEnvelope): Uint8Array {
  const { module, name, items, args, timeout, expires, maxPayload, reports, times, carrier } = task;
  const sent = args.map((arg) => {
    const moved = unwrapTransfer(arg); // nothing moves to another machine: what would is copied
    return moved === undefined ? arg : moved.value;
  });
  const wants = (reports ? REPORTS : 0) | (times ? TIMES : 0);
  const head: unknown[] = [VERSION, module, name, items, timeout, expires, maxPayload, wants];
  if (carrier !== undefined) head.push(Object.entries(carrier).flat());
  try {
    return encodeStructured([head, sent]);
  } catch (cause) {
    throw unsendable(name, items, sent, cause);
  }
}

function unsendable(name: string, items: number, args: readonly unknown[], cause: unknown): Error {
  const at = args.findIndex((arg) => !canSend(arg));
  const which = items > 0 || at < 0 ? "an argument" : `argument ${at + 1}`;
  return new SerializationError(
    `Cannot send ${which} of task "${name}": ${show(args[at])} cannot be sent to another machine`,
    { cause },
  );
}

function canSend(value: unknown): boolean {
  try {
    encodeStructured(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * A task that was sent.
 *
 * @throws {TypeError} If it is not one, whatever the bytes are.
 */
export function decodeTask(bytes: Uint8Array): TaskEnvelope {
  const value = decodeStructured(bytes);
  if (!Array.isArray(value) || value.length !== 2) throw notOurs();
  const [head, args] = value as unknown[];
  if (!Array.isArray(head) || head.length < 8 || head.length > 9) throw notOurs();
  if (!Array.isArray(args)) throw notOurs();
  const [version, module, name, items, timeout, expires, maxPayload, wants, said] =
    head as unknown[];
  if (version !== VERSION) {
    throw new TypeError(
      `Cannot read the task: version ${show(version)}, this is version ${VERSION}`,
    );
  }
  if (typeof module !== "string" || typeof name !== "string") throw notOurs();
  if (!isCount(items) || items > MAX_ITEMS) throw notOurs();
  // Each item has an argument, so that a short message cannot ask for a million calls.
  if (items > 0 && (args.length < items || args.length % items !== 0)) throw notOurs();
  if (args.length > 64 * MAX_ITEMS) throw notOurs();
  if (!isLimit(timeout) || !isLimit(expires) || !isCount(maxPayload)) throw notOurs();
  if (!isCount(wants)) throw notOurs();
  checkDepth(args);
  const [reports, times] = [(wants & REPORTS) !== 0, (wants & TIMES) !== 0];
  const carrier = said === undefined ? undefined : readCarrier(said);
  return { module, name, items, args, timeout, expires, maxPayload, reports, times, carrier };
}

/** Names and values, in turn. */
function readCarrier(said: unknown): Readonly<Record<string, string>> {
  if (!Array.isArray(said) || said.length % 2 !== 0) throw notOurs();
  const entries: [string, string][] = [];
  let length = 0;
  for (let at = 0; at < said.length; at += 2) {
    const [name, value] = [said[at], said[at + 1]] as unknown[];
    if (typeof name !== "string" || typeof value !== "string") throw notOurs();
    length += name.length + value.length;
    if (length > MAX_CARRIER) throw notOurs();
    entries.push([name, value]);
  }
  return Object.fromEntries(entries); // defines, so that no name means anything
}

function notOurs(): TypeError {
  return new TypeError("Cannot read the message: it is not one of this library");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isLimit(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === "number" && value >= 0);
}

/** What a task gave. */
export function encodeResult(value: unknown, report?: RunReport): Uint8Array {
  const moved = unwrapTransfer(value);
  return encodeOutcome([VERSION, moved === undefined ? value : moved.value], report);
}

/** An outcome, with what was asked for beside it as its last part. */
function encodeOutcome(parts: unknown[], report: RunReport | undefined): Uint8Array {
  if (report !== undefined) parts.push([report.worker, report.places, report.ran]);
  return encodeStructured(parts);
}

function readReport(value: unknown): RunReport | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length !== 3) throw notOurs();
  const [worker, places, ran] = value as unknown[];
  if (typeof worker !== "string" || !isCount(places)) throw notOurs();
  if (typeof ran !== "number" || !(ran >= 0 && ran < Infinity)) throw notOurs();
  return { worker, places, ran };
}

/** What the items of a chunk came to. */
export function encodeChunk(
  values: ArrayLike<unknown>,
  failures: ReadonlyMap<number, unknown> | undefined,
  report?: RunReport,
): Uint8Array {
  const failed = failures === undefined
    ? []
    : Array.from(failures, ([index, error]) => [index, ...describeError(error)]);
  return encodeOutcome([VERSION, Array.from(values), failed], report);
}

/** What a task threw, or why it could not run. What cannot be sent of it is left out. */
export function encodeFailure(error: unknown, report?: RunReport): Uint8Array {
  try {
    return encodeOutcome([VERSION, ...describeError(error)], report);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : show(cause);
    return encodeStructured([VERSION, "unsendable", `Cannot send what the task threw: ${why}`]);
  }
}

function describeError(error: unknown): readonly unknown[] {
  for (const [kind, errorClass] of OWN_ERRORS) {
    if (error instanceof errorClass) return [kind, error.message];
  }
  return ["thrown", error];
}

function reviveError(kind: unknown, value: unknown): unknown {
  if (kind === "thrown") return value;
  for (const [own, errorClass] of OWN_ERRORS) {
    if (kind === own && typeof value === "string") return new errorClass(value);
  }
  throw notOurs();
}

/** What came of a task: its result or chunk, or what it rejects with. */
export type TaskResult =
  & ({ readonly value: unknown } | { readonly error: unknown })
  & { readonly report: RunReport | undefined };

/**
 * What came of a task.
 *
 * @param items The items of the chunk, 0 for a task of its own.
 * @throws {TypeError} If the bytes are not that.
 */
export function decodeOutcome(bytes: Uint8Array, completed: boolean, items: number): TaskResult {
  const value = decodeStructured(bytes);
  if (!Array.isArray(value) || value[0] !== VERSION) throw notOurs();
  const parts = completed && items === 0 ? 2 : 3;
  if (value.length < parts || value.length > parts + 1) throw notOurs();
  const report = readReport(value[parts]);
  if (!completed) return { error: reviveError(value[1], value[2]), report };
  if (items === 0) return { value: value[1], report };
  const [, values, failed] = value as unknown[];
  if (!Array.isArray(values) || values.length !== items) throw notOurs();
  if (!Array.isArray(failed)) throw notOurs();
  const failures = new Map<number, unknown>();
  for (const entry of failed) {
    if (!Array.isArray(entry) || !isCount(entry[0]) || entry[0] >= items) throw notOurs();
    failures.set(entry[0], reviveError(entry[1], entry[2]));
  }
  return { value: { values, failures: failures.size > 0 ? failures : undefined }, report };
}

/** A value that a task reports, or the reason that it is told to end with. */
export function encodeNote(value: unknown): Uint8Array {
  try {
    return encodeStructured([VERSION, value]);
  } catch {
    return encodeStructured([VERSION, undefined]); // a reason may be anything
  }
}

/** See {@linkcode encodeNote}. */
export function decodeNote(bytes: Uint8Array): unknown {
  const value = decodeStructured(bytes);
  if (!Array.isArray(value) || value.length !== 2 || value[0] !== VERSION) throw notOurs();
  return value[1];
}
