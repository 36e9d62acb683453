import { assert, assertEquals } from "@std/assert";
import { inspect } from "node:util";
import type { TaskContext } from "../../mod.ts";
import { test } from "../harness.ts";
import { Gate, POOLS, tasks, until } from "./pools.ts";

/** Where the finalizer writes to. */
function remember(path: string): void {
  (globalThis as { noted?: string }).noted = `${path}/log`;
}

function note(): void {
  const { noted, process } = globalThis as unknown as {
    noted: string;
    process: { getBuiltinModule(name: string): { appendFileSync(...args: string[]): void } };
  };
  process.getBuiltinModule("node:fs").appendFileSync(noted, "left finalizer\n");
}

const where = function (this: TaskContext): string {
  return this.workerName;
};

for (const kind of POOLS) {
  const on = `[${kind.name}]`;

  test(`finalizer runs in each worker when a pool is closed and joined ${on}`, async () => {
    using gate = new Gate();
    const pool = kind.make({
      processes: 2,
      initializer: remember,
      initargs: [gate.path],
      finalizer: note,
    });
    const results = pool.mapAsync(tasks.hold, gate.row(2), { chunkSize: 1 });
    await gate.waitEntered(2); // both have started
    gate.open();
    await results;
    pool.close();
    await pool.join();
    assertEquals(gate.left.filter((what) => what === "finalizer").length, 2);
  });

  test(`finalizer does not run when a pool is terminated ${on}`, async () => {
    using gate = new Gate();
    const pool = kind.make({
      processes: 1,
      initializer: remember,
      initargs: [gate.path],
      finalizer: note,
    });
    await pool.apply(where);
    await pool.terminate();
    assertEquals(gate.left, []);
  });

  test(`minWorkers and idleTimeout: a pool breathes between the two ${on}`, async () => {
    await using pool = kind.make({ processes: 3, minWorkers: 1, idleTimeout: 10 });
    const workers = (count: number) =>
      until(() => inspect(pool).includes(`${count} of 3 workers, 0 running`));
    await workers(1);
    {
      using gate = new Gate();
      const result = pool.mapAsync(tasks.hold, gate.row(3), { chunkSize: 1 });
      await gate.waitEntered(3);
      gate.open();
      assertEquals((await result).length, 3);
    }
    await workers(1);
  }, { deadline: 30_000 });

  test(`maxWorkerMemory: a pool replaces workers beyond it ${on}`, async () => {
    // Less than any worker has.
    await using pool = kind.make({ processes: 1, maxWorkerMemory: 1 });
    const names = new Set([await pool.apply(where), await pool.apply(where)]);
    assert(names.size === 2, `${[...names]}`);
  }, { deadline: 30_000 });
}
