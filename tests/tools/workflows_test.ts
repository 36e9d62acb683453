import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "../harness.ts";

interface Step {
  uses?: string;
  run?: string;
}

interface Job {
  permissions?: Record<string, string>;
  "timeout-minutes"?: number;
  strategy?: { matrix: { runtime?: { suite?: string; package?: string }[] } };
  steps: Step[];
}

interface Workflow {
  permissions?: Record<string, string>;
  concurrency?: { group: string };
  jobs: Record<string, Job>;
}

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL(".github/workflows/", ROOT);

// It has no types; and a page that runs tests has no such folder, nor this file.
const { parse } = await import("deno-std/yaml/mod.js" as string) as {
  parse(text: string): unknown;
};
const workflows = readdirSync(FOLDER).map((name) => {
  return [name, parse(readFileSync(new URL(name, FOLDER), "utf8")) as Workflow] as const;
});

const { scripts } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as {
  scripts: Record<string, string>;
};

/** Names of the steps of `npm test`. */
const STEPS = [
  ...readFileSync(new URL("tools/test.mjs", ROOT), "utf8").matchAll(/^ {2}"?([\w:]+)"?: /gm),
].map((found) => found[1]!);

/** What is wrong with a command: a script, a file or a step that is not there. */
function wrongWith(command: string): string[] {
  const wrong: string[] = [];
  for (const [, name] of command.matchAll(/\bnpm (?:run )?(test(?:\S*)?|(?<=run )\S+)/g)) {
    if (scripts[name!] === undefined) wrong.push(`npm run ${name}`);
  }
  for (const [, path] of command.matchAll(/\b((?:tools|tests|bench)\/\S+)/g)) {
    if (!existsSync(new URL(path!, ROOT))) wrong.push(path!);
  }
  const [, chosen = ""] = /tools\/test\.mjs (.*)/.exec(command) ?? [];
  for (const step of chosen.split(" ").filter((step) => step !== "")) {
    if (!STEPS.includes(step)) wrong.push(`step ${step}`);
  }
  return wrong;
}

test("workflows run commands that there are", () => {
  let count = 0;
  for (const [file, { jobs }] of workflows) {
    for (const [name, { steps, strategy }] of Object.entries(jobs)) {
      const commands = [
        ...steps.map(({ run }) => run),
        ...(strategy?.matrix.runtime ?? []).flatMap((entry) => [entry.suite, entry.package]),
      ].filter((command) => command !== undefined);
      count += commands.length;
      for (const command of commands) assertEquals(wrongWith(command), [], `${file}, ${name}`);
    }
  }
  assert(count > 20, `${count} commands`);
});

test("a command that there is not is found", () => {
  assertEquals(wrongWith("npm run test:deno"), []);
  assertEquals(wrongWith("npm run nothing"), ["npm run nothing"]);
  assertEquals(wrongWith("npm run test:nothing"), ["npm run test:nothing"]);
  assertEquals(wrongWith("node tools/nothing.mjs a"), ["tools/nothing.mjs"]);
  assertEquals(wrongWith("node tools/test.mjs structure nothing"), ["step nothing"]);
});

test("workflows may do no more than they must, pin actions, and end", () => {
  assertEquals(workflows.map(([name]) => name).sort(), ["ci.yml", "newest.yml", "publish.yml"]);
  for (const [file, { permissions, concurrency, jobs }] of workflows) {
    assertEquals(permissions, { contents: "read" }, file);
    assert(concurrency?.group !== undefined, file);
    for (const [name, job] of Object.entries(jobs)) {
      assert((job["timeout-minutes"] ?? Infinity) <= 60, `${file}, ${name}`);
      const more = name === "jsr" || name === "npm"
        ? { "id-token": "write" }
        : name === "newest"
        ? { issues: "write" }
        : undefined;
      assertEquals(job.permissions, more && { contents: "read", ...more }, `${file}, ${name}`);
      for (const { uses } of job.steps) {
        if (uses !== undefined) assertMatch(uses, /@v\d+\.\d+\.\d+$/);
      }
    }
  }
});
