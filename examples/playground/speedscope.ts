/**
 * Opens traces in speedscope, a reader of the Trace Event Format that others wrote: for the test that
 * they can be read, and for the picture in `docs/observability.md`.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { TraceFile } from "../../src/observe/trace.ts";

const SITE = join(
  dirname(fileURLToPath(import.meta.resolve("speedscope/package.json"))),
  "dist",
  "release",
);
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
};

/** What speedscope has read, as it saves it itself: a part of its own format. */
export interface Saved {
  readonly profiles: readonly {
    readonly name: string;
    readonly events: readonly { readonly type: "O" | "C"; readonly frame: number }[];
  }[];
  readonly shared: { readonly frames: readonly { readonly name: string }[] };
}

/** A trace that is open in speedscope. */
export interface OpenTrace extends AsyncDisposable {
  readonly page: Page;
  /** What it has read. */
  save(): Promise<Saved>;
}

/** Opens a trace in a page of its own. */
export async function openTrace(
  browser: Browser,
  trace: TraceFile,
  viewport: { width: number; height: number },
): Promise<OpenTrace> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/trace.json") return void response.end(JSON.stringify(trace));
    const file = pathname === "/" ? "/index.html" : pathname;
    try {
      const body = await readFile(join(SITE, file));
      response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
  const page = await browser.newPage({ viewport, colorScheme: "light" });
  await page.goto(`${url}#profileURL=${encodeURIComponent(`${url}trace.json`)}`);
  await page.getByText("(tid ").first().waitFor();
  return {
    page,
    async save() {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByText("Export").click(),
      ]);
      return JSON.parse(await readFile(await download.path(), "utf8")) as Saved;
    },
    async [Symbol.asyncDispose]() {
      await page.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
