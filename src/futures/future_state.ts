/** Where a future is in its life. */
export type FutureState = "pending" | "running" | "cancelled" | "finished";

/** Internal states, small integers: everything from `CANCELLED` on is done. */
export const PENDING = 0;
export const RUNNING = 1;
export const CANCELLED = 2;
export const SUCCEEDED = 3;
export const FAILED = 4;

/** What a future came to, without a promise. */
export type Outcome =
  | { readonly status: "fulfilled"; readonly value: unknown }
  | { readonly status: "rejected"; readonly reason: unknown };
