/** A program that answers requests. */
export interface EdgeProgram {
  /** Sends a request to it. */
  dispatchFetch(url: string): Promise<Response>;
  /** Ends it. */
  dispose(): Promise<void>;
}
export const COMPATIBILITY_DATE: string;
export function startWorkerd(
  source: string,
  options?: Record<string, unknown>,
): Promise<EdgeProgram>;
export function startVercel(source: string): Promise<EdgeProgram>;
