// @ts-self-types="./runtime_path.d.mts"
/**
 * Which Deno, Bun and Node the steps of `npm test` run.
 *
 * @module
 */

import { delimiter, join } from "node:path";

/**
 * An environment in whose path the project's own runtimes come first. With `RUNTIME_PATH=system` the
 * machine's come first, and the project's stand in for those that the machine has not.
 */
export function withRuntimes(bin, environment) {
  const env = { ...environment };
  // Windows writes it as it likes.
  const name = Object.keys(env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  const folders = (env[name] ?? "").split(delimiter).filter((folder) => folder !== "");
  // npm puts such folders before all others, for its scripts.
  const others = folders.filter((folder) => !folder.endsWith(join("node_modules", ".bin")));
  const ordered = env.RUNTIME_PATH === "system" ? [...others, bin] : [bin, ...folders];
  env[name] = ordered.join(delimiter);
  return env;
}
