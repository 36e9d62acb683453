/** Firefox, by Puppeteer and WebDriver BiDi. @module */

/** Starts it for the tests in pages: see `browsers.d.mts`. */
export async function driveFirefox(executablePath) {
  const { default: puppeteer } = await import("puppeteer-core");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    extraPrefsFirefox: {
      "network.dns.localDomains": "insecure.test",
      // One of two pages is behind the other: its timers would run once a second.
      "dom.min_background_timeout_value": 4,
      "dom.timeout.enable_budget_timer_throttling": false,
      "dom.ipc.processPriorityManager.enabled": false,
    },
  });
  return {
    version: (await browser.version()).replace("/", " "),
    lanes: 2,
    insecureHost: "insecure.test",
    async openUnwatched(url) {
      const page = await browser.newPage();
      await page.goto(url);
      return () => page.close();
    },
    close: () => browser.close(),
  };
}
