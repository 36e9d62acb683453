import { assert } from "@std/assert";
import { ThreadPoolExecutor } from "../../mod.ts";
import { test } from "../harness.ts";

test("a relative import inside of a task fails without the worker's whole program in the message", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const future = executor.submit((name: string) => import(name), "./nowhere.js");
  const { message, stack } = await future.exception() as Error;
  assert(message.includes("nowhere.js"), message.slice(0, 500));
  assert(message.length < 500 && stack!.length < 5_000, message);
  for (const word of ["%22", "%27", "%7D"]) assert(!message.includes(word), message); // nor of a part of it
});
