import { assertEquals, assertThrows } from "@std/assert";
import { BrokenExecutorError, ShutdownError } from "../../mod.ts";
import { EXECUTORS, Gate } from "../contract/executors.ts";
import { test } from "../harness.ts";
import { CALLS } from "./calls.ts";
import { checkShutdown, createFor, isDouble, outcomeOf } from "./fault.ts";

for (const kind of EXECUTORS) {
  for (const { name, act, after, options, skip } of CALLS) {
    test(`${name} [${kind.name}]`, async () => {
      await using executor = createFor(kind, options);
      using gate = new Gate();
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
