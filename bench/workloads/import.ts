import { runScript } from "../child.ts";
import { OURS, RUNTIME } from "../workload.ts";
import type { Workload } from "../workload.ts";

/** What is imported by whom; peers only where they are made for. */
const SPECIFIERS: Readonly<Record<string, string>> = {
  [OURS]: "../dist/mod.js",
  ...(RUNTIME === "node"
    ? { piscina: "piscina", tinypool: "tinypool", poolifier: "poolifier", workerpool: "workerpool" }
    : {
      "poolifier-web-worker": `./node_modules/poolifier-web-worker/${
        RUNTIME === "bun" ? "browser" : "esm"
      }/mod.js`,
    }),
};

export const workload: Workload = {
  title: "Import: the built package alone, in a fresh program",
  unit: "ms",
  better: "less",
  rounds: 15,
  quickRounds: 9,
  cold: true,
  targets: [{ bound: 4 }],
  contenders: () =>
    Promise.resolve(
      Object.entries(SPECIFIERS).map(([name, specifier]) => ({
        name,
        round: () => Promise.resolve(Number(runScript("./import_probe.js", [specifier]))),
      })),
    ),
};
