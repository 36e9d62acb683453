/**
 * An actor: an object that lives in a worker, and whose messages are handled one after the other. Each
 * account is one, by `affinity`; there is no lock, and no message of an account meets another.
 *
 *     deno run examples/actor.ts
 *     bun examples/actor.ts
 *     node examples/actor.ts
 */

import { type Executor, type Future, ThreadPoolExecutor } from "../mod.ts";

/** Handles one message; the state stays in the worker. */
async function move(account: string, amount: number): Promise<number> {
  const state = globalThis as unknown as { balances?: Map<string, number> };
  const balances = state.balances ??= new Map();
  const before = balances.get(account) ?? 0;
  if (before + amount < 0) throw new RangeError(`${account} has only ${before}`);
  await new Promise((resolve) => setTimeout(resolve, 1)); // others may run here, but none of this account
  balances.set(account, before + amount);
  return before + amount;
}

class Account {
  readonly #name: string;
  readonly #mailbox: Executor;

  constructor(executor: Executor, name: string) {
    this.#name = name;
    this.#mailbox = executor.with({ affinity: name });
  }

  move(amount: number): Future<number> {
    return this.#mailbox.submit(move, this.#name, amount);
  }
}

await using executor = new ThreadPoolExecutor({ maxWorkers: 2, tasksPerWorker: 8 });
const ada = new Account(executor, "Ada");
const grace = new Account(executor, "Grace");

for (let i = 0; i < 100; i++) {
  ada.move(1);
  grace.move(2);
}
console.log(await ada.move(-30), await grace.move(-30)); // 70 170
console.log(String(await ada.move(-71).exception())); // RangeError: Ada has only 70
