import { MAX_NANOSECONDS } from "../wire/messages.ts";
import { round } from "../wire/originals.ts";

/** What one of some tasks took on average, as it is told. */
export function toNanoseconds(milliseconds: number, tasks: number): number {
  const nanoseconds = round(milliseconds * 1e6 / tasks);
  return nanoseconds > MAX_NANOSECONDS ? MAX_NANOSECONDS : nanoseconds > 0 ? nanoseconds : 0;
}
