/**
 * Why a value cannot be cloned, or `undefined` if it can. The error is in an object, because a getter
 * may throw anything, `undefined` too.
 */
export function cloneError(value: unknown): { readonly reason: unknown } | undefined {
  try {
    structuredClone(value);
    return undefined;
  } catch (reason) {
    return { reason };
  }
}
