import { checkDepth } from "./value_depth.ts";

/** As it was before any task could change it. */
const cloneOf = structuredClone;

/** Throws if a value cannot travel from here. */
let clone: (value: unknown) => unknown = (value) => {
  checkDepth(value);
  return cloneOf(value);
};

/** Says what can travel from here, where it is not what structured clone takes. */
export function useClone(other: (value: unknown) => unknown): void {
  clone = other;
}

/**
 * Why a value cannot be cloned, or `undefined` if it can. The error is in an object, because a getter
 * may throw anything, `undefined` too.
 *
 * @param check Throws if it cannot, where that is not what can travel from here in general.
 */
export function cloneError(
  value: unknown,
  check: (value: unknown) => unknown = clone,
): { readonly reason: unknown } | undefined {
  try {
    check(value);
    return undefined;
  } catch (reason) {
    return { reason };
  }
}
