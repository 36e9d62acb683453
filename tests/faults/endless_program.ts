/**
 * What Bun cannot stop: the future settles in time all the same, and the executor works. It ends by
 * `process.exit()`, because there the thread burns on.
 *
 * @module
 */

import process from "node:process";
import { ThreadPoolExecutor, TimeoutError } from "../../mod.ts";

const executor = new ThreadPoolExecutor({ maxWorkers: 1, grace: 10 });
const tasks = {
  wasm: () => {
    // (module (func (export "f") (loop (br 0))))
    const text = "AGFzbQEAAAABBAFgAAADAgEABwUBAWYAAAoJAQcAA0AMAAsL";
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    (f as () => void)();
  },
  // An engine may give up by itself.
  regexp: () => void /^(([a-z])+.)+[A-Z]([a-z])+$/.test("a".repeat(60)),
};
for (const [name, task] of Object.entries(tasks)) {
  const error = await executor.with({ timeout: 20 }).submit(task).exception();
  const settles = error === undefined || error instanceof TimeoutError;
  console.log(name, settles, await executor.submit(() => "works"));
}
process.exit(0);
