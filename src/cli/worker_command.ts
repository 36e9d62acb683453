/**
 * `concurrent-futures worker`: a `RemoteWorker` with a command line.
 *
 * @module
 */

import { createServer, type Server } from "node:http";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { ProcessPoolExecutor } from "../executor/process_pool_executor.ts";
import { clock } from "../futures/clock.ts";
import { RemoteWorker } from "../remote/remote_worker.ts";
import type { ConsumeOptions, RemoteWorkerInfo, Transport } from "../remote/transport.ts";
import { ENGINE_HELP, ENGINE_OPTIONS, messageLine, Options } from "./command_line.ts";

/** The engine stayed away: whoever started the worker should start it again later (EX_TEMPFAIL). */
const STAYED_AWAY = 75;

/** Milliseconds that a worker waits for an engine that has gone. */
const GIVE_UP = 600_000;

const HELP = `Usage: concurrent-futures worker --queue NAME --module NAME=PATH [options]

Takes tasks from a queue and runs them in threads of this machine, until SIGTERM or SIGINT. Then it
takes no more, waits, and hands back what has not ended; a second signal ends it at once.

${ENGINE_HELP}
  --module NAME=PATH    a module whose functions it runs, by the name that clients use; again for more
  --allow NAME#EXPORT,… the only functions that may be called [all that are exported]
  --concurrency N       tasks at once [one for each core]
  --processes           runs tasks in processes, not in threads
  --grace MS            for running tasks when it is stopped [25000]
  --lock MS             until a worker that is silent counts as lost [10000]
  --check MS            between two looks for lost ones, at most half of --lock [half of --lock]
  --give-up MS          for an engine that has gone; then exit code ${STAYED_AWAY} [${GIVE_UP}]
  --build ID            says which version of the modules this is
  --secret-env NAME     the variable with the secret that tasks are signed with
  --health-port N       answers GET with 200 while all is well, else with 503
  --log text|json       how lines look [text]

Exit codes: 0 stopped in good order, 1 wrong use or set-up, or no engine when it starts,
${STAYED_AWAY} the engine went and stayed away.`;

/** Runs the command; resolves with the exit code. */
export async function workerCommand(args: string[]): Promise<number> {
  const options = new Options("worker", args, {
    ...ENGINE_OPTIONS,
    module: { type: "string", multiple: true },
    allow: { type: "string", multiple: true },
    concurrency: { type: "string" },
    processes: { type: "boolean" },
    grace: { type: "string" },
    lock: { type: "string" },
    check: { type: "string" },
    "give-up": { type: "string" },
    build: { type: "string" },
    "secret-env": { type: "string" },
    "health-port": { type: "string" },
    log: { type: "string" },
  });
  if (options.flag("help")) {
    console.log(HELP);
    return 0;
  }
  const json = options.oneOf("log", ["text", "json"]) === "json";
  const healthPort = options.count("health-port", 0);
  const giveUp = options.count("give-up", 0) ?? GIVE_UP;
  const allow = options.list("allow").flatMap((list) => list.split(","));
  const concurrency = options.count("concurrency", 1);
  const settings = {
    modules: modulesOf(options),
    allow: allow.length > 0 ? allow : undefined,
    concurrency,
    grace: options.count("grace", 0),
    lock: options.count("lock", 1),
    check: options.count("check", 1),
    build: options.text("build"),
    secret: secretOf(options),
  };
  const log = new Log(json);
  const health = new Health(log, giveUp);
  const transport = await options.transport();
  const executor = options.flag("processes")
    ? new ProcessPoolExecutor(concurrency === undefined ? {} : { maxWorkers: concurrency })
    : undefined;
  const server = healthPort === undefined ? undefined : await health.listen(healthPort);
  const stop = stopBySignal(log, health);
  try {
    const worker = new RemoteWorker(watched(transport, health), {
      ...settings,
      executor,
      log: ({ level, message }) => log.line(level, message),
    });
    log.line("info", `takes tasks from ${transport.name}`);
    await worker.run({ signal: stop.signal });
    log.line("info", "stopped");
    return 0;
  } finally {
    stop.end();
    health.end();
    server?.close();
    await transport.close();
    await executor?.terminate();
  }
}

/** `NAME=PATH`: the path from the folder where the program was started; or a URL. */
function modulesOf(options: Options): Record<string, URL> {
  const modules: Record<string, URL> = {};
  for (const given of options.list("module")) {
    const [, name, path] = /^([^=]+)=(.+)$/.exec(given) ?? [];
    if (name === undefined || path === undefined) {
      throw options.wrong(`--module "${given}" is not like NAME=PATH`);
    }
    if (Object.hasOwn(modules, name)) throw options.wrong(`--module ${name} is there twice`);
    // A scheme of one letter is a drive.
    modules[name] = /^[a-z][a-z\d+.-]+:/i.test(path) ? new URL(path) : pathToFileURL(resolve(path));
  }
  if (Object.keys(modules).length === 0) throw options.wrong("--module is missing");
  return modules;
}

function secretOf(options: Options): string | undefined {
  const name = options.text("secret-env");
  if (name === undefined) return undefined;
  const secret = process.env[name];
  if (!secret) throw options.wrong(`--secret-env: the variable ${name} is not set`);
  return secret;
}

/** Lines for people or for programs. */
class Log {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  line(level: "info" | "warning", message: string): void {
    const time = new Date(performance.timeOrigin + clock.now()).toISOString();
    const text = this.#json
      ? JSON.stringify({ time, level, message })
      : `${time} ${level === "warning" ? "warning: " : ""}${message}`;
    if (level === "warning") console.error(text);
    else console.log(text);
  }
}

/** Whether all is well, for whoever asks by HTTP; and who ends a worker whose engine stays away. */
class Health {
  readonly #log: Log;
  readonly #giveUp: number;
  #timer: ReturnType<typeof clock.setTimeout> | undefined;
  #describe: (() => RemoteWorkerInfo) | undefined;
  #away = false;
  stopping = false;

  constructor(log: Log, giveUp: number) {
    this.#log = log;
    this.#giveUp = giveUp;
  }

  get done(): number {
    return this.#describe?.().done ?? 0;
  }

  get running(): number {
    return this.#describe?.().running ?? 0;
  }

  /** The worker takes tasks. */
  began(describe: () => RemoteWorkerInfo): void {
    this.#describe = describe;
  }

  trouble(error: Error | undefined): void {
    this.#away = error !== undefined;
    clock.clearTimeout(this.#timer);
    if (error === undefined) return;
    this.#timer = clock.setTimeout(() => {
      this.#log.line("warning", `gives up: the engine has been away for ${this.#giveUp} ms`);
      process.exit(STAYED_AWAY); // locks run out by themselves
    }, this.#giveUp);
  }

  /** Answers on a port; 0 takes a free one. */
  listen(port: number): Promise<Server> {
    const server = createServer((_, response) => {
      const state = this.stopping
        ? "stopping"
        : this.#away
        ? "away"
        : this.#describe === undefined
        ? "starting"
        : "ok";
      response.writeHead(state === "ok" ? 200 : 503, { "content-type": "application/json" });
      response.end(JSON.stringify({ state, running: this.running, done: this.done }) + "\n");
    });
    server.unref();
    return new Promise((listening, reject) => {
      server.once("error", (error) => {
        reject(new Error(`Cannot listen on port ${port}: ${messageLine(error)}`));
      });
      server.listen(port, () => {
        const address = server.address();
        const own = typeof address === "object" && address !== null ? address.port : port;
        this.#log.line("info", `health on port ${own}`);
        listening(server);
      });
    });
  }

  end(): void {
    clock.clearTimeout(this.#timer);
  }
}

/** A transport as it is, whose worker's health is known. */
function watched(transport: Transport, health: Health): Transport {
  const consume: Transport["consume"] = async (options, handler) => {
    const { describe } = options;
    const all: ConsumeOptions = {
      ...options,
      onTrouble(error) {
        options.onTrouble(error);
        health.trouble(error);
      },
    };
    const consumer = await transport.consume(all, handler);
    health.began(() => describe());
    return consumer;
  };
  return {
    name: transport.name,
    consume,
    add: (jobs) => transport.add(jobs),
    replies: (onReplies) => transport.replies(onReplies),
    lookup: (ids) => transport.lookup(ids),
    remove: (ids) => transport.remove(ids),
    tell: (ids, reason) => transport.tell(ids, reason),
    workers: () => transport.workers(),
    status: () => transport.status(),
    close: () => transport.close(),
  };
}

interface Stop {
  readonly signal: AbortSignal;
  end(): void;
}

/** The first signal asks the worker to end, the second ends it. */
function stopBySignal(log: Log, health: Health): Stop {
  const controller = new AbortController();
  const onSignal = (name: string): void => {
    if (controller.signal.aborted) {
      log.line("warning", `ended by a second signal, with ${health.running} running`);
      process.exit(1);
    }
    health.stopping = true;
    log.line("info", `${name}: takes no more, ${health.running} running`);
    controller.abort();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    signal: controller.signal,
    end() {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    },
  };
}
