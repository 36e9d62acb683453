/** Chromium, by Playwright. @module */

/** It is started without what looks for Google's hosts. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A page that is not secure: one of this machine would be.
  "--host-resolver-rules=MAP insecure.test 127.0.0.1",
];

/** Starts it, for who knows Playwright. */
export async function launchChromium(executablePath) {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({ executablePath, args: FLAGS });
}

/** Starts it for the tests in pages: see `browsers.d.mts`. */
export async function driveChromium(executablePath) {
  const browser = await launchChromium(executablePath);
  const driver = await browser.newBrowserCDPSession();
  return {
    version: `Chromium ${browser.version()}`,
    lanes: 2,
    insecureHost: "insecure.test",
    /** A page of Playwright's own would stop each of its workers at the start, to attach to it. */
    async openUnwatched(url) {
      const { targetId } = await driver.send("Target.createTarget", { url });
      return {
        close: () => driver.send("Target.closeTarget", { targetId }),
        /** As a phone does with what is not seen. */
        async suspend(milliseconds) {
          const { sessionId } = await driver.send("Target.attachToTarget", { targetId });
          const set = (state) => {
            const method = "Page.setWebLifecycleState";
            const message = JSON.stringify({ id: 1, method, params: { state } });
            return driver.send("Target.sendMessageToTarget", { sessionId, message });
          };
          await set("frozen");
          await new Promise((resolve) => setTimeout(resolve, milliseconds));
          await set("active");
          await driver.send("Target.detachFromTarget", { sessionId });
        },
      };
    },
    async openPage(url, viewport) {
      const page = await browser.newPage({ viewport, hasTouch: true });
      await page.goto(url);
      return {
        evaluate: (expression) => page.evaluate(expression),
        tap: (x, y) => page.touchscreen.tap(x, y),
        screenshot: () => page.screenshot(),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}
