/**
 * Checks that every entry and every symbol of it is documented: values with an example that runs, types
 * with a sentence, and the members of both.
 *
 * `deno doc --lint` asks for less, and `deno test --doc` runs those examples that there are.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Values whose example cannot run as a test, and what tests it. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  serve: "its example is of two files: tests/packaging/consumer/worker.mjs",
};

interface Doc {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
}

interface Member {
  readonly name: string;
  readonly accessibility?: string;
  readonly isOverride?: boolean;
  readonly jsDoc?: Doc;
}

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: Doc;
  readonly def?: { readonly methods?: readonly Member[]; readonly properties?: readonly Member[] };
}

/** What `deno doc --json` prints. */
export interface Documentation {
  readonly nodes: Readonly<
    Record<string, {
      readonly module_doc?: Doc;
      readonly symbols: readonly {
        readonly name: string;
        readonly declarations: readonly Declaration[];
      }[];
    }>
  >;
}

/** What is not documented. */
export function checkDocs({ nodes }: Documentation): string[] {
  const problems = new Set<string>(); // a symbol may be of several entries
  for (const [url, { module_doc, symbols }] of Object.entries(nodes)) {
    if (!hasSentence(module_doc)) problems.add(`${url}: the module has no doc`);
    if (!hasExample(module_doc)) problems.add(`${url}: the module has no example that runs`);
    for (const { name, declarations } of symbols) {
      // Of overloads, one has it for all; an alias has it at what it stands for.
      const own = declarations.filter(({ kind }) => kind !== "reference");
      if (own.length === 0) continue;
      const isValue = own.some(({ kind }) => ["function", "class", "variable"].includes(kind));
      if (!own.some(({ jsDoc }) => hasSentence(jsDoc))) problems.add(`${name} has no doc`);
      if (
        isValue && !own.some(({ jsDoc }) => hasExample(jsDoc)) &&
        !Object.hasOwn(TESTED_ELSEWHERE, name)
      ) problems.add(`${name} has no example that runs`);
      const members = own.flatMap(({ def }) => [...def?.methods ?? [], ...def?.properties ?? []])
        .filter(({ accessibility, isOverride }) => accessibility !== "private" && !isOverride);
      const told = new Set(
        members.filter(({ jsDoc }) => hasSentence(jsDoc)).map((own) => own.name),
      );
      for (const member of members) {
        if (!told.has(member.name)) problems.add(`${name}.${member.name} has no doc`);
      }
    }
  }
  return [...problems];
}

function hasSentence(doc: Doc | undefined): boolean {
  return /[.:`]\s*$/m.test(doc?.doc ?? "");
}

function hasExample(doc: Doc | undefined): boolean {
  const examples = doc?.tags?.filter(({ kind }) => kind === "example") ?? [];
  return examples.some((example) => /^```ts\n[^]+```/m.test(example.doc ?? ""));
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const { exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
    exports: Record<string, string>;
  };
  const deno = join(root, "node_modules", ".bin", "deno");
  const output = execFileSync(deno, ["doc", "--json", ...Object.values(exports)], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 100 * 1024 * 1024,
    shell: process.platform === "win32",
    stdio: ["ignore", "pipe", "ignore"], // it warns of types of npm packages that it does not look for
  });
  const problems = checkDocs(JSON.parse(output) as Documentation);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
