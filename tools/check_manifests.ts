/**
 * Checks that deno.json, jsr.json and package.json say the same, and that every version that is
 * installed anywhere is exact.
 *
 *     node tools/check_manifests.ts [tag]
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

interface Manifest {
  name?: string;
  version?: string;
  exports?: Record<string, string | { types?: string; module?: string; default?: string }>;
  publish?: unknown;
  dependencies?: Record<string, string>;
}

/** What is wrong with the manifests in a folder; and with a tag, `v1.2.3`, if there is one. */
export function checkManifests(root: URL, tag?: string): string[] {
  const problems: string[] = [];
  const read = (name: string): string => readFileSync(new URL(name, root), "utf8");
  const [deno, jsr, npm] = ["deno.json", "jsr.json", "package.json"]
    .map((name) => JSON.parse(read(name)) as Manifest) as [Manifest, Manifest, Manifest];
  for (const key of ["name", "version"] as const) {
    if (deno[key] !== jsr[key] || deno[key] !== npm[key]) {
      problems.push(
        `${key} differs: deno.json "${deno[key]}", jsr.json "${jsr[key]}", package.json "${
          npm[key]
        }"`,
      );
    }
  }
  for (const key of ["exports", "publish"] as const) {
    if (JSON.stringify(deno[key]) === JSON.stringify(jsr[key])) continue;
    problems.push(`${key} of deno.json and jsr.json differ`);
  }
  const expected: Manifest["exports"] = Object.fromEntries(
    Object.entries(deno.exports ?? {}).map(([entry, source]) => {
      const built = (source as string).replace(/^\.\/|\.ts$/g, "");
      return [entry, {
        types: `./dist/${built}.d.ts`,
        module: `./dist/modules/${built}.js`, // a condition of bundlers
        default: `./dist/${built}.js`,
      }];
    }),
  );
  expected["./package.json"] = "./package.json"; // tools of npm's users read it
  if (JSON.stringify(npm.exports) !== JSON.stringify(expected)) {
    problems.push(`exports of package.json are not ${JSON.stringify(expected)}`);
  }
  if (Object.keys(npm.dependencies ?? {}).length > 0) {
    problems.push("package.json has dependencies: the library has none");
  }
  if (tag !== undefined && tag !== `v${deno.version}`) {
    problems.push(`the tag is ${tag}, the version ${deno.version}`);
  }
  if (!read("CHANGELOG.md").includes(`## ${deno.version}`)) {
    problems.push(`CHANGELOG.md does not tell of ${deno.version}`);
  }
  return problems;
}

/** A version, and nothing that a newer one would be, too. `npm:` may name another package before it. */
const EXACT = /^(npm:(@[^/]+\/)?[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;

const KINDS = ["dependencies", "devDependencies", "optionalDependencies"] as const;

/** The versions in manifests and workflows that are not exact. */
export function checkVersions(root: URL): string[] {
  const problems: string[] = [];
  const names = readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"));
  for (const name of names) {
    if (/(^|\/)(node_modules|dist|\.git)\//.test(name)) continue;
    const read = (): string => readFileSync(new URL(name, root), "utf8");
    if (/(^|\/)package\.json$/.test(name)) {
      const manifest = JSON.parse(read()) as Partial<
        Record<(typeof KINDS)[number], Record<string, string>>
      >;
      for (
        const [other, version] of KINDS.flatMap((kind) => Object.entries(manifest[kind] ?? {}))
      ) {
        if (!EXACT.test(version)) problems.push(`${name}: ${other} "${version}" is not exact`);
      }
    }
    if (!/^\.github\/workflows\/.*\.yml$/.test(name)) continue;
    for (const [line, key, value = ""] of read().matchAll(/^[ -]*([\w-]+): *([^#\n]*)/gm)) {
      const text = value.trim();
      const wrong = key === "uses"
        ? !/@v\d+\.\d+\.\d+$/.test(text)
        : /^((node|deno|bun)(-version)?)$/.test(key!)
        ? !/^\d+\.\d+\.\d+$|^\$\{\{/.test(text)
        : /^(runs-on|os)$/.test(key!) && text.includes("latest");
      if (wrong) problems.push(`${name}: "${line.trim()}" is not exact`);
    }
  }
  return problems;
}

if (import.meta.main) {
  const root = new URL("../", import.meta.url);
  const problems = [...checkManifests(root, process.argv[2]), ...checkVersions(root)];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
