import type { Workload } from "../workload.ts";
import { targets, thereAndBack } from "./kib.ts";

export const workload: Workload = {
  title: "1 KiB, on all CPUs: there and back, one after the other",
  unit: "round trips/s",
  better: "more",
  rounds: 9,
  quickRounds: 5,
  targets,
  contenders: thereAndBack,
};
