import {
  importTasks,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  TimeoutError,
} from "@concurrent/futures";
import assert from "node:assert/strict";
import { after, before, describe, it, mock } from "node:test";
import { baseName, fail, fibonacci, spin, sumOfSquares } from "./work.mjs";

const tasks = importTasks(new URL("./tasks.mjs", import.meta.url));

for (
  const [name, create] of [
    ["threads", () => new ThreadPoolExecutor(2)],
    ["processes", () => new ProcessPoolExecutor(2)],
  ]
) {
  describe(name, () => {
    let executor;
    before(() => {
      executor = create();
    });
    after(() => executor.shutdown());

    it("runs functions and modules", async () => {
      assert.equal(await executor.submit(fibonacci, 10), 55);
      assert.equal(await sumOfSquares(executor, [1, 2, 3]), 14);
      assert.equal(await executor.submit(baseName, "/a/b"), "b");
      assert.equal(await executor.submit(tasks.nameOf, "/a/d"), "d");
    });

    it("gives errors and values that assertions know", async () => {
      await assert.rejects(executor.submit(fail, "too far").result(), new RangeError("too far"));
      const value = {
        map: new Map([[1, new Date(0)]]),
        set: new Set(["a"]),
        bytes: new Uint8Array(2),
      };
      assert.deepEqual(await executor.submit((x) => x, value), value);
    });

    it("works while timers are mocked, and its timeouts go by the real clock", async () => {
      mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate", "Date"] });
      assert.equal(await executor.submit(fibonacci, 20), 6765);
      await assert.rejects(executor.with({ timeout: 20 }).submit(spin).result(), TimeoutError);
      const own = create();
      await own.submit(fibonacci, 1);
      await own.shutdown();
      mock.timers.reset();
    });
  });
}

it("may be left without shutdown()", async () => {
  assert.equal(await new ThreadPoolExecutor(1).submit(fibonacci, 3), 2);
});
