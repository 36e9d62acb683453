/**
 * What tests import of Node's modules, on edge runtimes, which have no files and no processes: imports
 * that work, of functions that do not. Tests that need one are skipped there.
 *
 * @module
 */

function missing(): never {
  throw new Error("Cannot use this module of Node on an edge runtime");
}
export const mkdtempSync: typeof missing = missing;
export const readFileSync: typeof missing = missing;
export const renameSync: typeof missing = missing;
export const rmSync: typeof missing = missing;
export const statSync: typeof missing = missing;
export const writeFileSync: typeof missing = missing;
export const existsSync: typeof missing = missing;
export const spawn: typeof missing = missing;
export const spawnSync: typeof missing = missing;
export const fork: typeof missing = missing;
export const fileURLToPath: typeof missing = missing;
export const tmpdir = (): string => "/tmp";
export const join = (...parts: string[]): string => parts.join("/");

export const env: Record<string, string> = {};
export const versions: Record<string, string> = {};

/** `process`, as far as tests look at it. */
const process: object = { env, versions, getBuiltinModule: () => undefined };
export default process;
