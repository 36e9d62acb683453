/** The runtimes that have processes. */
export type RuntimeName = "deno" | "bun" | "node";

/** A runtime that can be started. */
export interface Command {
  readonly name: RuntimeName;
  readonly path: string;
  readonly args: readonly string[];
}
