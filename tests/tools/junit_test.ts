import { assertEquals } from "@std/assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readReport, skipReasons, writeReport } from "../../tools/junit.mjs";
import { test } from "../harness.ts";

const BIN = fileURLToPath(new URL("../../node_modules/.bin/", import.meta.url));
const HARNESS = new URL("../harness.ts", import.meta.url).href;

const SUITE = `
import { test } from ${JSON.stringify(HARNESS)};
test("a -> b passes", () => {});
test('"<c>" & d fail', () => { throw new Error("because"); });
test("e hangs", () => new Promise(() => {}), { deadline: 50 });
test("f is skipped", () => {}, { skip: "no luck" });
test("g passes", () => {});
`;

const COMMANDS: Record<string, (report: string) => string[]> = {
  deno: (report) => ["test", "-A", "--no-check", `--junit-path=${report}`],
  bun: (report) => ["test", "--reporter=junit", `--reporter-outfile=${report}`],
  node: (report) => [
    "--test",
    "--test-force-exit",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
  ],
};

for (const [name, command] of Object.entries(COMMANDS)) {
  test(`readReport() counts what ${name}'s test runner reports`, () => {
    const folder = mkdtempSync(join(tmpdir(), "junit-"));
    try {
      const report = join(folder, "report.xml");
      writeFileSync(join(folder, "a_test.ts"), SUITE);
      try {
        execFileSync(BIN + name, [...command(report), "./a_test.ts"], {
          cwd: folder,
          stdio: "ignore",
          // Node's runner runs nothing inside of another run of its own.
          env: { ...process.env, NODE_TEST_CONTEXT: undefined },
        });
      } catch { /* it exits with 1, as two tests fail */ }
      const { passed, failures, skipped } = readReport(readFileSync(report, "utf8"));
      assertEquals(passed, 2);
      assertEquals(failures.map((text) => text.split("\n")[0]), ['"<c>" & d fail', "e hangs"]);
      assertEquals(skipped, ["f is skipped # skipped: no luck"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, { deadline: 30_000 });
}

test("readReport() finds nothing in a report that was not written", () => {
  assertEquals(readReport(""), { passed: 0, failures: [], skipped: [] });
});

test("skipReasons() counts each reason", () => {
  assertEquals(skipReasons(["a # skipped: x", "b # skipped: y", "c # skipped: x"]), [
    "2 skipped: x",
    "1 skipped: y",
  ]);
});

test("writeReport() writes what readReport() reads, whatever the names hold", () => {
  const report = writeReport([
    { name: `a "<b>" & 'c'`, file: "x_test.ts", status: "passed", milliseconds: 1.5 },
    { name: "d > e", file: "x_test.ts", status: "failed", message: "1 < 2 && 3" },
    { name: "f # skipped: no <workers>", file: "x_test.ts", status: "skipped" },
  ]);
  assertEquals(readReport(report), {
    passed: 1,
    failures: ["d > e\n>1 < 2 && 3"],
    skipped: ["f # skipped: no <workers>"],
  });
});
