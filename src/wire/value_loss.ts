/**
 * Objects of the runtime that a channel does not refuse and of which nothing arrives: in threads of Deno,
 * and in old Node, a `URL` or `Headers` arrive as `{}`, whether `structuredClone()` refuses them or not.
 *
 * @module
 */

import {
  ExceptionOf,
  getPrototypeOf,
  isArray,
  isView,
  matches,
  OBJECT_PROTOTYPE,
  SafeMap,
} from "./originals.ts";
import { kindOf } from "./value_kind.ts";

const ARRAY_PROTOTYPE = Array.prototype;
const cloneOf = globalThis.structuredClone;

/** Kinds that were tried, and whether they are lost. */
const KINDS = new SafeMap<string, boolean>();

/** Of these one object may be refused and another one not: the channel says why. */
const KNOWN = [
  ..."Object Map Set Error Date RegExp Number String Boolean BigInt Symbol".split(" "),
  ..."ArrayBuffer SharedArrayBuffer Memory Proxy Future".split(" "),
];
for (let i = 0; i < KNOWN.length; i++) KINDS.set(KNOWN[i]!, false);

/** What can be transferred is refused only where it is not. */
const TRANSFERABLE = /(?:Port|Stream|Bitmap|Canvas|Channel|Frame|Data|Handle|Track|Access)$/;

/** Says of an object of which nothing would arrive what it is. */
export function lostKind(value: object): string | undefined {
  const prototype = getPrototypeOf(value);
  if (prototype === OBJECT_PROTOTYPE || prototype === ARRAY_PROTOTYPE || prototype === null) {
    return undefined;
  }
  if (isView(value) || isArray(value)) return undefined;
  const kind = kindOf(value);
  return isLost(kind, value) ? kind : undefined;
}

/** Whether nothing would arrive of an object of a kind. */
export function isLost(kind: string, value: object): boolean {
  const known = KINDS.get(kind);
  if (known !== undefined) return known;
  let lost = false;
  try {
    lost = getPrototypeOf(cloneOf(value)) === OBJECT_PROTOTYPE;
  } catch {
    lost = matches(TRANSFERABLE, kind) === null;
  }
  KINDS.set(kind, lost);
  return lost;
}

/** The error of such an object. */
export function lossError(kind: string): DOMException {
  return new ExceptionOf(`nothing of ${aOrAn(kind)} would arrive`, "DataCloneError");
}

function aOrAn(kind: string): string {
  const first = kind[0];
  const vowel = first === "A" || first === "E" || first === "I" || first === "O";
  return `${vowel ? "an" : "a"} ${kind}`;
}
