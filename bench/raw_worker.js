// The far side of the raw channel: the least that runs a task and sends its result back.

import * as tasks from "./tasks.js";

const threads = globalThis.Bun === undefined
  ? globalThis.process?.getBuiltinModule("node:worker_threads").parentPort
  : undefined;
const post = threads ? (message, transfer) => threads.postMessage(message, transfer) : postMessage;

let task = tasks.identity;
let batched = false;

function receive(message) {
  if (typeof message === "object" && message !== null && "setup" in message) {
    task = tasks[message.setup.task];
    batched = message.setup.batched;
    post("ready");
  } else if (batched) {
    const results = new Array(message.length);
    for (let i = 0; i < message.length; i++) results[i] = task(message[i]);
    post(results);
  } else if (message instanceof ArrayBuffer) post(message, [message]);
  else {
    const result = task(message);
    if (result instanceof Promise) result.then(post);
    else post(result);
  }
}

if (threads) threads.on("message", receive);
else self.onmessage = (event) => receive(event.data);
