/**
 * Serves the page: `npm run playground`. Each load builds it anew, so that changes are seen.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import process from "node:process";
import { build, SITE } from "./build.ts";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".map": "application/json",
};

/** With these a page is cross-origin isolated, and may share memory with its workers. */
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /** Whether the page may share memory. */
  isolated: boolean;
  /** The path that the folder is served under. @default {"/"} */
  base?: string;
  /** A Content-Security-Policy. @default {none} */
  csp?: string;
  /** @default {any that is free} */
  port?: number;
  /** Called before `index.html` is read. */
  onLoad?: () => Promise<void>;
}

/** A server that runs. */
export interface Served {
  readonly url: string;
  close(): void;
}

/** Serves a folder on this machine. */
export function serve(folder: string, options: ServeOptions): Promise<Served> {
  const { isolated, base = "/", csp, port = 0, onLoad } = options;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const asked = normalize(decodeURIComponent(pathname));
    const file = asked.endsWith("/") ? `${asked}index.html` : asked;
    const type = TYPES[extname(file)];
    try {
      if (!file.startsWith(base) || type === undefined) throw new Error("not served");
      if (file.endsWith("/index.html")) await onLoad?.();
      const body = await readFile(join(folder, file.slice(base.length)));
      response.writeHead(200, {
        "content-type": type,
        "cache-control": "no-store",
        ...(isolated ? ISOLATION : {}),
        ...(csp === undefined ? {} : { "content-security-policy": csp }),
      }).end(body);
    } catch (error) {
      response.writeHead(404, { "content-type": "text/plain" }).end(String(error));
    }
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve({
        url: `http://localhost:${(server.address() as AddressInfo).port}${base}`,
        close() {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

if (import.meta.main) {
  const port = Number(process.env["PORT"] ?? 8123);
  const options = { isolated: true, onLoad: () => build(SITE) };
  const { url } = await serve(SITE, { ...options, port }).catch(() => serve(SITE, options));
  console.log(`The playground: ${url} (Ctrl-C ends it)`);
}
