import { Pool, ThreadPool } from "../../mod.ts";
import type { Executor, WorkerPool } from "../../mod.ts";
import { ourProcesses, ours } from "../pools.ts";
import { python } from "../python.ts";
import { identity } from "../tasks.js";
import { check, OURS, rate, WORKERS } from "../workload.ts";
import type { Contender, Target, Workload } from "../workload.ts";

/** `Executor.map` and what a pool has for the same: `map`, `starmap` and `imap`. */
function contendersOf(
  executor: Executor,
  executorName: string,
  pool: WorkerPool,
  poolName: string,
  count: number,
): Contender[] {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const rows = numbers.map((x): [number] => [x]);
  const ordered = (results: readonly unknown[]): void =>
    check(results.length === count && results.every((x, i) => x === i), "all in order");
  const contender = (name: string, run: () => Promise<unknown>) => ({
    name: `${OURS}, ${name}`,
    round: () => rate(count, run),
  });
  return [
    {
      ...contender(
        `${executorName}.map`,
        async () => ordered(await executor.map(identity, numbers).toArray()),
      ),
      end: () => executor.shutdown(),
    },
    contender(`${executorName}.map, for await`, async () => {
      const results: number[] = [];
      for await (const x of executor.map(identity, numbers)) results.push(x);
      ordered(results);
    }),
    {
      ...contender(`${poolName}.map`, async () => ordered(await pool.map(identity, numbers))),
      end: () => pool.terminate(),
    },
    contender(`${poolName}.starmap`, async () => ordered(await pool.starmap(identity, rows))),
    contender(`${poolName}.imap`, async () => {
      const results: number[] = [];
      for await (const x of pool.imap(identity, numbers)) results.push(x);
      ordered(results);
    }),
  ];
}

function targetsOf(executorName: string, poolName: string): Target[] {
  return ["map", "starmap", "imap"].flatMap((method) => {
    const of = `${OURS}, ${poolName}.${method}`;
    return [
      {
        of,
        // Like with like: all at once, or one by one.
        than: new RegExp(`, ${executorName}.map${method === "imap" ? ", for await" : ""}$`),
        ratio: 0.7,
      },
      ...(method === "map" ? [{ of, than: new RegExp(`^CPython ${poolName}`), ratio: 1 }] : []),
    ];
  });
}

export const processes: Workload = {
  title: "Pool (processes): a million integers through map, starmap and imap",
  unit: "items/s",
  better: "more",
  rounds: 7,
  targets: targetsOf("ProcessPoolExecutor", "Pool"),
  async contenders(quick) {
    const count = quick ? 200_000 : 1_000_000;
    const pool = new Pool(WORKERS);
    return [
      ...contendersOf(await ourProcesses(), "ProcessPoolExecutor", pool, "Pool", count),
      ...python("map.py", [["CPython Pool.map", "Pool", `${count}`]]),
    ];
  },
};

export const workload: Workload = {
  title: "ThreadPool: a million integers through map, starmap and imap",
  unit: "items/s",
  better: "more",
  rounds: 7,
  targets: targetsOf("ThreadPoolExecutor", "ThreadPool"),
  async contenders(quick) {
    const count = quick ? 200_000 : 1_000_000;
    const pool = new ThreadPool(WORKERS);
    return [
      ...contendersOf(await ours(), "ThreadPoolExecutor", pool, "ThreadPool", count),
      ...python("map.py", [["CPython ThreadPool.map", "ThreadPool", `${count}`]]),
    ];
  },
};
