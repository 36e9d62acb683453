/**
 * Says how large the library is in a bundle for browsers, minified and gzipped.
 *
 *     node tools/size.ts
 *
 * Fails if an entry is larger than `tools/size_limits.json` allows, in bytes after gzip, or if
 * CHANGELOG.md tells another size than there is.
 *
 * @module
 */

import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { makeProject } from "../bundlers/project.ts";

/** The import that CHANGELOG.md tells the size of. */
const CORE = 'import { ThreadPoolExecutor } from "@concurrent/futures"';

/** How far CHANGELOG.md may be from the truth. */
const TOLERANCE = 0.05;

/** The size of what a page needs for an import. */
export async function sizeOf(
  statement: string,
  folder: string,
): Promise<{ minified: number; gzipped: number }> {
  const name = /\w+(?= (?:\} )?from)/.exec(statement)![0];
  const { outputFiles } = await build({
    // Kept by a use that a minifier cannot drop.
    stdin: { contents: `${statement}; globalThis.kept = ${name};`, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    outfile: join(folder, "size.js"),
  });
  const { contents } = outputFiles[0]!;
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length };
}

/** The gzipped size that the newest version of a changelog tells. */
export function toldSize(changelog: string): number | undefined {
  const told = /([\d,]+) bytes gzipped/.exec(changelog)?.[1];
  return told === undefined ? undefined : Number(told.replaceAll(",", ""));
}

function bytes(count: number): string {
  return count.toLocaleString("en-US");
}

if (import.meta.main) {
  const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
  const limits = JSON.parse(read("size_limits.json")) as Record<string, number>;
  const told = toldSize(read("../CHANGELOG.md"));
  const problems: string[] = [];
  const folder = makeProject();
  try {
    for (const [statement, limit] of Object.entries(limits)) {
      const { minified, gzipped } = await sizeOf(statement, folder);
      console.log(
        `size: ${bytes(minified)} bytes minified, ${bytes(gzipped)} gzipped: ${statement}`,
      );
      if (gzipped > limit) {
        problems.push(`${statement}: ${bytes(gzipped)} bytes gzipped, allowed are ${bytes(limit)}`);
      }
      if (statement === CORE && !(Math.abs(gzipped / (told ?? NaN) - 1) <= TOLERANCE)) {
        problems.push(
          `CHANGELOG.md tells of ${told ?? "no"} bytes gzipped; there are ${bytes(gzipped)}`,
        );
      }
    }
    if (!Object.hasOwn(limits, CORE)) problems.push(`size_limits.json does not limit ${CORE}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
