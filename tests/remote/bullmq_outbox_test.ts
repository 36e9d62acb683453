import { assertEquals } from "@std/assert";
import { BullmqKeys } from "../../src/transports/bullmq_keys.ts";
import { Outbox } from "../../src/transports/bullmq_outbox.ts";
import type { RedisLink } from "../../src/transports/redis_link.ts";
import { test } from "../harness.ts";

test("Outbox.add() in the moment in which a call ends is told: it waited for the next one", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const told: unknown[] = [];
    let answer = (): void => {};
    const main = {
      xadd(...args: unknown[]) {
        told.push(args.at(-2));
        return new Promise<void>((resolve) => answer = resolve);
      },
      hincrby: () => Promise.resolve(),
    };
    const link = { main, closed: false } as unknown as RedisLink;
    const outbox = new Outbox(link, new BullmqKeys("cf", "q"));
    const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
    outbox.add("client", ["first", ""]);
    await turn();
    await turn();
    answer();
    for (let i = 0; i < turns; i++) await undefined;
    outbox.add("client", ["second", ""]);
    await turn();
    await turn();
    assertEquals(told, ["first", "second"], `${turns} turns later`);
    answer();
    await outbox.flush();
    outbox.close();
  }
});
