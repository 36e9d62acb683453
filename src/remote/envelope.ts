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
const VERSION = 1;

/** Items of a chunk at the most. */
const MAX_ITEMS = 1_000_000;

/** Fields of a trace context at the most. */
const MAX_FIELDS = 32;

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
  /** The trace context of the run. */
  readonly carrier?: Readonly<Record<string, string>> | undefined;
}

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
  const { module, name, items, args, timeout, expires, maxPayload, reports, carrier } = task;
  const sent = args.map((arg) => {
    const moved = unwrapTransfer(arg); // nothing moves to another machine: what would is copied
    return moved === undefined ? arg : moved.value;
  });
  const head: unknown[] = [VERSION, module, name, items, timeout, expires, maxPayload, reports];
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
  if (!Array.isArray(head) || !Array.isArray(args)) throw notOurs();
  if (head.length !== 8 && head.length !== 9) throw notOurs();
  const [version, module, name, items, timeout, expires, maxPayload, reports] = head as unknown[];
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
  checkDepth(args);
  const carrier = head.length === 9 ? readCarrier(head[8]) : undefined;
  const own = { module, name, items, args, timeout, expires, maxPayload, carrier };
  return { ...own, reports: reports === true };
}

/** Names and values, in turn. */
function readCarrier(said: unknown): Readonly<Record<string, string>> {
  if (!Array.isArray(said) || said.length % 2 !== 0 || said.length > 2 * MAX_FIELDS) {
    throw notOurs();
  }
  const entries: [string, string][] = [];
  for (let at = 0; at < said.length; at += 2) {
    const [name, value] = [said[at], said[at + 1]] as unknown[];
    if (typeof name !== "string" || typeof value !== "string") throw notOurs();
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
export function encodeResult(value: unknown): Uint8Array {
  const moved = unwrapTransfer(value);
  return encodeStructured([VERSION, moved === undefined ? value : moved.value]);
}

/** What the items of a chunk came to. */
export function encodeChunk(
  values: ArrayLike<unknown>,
  failures: ReadonlyMap<number, unknown> | undefined,
): Uint8Array {
  const failed = failures === undefined
    ? []
    : Array.from(failures, ([index, error]) => [index, ...describeError(error)]);
  return encodeStructured([VERSION, Array.from(values), failed]);
}

/** What a task threw, or why it could not run. What cannot be sent of it is left out. */
export function encodeFailure(error: unknown): Uint8Array {
  try {
    return encodeStructured([VERSION, ...describeError(error)]);
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
export type TaskResult = { readonly value: unknown } | { readonly error: unknown };

/**
 * What came of a task.
 *
 * @param items The items of the chunk, 0 for a task of its own.
 * @throws {TypeError} If the bytes are not that.
 */
export function decodeOutcome(bytes: Uint8Array, completed: boolean, items: number): TaskResult {
  const value = decodeStructured(bytes);
  if (!Array.isArray(value) || value[0] !== VERSION) throw notOurs();
  if (!completed) {
    if (value.length !== 3) throw notOurs();
    return { error: reviveError(value[1], value[2]) };
  }
  if (items === 0) {
    if (value.length !== 2) throw notOurs();
    return { value: value[1] };
  }
  const [, values, failed] = value as unknown[];
  if (value.length !== 3 || !Array.isArray(values) || values.length !== items) throw notOurs();
  if (!Array.isArray(failed)) throw notOurs();
  const failures = new Map<number, unknown>();
  for (const entry of failed) {
    if (!Array.isArray(entry) || !isCount(entry[0]) || entry[0] >= items) throw notOurs();
    failures.set(entry[0], reviveError(entry[1], entry[2]));
  }
  return { value: { values, failures: failures.size > 0 ? failures : undefined } };
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
