/**
 * A Redis of a test's own, on a free port of this machine and with a folder of its own, ended by its process id.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** What brings the server. */
const INSTALL = "apt-get install redis-server";

const PAGE = !("process" in globalThis);

/**
 * Why tests of Redis cannot run here; `undefined` where they can. Root on Debian installs it. In CI a missing
 * server is a failure, so there it is never skipped.
 */
export const noRedis: string | undefined = findServer();

function findServer(): string | undefined {
  if (PAGE) return "there is no Redis in a page";
  if (hasServer()) return undefined;
  if (process.platform === "linux" && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const args of [["update", "-qq"], ["install", "-y", "-qq", "redis-server"]]) {
      spawnSync("apt-get", args, { env, stdio: "ignore" });
    }
    if (hasServer()) return undefined;
  }
  if (process.env["CI"] === "true") return undefined; // its start will fail, and say why
  return `no redis-server; \`${INSTALL}\` brings it`;
}

function hasServer(): boolean {
  return spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;
}

/** A server that runs. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
  }

  /** Starts one; its files are kept in memory only if `args` say nothing else. */
  static async start(...args: string[]): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "redis-"));
    const server = new RedisServer(await freePort(), folder, args);
    await server.up();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Starts it, again with what it has written. */
  up(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn("redis-server", [
        ...["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder],
        ...["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"],
        ...this.#args,
      ], { stdio: ["ignore", "pipe", "inherit"] });
      this.#child = child;
      let output = "";
      child.on("error", (error) => reject(new Error(`redis-server: ${INSTALL}`, { cause: error })));
      child.on("exit", (code) => reject(new Error(`redis-server ended (${code}):\n${output}`)));
      child.stdout!.on("data", (chunk) => {
        output += chunk;
        if (output.includes("Ready to accept connections")) resolve();
      });
    });
  }

  /** Ends it, and waits until it is gone. Its files stay. */
  down(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }

  /** What `redis-cli` prints. */
  cli(...args: string[]): string {
    return execFileSync("redis-cli", ["-p", String(this.port), ...args], { encoding: "utf8" })
      .trim();
  }

  /** Ends it, and deletes its files. */
  async stop(): Promise<void> {
    await this.down("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * A port that nobody listens on, and that no connection gets as its own: where a server is away for a while, a
 * client that tries again and again could come to be connected with itself.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", () => freePort().then(resolve, reject)); // taken: another one
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(port)));
  });
}
