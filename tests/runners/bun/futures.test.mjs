import {
  importTasks,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  TimeoutError,
} from "@concurrent/futures";
import { afterAll, beforeAll, describe, expect, it, setSystemTime } from "bun:test";
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

  it("runs functions and modules", async () => {
    expect(await executor.submit(fibonacci, 10)).toBe(55);
    expect(await sumOfSquares(executor, [1, 2, 3])).toBe(14);
    expect(await executor.submit(baseName, "/a/b")).toBe("b");
    expect(await executor.submit(tasks.nameOf, "/a/d")).toBe("d");
  });

  it("gives errors and values that matchers know", async () => {
    expect(executor.submit(fail, "too far").result()).rejects.toThrow(new RangeError("too far"));
    const value = {
      map: new Map([[1, new Date(0)]]),
      set: new Set(["a"]),
      bytes: new Uint8Array(2),
    };
    expect(await executor.submit((x) => x, value)).toEqual(value);
  });

  it("works while the time stands still, and its timeouts go by the real clock", async () => {
    setSystemTime(new Date(0));
    expect(await executor.submit(fibonacci, 20)).toBe(6765);
    const late = executor.with({ timeout: 20 }).submit(spin);
    expect(await late.exception()).toBeInstanceOf(TimeoutError);
    const own = create();
    await own.submit(fibonacci, 1);
    await own.shutdown();
    setSystemTime();
  });
});

it("may be left without shutdown()", async () => {
  expect(await new ThreadPoolExecutor(1).submit(fibonacci, 3)).toBe(2);
});
