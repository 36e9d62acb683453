import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "../harness.ts";

/** Lines without what depends on where they stand. */
function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

const FIXTURES = readdirSync(new URL("./", import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) =>
    readdirSync(new URL(name, import.meta.url)).map((file) => `${name}/${file}`)
  )
  .map((path) => `\n${lines(read(path)).join("\n")}\n`);

test("docs/bundlers.md has lines of the fixtures, and no others", () => {
  const blocks = [...read("../../docs/bundlers.md").matchAll(/^```(\w+).*\n([\s\S]*?)^```$/gm)];
  const unknown: string[] = [];
  for (const [, language, block] of blocks) {
    // Commands are scripts of a package.json, one by one; code stands together.
    const parts = language === "sh"
      ? lines(block!).map((line) => `": "${line}"`)
      : [`\n${lines(block!).join("\n")}\n`];
    for (const part of parts) {
      if (!FIXTURES.some((text) => text.includes(part))) unknown.push(part);
    }
  }
  assertEquals(unknown, []);
  assert(blocks.length > 10, `${blocks.length} blocks`);
});
