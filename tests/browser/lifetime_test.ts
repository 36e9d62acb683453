/** What comes of workers when their page is left. @module */

import { assertEquals } from "@std/assert";
import { NO_LOCKS, testInPage } from "./pages.ts";
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
