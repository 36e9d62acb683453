// A whole program with one pool: `start_probe.js <who> identity|factorial <count>`. It prints nothing but
// an error; whoever runs it takes the time. The library is the one that npm has, as built. Plain
// JavaScript that loads only what is measured, so that no compiler's time is in the figures.

import process from "node:process";

const [name, task, given] = process.argv.slice(2);
const count = Number(given);
const WORKERS = 2;

/** One worker, of the kind that starts soonest. */
async function bareWorker() {
  const text = "onmessage = (event) => postMessage(event.data);";
  if (!("Deno" in globalThis) && !("Bun" in globalThis)) {
    const { Worker } = await import("node:worker_threads");
    const worker = new Worker(
      'const { parentPort } = require("node:worker_threads");' +
        'parentPort.on("message", (data) => parentPort.postMessage(data));',
      { eval: true },
    );
    return (arg) => {
      worker.postMessage(arg);
      return new Promise((resolve) => worker.once("message", resolve));
    };
  }
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(text)}`, { type: "module" });
  return (arg) => {
    worker.postMessage(arg);
    return new Promise((resolve) => worker.onmessage = (event) => resolve(event.data));
  };
}

/** One process with a channel, as Node has it. */
async function fork() {
  const { fork } = await import("node:child_process");
  const child = fork(new URL("./fork_child.js", import.meta.url).pathname);
  return (arg) => {
    child.send(arg);
    return new Promise((resolve) => child.once("message", resolve));
  };
}

async function ours(kind) {
  const library = await import("../dist/mod.js");
  const tasks = await import("./tasks.js");
  const executor = new library[kind](WORKERS);
  return (arg) => executor.submit(tasks[task], arg);
}

async function peer(name) {
  const { peers, processPeers } = await import("./peers/start.js");
  const pool = await (peers[name] ?? processPeers[name])(task);
  return (arg) => pool.submit(arg);
}

const submit = name === "bare Worker"
  ? await bareWorker()
  : name === "child_process.fork"
  ? await fork()
  : name === "@concurrent/futures"
  ? await ours("ThreadPoolExecutor")
  : name === "@concurrent/futures, processes"
  ? await ours("ProcessPoolExecutor")
  : await peer(name);
const argument = task === "identity" ? 7 : 1000;
const pending = [];
for (let i = 0; i < count; i++) pending.push(submit(argument));
const results = await Promise.all(pending);
if (results.length !== count || `${results.at(-1)}`.length !== (task === "identity" ? 1 : 2568)) {
  throw new Error("wrong result");
}
process.exit();
