/**
 * What a benchmark is, and how it is run: contenders take turns, round by round, in one process, so
 * that whatever else the machine does hits them all.
 *
 * @module
 */

import process from "node:process";

export type RuntimeName = "deno" | "bun" | "node";

/** Which runtime this is. */
export const RUNTIME: RuntimeName = "Deno" in globalThis
  ? "deno"
  : "bun" in process.versions
  ? "bun"
  : "node";

export const WORKERS = 2;

/** Milliseconds until a round is given up. */
const ROUND_LIMIT = 150_000;

/** A contender whose first round took longer than this, in milliseconds, has no other. */
const ONCE_AFTER = 20_000;

/** The name of this library in every workload. */
export const OURS = "@concurrent/futures";

/** One who is measured. */
export interface Contender {
  readonly name: string;
  /** Runs the workload once, checks the results, and returns the figure. */
  round(): Promise<number>;
  end?(): Promise<void> | void;
}

/** What this library shall reach, as a ratio to another contender of the same run. */
export interface Target {
  /** The contenders that are meant. */
  readonly than: RegExp;
  /** Ours divided by theirs: at least this where more is better, at most where less is. */
  readonly ratio: number | Partial<Record<RuntimeName, number>>;
  /** Which of our rows is meant, if it is not the first. */
  readonly of?: string;
}

/** A workload: what is measured, of whom. */
export interface Workload {
  readonly title: string;
  readonly unit: string;
  readonly better: "more" | "less";
  /** Runs on one CPU, where a round trip has one mode instead of two. */
  readonly pinned?: boolean;
  readonly rounds: number;
  readonly targets: readonly Target[];
  /** Each round starts a process, which has nothing to warm up. */
  readonly cold?: boolean;
  contenders(quick: boolean): Promise<Contender[]>;
}

/** The figures of one contender. */
export interface Row {
  readonly name: string;
  readonly figures: number[];
}

/** What one process prints, for the report. */
export interface WorkloadResult {
  readonly id: string;
  readonly runtime: RuntimeName;
  readonly version: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly pinned: boolean;
  readonly targets: readonly {
    than: string;
    ratio: number;
    of?: string | undefined;
  }[];
  readonly rows: readonly Row[];
  /** Contenders that gave an error or a wrong result. */
  readonly failures: readonly { name: string; message: string }[];
}

/** Runs a workload: a round to warm up, then the rounds that count. */
export async function runWorkload(
  id: string,
  workload: Workload,
  quick: boolean,
): Promise<WorkloadResult> {
  const contenders = await workload.contenders(quick);
  const rows = new Map(
    contenders.map(({ name }) => [name, { name, figures: [] as number[] }]),
  );
  const failures: { name: string; message: string }[] = [];
  const slow = new Set<Contender>();
  const rounds = quick ? Math.min(3, workload.rounds) : workload.rounds;
  for (let round = workload.cold ? 0 : -1; round < rounds; round++) {
    // Who begins changes: the first of a round meets a colder machine.
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round + 1) % contenders.length]!;
      const row = rows.get(contender.name);
      if (row === undefined) continue;
      try {
        if (slow.has(contender)) continue;
        const startedAt = performance.now();
        const figure = await Promise.race([
          contender.round(),
          limit(contender.name),
        ]);
        if (performance.now() - startedAt > ONCE_AFTER && round < 0) {
          slow.add(contender);
        }
        if (round >= 0 || slow.has(contender)) row.figures.push(figure);
      } catch (error) {
        rows.delete(contender.name);
        failures.push({ name: contender.name, message: String(error) });
      }
    }
  }
  // Not all peers end, and this process does so at once.
  for (const contender of contenders) void contender.end?.();
  return {
    id,
    runtime: RUNTIME,
    version: version(),
    title: workload.title,
    unit: workload.unit,
    better: workload.better,
    pinned: workload.pinned ?? false,
    targets: workload.targets.flatMap(({ than, ratio, of }) => {
      const mine = typeof ratio === "number" ? ratio : ratio[RUNTIME];
      return mine === undefined ? [] : [{ than: than.source, ratio: mine, of }];
    }),
    rows: [...rows.values()],
    failures,
  };
}

function version(): string {
  const { deno, bun, node } = process.versions as Record<
    string,
    string | undefined
  >;
  return deno !== undefined ? `Deno ${deno}` : bun !== undefined ? `Bun ${bun}` : `Node.js ${node}`;
}

/** Rejects when a round takes so long that it will never end. */
function limit(name: string): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} has not ended`)),
      ROUND_LIMIT,
    );
    timer.unref?.();
  });
}

/** Fails the round of a contender. */
export function check(ok: boolean, what: string): void {
  if (!ok) throw new Error(`wrong result: ${what}`);
}

/** Milliseconds that something takes. */
export async function time(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

/** How often per second `count` things are done by `run`. */
export async function rate(
  count: number,
  run: () => Promise<unknown>,
): Promise<number> {
  return count / (await time(run)) * 1000;
}
