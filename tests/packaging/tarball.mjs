// @ts-self-types="./tarball.d.mts"

/**
 * What npm's users get: packs the library, installs the tarball in a folder of its own, and runs
 * `consumer/main.mjs` there.
 *
 *     node tests/packaging/tarball.mjs                on the runtime that runs this
 *     node tests/packaging/tarball.mjs bun deno       on these, as they are found on the path
 *
 * Plain JavaScript, because Node 20 is to run it too.
 *
 * @module
 */

import { execFile, execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WINDOWS = process.platform === "win32";

/** What the package is made of, and what makes it. */
const PARTS = [
  ...[
    "src",
    "mod.ts",
    "deno.json",
    "package.json",
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
  ],
  ...["tsconfig.json", "tsconfig.build.json", "tools/build.mjs", "tools/chunks.mjs"],
];

/** What the program prints, everywhere. */
const EXPECTED = readFileSync(join(ROOT, "tests/packaging/consumer/expected.txt"), "utf8")
  .replaceAll("\r", "");

/** The arguments before a program's, by runtime. A process of Deno needs permission to be started. */
const ARGUMENTS = { deno: ["run", "-A", "--quiet"], bun: ["run"], node: [] };

/**
 * Packs the library.
 *
 * @param {string} folder Where the tarball goes.
 * @returns {{ tarball: string, files: string[] }} The tarball's path, and the paths in it.
 */
export function packLibrary(folder) {
  // `npm pack` builds first: in a copy, so that nothing changes under those who use `dist/`.
  const copy = join(folder, "source");
  for (const name of PARTS) {
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"), "junction");
  const output = npm(["pack", "--json", "--silent", "--pack-destination", folder], copy);
  // What the build prints comes before; newer versions of npm give packages by name.
  const [packed] = Object.values(JSON.parse(output.slice(output.search(/^[[{]/m))));
  rmSync(copy, { recursive: true });
  return {
    tarball: join(folder, packed.filename),
    files: packed.files.map(({ path }) => path),
  };
}

/**
 * Makes a user's project that has the library from a tarball, and the program.
 *
 * @param {string} folder The project.
 * @param {string} tarball The tarball's path.
 */
export function installTarball(folder, tarball) {
  copyConsumer(folder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }\n');
  npm(["install", "--offline", "--silent", "--no-audit", "--no-fund", tarball], folder);
}

/**
 * Makes a project that has the program, and not yet the library.
 *
 * @param {string} folder The project.
 */
export function copyConsumer(folder) {
  cpSync(join(ROOT, "tests", "packaging", "consumer"), folder, { recursive: true });
}

/**
 * Runs the program of a project; fails unless it prints what is expected.
 *
 * @param {"deno" | "bun" | "node"} runtime Whose arguments are used.
 * @param {string} path The runtime's file, or its name.
 * @param {string} folder The project.
 * @param {Record<string, string>} env What is added to the environment.
 */
export function runConsumer(runtime, path, folder, env = {}) {
  return new Promise((resolve, reject) => {
    execFile(path, [...ARGUMENTS[runtime], "main.mjs"], {
      cwd: folder,
      timeout: 60_000,
      shell: WINDOWS && !path.endsWith(".exe"), // where names are of .cmd files
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    }, (error, stdout, stderr) => {
      if (error === null && stderr === "" && stdout === EXPECTED) return resolve();
      reject(
        new Error(`${path}: ${error?.message ?? `wrong lines\n${wrongLines(stdout)}`}\n${stderr}`),
      );
    });
  });
}

/** @param {string} printed */
function wrongLines(printed) {
  const expected = EXPECTED.split("\n");
  return printed.split("\n").filter((line, i) => line !== expected[i]).join("\n");
}

/** @param {string[]} args @param {string} cwd */
function npm(args, cwd) {
  return execFileSync("npm", args, {
    cwd,
    encoding: "utf8",
    shell: WINDOWS,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), "tarball-"));
  try {
    const { tarball, files } = packLibrary(folder);
    console.log(`${files.length} files`);
    const user = join(folder, "user");
    installTarball(user, tarball);
    const names = process.argv.slice(2);
    const own = process.versions.deno ? "deno" : process.versions.bun ? "bun" : "node";
    if (names.length === 0) await runConsumer(own, process.execPath, user);
    for (const name of names) await runConsumer(name, name, user);
    console.log(`${names.join(", ") || process.execPath}: prints what is expected`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
