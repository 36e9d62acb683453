/**
 * An API call for each of 6,000 product numbers of a CSV file: a bounded number at once, results in the
 * order of the file, an error for each product that has one, and all of it in one map.
 *
 *     with ThreadPoolExecutor(max_workers=32) as executor:    # Python
 *         for number, price in zip(numbers, executor.map(price_of, numbers)):
 *             prices[number] = price
 *
 * In Python the first error ends `map`. Here `settled` gives the outcome of each call, and two workers
 * do what takes 32 threads there: each has 16 calls under way. A server in this program stands in for
 * the API. To run it:
 *
 *     deno run -A examples/product_calls.ts
 *     bun examples/product_calls.ts
 *     node examples/product_calls.ts
 */

import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ThreadPoolExecutor } from "../mod.ts";

/** One call of the API. */
async function priceOf(url: string): Promise<number> {
  const response = await fetch(url);
  const body = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${body.error}`);
  return body.price;
}

/** A file of product numbers, P0001 to P6000. */
async function writeProducts(path: string): Promise<void> {
  const lines = ["number,name"];
  for (let i = 1; i <= 6000; i++) lines.push(`P${String(i).padStart(4, "0")},Product ${i}`);
  await writeFile(path, lines.join("\n") + "\n");
}

/** The first column, without its heading. */
async function readProducts(path: string): Promise<string[]> {
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  return lines.slice(1).map((line) => line.split(",")[0]!);
}

let calls = 0;
let most = 0;

/** Every 100th product is unknown, and every 1,000th makes the server fail. */
const server = createServer((request, response) => {
  most = Math.max(most, ++calls);
  setTimeout(() => {
    calls--;
    const product = Number(request.url!.slice("/products/P".length));
    response.statusCode = product % 1000 === 0 ? 500 : product % 100 === 0 ? 404 : 200;
    const error = response.statusCode === 500 ? "server error" : "unknown product";
    response.end(
      JSON.stringify(response.statusCode === 200 ? { price: product / 100 } : { error }),
    );
  }, 1);
});
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const folder = await mkdtemp(join(tmpdir(), "products-"));

try {
  await writeProducts(join(folder, "products.csv"));
  const numbers = await readProducts(join(folder, "products.csv"));
  const urls = numbers.map((number) => `http://127.0.0.1:${port}/products/${number}`);

  await using executor = new ThreadPoolExecutor({ maxWorkers: 2, tasksPerWorker: 16 });
  const prices = new Map<string, number | Error>();
  let i = 0;
  for await (const call of executor.map(priceOf, urls, { settled: true })) {
    prices.set(numbers[i++]!, call.status === "fulfilled" ? call.value : call.reason);
  }

  const errors = [...prices.values()].filter((price) => price instanceof Error);
  console.log(`${prices.size} products, ${prices.size - errors.length} prices`);
  console.log(`first ${[...prices.keys()][0]}, last ${[...prices.keys()].at(-1)}`);
  for (const number of ["P0001", "P0099", "P0100", "P1000", "P5999"]) {
    const price = prices.get(number);
    console.log(`${number}: ${price instanceof Error ? price.message : price?.toFixed(2)}`);
  }
  console.log(`at most ${most} calls at once`);
} finally {
  server.close();
  await rm(folder, { recursive: true });
}
