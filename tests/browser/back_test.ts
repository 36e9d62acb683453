/** A page that is left and come back to, by the buttons of the browser. @module */

import { assert, assertEquals } from "@std/assert";
import { ThreadPoolExecutor } from "../../mod.ts";
import { NO_LOCKS, testInPage } from "./pages.ts";
import { allReleased, countHeld, WorkerLocks } from "./worker_locks.ts";

/** What the page that was left tells the one that comes, if it is another. */
const MARK = "workers of the page that was left";

testInPage("who comes back to a page finds its executor at work, or a new page", async () => {
  const left = sessionStorage.getItem(MARK);
  sessionStorage.removeItem(MARK);
  if (left !== null) return await allReleased(JSON.parse(left));

  using locks = new WorkerLocks();
  await using executor = new ThreadPoolExecutor(2);
  await executor.warmUp();
  const slow = (x: number) => new Promise<number>((resolve) => setTimeout(() => resolve(x), 100));
  const before = Array.from({ length: 20 }, (_, i) => executor.submit(slow, i));
  await before[0];
  assertEquals(await countHeld(locks.names), 2);
  const back = new Promise<PageTransitionEvent>((resolve) =>
    addEventListener("pageshow", resolve, { once: true })
  );
  sessionStorage.setItem(MARK, JSON.stringify([...locks.names]));
  location.href = new URL("./away.html", import.meta.url).href;
  assert((await back).persisted);
  sessionStorage.removeItem(MARK);
  assertEquals(await Promise.all(before), before.map((_, i) => i));
  assertEquals(await executor.map((x: number) => 2 * x, [1, 2, 3]).toArray(), [2, 4, 6]);
  assertEquals(executor.stats().crashed, 0);
}, { skip: NO_LOCKS, deadline: 20_000 });
