import { bullmq } from "../../src/transports/bullmq.ts";
import { conformance } from "./conformance.ts";
import { noRedis, RedisServer } from "./redis_server.ts";

let queues = 0;

conformance({
  name: "bullmq",
  skip: noRedis,
  async create() {
    const server = await RedisServer.start();
    const queue = `queue${++queues}`;
    return {
      transport: () => bullmq({ url: server.url, queue }),
      close: () => server.stop(),
      server,
    };
  },
  leftovers(queue) {
    const { server } = queue as unknown as { server: RedisServer };
    const kept =
      /:(meta|events|id|completed|failed|marker|stalled|stalled-check|pc|wait|active|prioritized|delayed|cf:totals|cf:tell|t-.*)$/;
    return Promise.resolve(
      server.cli("keys", "*").split("\n").filter((key) => key !== "" && !kept.test(key)),
    );
  },
});
