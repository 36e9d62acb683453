/**
 * Small outcomes in shared memory, beside the claims: a worker that is busy with the next task cannot
 * send them, and its owner can read them all the same. The value is written before the claim says
 * that it is there, and both stay until the owner opens the slot for another task.
 *
 * @module
 */

import {
  CLAIM_ENDED,
  CLAIM_ENDED_FALSE,
  CLAIM_ENDED_NULL,
  CLAIM_ENDED_NUMBER,
  CLAIM_ENDED_TEXT,
  CLAIM_ENDED_TRUE,
  CLAIM_ENDED_UNDEFINED,
} from "./messages.ts";
import type { OutcomeTable } from "./messages.ts";
import type { TaskTime } from "./process_port.ts";
import { unitAt } from "./originals.ts";

/** Units of a text and its length. Longer ones are sent before the next task begins. */
const TEXT_UNITS = 32;

/** A table in memory that threads share. */
export function newOutcomeTable(slots: number): OutcomeTable {
  const numbers = slots * Float64Array.BYTES_PER_ELEMENT;
  const texts = slots * TEXT_UNITS * Uint16Array.BYTES_PER_ELEMENT;
  const memory = new SharedArrayBuffer(3 * numbers + texts);
  return {
    numbers: new Float64Array(memory, 0, slots),
    times: new Float64Array(memory, numbers, 2 * slots),
    texts: new Uint16Array(memory, 3 * numbers, slots * TEXT_UNITS),
  };
}

/** Writes when a task began and how long it ran, by the worker's clock; before its outcome. */
export function writeTime(
  { times }: OutcomeTable,
  slot: number,
  startedAt: number,
  ran: number,
): void {
  times[2 * slot] = startedAt;
  times[2 * slot + 1] = ran;
}

/** When a task began, by a clock that may be broken; 0 if that was not written. */
export function readStart({ times }: OutcomeTable, slot: number): number {
  return 2 * slot < times.length ? times[2 * slot]! : 0; // it may have no slot any more
}

/** How long a task ran, if it was written when it began. */
export function readRan({ times }: OutcomeTable, slot: number): number {
  return times[2 * slot + 1]!;
}

/** Both. */
export function readTime(table: OutcomeTable, slot: number): TaskTime | undefined {
  const startedAt = readStart(table, slot);
  return startedAt === 0 ? undefined : { startedAt, ran: readRan(table, slot) };
}

/** Nothing is written of the task that gets a slot. */
export function clearTime({ times }: OutcomeTable, slot: number): void {
  times[2 * slot] = 0;
}

/** Writes a value; returns what its claim is to say: `CLAIM_ENDED` if it does not fit. */
export function writeOutcome(
  { numbers, texts }: OutcomeTable,
  slot: number,
  value: unknown,
): number {
  switch (typeof value) {
    case "number":
      numbers[slot] = value;
      return CLAIM_ENDED_NUMBER;
    case "undefined":
      return CLAIM_ENDED_UNDEFINED;
    case "boolean":
      return value ? CLAIM_ENDED_TRUE : CLAIM_ENDED_FALSE;
    case "string": {
      const { length } = value;
      if (length >= TEXT_UNITS) return CLAIM_ENDED;
      let at = slot * TEXT_UNITS;
      texts[at++] = length;
      for (let i = 0; i < length; i++) texts[at++] = unitAt(value, i);
      return CLAIM_ENDED_TEXT;
    }
    default:
      return value === null ? CLAIM_ENDED_NULL : CLAIM_ENDED;
  }
}

/** The value that a claim tells of; `undefined` if it tells of none. */
export function readOutcome(
  { numbers, texts }: OutcomeTable,
  slot: number,
  claim: number,
): { readonly value: unknown } | undefined {
  switch (claim) {
    case CLAIM_ENDED_NUMBER:
      return { value: numbers[slot] };
    case CLAIM_ENDED_UNDEFINED:
      return { value: undefined };
    case CLAIM_ENDED_NULL:
      return { value: null };
    case CLAIM_ENDED_FALSE:
      return { value: false };
    case CLAIM_ENDED_TRUE:
      return { value: true };
    case CLAIM_ENDED_TEXT: {
      const at = slot * TEXT_UNITS;
      const end = at + 1 + Math.min(texts[at]!, TEXT_UNITS - 1);
      return { value: String.fromCharCode(...texts.subarray(at + 1, end)) };
    }
  }
  return undefined;
}
