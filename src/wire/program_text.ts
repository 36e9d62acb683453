import { textIndexOf, textSlice, unitAt } from "./originals.ts";

/** How the URL begins by which a runtime names a worker that was started from text: with a label, to know it by. */
export const PROGRAM_URL = "data:text/javascript,concurrent_futures_worker:";

/** A text without such URLs: nobody wants to read the program. */
export function withoutProgram(text: string): string {
  let at = textIndexOf(text, PROGRAM_URL);
  if (at < 0) return text;
  let rest = 0;
  let shown = "";
  for (; at >= 0; at = textIndexOf(text, PROGRAM_URL, rest)) {
    shown += textSlice(text, rest, at) + "concurrent-futures-worker.js";
    rest = endOf(text, at + PROGRAM_URL.length);
  }
  return shown + textSlice(text, rest);
}

/** The next blank or quote. */
function endOf(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const unit = unitAt(text, at);
    if (unit <= 32 || unit === 34 || unit === 39) break;
  }
  return at;
}
