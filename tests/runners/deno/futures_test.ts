import {
  type Executor,
  importTasks,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  TimeoutError,
} from "@concurrent/futures";
import { baseName, fail, fibonacci, spin, sumOfSquares } from "./work.mjs";

const tasks = importTasks<{ nameOf(path: string): string }>(import.meta.resolve("./tasks.mjs"));
const sanitizers = { sanitizeOps: true, sanitizeResources: true, sanitizeExit: true };

function assertEquals(actual: unknown, expected: unknown): void {
  const [seen, wanted] = [Deno.inspect(actual), Deno.inspect(expected)];
  if (seen !== wanted) throw new Error(`${seen} is not ${wanted}`);
}

const KINDS: [string, () => Executor][] = [
  ["threads", () => new ThreadPoolExecutor(2)],
  ["processes", () => new ProcessPoolExecutor(2)],
];
for (const [name, create] of KINDS) {
  Deno.test({
    ...sanitizers,
    name: `${name}: nothing is left after shutdown()`,
    async fn(t) {
      await using executor = create();
      await t.step("functions and modules", async () => {
        assertEquals(await executor.submit(fibonacci, 10), 55);
        assertEquals(await sumOfSquares(executor, [1, 2, 3]), 14);
        assertEquals(await executor.submit(baseName, "/a/b"), "b");
        assertEquals(await executor.submit(tasks.nameOf, "/a/d"), "d");
      });
      await t.step("errors and values", async () => {
        const error = await executor.submit(fail, "too far").exception();
        assertEquals(error instanceof RangeError, true);
        const value = { map: new Map([[1, new Date(0)]]), bytes: new Uint8Array(2) };
        assertEquals(await executor.submit((x: typeof value) => x, value), value);
      });
      await t.step("timeouts", async () => {
        const late = executor.with({ timeout: 20 }).submit(spin);
        assertEquals(await late.exception() instanceof TimeoutError, true);
      });
    },
  });
}

Deno.test({
  name: "may be left without shutdown()",
  async fn() {
    assertEquals(await new ThreadPoolExecutor(1).submit(fibonacci, 3), 2);
  },
});
