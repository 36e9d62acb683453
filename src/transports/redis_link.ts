/**
 * The connections of one transport to Redis: opened when they are needed, back within a second of the server's
 * return, and what their errors mean.
 *
 * @module
 */

import { Redis, type RedisOptions } from "ioredis";
import { TransportError } from "../remote/transport.ts";

/** Milliseconds that a call waits for a server that is away, before it says so. */
const PATIENCE = 5_000;

/** Milliseconds that the last call of one who ends waits at the most. */
const LAST_PATIENCE = 1_500;

/** Milliseconds without an answer after which a connection counts as dead: a partition tells nobody. */
const SILENCE = 6_000;

/** The same where commands block for a while: BullMQ lets them for ten seconds. */
const BLOCKED_SILENCE = 15_000;

/** What asking again does not mend. */
const REFUSED = /^(NOAUTH|WRONGPASS|NOPERM|ERR|WRONGTYPE)\b/;

/**
 * Milliseconds until the next try. The client's own goes up to 20 s, and after an outage of that length the
 * queue stood still for 18 s more.
 */
function retryDelay(tries: number): number {
  return Math.min(50 * tries, 500) + Math.random() * 100;
}

/** Whether an error of the server says that its memory is full. */
export function isFull(error: unknown): boolean {
  return /^OOM\b|\bOOM command not allowed/.test((error as Error | undefined)?.message ?? "");
}

/**
 * The client's error without the command that it keeps: its arguments are a password, or those of tasks, and
 * who prints an error prints its cause as well.
 */
function withoutCommand<T>(error: T): T {
  if (error instanceof Error) delete (error as { command?: unknown }).command;
  return error;
}

/** The connections of one client or worker. */
export class RedisLink {
  readonly #url: string;
  readonly #options: RedisOptions;
  readonly #open = new Set<Redis>();
  readonly #watchers = new Set<(error: Error | undefined) => void>();
  /** Calls that wait. The client forgets theirs if it is ended while it has no connection. */
  readonly #waiting = new Set<(error: unknown) => void>();
  #main: Redis | undefined;
  #lastError: Error | undefined;
  #away = false;
  #closed = false;
  /** What the server's clock is ahead of this machine's, in milliseconds. */
  #ahead = 0;

  constructor(url: string, options: RedisOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** The address without user and password. */
  get place(): string {
    const { protocol, host, pathname } = new URL(this.#url);
    return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Milliseconds since 1970 by the server's clock, so that machines whose clocks differ agree. */
  now(): number {
    return Math.round(Date.now() + this.#ahead);
  }

  /** The connection for commands that do not block. */
  get main(): Redis {
    if (this.#main !== undefined) return this.#main;
    const main = this.#main = this.connect(SILENCE);
    // BullMQ makes its blocking connection of this one.
    const duplicate = main.duplicate.bind(main);
    main.duplicate = (override) => {
      const copy = duplicate({ ...override, socketTimeout: BLOCKED_SILENCE });
      this.#keep(copy);
      return copy;
    };
    main.on("close", () => {
      if (this.#closed || this.#away) return;
      this.#away = true;
      for (const watcher of this.#watchers) watcher(this.#awayError());
    });
    main.on("ready", () => {
      if (this.#away) { for (const watcher of this.#watchers) watcher(undefined); }
      this.#away = false;
      void this.#readClock(main);
    });
    return main;
  }

  /** One more connection, for commands that block. */
  connect(socketTimeout: number = BLOCKED_SILENCE): Redis {
    if (this.#closed) throw this.#awayError();
    const options: Omit<RedisOptions, "replyMapping"> = {
      ...this.#options,
      maxRetriesPerRequest: null, // commands wait for the server
      retryStrategy: retryDelay,
      reconnectOnError: (error) => error.message.startsWith("READONLY") ? 2 : false, // a failover
      socketTimeout,
      keepAlive: 10_000,
    };
    const redis = new Redis(this.#url, options);
    this.#keep(redis);
    return redis;
  }

  #keep(redis: Redis): void {
    this.#open.add(redis);
    redis.on("error", (error: Error) => { // without a listener it would be thrown
      this.#lastError = withoutCommand(error);
    });
    redis.on("end", () => this.#open.delete(redis));
  }

  async #readClock(redis: Redis): Promise<void> {
    try {
      const before = Date.now();
      const [seconds, microseconds] = await redis.time();
      const between = (before + Date.now()) / 2;
      this.#ahead = Number(seconds) * 1000 + Number(microseconds) / 1000 - between;
    } catch { /* the next connection tells */ }
  }

  /** Tells of each outage, and of its end. */
  watch(watcher: (error: Error | undefined) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Runs commands. Those on their way when the connection breaks are sent again when it is back.
   *
   * @throws {TransportError} "away" if it is not there in time, or was closed; "full" if it has no room.
   */
  async call<T>(commands: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#closed) throw this.#awayError();
    const redis = this.main;
    if (redis.status !== "ready") await this.#ready(redis);
    return await new Promise<T>((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(fail);
      };
      const fail = (error: unknown): void => {
        end();
        reject(this.#meaning(error));
      };
      this.#waiting.add(fail);
      commands(redis).then((value) => {
        end();
        resolve(value);
      }, fail);
    });
  }

  /**
   * The last call of one who ends. Never rejects, and waits only briefly: a connection that was lost is back
   * within a second, if the server is; of a server that died the client may not know yet, and would then keep
   * the commands until there is one again.
   */
  async lastCall(commands: (redis: Redis) => Promise<unknown>): Promise<void> {
    if (this.#closed) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, LAST_PATIENCE));
    await Promise.race([this.call(commands).catch(() => {}), late]);
    clearTimeout(timer);
  }

  #ready(redis: Redis): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        redis.off("ready", ready);
        redis.off("end", fail);
        redis.off("close", refused);
        this.#waiting.delete(fail);
      };
      const ready = (): void => {
        end();
        resolve();
      };
      const fail = (): void => {
        end();
        reject(this.#meaning(this.#lastError));
      };
      const refused = (): void => {
        if (REFUSED.test(this.#lastError?.message ?? "")) fail();
      };
      const timer = setTimeout(fail, PATIENCE);
      redis.on("ready", ready);
      redis.on("end", fail);
      redis.on("close", refused);
      this.#waiting.add(fail);
    });
  }

  #meaning(error: unknown): Error {
    const { message = "" } = (withoutCommand(error) ?? {}) as Error;
    if (isFull(error)) {
      return new TransportError("full", `Redis at ${this.place} is full`, { cause: error });
    }
    if (REFUSED.test(message)) {
      return new Error(`Cannot use Redis at ${this.place}: ${message}`, { cause: error });
    }
    return this.#awayError(error);
  }

  #awayError(cause: unknown = this.#lastError): TransportError {
    const { message = "it does not answer" } = (cause ?? {}) as Error;
    const why = this.#closed ? "this transport was closed" : message || String(cause);
    return new TransportError("away", `Cannot reach Redis at ${this.place}: ${why}`, { cause });
  }

  /** Ends all connections; calls that wait reject. */
  close(): void {
    this.#closed = true;
    this.#watchers.clear();
    for (const redis of this.#open) redis.disconnect();
    for (const fail of this.#waiting) fail(this.#lastError);
  }
}
