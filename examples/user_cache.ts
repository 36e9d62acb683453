/**
 * A cache in the memory of the workers. Requests of one user go to one worker, which keeps what it has
 * loaded for him; without `affinity` each worker would load each user.
 *
 *     deno run examples/user_cache.ts
 *     bun examples/user_cache.ts
 *     node examples/user_cache.ts
 */

import { ThreadPoolExecutor } from "../mod.ts";

/** Answers a request; true if the user's profile had to be loaded for it. */
async function handle(user: string): Promise<boolean> {
  const memory = globalThis as unknown as { profiles?: Map<string, string> };
  const profiles = memory.profiles ??= new Map();
  if (profiles.has(user)) return false;
  await new Promise((resolve) => setTimeout(resolve, 20)); // a database would be asked here
  profiles.set(user, `the profile of ${user}`);
  return true;
}

await using executor = new ThreadPoolExecutor(2);
const users = ["Ada", "Grace", "Guido", "Barbara"];
const requests = Array.from({ length: 40 }, (_, i) => users[i % users.length]!);

const loaded = await Promise.all(
  requests.map((user) => executor.with({ affinity: user }).submit(handle, user)),
);
console.log(`${requests.length} requests, ${loaded.filter(Boolean).length} profiles loaded`);
