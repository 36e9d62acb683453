import { assertEquals, assertThrows } from "@std/assert";
import { BrokenExecutorError, ShutdownError } from "../../mod.ts";
import { ALL_EXECUTORS, Gate, isProcesses } from "../contract/executors.ts";
import { test } from "../harness.ts";
import { CALLS } from "./calls.ts";
import { PROCESS_CALLS } from "./process_calls.ts";
import { checkShutdown, createFor, isDouble, outcomeOf } from "./fault.ts";

for (const kind of ALL_EXECUTORS) {
  for (const { name, act, after, options, skip, onlyProcesses } of [...CALLS, ...PROCESS_CALLS]) {
    if (onlyProcesses && !isProcesses(kind)) continue;
    test(`${name} [${kind.name}]`, async () => {
      await using executor = createFor(kind, options);
      using gate = new Gate(kind);
      await act(executor, gate, kind);
      if (after === "works") {
        assertEquals(await outcomeOf(executor.submit(() => "works")), { value: "works" });
      } else {
        const errorClass = after === "broken" ? BrokenExecutorError : ShutdownError;
        assertThrows(() => executor.submit(() => 1), errorClass);
      }
      await checkShutdown(executor);
      const { pending, running } = executor.stats();
      assertEquals([pending, running], [0, 0]);
    }, { skip: skip?.(kind) ?? isDouble(kind), deadline: 20_000 });
  }
}
