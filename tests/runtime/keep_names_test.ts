import { assertEquals } from "@std/assert";
import { ThreadPoolExecutor } from "../../mod.ts";
import { test } from "../harness.ts";

/** In the module of whoever submits, esbuild defines it; it does not travel with a task. */
declare const __name: <T>(target: T, name: string) => T;

test("submit() runs a function as tsx and esbuild's keepNames print it", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const future = executor.submit(() => {
    const n = __name(() => 1, "one");
    class C {
      static {
        __name(this, "Counter");
      }
    }
    return [n(), n.name, C.name];
  });
  assertEquals(await future, [1, "one", "Counter"]);
});
