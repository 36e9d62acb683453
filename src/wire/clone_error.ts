/** Throws if a value cannot travel from here. */
let clone: (value: unknown) => unknown = (value) => structuredClone(value);

/** Says what can travel from here, where it is not what structured clone takes. */
export function useClone(other: (value: unknown) => unknown): void {
  clone = other;
}

/**
 * Why a value cannot be cloned, or `undefined` if it can. The error is in an object, because a getter
 * may throw anything, `undefined` too.
 */
export function cloneError(value: unknown): { readonly reason: unknown } | undefined {
  try {
    clone(value);
    return undefined;
  } catch (reason) {
    return { reason };
  }
}
