import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "../harness.ts";

const ROOT = new URL("../../", import.meta.url);

/** What npm has installed. */
function installed(name: string): string {
  const text = readFileSync(new URL(`node_modules/${name}/package.json`, ROOT), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

test("the README's table names the versions that are really run", async () => {
  // Its own types ask for those of Node.
  const { NODE_VERSIONS } = await import("../packaging/node_versions.ts");
  const readme = readFileSync(new URL("README.md", ROOT), "utf8");
  const section = readme.slice(readme.indexOf("\n## What works where\n"));
  const [header] = section.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(header!.split("|").slice(2, -1).map((cell) => cell.trim()), [
    `Deno ${installed("deno")}`,
    `Bun ${installed("bun")}`,
    `Node ${NODE_VERSIONS.join(", ")}`,
    "Chromium",
    "Firefox",
    "WebKit²",
    `workerd ${installed("workerd")}`,
    `edge-runtime ${installed("edge-runtime")}`,
  ]);
  assertEquals(NODE_VERSIONS.includes(installed("node")), true);
});
