import {
  asCompleted,
  importTasks,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  TimeoutError,
} from "@concurrent/futures";
import { jest } from "@jest/globals";
import { baseName, fail, fibonacci, spin, sumOfSquares } from "./work.mjs";

const tasks = importTasks(new URL("./tasks.mjs", import.meta.url));

describe.each([
  ["threads", () => new ThreadPoolExecutor(2)],
  ["processes", () => new ProcessPoolExecutor(2)],
])("%s", (_, create) => {
  let executor;
  beforeAll(() => {
    executor = create();
  });
  afterAll(() => executor.shutdown());
  afterEach(() => jest.useRealTimers());

  test("runs functions of other modules, whose coverage may be counted, and those of the test", async () => {
    expect(await executor.submit(fibonacci, 10)).toBe(55);
    expect(await executor.submit((x) => x + 1, 1)).toBe(2);
    expect(await sumOfSquares(executor, [1, 2, 3])).toBe(14);
  });

  test("runs imports inside of tasks", async () => {
    expect(await executor.submit(baseName, "/a/b")).toBe("b");
    expect(await executor.submit(tasks.nameOf, "/a/d")).toBe("d");
  });

  test("gives errors and values that matchers know", async () => {
    await expect(executor.submit(fail, "too far")).rejects.toThrow(new RangeError("too far"));
    await expect(executor.submit(fail, "too far")).rejects.toThrow(RangeError);
    const value = {
      map: new Map([[1, new Date(0)]]),
      set: new Set(["a"]),
      bytes: new Uint8Array(2),
    };
    expect(await executor.submit((x) => x, value)).toEqual(value);
  });

  test("works while all timers are faked, and its timeouts go by the real clock", async () => {
    jest.useFakeTimers();
    expect(await executor.submit(fibonacci, 20)).toBe(6765);
    await expect(executor.with({ timeout: 20 }).submit(spin)).rejects.toBeInstanceOf(TimeoutError);
    const own = create();
    const futures = [1, 2, 3].map((n) => own.submit(fibonacci, n));
    const results = [];
    for await (const future of asCompleted(futures, { timeout: 20_000 })) {
      results.push(await future);
    }
    expect(results.sort()).toEqual([1, 1, 2]);
    await own.shutdown();
  });
});

test("works after modules were reset", async () => {
  jest.resetModules();
  const fresh = await import("@concurrent/futures");
  const executor = new fresh.ThreadPoolExecutor(1);
  await expect(executor.submit(fail, "no")).rejects.toThrow("no");
  await executor.shutdown();
});

test("may be left without shutdown()", async () => {
  expect(await new ThreadPoolExecutor(1).submit(fibonacci, 3)).toBe(2);
});
