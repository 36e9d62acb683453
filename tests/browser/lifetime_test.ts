/** What comes of workers when their page is left. @module */

import { assert, assertEquals } from "@std/assert";
import { ThreadPoolExecutor } from "../../mod.ts";
import { NO_LOCKS, suspended, testInPage } from "./pages.ts";
import { allReleased, countHeld } from "./worker_locks.ts";

for (
  const [how, leave] of Object.entries(
    {
      "is closed": (frame) => frame.remove(),
      "goes to about:blank": (frame) => frame.src = "about:blank",
    } satisfies Record<string, (frame: HTMLIFrameElement) => void>,
  )
) {
  testInPage(`a page that ${how} ends its workers, the busy one too`, async () => {
    const frame = document.createElement("iframe");
    const busy = new Promise<MessageEvent<string[]>>((resolve) =>
      addEventListener("message", resolve, { once: true })
    );
    frame.src = new URL("./inner.html", import.meta.url).href;
    document.body.append(frame);
    const { data: names } = await busy;
    assertEquals(await countHeld(names), 2);
    leave(frame);
    await allReleased(names);
    frame.remove();
  }, { skip: NO_LOCKS });
}

testInPage("an executor whose page is suspended works on when it comes back", async () => {
  await using executor = new ThreadPoolExecutor(2);
  await executor.warmUp();
  const seen: string[] = [];
  for (const type of ["freeze", "visibilitychange"]) {
    document.addEventListener(type, () => seen.push(type), { once: true });
  }
  const slow = (x: number) => new Promise<number>((resolve) => setTimeout(() => resolve(x), 50));
  // Longer than the library is patient with a worker that stands still.
  const is = suspended(4_000);
  const futures = Array.from(
    { length: 60 },
    (_, i) => executor.with({ timeout: 60_000 }).submit(slow, i),
  );
  if (await is) assert(seen.length > 0, "the page was not suspended");
  assertEquals(await Promise.all(futures), futures.map((_, i) => i));
  assertEquals(await executor.map((x: number) => 2 * x, [1, 2, 3]).toArray(), [2, 4, 6]);
  assertEquals(executor.stats().crashed, 0);
}, { deadline: 60_000 });
