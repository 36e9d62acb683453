/**
 * Tasks that forge messages, write into the channel, give values that cannot be read, submit others, and end
 * their workers; callers whose objects act while they are read. A model (`hostile_program.ts`) knows what may become of each task: it settles
 * within its bound, in a way that is possible, has run once at the most, and where it gave its value, once.
 *
 * `npm run fuzz:hostile` runs 500 others of each kind; `SEED` runs one again.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";
import { HostileProgram } from "./hostile_program.ts";

const PROGRAMS = Number(process.env.HOSTILE ?? 12);

/** Every part of every built-in of this realm, so that it can be seen whether one was changed. */
function builtIns(): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const { value } = Object.getOwnPropertyDescriptor(globalThis, name)!;
    if (typeof value !== "function" || !/^[A-Z]/.test(name)) continue;
    for (const [path, holder] of [[name, value], [`${name}.prototype`, value.prototype]]) {
      if (Object(holder) !== holder) continue;
      for (const key of Reflect.ownKeys(holder)) {
        const property = Object.getOwnPropertyDescriptor(holder, key)!;
        const part: unknown = property.get ?? property.value;
        if (typeof part === "function") found.set(`${path}.${String(key)}`, part);
      }
    }
  }
  return found;
}

for (const processes of [false, true]) {
  const kind = processes ? "processes" : "threads";
  test(
    `any hostile program of ${PROGRAMS} in ${kind}: every future settles, rightly and once`,
    async () => {
      const before = builtIns();
      for (let n = 0; n < PROGRAMS; n++) {
        const seed = SEED + n;
        try {
          await new HostileProgram(seed, processes).run();
        } catch (error) {
          throw new Error(
            `${(error as Error).message}\nTry it again: SEED=${seed} HOSTILE=1 ` +
              `node --test tests/stress/hostile_test.ts`,
            { cause: error },
          );
        }
      }
      const after = builtIns();
      for (const [path, value] of before) {
        assert(Object.is(after.get(path), value), `${path} changed`);
      }
      assertEquals(
        [...after.keys()].filter((path) => !before.has(path)),
        [],
      );
    },
    { deadline: 60_000 + 10_000 * PROGRAMS },
  );
}
