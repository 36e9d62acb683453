import { assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import { test } from "../harness.ts";
import { columnName, readColumn, tellColumn } from "./table.ts";

const README = new URL("../../README.md", import.meta.url);

test("the README's table of runtimes tells what this one can do", async () => {
  const readme = await readFile(README, "utf8");
  assertEquals(readColumn(readme, columnName()), tellColumn());
});
