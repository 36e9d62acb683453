/** A worker of bare BullMQ. @module */

import process from "node:process";
import { Worker } from "bullmq";
import { Redis } from "ioredis";

const [url, concurrency] = process.argv.slice(2);
const connection = new Redis(url!, { maxRetriesPerRequest: null });
const worker = new Worker("bare", (job) => Promise.resolve(job.data), {
  connection,
  concurrency: Number(concurrency),
});
await worker.waitUntilReady();
console.log("ready");
process.on("SIGTERM", () => process.exit());
