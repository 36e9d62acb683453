/**
 * What a task does to `Array.prototype` and to functions hurts no stream and no child after it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Future, type TaskContext, ThreadPoolExecutor, WorkerCrashError } from "../../mod.ts";
import { test } from "../harness.ts";

test("a stream whose worker misses what it is granted settles", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => {
    Object.defineProperty(Array.prototype, 1, { set() {}, configurable: true });
  });
  let ended = "";
  for (let i = 0; i < 2; i++) {
    try {
      const stream = executor.stream(function* () {
        for (let i = 0; i < 100; i++) yield i;
      });
      for await (const _ of stream);
      ended += "read ";
    } catch (error) {
      ended += `${(error as Error).name} `;
    }
  }
  assertEquals(/^((read|WorkerCrashError) ){2}$/.test(ended), true, ended);
  assertEquals(await executor.submit(() => 1), 1);
});

test(
  "a stream goes on though a task has broken promises, and with them timers on Deno",
  async () => {
    await using executor = new ThreadPoolExecutor(1);
    for (const bufferSize of [4, 64]) {
      const stream = executor.with({ bufferSize }).stream(async function* () {
        // deno-lint-ignore no-explicit-any
        const prototype: any = Promise.prototype;
        for (const key of Reflect.ownKeys(prototype)) delete prototype[key];
        for (let i = 0; i < 60; i++) yield { i };
      });
      let read = 0;
      for await (const _ of stream) read++;
      assertEquals(read, 60);
    }
    assertEquals(await executor.submit(() => 1), 1);
  },
  { deadline: 120_000 },
);

test("a child is submitted though Function.prototype.call was replaced", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => {
    Function.prototype.call = () => {
      throw new Error("replaced");
    };
  });
  const parent = executor.submit(async function (this: TaskContext) {
    return await this.submit(() => 4);
  });
  try {
    assertEquals(await parent, 4);
  } catch (error) {
    // Deno itself receives messages with it, now and then: then the worker dies of it.
    if (!("Deno" in globalThis && error instanceof WorkerCrashError)) throw error;
  }
  assertEquals(await executor.submit(() => 1), 1);
});

test("a child is awaited though Promise.prototype.then was replaced", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => {
    Promise.prototype.then = function <T>(this: T): T {
      return this;
    } as never;
  });
  const parent = executor.submit(async function (this: TaskContext) {
    return await this.submit(() => 4);
  });
  assertEquals(await parent, 4);
});

for (
  const [what, replace] of [
    ["elements of Array.prototype throw", () => {
      for (let i = 0; i < 30; i++) {
        Object.defineProperty(Array.prototype, i, {
          set() {
            throw new Error("setter");
          },
          configurable: true,
        });
      }
    }],
    ["arrays cannot be iterated", () => {
      Array.prototype[Symbol.iterator] = () => {
        throw new Error("replaced");
      };
    }],
    ["RegExp.prototype.exec throws", () => {
      RegExp.prototype.exec = RegExp.prototype.test = () => {
        throw new Error("replaced");
      };
    }],
    ["String.prototype has no methods", () => {
      for (const name of ["slice", "startsWith", "replace", "trim"] as const) {
        String.prototype[name] = undefined as never;
      }
    }],
  ] as const
) {
  test(`children are submitted, awaited and told of though ${what}`, async () => {
    await using executor = new ThreadPoolExecutor(1);
    await executor.submit(replace);
    const parent = executor.submit(async function (this: TaskContext) {
      // An object: lists are what was replaced.
      const told: Record<number, unknown> = {};
      const bytes = new Uint8Array(4);
      const all: Record<number, Future<number>> = {
        ...this.map((x: number) => 2 * x, [1, 2, 3]),
        3: this.submit(function twice(bytes: Uint8Array) {
          return 2 * bytes.length;
        }, bytes),
      };
      for (let i = 0; i < 4; i++) {
        // Each has several who wait for it, one of whom gives up.
        all[i]!.addDoneCallback(() => told[i] = i)();
        const tells = () => void (told[i] = i);
        all[i]!.addDoneCallback(tells);
        await all[i]!.exception({ timeout: 60_000 });
        told[i] = `${told[i]}: ${await all[i]}`;
      }
      try {
        this.submit(class {} as never);
      } catch (error) {
        told[4] = (error as Error).name;
      }
      return told[0] + ", " + told[1] + ", " + told[2] + ", " + told[3] + ", " + told[4];
    });
    assertEquals(await parent, "0: 2, 1: 4, 2: 6, 3: 8, TypeError");
  });
}
