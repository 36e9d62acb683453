/**
 * Other executors for the contract than those of `executors.ts`: set before its tests are imported.
 *
 * @module
 */

import type { ExecutorKind } from "./executors.ts";

/** See above; `undefined` means those of `executors.ts`. */
export const override: { kinds: readonly ExecutorKind[] | undefined } = { kinds: undefined };
