/** A task that uses an executor in its worker. @module */

import { ThreadPoolExecutor } from "../../mod.ts";

/** Its result by an executor of its own, and how that one's crash is seen. The executor is left. */
export async function useExecutor(x: number): Promise<[number, string]> {
  const executor = new ThreadPoolExecutor(1);
  const doubled = await executor.submit((x: number) => 2 * x, x);
  const error = await executor.submit(() => {
    const { process, close } = globalThis as unknown as {
      process?: { exit?(code: number): never };
      close(): void;
    };
    process?.exit?.(5);
    close();
    return new Promise(() => {});
  }).exception();
  return [doubled, (error as Error).name];
}
