/** WebKitGTK's MiniBrowser, by Selenium and WebKitWebDriver, on a screen that nobody sees. @module */

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";

/** Milliseconds in which the driver must answer. */
const START_LIMIT = 60_000;

/** Milliseconds that a page may take to answer. */
const PAGE_LIMIT = 60_000;

/** Starts it for the tests in pages: see `browsers.d.mts`. */
export async function driveWebKit(driverPath, { sharedMemory = false } = {}) {
  const { Builder, Capabilities } = await import("selenium-webdriver");
  const { Pointer } = await import("selenium-webdriver/lib/input.js");
  const port = await freePort();
  const screen = spawn("Xvfb", "-displayfd 3 -screen 0 1400x1000x24 -nolisten tcp".split(" "), {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const children = [screen];
  const end = () => {
    for (const child of children) child.kill();
  };
  process.once("exit", end);
  try {
    const ended = once(screen, "exit").then(([code]) => {
      throw new Error(`Xvfb has ended with ${code}`);
    });
    const [display] = await Promise.race([once(screen.stdio[3], "data"), ended]);
    ended.catch(() => {}); // at the end of it all
    const child = spawn(driverPath, [`--port=${port}`], {
      stdio: "ignore",
      env: {
        ...process.env,
        DISPLAY: `:${String(display).trim()}`,
        NO_AT_BRIDGE: "1",
        // Safari has SharedArrayBuffer on pages that are isolated; WebKitGTK nowhere, or everywhere.
        JSC_useSharedArrayBuffer: String(Number(sharedMemory)),
      },
    });
    children.unshift(child);
    await answers(child, port);
    const browser = await new Builder()
      .usingServer(`http://127.0.0.1:${port}`)
      .withCapabilities(new Capabilities({ browserName: "MiniBrowser" }))
      .build();
    const capabilities = await browser.getCapabilities();
    return {
      version: `WebKitGTK ${capabilities.getBrowserVersion()}`,
      lacks: ["using"],
      lanes: 1, // a window that is behind another is a page in the background
      insecureHost: "[::ffff:127.0.0.1]", // by this number it does not know its own machine
      async openUnwatched(url) {
        await browser.get(url);
        return { close: () => browser.get("about:blank"), suspend: undefined }; // but for `back_test.ts`
      },
      async openPage(url, { width, height }) {
        // The window has a frame and bars around the page.
        const window = browser.manage().window();
        await browser.get("about:blank");
        await window.setRect({ width, height });
        const [inside, across] = await browser.executeScript("return [innerHeight, innerWidth]");
        await window.setRect({ width: 2 * width - across, height: 2 * height - inside });
        await browser.get(url);
        // For an isolated page it changes to another process, and may answer before that is loaded.
        const loaded =
          `return location.href === arguments[0] && document.readyState === "complete"`;
        await browser.wait(() => browser.executeScript(loaded, url), PAGE_LIMIT);
        await browser.manage().setTimeouts({ script: PAGE_LIMIT });
        return {
          async evaluate(expression) {
            const { value, error } = await browser.executeAsyncScript(
              `const done = arguments[0];
              (async () => (${expression}))().then(
                (value) => done({ value }),
                (error) => done({ error: String(error) }),
              );`,
            );
            if (error) throw new Error(error);
            return value;
          },
          async tap(x, y) {
            const finger = new Pointer("finger", Pointer.Type.TOUCH);
            await browser.actions({ async: true }).insert(
              finger,
              finger.move({ x, y, duration: 0 }),
              finger.press(),
              finger.release(),
            ).perform();
          },
          screenshot: async () => Buffer.from(await browser.takeScreenshot(), "base64"),
          close: () => browser.get("about:blank"),
        };
      },
      async close() {
        await browser.quit();
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

async function answers(child, port) {
  let failure;
  child.once("error", (error) => failure = error);
  child.once("exit", (code) => failure = new Error(`WebKitWebDriver has ended with ${code}`));
  const end = Date.now() + START_LIMIT;
  for (;;) {
    if (failure !== undefined) throw failure;
    try {
      return await fetch(`http://127.0.0.1:${port}/status`);
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
