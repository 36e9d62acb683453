// @ts-self-types="./chromium.d.mts"
/**
 * Finds the machine's Chromium, and installs Debian's where there is none.
 *
 *     node tools/browser/chromium.mjs     says where it is
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** It is started without what looks for Google's hosts. */
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts it, or says in one line why that cannot be. */
export function launchChromium() {
  return chromium.launch({ executablePath: findChromium(), args: FLAGS });
}

const HOW = "No Chromium is found: run `apt-get install chromium` as root, or name one by the " +
  "environment variable CHROMIUM";

/**
 * The path of a Chromium. `CHROMIUM` names another one.
 *
 * @throws {Error} If there is none and none can be installed; the message says how to.
 */
export function findChromium({ env = process.env, uid = process.getuid?.() } = {}) {
  if (env.CHROMIUM) {
    if (isProgram(env.CHROMIUM)) return env.CHROMIUM;
    throw new Error(`No Chromium is at ${env.CHROMIUM}, which CHROMIUM names`);
  }
  const found = onPath(NAMES, env);
  if (found !== undefined) return found;
  if (uid !== 0 || onPath(["apt-get"], env) === undefined) throw new Error(HOW);
  console.log("Chromium is missing: it is installed by apt-get");
  // The lists of packages of a fresh machine are empty.
  if (!install(env)) {
    aptGet(["update"], env);
    if (!install(env)) throw new Error(HOW);
  }
  const installed = onPath(NAMES, env);
  if (installed === undefined) throw new Error(HOW);
  return installed;
}

function install(env) {
  return aptGet(["install", "-y", "--no-install-recommends", "chromium"], env);
}

function aptGet(args, env) {
  const { status, stderr } = spawnSync("apt-get", args, {
    env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (status !== 0) console.log(`apt-get ${args[0]}: ${stderr?.trim()}`);
  return status === 0;
}

function onPath(names, { PATH = "" }) {
  const folders = PATH.split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(findChromium());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
