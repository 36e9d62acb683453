import { assert, assertEquals } from "@std/assert";
import * as library from "../../mod.ts";
import { test } from "../harness.ts";

/** The code of each class. They are stable: users compare with them. */
const CODES: Record<string, string> = {
  CancelledError: "ERR_CANCELLED",
  TimeoutError: "ERR_TIMEOUT",
  InvalidStateError: "ERR_INVALID_STATE",
  ShutdownError: "ERR_SHUTDOWN",
  QueueFullError: "ERR_QUEUE_FULL",
  SerializationError: "ERR_SERIALIZATION",
  UnsupportedError: "ERR_UNSUPPORTED",
  BrokenExecutorError: "ERR_BROKEN_EXECUTOR",
  BrokenThreadPoolError: "ERR_BROKEN_THREAD_POOL",
  BrokenProcessPoolError: "ERR_BROKEN_PROCESS_POOL",
  WorkerCrashError: "ERR_WORKER_CRASH",
};

type ErrorClass = new (message?: string) => Error & { readonly code: string };

test("each class of errors has a code of its own, and no class has none", () => {
  const classes = Object.entries(library).filter(([, value]) =>
    typeof value === "function" && value.prototype instanceof Error
  ) as unknown as [string, ErrorClass][];
  assertEquals(
    Object.fromEntries(classes.map(([name, Class]) => [name, new Class("text").code])),
    CODES,
  );
  assertEquals(new Set(Object.values(CODES)).size, Object.keys(CODES).length);
});

test("the code of an error is in its JSON and in its copies", () => {
  const error = new library.TimeoutError("late");
  assertEquals(JSON.parse(JSON.stringify(error)).code, "ERR_TIMEOUT");
  assertEquals({ ...error }.code, "ERR_TIMEOUT");
});

test("the code of an error arrives with it from a worker", async () => {
  await using executor = library.createExecutor({ maxWorkers: 1 });
  const tasks = library.importTasks<typeof import("../fixtures/coded_errors.ts")>(
    new URL("../fixtures/coded_errors.ts", import.meta.url).href,
  );
  const error = await executor.submit(tasks.throwsQueueFull).exception();
  assert(error instanceof Error);
  assertEquals([error.name, (error as { code?: unknown }).code], [
    "QueueFullError",
    "ERR_QUEUE_FULL",
  ]);
});
