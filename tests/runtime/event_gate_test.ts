import { assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { EventGate } from "../../src/runtime/event_gate.ts";
import { test } from "../harness.ts";

function observe(): { gate: EventGate; told: string[]; exited: Promise<void> } {
  const told: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const gate = new EventGate({
    message: (data) => told.push(`message ${data}`),
    error: (error) => told.push(`error ${error}`),
    messageError: () => told.push("messageError"),
    exit: (exitCode) => {
      told.push(`exit ${exitCode}`);
      resolve();
    },
  });
  return { gate, told, exited: promise };
}

test("EventGate lets messages pass that come after the sign of the exit", async () => {
  const { gate, told, exited } = observe();
  gate.message(1);
  gate.exit(3);
  let late = 2;
  // As long as each turn brings one, more may come.
  await new Promise<void>((resolve) => {
    const deliver = (): void => {
      gate.message(late++);
      if (late < 6) setTimeout(deliver, 0);
      else resolve();
    };
    deliver();
  });
  await exited;
  assertEquals(told, ["message 1", "message 2", "message 3", "message 4", "message 5", "exit 3"]);
});

test("EventGate tells one exit, the first, and nothing after it", async () => {
  const { gate, told, exited } = observe();
  gate.exit(3);
  gate.exit(4);
  gate.exitSoon(() => told.push("given up"));
  gate.error("on the way");
  await exited;
  gate.message(1);
  gate.error("late");
  gate.messageError();
  gate.exit(5);
  await delay(5);
  assertEquals(told, ["error on the way", "exit 3"]);
});

test("EventGate.exitSoon() gives a worker up that does not end", async () => {
  const { gate, told, exited } = observe();
  gate.exitSoon(() => told.push("given up"));
  gate.exitSoon(() => told.push("given up twice"));
  await exited;
  assertEquals(told, ["given up", "exit undefined"]);
});
