import type { Executor } from "../../mod.ts";
import { EXECUTORS } from "../contract/executors.ts";
import { test } from "../harness.ts";
import { checkBreak, checkFault, checkShutdown, createFor, isHarmless } from "./fault.ts";
import { FAULTS } from "./table.ts";

for (const kind of EXECUTORS) {
  // All faults that harm no worker befall one executor, one after another.
  let shared: Executor | undefined;

  for (const fault of FAULTS) {
    test(`${fault.name} [${kind.name}]`, async () => {
      if (isHarmless(fault)) {
        shared ??= createFor(kind);
        return await checkFault(kind, fault, shared);
      }
      await using executor = createFor(kind, fault.options);
      await (fault.breaks ? checkBreak : checkFault)(kind, fault, executor);
      await checkShutdown(executor);
    }, { skip: fault.skip?.(kind), deadline: 20_000 });
  }

  test(`shutdown() after all faults that harm no worker [${kind.name}]`, async () => {
    if (shared !== undefined) await checkShutdown(shared);
  });
}
