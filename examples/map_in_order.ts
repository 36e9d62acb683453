/**
 * `map` gives results in the order of its inputs, whichever task ends first; with two inputs it calls
 * the task with one item of each, until the shorter ends.
 *
 *     for text in executor.map(greet, ["Ada", "Grace", "Guido"]):    # Python
 *         print(text)
 *     print(list(executor.map(pow, [2, 3, 10], [5, 2, 3])))
 *
 * To run it:
 *
 *     deno run examples/map_in_order.ts
 *     bun examples/map_in_order.ts
 *     node examples/map_in_order.ts
 */

import { ThreadPoolExecutor } from "../mod.ts";

/** Takes longest for "Ada". */
async function greet(name: string): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 1000 / name.length ** 2));
  return `Hello, ${name}`;
}

await using executor = new ThreadPoolExecutor(3);

for await (const text of executor.map(greet, ["Ada", "Grace", "Guido"])) console.log(text);

console.log(await executor.map((x: number, y: number) => x ** y, [2, 3, 10], [5, 2, 3]).toArray());
