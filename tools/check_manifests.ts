/**
 * Checks that deno.json, jsr.json and package.json say the same.
 *
 *     node tools/check_manifests.ts [tag]
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";

interface Manifest {
  name?: string;
  version?: string;
  exports?: Record<string, string | { types?: string; default?: string }>;
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
      const built = (source as string).replace(/^\.\//, "./dist/").replace(/\.ts$/, "");
      return [entry, { types: `${built}.d.ts`, default: `${built}.js` }];
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

if (import.meta.main) {
  const problems = checkManifests(new URL("../", import.meta.url), process.argv[2]);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
