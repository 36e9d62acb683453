import { textIndexOf, textSlice, unitAt } from "./originals.ts";

/** How the URL begins by which a runtime names a worker that was started from the program's text. */
const PREFIX = "data:text/javascript,";

/** Shorter ones are somebody else's. */
const MIN_LENGTH = 200;

/** A text without the program's own, where a runtime names a worker by its URL: nobody wants to read it. */
export function withoutProgram(text: string): string {
  if (text.length < MIN_LENGTH) return text;
  let at = textIndexOf(text, PREFIX);
  if (at < 0) return text;
  let rest = 0;
  let shown = "";
  for (; at >= 0; at = textIndexOf(text, PREFIX, rest)) {
    const end = endOf(text, at + PREFIX.length);
    const isProgram = end - at >= MIN_LENGTH;
    shown += textSlice(text, rest, isProgram ? at : end);
    if (isProgram) shown += "concurrent-futures-worker.js";
    rest = end;
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
