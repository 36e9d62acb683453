/**
 * What jsr.io makes of this package, as far as a program can tell: the files that it serves to Deno, and
 * the package that its npm layer serves to the others.
 *
 * @module
 */

import { transform } from "esbuild";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join, posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const { name, version, exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as {
  name: string;
  version: string;
  exports: Record<string, string>;
};

/** The entries, as they are imported: `@concurrent/futures/pool`. */
export const ENTRIES: readonly string[] = Object.keys(exports).map((entry) =>
  posix.join(name, entry)
);

/** The version of the package. */
export const VERSION: string = version;

/** The files that `deno publish` would send, by their paths: `/mod.ts`. */
export function publishedFiles(): Map<string, string> {
  const { stdout, stderr } = spawnSync(
    join(ROOT, "node_modules", ".bin", "deno"),
    ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
      shell: process.platform === "win32",
    },
  );
  const files = new Map<string, string>();
  for (const [, url] of (stdout + stderr).matchAll(/^ *(file:\/\/\S+) \(/gm)) {
    const path = `/${url!.slice(pathToFileURL(ROOT).href.length)}`;
    files.set(path, readFileSync(fileURLToPath(url!), "utf8"));
  }
  if (files.size === 0) throw new Error(`deno publish sends nothing:\n${stdout}${stderr}`);
  return files;
}

/** A registry on this machine. */
export interface Registry {
  /** For the variable `JSR_URL`. */
  readonly url: string;
  /** The paths that were asked for. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Serves files as jsr.io does. */
export async function startRegistry(files: ReadonlyMap<string, string>): Promise<Registry> {
  const [scope, packageName] = name.slice(1).split("/");
  const answers = new Map<string, string>([
    [
      `/${name}/meta.json`,
      JSON.stringify({
        scope,
        name: packageName,
        latest: version,
        versions: { [version]: { createdAt: "2026-01-01T00:00:00Z" } },
      }),
    ],
    [
      `/${name}/${version}_meta.json`,
      JSON.stringify({
        manifest: Object.fromEntries(
          [...files].map(([path, text]) => [path, {
            size: Buffer.byteLength(text),
            checksum: `sha256-${createHash("sha256").update(text).digest("hex")}`,
          }]),
        ),
        moduleGraph2: Object.fromEntries(
          [...files].filter(([path]) => path.endsWith(".ts")).map(([path, text]) => [
            path,
            { dependencies: [...importsOf(text)] },
          ]),
        ),
        exports,
      }),
    ],
  ]);
  for (const [path, text] of files) answers.set(`/${name}/${version}${path}`, text);

  const requests: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    requests.push(url);
    const text = answers.get(url);
    const type = url.endsWith(".json") ? "application/json" : "text/typescript";
    response.writeHead(text === undefined ? 404 : 200, { "content-type": type });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Dependency {
  type: "static";
  kind: "import" | "export" | "importType";
  specifier: string;
  /** Line and column of its quotes. */
  specifierRange: [[number, number], [number, number]];
}

/** The static imports of a module, as jsr.io's analysis gives them; Deno does not parse again. */
function* importsOf(text: string): Generator<Dependency> {
  for (const found of text.matchAll(/^(import|export)( type)?\b[^;"]*? from ("[^"]+");$/gm)) {
    const [statement, keyword, type, quoted] = found;
    const start = found.index + statement.length - quoted!.length - 1;
    yield {
      type: "static",
      kind: keyword === "export" ? "export" : type === undefined ? "import" : "importType",
      specifier: quoted!.slice(1, -1),
      specifierRange: [position(text, start), position(text, start + quoted!.length)],
    };
  }
}

function position(text: string, offset: number): [number, number] {
  const before = text.slice(0, offset);
  return [before.split("\n").length - 1, offset - before.lastIndexOf("\n") - 1];
}

/**
 * Writes the package of JSR's npm layer into a folder. All files are there as they are; beside those
 * that an export leads to there is JavaScript, whose imports are rewritten, and nothing else of it.
 */
export async function writeNpmLayer(
  files: ReadonlyMap<string, string>,
  folder: string,
): Promise<void> {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const [path, text] of files) write(path, text);
  write(
    "package.json",
    JSON.stringify({
      name: `@jsr/${name.slice(1).replace("/", "__")}`,
      version,
      type: "module",
      dependencies: {},
      exports: Object.fromEntries(
        Object.entries(exports).map(([entry, path]) => [entry, { default: toJavaScript(path) }]),
      ),
    }),
  );
  const reached = new Set(Object.values(exports).map((path) => posix.join("/", path)));
  for (const path of reached) {
    const text = files.get(path);
    if (text === undefined) throw new Error(`${path} is imported and not published`);
    for (const { specifier } of importsOf(text)) {
      if (specifier.startsWith(".")) reached.add(posix.join(posix.dirname(path), specifier));
    }
    const { code } = await transform(text, {
      loader: "ts",
      target: "esnext",
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    });
    write(toJavaScript(path), code.replace(/^(import|export)\b[^;"]*?"\..*?";$/gm, toJavaScript));
  }
}

function toJavaScript(path: string): string {
  return path.replace(/\.ts(?="?;?$)/, ".js");
}
