// The far side of the raw channel: the least that runs a task and sends its result back.

import * as tasks from "./tasks.js";

// Whoever starts it as a worker of the web says so; loading `node:worker_threads` takes its time.
const port = globalThis.Bun !== undefined || import.meta.url.endsWith("?web")
  ? undefined
  : globalThis.process?.getBuiltinModule("node:worker_threads").parentPort;
const post = port
  ? (message, transfer) => port.postMessage(message, transfer)
  : (message, transfer) => postMessage(message, transfer);

let task = tasks.identity;
let batched = false;
let moves = false;

function receive(message) {
  if (typeof message === "object" && message !== null && "setup" in message) {
    task = tasks[message.setup.task];
    batched = message.setup.batched;
    moves = message.setup.moves;
    post("ready");
  } else if (batched) {
    const results = new Array(message.length);
    for (let i = 0; i < message.length; i++) results[i] = task(message[i]);
    post(results);
  } else if (moves) {
    const holder = message.bytes ?? message;
    post(message, [holder.buffer ?? holder]);
  } else {
    const result = task(message);
    if (result instanceof Promise) result.then((value) => post(value));
    else post(result);
  }
}

if (port) port.on("message", receive);
else self.onmessage = (event) => receive(event.data);
