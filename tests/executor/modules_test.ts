/** Modules of tasks: written late, missing once, in CommonJS. @module */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { importTasks, InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import type { Executor } from "../../mod.ts";
import { test } from "../harness.ts";

const KINDS: [string, () => Executor][] = [
  ["ThreadPoolExecutor", () => new ThreadPoolExecutor(1)],
  ["ProcessPoolExecutor", () => new ProcessPoolExecutor(1)],
  ["InlineExecutor", () => new InlineExecutor()],
];

/** A folder of modules that are written one by one. */
class Folder implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), "modules-"));

  write(name: string, text: string): void {
    writeFileSync(join(this.#path, name), text);
  }

  tasks(name: string): Record<string, (...args: number[]) => unknown> {
    return importTasks(pathToFileURL(join(this.#path, name)));
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}

const COMMON_JS: [string, string, string][] = [
  ["exports", "double", "exports.double = (x) => 2 * x;"],
  ["module.exports as default", "default", "module.exports = (x) => 2 * x;"],
  [
    "a property of the function",
    "double",
    "module.exports = () => {}; module.exports['dou' + 'ble'] = (x) => 2 * x;",
  ],
  ["Object.assign", "double", "Object.assign(module.exports, { double: (x) => 2 * x });"],
  ["names from a loop", "double", "for (const n of ['double']) exports[n] = (x) => 2 * x;"],
  [
    "a transpiled default",
    "default",
    "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = (x) => 2 * x;",
  ],
  [
    "a getter, as of a name that is exported again",
    "double",
    "Object.defineProperty(module.exports, ['double'][0], { enumerable: true, get: () => (x) => 2 * x });",
  ],
];

for (const [kind, create] of KINDS) {
  test(`a module that throws what cannot be looked at fails its task alone [${kind}]`, async () => {
    await using executor = create();
    using folder = new Folder();
    folder.write(
      "hostile.mjs",
      `throw Object.defineProperty(new RangeError("late"), "code", {
        get() { throw new Error("trap"); } });`,
    );
    folder.write("good.mjs", "export const double = (x) => 2 * x;");
    const hostile = executor.submit(folder.tasks("hostile.mjs")["double"]!, 1);
    const good = executor.submit(folder.tasks("good.mjs")["double"]!, 2);
    assertStringIncludes(String(await hostile.exception()), "late");
    assertEquals(await good, 4);
    assertEquals(executor.stats().crashed, 0);
  });

  test(`a module that was written after another of its folder was loaded is found [${kind}]`, async () => {
    await using executor = create();
    using folder = new Folder();
    for (let i = 0; i < 3; i++) {
      folder.write(`late ${i}.mjs`, `export const number = () => ${i};`);
      assertEquals(await executor.submit(folder.tasks(`late ${i}.mjs`)["number"]!), i);
    }
  });

  test(`a module that was missing once is found when it is there, and loaded once [${kind}]`, async () => {
    await using executor = create();
    using folder = new Folder();
    const tasks = folder.tasks("missing.mjs");
    for (let i = 0; i < 2; i++) {
      const error = await executor.submit(tasks["count"]!).exception() as Error;
      assertStringIncludes(error.message, `Cannot run task "count"`);
    }
    folder.write(
      "missing.mjs",
      "let calls = 0; export const count = () => ++calls; export const again = () => ++calls;",
    );
    assertEquals(await executor.submit(tasks["count"]!), 1);
    assertEquals(await executor.submit(tasks["again"]!), 2);
  });

  test(`a module in CommonJS exports what require() would give [${kind}]`, async () => {
    await using executor = create();
    using folder = new Folder();
    for (const [i, [what, name, text]] of COMMON_JS.entries()) {
      folder.write(`${i}.cjs`, text);
      const result = await executor.submit(folder.tasks(`${i}.cjs`)[name]!, 2).result()
        .catch((error) => error);
      assertEquals(result, 4, what);
    }
    folder.write("none.cjs", "Object.assign(module.exports, { toString: 1 });");
    for (const [name, why] of [["valueOf", "has no export"], ["toString", "is not a function"]]) {
      const error = await executor.submit(folder.tasks("none.cjs")[name!]!).exception() as Error;
      assertStringIncludes(error.message, why!);
    }
  });
}
