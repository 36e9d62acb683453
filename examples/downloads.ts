/**
 * Downloads files by their URLs; each task writes a file and prints its name.
 *
 *     with ThreadPoolExecutor(max_workers=4) as executor:    # Python
 *         executor.map(download, urls, paths)
 *
 * A server in this program stands in for the web. To run it:
 *
 *     deno run -A examples/downloads.ts
 *     bun examples/downloads.ts
 *     node examples/downloads.ts
 */

import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ThreadPoolExecutor } from "../mod.ts";

/** Runs in a worker, so it brings what it needs. */
async function download(url: string, path: string): Promise<number> {
  const { writeFile } = await import("node:fs/promises");
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Cannot download ${url}: status ${response.status}`);
  const content = new Uint8Array(await response.arrayBuffer());
  await writeFile(path, content);
  console.log(`saved ${path.split(/[\\/]/).at(-1)}`);
  return content.length;
}

const server = createServer((request, response) => {
  response.setHeader("connection", "close");
  response.end(`This is ${basename(request.url!)}.\n`);
});
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const folder = await mkdtemp(join(tmpdir(), "downloads-"));

try {
  const names = ["apple.txt", "banana.txt", "cherry.txt", "date.txt", "elderberry.txt"];
  const urls = names.map((name) => `http://127.0.0.1:${port}/files/${name}`);
  const paths = names.map((name) => join(folder, name));

  await using executor = new ThreadPoolExecutor(4);
  const sizes = await executor.map(download, urls, paths).toArray();

  console.log("bytes, in the order of the URLs:", sizes.join(" "));
  console.log("files:", (await readdir(folder)).sort().join(" "));
  console.log("the first:", (await readFile(paths[0]!, "utf8")).trim());
} finally {
  server.close();
  await rm(folder, { recursive: true });
}
