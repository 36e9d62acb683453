/**
 * Says how large the library is in a bundle for browsers, minified and gzipped.
 *
 *     node tests/bundlers/size.ts
 *
 * Fails if an entry is larger than `tests/bundlers/size_limits.json` allows, in bytes after gzip, or if
 * CHANGELOG.md tells another size than there is.
 *
 * @module
 */

import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { makeProject } from "./project.ts";

/** The import that CHANGELOG.md tells the size of. */
export const CORE = 'import { ThreadPoolExecutor } from "@concurrent/futures"';

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

/**
 * What is wrong with sizes, by import.
 *
 * @param sizes Bytes after gzip.
 * @param limits The most that they may be.
 * @param changelog The text that tells the size of {@linkcode CORE}.
 */
export function checkSizes(
  sizes: Readonly<Record<string, number>>,
  limits: Readonly<Record<string, number>>,
  changelog: string,
): string[] {
  const problems: string[] = [];
  for (const [statement, size] of Object.entries(sizes)) {
    const limit = limits[statement] ?? 0;
    if (size > limit) {
      problems.push(`${statement}: ${bytes(size)} bytes gzipped, allowed are ${bytes(limit)}`);
    }
  }
  const size = sizes[CORE] ?? NaN;
  const told = /([\d,]+) bytes gzipped/.exec(changelog)?.[1];
  const difference = Math.abs(size / Number(told?.replaceAll(",", "")) - 1);
  if (!(difference <= TOLERANCE)) {
    problems.push(`CHANGELOG.md tells of ${told ?? "no"} bytes gzipped; there are ${bytes(size)}`);
  }
  return problems;
}

function bytes(count: number): string {
  return count.toLocaleString("en-US");
}

if (import.meta.main) {
  const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
  const limits = JSON.parse(read("size_limits.json")) as Record<string, number>;
  const sizes: Record<string, number> = {};
  const folder = makeProject();
  try {
    for (const statement of Object.keys(limits)) {
      const { minified, gzipped } = await sizeOf(statement, folder);
      console.log(
        `size: ${bytes(minified)} bytes minified, ${bytes(gzipped)} gzipped: ${statement}`,
      );
      sizes[statement] = gzipped;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const problems = checkSizes(sizes, limits, read("../../CHANGELOG.md"));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
