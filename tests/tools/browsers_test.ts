import { assertEquals, assertThrows } from "@std/assert";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBrowser, MissingBrowserError } from "../browser/runner/browsers.mjs";
import { test } from "../harness.ts";

const WINDOWS = tmpdir().includes("\\") && "it makes programs of the other systems";

/** A folder with programs of these names. */
function folderWith(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "browsers-"));
  for (const name of names) {
    writeFileSync(join(folder, name), "#!/bin/sh\n");
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

test("a browser that is not there is told with the command that brings it", () => {
  for (
    const [name, words] of [
      ["chromium", "apt-get install chromium"],
      ["firefox", "apt-get install firefox-esr"],
      ["webkit", "apt-get install webkit2gtk-driver xvfb"],
    ] as const
  ) {
    assertThrows(() => findBrowser(name, { env: { PATH: "" }, uid: 1000 }), Error, words);
    assertThrows(() => findBrowser(name, { env: { PATH: "" }, uid: 0 }), MissingBrowserError);
  }
});

test("a browser is found on the path, by any of its names, and with all that it needs", () => {
  const folder = folderWith("firefox", "WebKitWebDriver");
  try {
    const options = { env: { PATH: folder }, uid: 1000 };
    assertEquals(findBrowser("firefox", options), join(folder, "firefox"));
    assertThrows(() => findBrowser("webkit", options), MissingBrowserError, "xvfb");
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { skip: WINDOWS });

test("a browser that the environment names is taken, or said to be missing", () => {
  const folder = folderWith("mine");
  try {
    const path = join(folder, "mine");
    assertEquals(findBrowser("firefox", { env: { FIREFOX: path } }), path);
    const other = { FIREFOX: join(folder, "other") };
    assertThrows(
      () => findBrowser("firefox", { env: other }),
      MissingBrowserError,
      "FIREFOX names",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { skip: WINDOWS });
