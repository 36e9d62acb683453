/** The example Worker, in workerd, against a server of our own. */

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "../harness.ts";

const skip = ("Deno" in globalThis || "Bun" in globalThis) &&
  "the edge runtimes are programs for Node";

/** A server that answers `/<bytes>`, never answers `/never`, and takes reports. */
async function serve() {
  const seen = { now: 0, most: 0, reports: [] as string[], hungUp: 0 };
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      // Later than the Worker's answer.
      await delay(50);
      for await (const chunk of request) seen.reports.push(String(chunk));
      return void response.end();
    }
    if (request.url === "/never") return void response.on("close", () => seen.hungUp++);
    seen.most = Math.max(seen.most, ++seen.now);
    await delay(20);
    seen.now--;
    response.end("x".repeat(Number(request.url!.slice(1))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, seen, close };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

test(
  "examples/cloudflare asks some at a time, gives up the slow, and reports after its answer",
  async () => {
    const { startWorkerd } = await import("./runtimes.mjs");
    const { url, seen, close } = await serve();
    const worker = await startWorkerd(
      'export { default } from "./examples/cloudflare/worker.ts";',
      {
        bindings: { REPORTS: `${url}/reports`, PATIENCE: "400" },
      },
    );
    const ask = async (route: string, paths: readonly (number | string)[]) => {
      const query = new URLSearchParams(paths.map((path) => ["of", `${url}/${path}`]));
      return await worker.dispatchFetch(`http://worker.test/${route}?${query}`);
    };
    try {
      const sizes = Array.from({ length: 20 }, (_, i) => i);
      assertEquals(await (await ask("sizes", sizes)).json(), sizes);
      assert(seen.most > 1 && seen.most <= 5, `${seen.most} were asked at once`);
      await until(() => seen.reports.length === 1);
      assertEquals(seen.reports, ['{"asked":20}']);

      assertEquals(await (await ask("sizes", [1, "never", 3])).json(), [1, "TimeoutError", 3]);
      await until(() => seen.hungUp === 1);

      const lines = (await (await ask("race", ["never", 1, 2])).text()).split("\n");
      assertEquals(lines.slice(0, 2).toSorted(), [`${url}/1 1`, `${url}/2 2`]);
      assertEquals(lines.slice(2), [`${url}/never TimeoutError`, ""]);
      await until(() => seen.reports.length === 3);
      assertEquals((await ask("", [])).status, 404);
    } finally {
      await worker.dispose();
      close();
    }
  },
  { skip, deadline: 30_000, leaves: "Miniflare keeps a worker of its own" },
);
