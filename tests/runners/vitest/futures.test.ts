import {
  asCompleted,
  importTasks,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  TimeoutError,
} from "@concurrent/futures";
import { basename } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { baseName, fail, fibonacci, spin, sumOfSquares } from "./work.mjs";

const tasks = importTasks<{ nameOf(path: string): string }>(
  new URL("./tasks.mjs", import.meta.url),
);

describe.each([
  ["threads", () => new ThreadPoolExecutor(2)],
  ["processes", () => new ProcessPoolExecutor(2)],
])("%s", (_, create) => {
  let executor: ThreadPoolExecutor;
  beforeAll(() => {
    executor = create();
  });
  afterAll(() => executor.shutdown());
  afterEach(() => {
    vi.useRealTimers();
  });

  it("runs functions of other modules, and those of the test", async () => {
    expect(await executor.submit(fibonacci, 10)).toBe(55);
    expect(await executor.submit((x: number) => x + 1, 1)).toBe(2);
    expect(await sumOfSquares(executor, [1, 2, 3])).toBe(14);
  });

  it("runs imports inside of tasks, which vite rewrites", async () => {
    expect(await executor.submit(baseName, "/a/b")).toBe("b");
    const inTest = async (path: string) => (await import("node:path")).basename(path);
    expect(await executor.submit(inTest, "/a/c")).toBe("c");
    expect(await executor.submit(tasks.nameOf, "/a/d")).toBe("d");
  });

  it("names vite where an import at the top is missed", async () => {
    const future = executor.submit((path: string) => basename(path), "/a/b");
    await expect(future).rejects.toThrow(/is not defined in the worker: Vite has put it into task/);
  });

  it("gives errors and values that matchers know", async () => {
    await expect(executor.submit(fail, "too far")).rejects.toThrow(new RangeError("too far"));
    await expect(executor.submit(fail, "too far")).rejects.toBeInstanceOf(RangeError);
    const value = {
      map: new Map([[1, new Date(0)]]),
      set: new Set(["a"]),
      bytes: new Uint8Array(2),
    };
    expect(await executor.submit((x: typeof value) => x, value)).toEqual(value);
  });

  it("works while all timers are faked, and its timeouts go by the real clock", async () => {
    vi.useFakeTimers({
      toFake: [
        "setTimeout",
        "clearTimeout",
        "setImmediate",
        "setInterval",
        "queueMicrotask",
        "Date",
        "performance",
      ],
    });
    expect(await executor.submit(fibonacci, 20)).toBe(6765);
    await expect(executor.with({ timeout: 20 }).submit(spin)).rejects.toBeInstanceOf(TimeoutError);
    const own = create();
    const futures = [1, 2, 3].map((n) => own.submit(fibonacci, n));
    const results: number[] = [];
    for await (const future of asCompleted(futures, { timeout: 20_000 })) {
      results.push(await future);
    }
    expect(results.sort()).toEqual([1, 1, 2]);
    await own.shutdown();
  });
});

it("works after modules were reset", async () => {
  vi.resetModules();
  const fresh = await import("@concurrent/futures");
  await using executor = new fresh.ThreadPoolExecutor(1);
  await expect(executor.submit(fail, "no")).rejects.toThrow("no");
});

it("may be left without shutdown()", async () => {
  expect(await new ThreadPoolExecutor(1).submit(fibonacci, 3)).toBe(2);
});
