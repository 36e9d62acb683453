import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "../harness.ts";
import { columnName, readColumn, tellColumn } from "./table.ts";

const README = new URL("../../README.md", import.meta.url);

test("the README's table of runtimes tells what this one can do", () => {
  const readme = readFileSync(README, "utf8");
  const written = readColumn(readme, columnName());
  const told: Record<string, string> = tellColumn();
  for (const [row, word] of Object.entries(told)) if (word === "?") told[row] = written[row]!;
  assertEquals(written, told);
});
