import type { Executor } from "../../mod.ts";
import { ALL_EXECUTORS, isProcesses } from "../contract/executors.ts";
import { test } from "../harness.ts";
import {
  checkBreak,
  checkFault,
  checkShutdown,
  createFor,
  endsWorkers,
  isDouble,
} from "./fault.ts";
import { FAULTS } from "./table.ts";

/** Why nothing is run from text on the thread of the test. */
const NO_CODE = mayCompile() ? undefined : "the policy of this page forbids code from text";

function mayCompile(): boolean {
  try {
    return new Function("return true")();
  } catch {
    return false;
  }
}

for (const kind of ALL_EXECUTORS) {
  // The faults befall one executor, one after another: it works after each of them.
  let shared: Executor | undefined;

  for (const fault of FAULTS) {
    if (fault.onlyProcesses && !isProcesses(kind)) continue;
    test(`${fault.name} [${kind.name}]`, async () => {
      if (fault.options !== undefined || fault.breaks) {
        await using executor = createFor(kind, fault.options);
        await (fault.breaks ? checkBreak : checkFault)(kind, fault, executor);
        return await checkShutdown(executor);
      }
      const executor = shared ?? createFor(kind);
      shared = undefined;
      await checkFault(kind, fault, executor);
      shared = executor;
    }, {
      skip: fault.skip?.(kind) ?? (kind.inline ? NO_CODE : undefined) ??
        (endsWorkers(fault) ? isDouble(kind) : undefined),
      deadline: 60_000,
      ...(fault.options === undefined && !fault.breaks ? { leaves: "the shared executor" } : {}),
    });
  }

  test(`shutdown() after all faults [${kind.name}]`, async () => {
    if (shared !== undefined) await checkShutdown(shared);
  });
}
