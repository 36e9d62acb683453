import type { Browser } from "playwright-core";

/** A browser that runs tests in pages. */
export interface DrivenBrowser {
  /** Its name and version. */
  readonly version: string;
  /** Pages that it may have open at once: tests wait more than they work. */
  readonly lanes: number;
  /** Syntax that it does not have, by the names that esbuild has for it. */
  readonly lacks?: readonly string[];
  /** A host of this machine whose pages are not secure. */
  readonly insecureHost: string;
  /** Opens a page, which nothing looks into. */
  openUnwatched(url: string): Promise<{
    close(): Promise<unknown>;
    /** Keeps it from running for some milliseconds, as far as this browser does that to a page. */
    suspend: ((milliseconds: number) => Promise<void>) | undefined;
  }>;
  /** Opens a page to look into and to touch, of that size. */
  openPage(url: string, size: { width: number; height: number }): Promise<DrivenPage>;
  close(): Promise<void>;
}

/** A page that a test uses as its user would. */
export interface DrivenPage {
  /** The value of an expression of JavaScript there, awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** Touches it with a finger. */
  tap(x: number, y: number): Promise<void>;
  /** What is seen, as PNG. */
  screenshot(): Promise<Uint8Array>;
  close(): Promise<unknown>;
}

/** Browsers by name. */
export type BrowserName = "chromium" | "firefox" | "webkit";
export const BROWSERS: Record<BrowserName, { title: string }>;

/** That a browser is not there; the message says how it comes. */
export class MissingBrowserError extends Error {}

export function findBrowser(
  name: BrowserName,
  options?: { env?: Record<string, string | undefined>; uid?: number },
): string;
export function drive(
  name: BrowserName,
  options?: { sharedMemory?: boolean },
): Promise<DrivenBrowser>;
export function launchChromium(): Promise<Browser>;
