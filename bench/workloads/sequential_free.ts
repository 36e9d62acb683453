import type { Workload } from "../workload.ts";
import { oneByOne } from "./sequential.ts";

export const workload: Workload = {
  title: "Sequential, on all CPUs: await submit(identity), again and again",
  unit: "round trips/s",
  better: "more",
  rounds: 9,
  quickRounds: 5,
  targets: [{ than: /^(?!raw)/, ratio: 1 }],
  contenders: oneByOne,
};
