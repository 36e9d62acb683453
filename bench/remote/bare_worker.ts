/** A worker of bare BullMQ: gives back what it gets, or sleeps for that long. @module */

import process from "node:process";
import { Worker } from "bullmq";
import { Redis } from "ioredis";

const [url, queue, concurrency] = process.argv.slice(2);
const connection = new Redis(url!, { maxRetriesPerRequest: null });
const worker = new Worker(queue!, async (job) => {
  if (job.name !== "sleep") return job.data;
  await new Promise((resolve) => setTimeout(resolve, job.data));
}, { connection, concurrency: Number(concurrency) });
await worker.waitUntilReady();
console.log("ready");
process.on("SIGTERM", () => process.exit());
