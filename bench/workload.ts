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

/** A figure that is to be reached, the same on all runtimes or for some of them. */
type Goal = number | Partial<Record<RuntimeName, number>>;

/** What this library shall reach: a ratio to other contenders of the same run, or a bound. */
export type Target =
  & {
    /** Which of our rows is meant, if it is not the first. */
    readonly of?: string;
  }
  & ({
    /** The contenders that are meant. */
    readonly than: RegExp;
    /** Ours divided by theirs: at least this where more is better, at most where less is. */
    readonly ratio: Goal;
  } | {
    /** Ours itself, in the unit of the workload. */
    readonly bound: Goal;
  });

/** A target as it holds on one runtime, for the report. */
export interface TargetHere {
  readonly of?: string | undefined;
  /** The contenders that are meant, as a regular expression; none where the goal is a bound. */
  readonly than?: string | undefined;
  readonly goal: number;
}

/** A workload: what is measured, of whom. */
export interface Workload {
  readonly title: string;
  readonly unit: string;
  readonly better: "more" | "less";
  /** Runs on one CPU, where a round trip has one mode instead of two. */
  readonly pinned?: boolean;
  readonly rounds: number;
  /** Rounds of a `--quick` run, if not three. */
  readonly quickRounds?: number;
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
  /** The day of the run. */
  readonly date: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly pinned: boolean;
  readonly targets: readonly TargetHere[];
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
  const rounds = quick ? Math.min(workload.quickRounds ?? 3, workload.rounds) : workload.rounds;
  const roundLimit = quick ? ROUND_LIMIT / 5 : ROUND_LIMIT;
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
          limit(contender.name, roundLimit),
        ]);
        if (performance.now() - startedAt > (quick ? ONCE_AFTER / 10 : ONCE_AFTER) && round < 0) {
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
    date: new Date().toISOString().slice(0, 10),
    title: workload.title,
    unit: workload.unit,
    better: workload.better,
    pinned: workload.pinned ?? false,
    targets: workload.targets.flatMap((target): TargetHere[] => {
      const goal = "bound" in target ? target.bound : target.ratio;
      const mine = typeof goal === "number" ? goal : goal[RUNTIME];
      if (mine === undefined) return [];
      return [{
        of: target.of,
        than: "bound" in target ? undefined : target.than.source,
        goal: mine,
      }];
    }),
    rows: [...rows.values()].filter(({ figures }) => figures.length > 0),
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
function limit(name: string, milliseconds: number): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} has not ended`)),
      milliseconds,
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

/**
 * Contenders whose figures come of the same runs: the first of a round runs, the others take what it has
 * found for them.
 */
export function together<Name extends string>(
  names: readonly Name[],
  run: () => Promise<Record<Name, number>>,
): Contender[] {
  const found = new Map<Name, number[]>(names.map((name) => [name, []]));
  return names.map((name) => ({
    name,
    async round() {
      const mine = found.get(name)!;
      if (mine.length === 0) {
        const figures = await run();
        for (const one of names) found.get(one)!.push(figures[one]);
      }
      return mine.shift()!;
    },
  }));
}

/** A percentile of some figures, from 0 to 1. */
export function percentile(figures: readonly number[], part: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}
