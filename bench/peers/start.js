// @ts-self-types="./start.d.ts"

// How each peer is started. Plain JavaScript that loads only the peer itself, so that a program which
// starts from nothing pays for nothing else.

const WORKERS = 2;

const url = (path) => new URL(path, import.meta.url);

const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

function piscina(fixed) {
  return async (task, concurrency = 1) => {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({
      filename: url("../tasks.js").href,
      minThreads: WORKERS,
      maxThreads: WORKERS,
      concurrentTasksPerWorker: fixed ?? concurrency,
    });
    return { submit: (arg) => pool.run(arg, { name: task }), end: () => pool.destroy() };
  };
}

function tinypool(kind) {
  return async (task, concurrency = 1) => {
    const { Tinypool } = await import("tinypool");
    const pool = new Tinypool({
      filename: url("../tasks.js").href,
      runtime: kind,
      minThreads: WORKERS,
      maxThreads: WORKERS,
      ...(kind === "worker_threads" ? { concurrentTasksPerWorker: concurrency } : {}),
    });
    return { submit: (arg) => pool.run(arg, { name: task }), end: () => pool.destroy() };
  };
}

function workerpool(workerType) {
  return async (task) => {
    const { default: library } = await import("workerpool");
    const pool = library.pool(url("./workerpool_worker.js").pathname, {
      minWorkers: WORKERS,
      maxWorkers: WORKERS,
      workerType,
      workerThreadOpts: {},
    });
    return { submit: (arg) => pool.exec(task, [arg]), end: () => pool.terminate() };
  };
}

function jestWorker(enableWorkerThreads) {
  return async (task) => {
    const { Worker } = await import("jest-worker");
    const pool = new Worker(url("./jest_worker.cjs").pathname, {
      numWorkers: WORKERS,
      enableWorkerThreads,
      exposedMethods: ["run"],
    });
    return { submit: (arg) => pool.run(task, arg), end: () => pool.end() };
  };
}

async function poolifier(task) {
  const { FixedThreadPool } = await import("poolifier");
  const pool = new FixedThreadPool(WORKERS, url("./poolifier_worker.js").pathname);
  return { submit: (arg) => pool.execute(arg, task), end: () => pool.destroy() };
}

async function poolifierWebWorker(task) {
  const build = runtime === "bun" ? "browser" : "esm";
  const { FixedThreadPool } = await import(
    url(`../node_modules/poolifier-web-worker/${build}/mod.js`).href
  );
  const pool = new FixedThreadPool(WORKERS, url(`./poolifier_web_worker_${runtime}.js`));
  return { submit: (arg) => pool.execute(arg, task), end: () => pool.destroy() };
}

export const peers = {
  "piscina": piscina(undefined),
  "piscina, 16 per worker": piscina(16),
  "tinypool": tinypool("worker_threads"),
  "poolifier": poolifier,
  "poolifier-web-worker": poolifierWebWorker,
  "workerpool": workerpool("thread"),
  "jest-worker": jestWorker(true),
};

export const processPeers = {
  "tinypool, child_process": tinypool("child_process"),
  "workerpool, process": workerpool("process"),
  "jest-worker, processes": jestWorker(false),
};
