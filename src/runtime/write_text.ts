import { UnsupportedError } from "../futures/errors.ts";
import { builtin } from "./thread_handle.ts";

/**
 * Writes a file, where there are files.
 *
 * @throws {UnsupportedError} If there are none.
 */
export async function writeText(path: string | URL, text: string): Promise<void> {
  const files = builtin<{ writeFile(path: string | URL, text: string): Promise<void> }>(
    "fs/promises",
  );
  if (files === undefined) {
    throw new UnsupportedError("Cannot write a file: this runtime has none; use toJSON()");
  }
  await files.writeFile(path, text);
}
