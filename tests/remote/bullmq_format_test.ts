import { assertEquals } from "@std/assert";
import { readOutcome } from "../../src/transports/bullmq_format.ts";
import { test } from "../harness.ts";

test("readOutcome() gives no payload for a result that is not JSON: one forged job hid those asked for with it", () => {
  const payload = new Uint8Array();
  assertEquals(readOutcome(["1", "2", "{", null]), { status: "completed", payload });
});
