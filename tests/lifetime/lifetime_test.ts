import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "../harness.ts";
import { ended, type Ending, RUN, runProgram } from "../run_program.ts";

/** Runs a program: on Deno without any permission. */
function run(body: string, flags: readonly string[] = RUN): Promise<Ending> {
  return runProgram(body, flags);
}

test("hello world runs with no permission flag", async () => {
  assertEquals(
    await run(`
      await using executor = new cf.ThreadPoolExecutor();
      console.log(await executor.submit((name: string) => "Hello, " + name, "world"));
    `),
    ended("Hello, world\n"),
  );
});

test("an idle executor without shutdown() lets the program end", async () => {
  assertEquals(
    await run(`
      const executor = new cf.ThreadPoolExecutor(2);
      await executor.warmUp();
      console.log(await executor.map((x: number) => x + 1, [1, 2, 3]).toArray());
    `),
    ended("[ 2, 3, 4 ]\n"),
  );
});

test("an executor that was never used lets the program end", async () => {
  assertEquals(await run(`new cf.ThreadPoolExecutor(2); console.log("end");`), ended("end\n"));
});

test("asCompleted() with a timeout keeps no program alive that does not wait for it", async () => {
  assertEquals(
    await run(`
      const never = new cf.FutureSource().future;
      cf.asCompleted([never], { timeout: 1e8 });
      const some = [cf.FutureSource, cf.FutureSource].map((Source) => new Source());
      some[0].setResult(1);
      const iterator = cf.asCompleted(some.map(({ future }) => future), { timeout: 1e8 });
      console.log(await (await iterator.next()).value);
      const waited = cf.asCompleted([never], { timeout: 20 });
      console.log((await waited.next().catch((error) => error)).name); // is waited for
    `),
    ended("1\nTimeoutError\n"),
  );
});

test("pending and running tasks keep the program alive", async () => {
  assertEquals(
    await run(`
      const executor = new cf.ThreadPoolExecutor(1);
      for (let i = 0; i < 3; i++) {
        executor.submit(async (i: number) => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          return i;
        }, i).addDoneCallback(async (future) => console.log(await future));
      }
      console.log("main ended");
    `),
    ended("main ended\n0\n1\n2\n"),
  );
});

test("shutdown({ wait: false }) returns at once, and the program still waits for its tasks", async () => {
  assertEquals(
    await run(`
      const executor = new cf.ThreadPoolExecutor(2);
      const future = executor.submit(() => new Promise((resolve) => setTimeout(resolve, 50, "late")));
      future.then(console.log);
      await executor.shutdown({ wait: false });
      console.log("shut down");
      try {
        executor.submit(() => 1);
      } catch (error) {
        console.log((error as Error).message);
      }
    `),
    ended(
      "shut down\n" +
        "Cannot submit a task to ThreadPoolExecutor: executor is shut down\nlate\n",
    ),
  );
});

test("a failed future that nobody looks at is silent", async () => {
  assertEquals(
    await run(`
      const executor = new cf.ThreadPoolExecutor(1);
      const future = executor.submit(() => { throw new Error("nobody cares"); });
      await cf.wait([future]);
      executor.map(() => { throw new Error("nor here"); }, [1, 2]);
      await executor.shutdown();
      console.log(future.state);
    `),
    ended("finished\n"),
  );
});

test("a promise that was handed out is the user's: its rejection is not hidden", async () => {
  const { code, stderr } = await run(`
    const executor = new cf.ThreadPoolExecutor(1);
    executor.submit(() => { throw new Error("look at me"); }).result();
    await executor.shutdown();
    await new Promise((resolve) => setTimeout(resolve, 50));
  `);
  assertEquals(code === 0, false);
  assertStringIncludes(stderr, "look at me");
});

test("a worker that crashes, and one that is stopped, print nothing", async () => {
  assertEquals(
    await run(`
      const executor = new cf.ThreadPoolExecutor({ maxWorkers: 1, grace: 10 });
      const crash = executor.submit(() => {
        setTimeout(() => { throw new Error("stray"); });
        return new Promise(() => {});
      });
      console.log((await crash.exception() as Error).name);
      const hang = executor.with({ timeout: 10 }).submit(() => { for (;;); });
      console.log((await hang.exception() as Error).name);
      await executor.shutdown();
    `),
    ended("WorkerCrashError\nTimeoutError\n"),
  );
});

test("what a task prints is not lost when its executor is shut down", async () => {
  const { code, stdout, stderr } = await run(`
    const executor = new cf.ThreadPoolExecutor(1);
    await executor.submit(() => { for (let i = 0; i < 20; i++) console.log("line " + i); });
    await executor.shutdown();
  `);
  const lines = Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join("");
  assertEquals({ code, stdout, stderr }, ended(lines));
});

test("importing any entry does nothing", async () => {
  const entries = ["futures", "worker", "runtime"]
    .map((name) => new URL(`../../src/${name}/mod.ts`, import.meta.url).href);
  assertEquals(
    await run(`
      ${entries.map((url) => `import ${JSON.stringify(url)};`).join("\n")}
      console.log(typeof cf.ThreadPoolExecutor);
    `),
    ended("function\n"),
  );
});

test("the bad program of a user gets its error at once, and ends", async () => {
  const { code, stderr } = await run(`
    const executor = new cf.ThreadPoolExecutor(2);
    const task = () => 42;
    executor.submit(task() as unknown as typeof task);
  `);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    "Cannot submit 42: pass the function itself, not the result of calling it",
  );
});
