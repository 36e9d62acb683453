// @ts-self-types="./serve.d.mts"
/**
 * Serves this repository to a browser: TypeScript without its types, the tests' bare imports by an
 * import map. There is no bundler between the source and the page, but for one worker; and for the
 * syntax that the browser does not have, which esbuild lowers, file by file.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync, transformSync } from "esbuild";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".ts": "text/javascript",
  ".json": "application/json",
  ".md": "text/plain",
  ".wasm": "application/wasm",
};

/** What makes a page cross-origin isolated, so that memory can be shared. */
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Files that tests and their workers share where they cannot share memory: see `files.ts`. */
class Files {
  #files = new Map();

  /** @param {[operation: string, path: string, text?: string]} call */
  run([operation, path, text]) {
    const files = this.#files;
    switch (operation) {
      case "write":
        return void files.set(path, [text]);
      case "append": {
        const parts = files.get(path);
        // A task may outlive its test.
        return void parts?.push(text);
      }
      case "exists":
        return files.has(path);
      case "read":
        return (files.get(path) ?? []).join("");
      case "remove":
        for (const name of [...files.keys()]) {
          if (name === path || name.startsWith(`${path}/`)) files.delete(name);
        }
    }
  }
}

/**
 * Starts the server on a free port of this machine.
 *
 * @param {{
 *   isolated?: boolean,
 *   csp?: string,
 *   cspOf?: "pages" | "everything",
 *   host?: string,
 *   lacks?: readonly string[],
 * }} options The headers, as `modes.mjs` explains them, and the syntax to lower.
 * @param {(page: string, result: unknown) => void} report Is told what the pages report.
 * @returns {Promise<{ url: string, close(): void }>}
 */
export function serve({ isolated = false, csp, cspOf, host = "127.0.0.1", lacks = [] }, report) {
  const policy = csp?.replace("script-src", `script-src ${importMapHash()}`);
  const stripped = new Map();
  const files = new Files();
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { pathname, searchParams } = new URL(request.url, "http://x");
      const answer = pathname === "/report"
        ? await report(searchParams.get("page"), JSON.parse(body)) ?? "null"
        : JSON.stringify(files.run(JSON.parse(body))) ?? "null";
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
      return;
    }
    let path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    if (extname(path) === "") path += ".js"; // of a package, by the import map
    const type = TYPES[extname(path)];
    try {
      if (type === undefined) throw new Error("not served");
      let body = readFileSync(join(ROOT, path));
      if (extname(path) === ".ts") {
        if (!stripped.has(path)) stripped.set(path, scriptOf(path, body.toString(), lacks));
        body = stripped.get(path);
      }
      response.writeHead(200, {
        "content-type": type,
        "cache-control": "max-age=3600", // another run has another port
        "access-control-allow-origin": "*", // for pages of this server's other names
        ...(isolated ? ISOLATION : {}),
        ...(policy !== undefined && (cspOf === "everything" || type === TYPES[".html"])
          ? { "content-security-policy": policy }
          : {}),
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      resolve({
        url: `http://${host}:${port}/`,
        close() {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

/** A module without its types; the worker that most tests use is one file, as a user's would be. */
function scriptOf(path, text, lacks) {
  const supported = Object.fromEntries(lacks.map((feature) => [feature, false]));
  if (path !== "/tests/browser/runner/own_worker.ts") {
    if (!lacks.includes("using") || !/\busing\b/.test(text)) return stripTypeScriptTypes(text);
    return transformSync(text, { loader: "ts", format: "esm", target: "esnext", supported }).code;
  }
  const { outputFiles } = buildSync({
    entryPoints: [join(ROOT, path)],
    bundle: true,
    format: "esm",
    target: "esnext",
    supported,
    write: false,
  });
  return outputFiles[0].text;
}

/** By which a policy lets the page's import map pass: it can only stand in the page. */
function importMapHash() {
  const page = readFileSync(new URL("./page.html", import.meta.url), "utf8");
  const [, map] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(page);
  return `'sha256-${createHash("sha256").update(map).digest("base64")}'`;
}
