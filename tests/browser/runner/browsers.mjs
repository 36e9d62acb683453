// @ts-self-types="./browsers.d.mts"
/**
 * Finds the machine's browsers and starts them. Debian's are installed where root finds none.
 *
 *     node tests/browser/runner/browsers.mjs     installs what is missing, and says where each is
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { driveChromium, launchChromium as launchAt } from "./chromium.mjs";
import { driveFirefox } from "./firefox.mjs";
import { driveWebKit } from "./webkit.mjs";

/**
 * `programs` are looked for, each by any of its names; `variable` names another for the first of them.
 * WebKit is that of WebKitGTK: Safari's needs a machine of Apple's.
 */
export const BROWSERS = {
  chromium: {
    title: "Chromium",
    programs: [["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]],
    packages: ["chromium"],
    variable: "CHROMIUM",
    drive: driveChromium,
  },
  firefox: {
    title: "Firefox",
    programs: [["firefox-esr", "firefox"]],
    packages: ["firefox-esr"],
    variable: "FIREFOX",
    drive: driveFirefox,
  },
  webkit: {
    title: "WebKit",
    programs: [["WebKitWebDriver"], ["Xvfb"]],
    packages: ["webkit2gtk-driver", "xvfb"],
    variable: "WEBKIT_DRIVER",
    drive: driveWebKit,
  },
};

/** That a browser is not there; the message says how it comes. */
export class MissingBrowserError extends Error {
  name = "MissingBrowserError";
}

/**
 * The path of a browser's program, or of its driver.
 *
 * @throws {MissingBrowserError} If there is none and none can be installed.
 */
export function findBrowser(name, { env = process.env, uid = process.getuid?.() } = {}) {
  const { title, programs, packages, variable } = BROWSERS[name];
  const how = `No ${title} is found: run \`apt-get install ${packages.join(" ")}\` as root, or ` +
    `name one by the environment variable ${variable}`;
  if (env[variable]) {
    if (isProgram(env[variable])) return env[variable];
    throw new MissingBrowserError(`No ${title} is at ${env[variable]}, which ${variable} names`);
  }
  const find = () => {
    const paths = programs.map((names) => onPath(names, env));
    return paths.includes(undefined) ? undefined : paths[0];
  };
  const found = find();
  if (found !== undefined) return found;
  if (uid !== 0 || onPath(["apt-get"], env) === undefined) throw new MissingBrowserError(how);
  console.log(`${title} is missing: it is installed by apt-get`);
  // The lists of packages of a fresh machine are empty.
  if (!install(packages, env)) {
    aptGet(["update"], env);
    if (!install(packages, env)) throw new MissingBrowserError(how);
  }
  const installed = find();
  if (installed === undefined) throw new MissingBrowserError(how);
  return installed;
}

/** Starts a browser of this machine for the tests in pages. */
export async function drive(name, options = {}) {
  return await BROWSERS[name].drive(findBrowser(name), options);
}

/** Starts this machine's Chromium, for who knows Playwright. */
export async function launchChromium() {
  return await launchAt(findBrowser("chromium"));
}

function install(packages, env) {
  return aptGet(["install", "-y", "--no-install-recommends", ...packages], env);
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
  for (const name of Object.keys(BROWSERS)) {
    try {
      console.log(`${BROWSERS[name].title}: ${findBrowser(name)}`);
    } catch (error) {
      console.error(error.message);
      process.exitCode = 1;
    }
  }
}
