/** The tasks of `tree_walk.ts`: they run on workers, which load this module by its URL. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskContext } from "../mod.ts";

/** What is in a folder, and in those in it. */
export interface Folder {
  folders: number;
  files: number;
  bytes: number;
  /** Of the digests of its files and folders, by their names. */
  digest: string;
}

/** Whatever loads this module before the clock starts. */
export function loaded(): void {}

/** Digests one folder; the folders in it are tasks of their own. */
export async function walk(this: TaskContext, path: string): Promise<Folder> {
  const entries = readdirSync(path, { withFileTypes: true });
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const below = entries.filter((entry) => entry.isDirectory());
  const futures = this.map(walk, below.map(({ name }) => join(path, name)));
  await Promise.resolve(); // they are on their way
  const hash = createHash("sha256");
  const all: Folder = { folders: 1, files: 0, bytes: 0, digest: "" };
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const content = readFileSync(join(path, entry.name));
    all.files++;
    all.bytes += content.length;
    // Many times, as whoever derives keys does: reading alone is too quick to be seen.
    let digest = createHash("sha256").update(content).digest();
    for (let i = 0; i < 50; i++) {
      digest = createHash("sha256").update(digest).update(content).digest();
    }
    hash.update(entry.name).update(digest);
  }
  for (const folder of await Promise.all(futures)) {
    all.folders += folder.folders;
    all.files += folder.files;
    all.bytes += folder.bytes;
    hash.update(folder.digest);
  }
  all.digest = hash.digest("hex").slice(0, 8);
  return all;
}
