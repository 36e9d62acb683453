import { spawnSync } from "node:child_process";
import { WORKERS } from "./workload.ts";
import type { Contender } from "./workload.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** CPython's own pools, beside: a script of `python/` prints the figure. None where there is no python3. */
export function python(
  script: string,
  variants: readonly (readonly [name: string, ...args: string[]])[],
): Contender[] {
  if (!hasPython) return [];
  return variants.map(([name, ...args]) => ({
    name,
    round() {
      const path = new URL(`./python/${script}`, import.meta.url).pathname;
      const { stdout, stderr } = spawnSync("python3", [
        path,
        `${WORKERS}`,
        ...args,
      ], {
        encoding: "utf8",
      });
      const figure = Number(stdout);
      if (!(figure > 0)) throw new Error(`${script}: ${stderr}`);
      return Promise.resolve(figure);
    },
  }));
}
