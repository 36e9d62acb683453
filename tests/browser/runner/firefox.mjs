/** Firefox, by Puppeteer and WebDriver BiDi. @module */

/** Starts it for the tests in pages: see `browsers.d.mts`. */
export async function driveFirefox(executablePath) {
  const { default: puppeteer } = await import("puppeteer-core");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    extraPrefsFirefox: { "network.dns.localDomains": "insecure.test" },
  });
  return {
    version: `Firefox ${(await browser.version()).split("/")[1]}`,
    lanes: 1, // pages of one origin share a thread, and one behind another has slow timers
    insecureHost: "insecure.test",
    async openUnwatched(url) {
      const page = await browser.newPage();
      await page.goto(url);
      return {
        close: () => page.close(),
        /** Behind another page. */
        async suspend(milliseconds) {
          const front = await browser.newPage();
          await front.bringToFront();
          await new Promise((resolve) => setTimeout(resolve, milliseconds));
          await front.close();
          await page.bringToFront();
        },
      };
    },
    async openPage(url, { width, height }) {
      const page = await browser.newPage();
      await page.setViewport({ width, height });
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
