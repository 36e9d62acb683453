/** The tasks of `digest.ts`: they run on workers, which load this module by its URL. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** What one file comes to. */
export interface FileDigest {
  path: string;
  bytes: number;
  words: number;
  /** SHA-256, in hexadecimal. */
  sha256: string;
}

/** A file that could not be read. */
export interface FileError {
  path: string;
  error: string;
}

/** Reads, hashes and counts the words of one file. */
export function digestFile(path: string): FileDigest | FileError {
  let content: Uint8Array;
  try {
    content = readFileSync(path);
  } catch (error) {
    return { path, error: error instanceof Error ? error.message : String(error) };
  }
  return {
    path,
    bytes: content.length,
    words: countWords(content),
    sha256: createHash("sha256").update(content).digest("hex"),
  };
}

/** Words as `wc -w` counts them: runs of bytes that are not white space. */
export function countWords(content: Uint8Array): number {
  let words = 0;
  let inWord = false;
  for (let i = 0; i < content.length; i++) {
    const byte = content[i]!;
    const space = byte === 32 || (byte >= 9 && byte <= 13);
    if (!space && !inWord) words++;
    inWord = !space;
  }
  return words;
}
