import { ErrorOf, isArray, StringOf, textSlice, uncurried } from "./originals.ts";

const { stringify } = JSON;
const tag = uncurried(Object.prototype.toString) as (value: object) => string;

/** What a thrown value says. Never throws, whatever the value. */
export function messageOf(thrown: unknown): string {
  try {
    // What an object says of itself may be endless, as that of lists that share lists.
    const words: unknown = thrown instanceof ErrorOf ? thrown.message : thrown;
    return typeof words === "object" ? show(words) : StringOf(words);
  } catch {
    return show(thrown);
  }
}

/** A value as it is shown in an error. Never throws, whatever the value. */
export function show(value: unknown): string {
  if (typeof value === "string") return stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (value === null || typeof value !== "object") return StringOf(value);
  try {
    const kind = textSlice(tag(value), 8, -1);
    return isArray(value) ? "an array" : kind === "Object" ? "an object" : `a ${kind}`;
  } catch {
    return "an object"; // a revoked Proxy
  }
}
