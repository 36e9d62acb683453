import { PromiseOf, promiseThen } from "./originals.ts";

/**
 * Calls a callback of a user's. What it throws is reported, and so is the rejection of one that is
 * asynchronous: whoever calls it has nobody to tell, and the program must not end of it.
 *
 * @param what Of what it is the callback, for the report.
 */
export function callBack(callback: () => unknown, what: string): void {
  const report = (error: unknown): void => console.error(`Uncaught error in ${what}:`, error);
  try {
    const result = callback();
    // A thenable may call back at once, twice, or throw: a promise stands between.
    if (typeof result === "object" && result !== null && "then" in result) {
      promiseThen(new PromiseOf((resolve) => resolve(result)), undefined, report);
    }
  } catch (error) {
    report(error);
  }
}
