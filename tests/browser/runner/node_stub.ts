/**
 * What tests import of Node's modules, in a page: files by `files.ts`, and for the rest imports that
 * work, of functions that do not. Tests that need one are skipped there.
 *
 * @module
 */

import { provideFiles } from "./files.ts";

provideFiles(`${location.origin}/files`);

type FileSystem = typeof import("node:fs");
const { process: page } = globalThis as unknown as {
  process: { getBuiltinModule(name: "node:fs"): FileSystem };
};
const files = page.getBuiltinModule("node:fs");

export const mkdtempSync: FileSystem["mkdtempSync"] = files.mkdtempSync;
export const readFileSync =
  ((path: string | URL, encoding: "utf8") =>
    path instanceof URL ? get(path) : files.readFileSync(path, encoding)) as FileSystem[
      "readFileSync"
    ];
export const renameSync: FileSystem["renameSync"] = files.renameSync;
export const rmSync: FileSystem["rmSync"] = files.rmSync;
export const statSync: FileSystem["statSync"] = files.statSync;
export const writeFileSync: FileSystem["writeFileSync"] = files.writeFileSync;
export const existsSync: FileSystem["existsSync"] = files.existsSync;
export const tmpdir = (): string => "/tmp";
export const join = (...parts: string[]): string => parts.join("/");

/** A file of the repository. */
function get(url: URL): string {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.send();
  return request.responseText;
}

function missing(): never {
  throw new Error("Cannot use this module of Node in a page");
}
export const chmodSync: typeof missing = missing;
export const spawn: typeof missing = missing;
export const fork: typeof missing = missing;
export const fileURLToPath: typeof missing = missing;

/** What the driver hands on. */
export const env: Record<string, string> = Object.fromEntries(
  [...new URL(location.href).searchParams].filter(([key]) => /^(FC_|SEED$)/.test(key)),
);
export const versions: Record<string, string> = {};

/** `process`, as far as tests look at it. */
const process: object = { env, versions, getBuiltinModule: page.getBuiltinModule };
export default process;
