/**
 * Opens bundles in headless Chromium.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium } from "../browser/runner/browsers.mjs";

/** What a page has printed. */
export interface Printed {
  /** What `console.log` printed first. */
  readonly line: string;
  /** Errors and warnings. */
  readonly complaints: readonly string[];
}

let browser: Promise<Browser> | undefined;

/** Opens a page until it has printed a line. */
export async function openPage(url: string): Promise<Printed> {
  browser ??= launchChromium();
  const page = await (await browser).newPage();
  const complaints: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  page.on("console", (message) => {
    if (message.type() === "log") resolve(message.text());
    if (["warning", "error"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", reject);
  try {
    await page.goto(url);
    return { line: await promise, complaints };
  } finally {
    await page.close();
  }
}

/** Ends the browser, if one was started. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}

/** A Content-Security-Policy of everything that is served, or only of the page. */
export interface Policy {
  readonly csp: string;
  readonly onlyPage: boolean;
}

/** Opens the page of a folder. */
export async function openFolder(folder: string, policy?: Policy): Promise<Printed> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const file = join(folder, pathname === "/" ? "index.html" : pathname);
    if (!existsSync(file)) return void response.writeHead(404).end();
    const isPage = extname(file) === ".html";
    response.setHeader("content-type", isPage ? "text/html" : "text/javascript");
    if (policy !== undefined && (isPage || !policy.onlyPage)) {
      response.setHeader("content-security-policy", policy.csp);
    }
    response.end(readFileSync(file));
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await listening;
  try {
    return await openPage(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
