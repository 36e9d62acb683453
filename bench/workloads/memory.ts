import { runScript } from "../child.ts";
import { OURS } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Memory: bytes for each of 200,000 pending futures",
  unit: "bytes",
  better: "less",
  rounds: 3,
  cold: true,
  targets: [
    { of: `${OURS}, heap`, bound: 130 },
    { of: `${OURS}, resident`, bound: 350 },
  ],
  contenders(quick) {
    const count = quick ? 50_000 : 200_000;
    const probe = (kind: string, what: "heap" | "rss") => () =>
      Promise.resolve(
        JSON.parse(
          runScript("./memory_probe.ts", [kind, `${count}`], true),
        )[what],
      );
    return Promise.resolve([
      { name: `${OURS}, heap`, round: probe("futures", "heap") },
      { name: `${OURS}, resident`, round: probe("futures", "rss") },
      {
        name: "a promise and a queue entry, heap",
        round: probe("promises", "heap"),
      },
      {
        name: "a promise and a queue entry, resident",
        round: probe("promises", "rss"),
      },
    ]);
  },
};
