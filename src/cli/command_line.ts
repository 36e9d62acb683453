/**
 * What the commands share: options, errors of one line, and the engine that a URL names.
 *
 * @module
 */

import process from "node:process";
import { parseArgs, type ParseArgsConfig } from "node:util";
import type { Transport } from "../remote/transport.ts";

/** Where the address may stand instead of in the options, which everybody on the machine can read. */
const URL_VARIABLE = "CONCURRENT_FUTURES_URL";

/** A wrong option; the text says which, and where to read more. */
export class UsageError extends Error {
  constructor(message: string, help: string) {
    super(`${message} (see ${help})`);
  }
}

/** The declarations of options that `node:util` takes. */
export type OptionsConfig = NonNullable<ParseArgsConfig["options"]>;

/** The values of options, by their names. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #help: string;

  /** @throws {UsageError} if there is one that is not declared, or a value is missing. */
  constructor(command: string, args: string[], options: OptionsConfig) {
    this.#help = `concurrent-futures ${command} --help`;
    try {
      const parsed = parseArgs({
        args,
        options: { ...options, help: { type: "boolean", short: "h" } },
      });
      this.#values = parsed.values as Record<string, unknown>;
    } catch (error) {
      const [line = ""] = (error as Error).message.split(/\n|\. To specify/);
      throw this.wrong(line.replace(/\.$/, ""));
    }
  }

  wrong(message: string): UsageError {
    return new UsageError(message, this.#help);
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    if (value === "") throw this.wrong(`--${name} is empty`);
    return value as string | undefined;
  }

  needed(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.wrong(`--${name} is missing`);
    return value;
  }

  list(name: string): string[] {
    return (this.#values[name] ?? []) as string[];
  }

  /** A whole number, from `least` on. */
  count(name: string, least: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (Number.isSafeInteger(number) && number >= least) return number;
    throw this.wrong(`--${name} "${value}" is not a whole number of at least ${least}`);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.text(name) ?? values[0]!;
    if ((values as readonly string[]).includes(value)) return value as T;
    throw this.wrong(`--${name} "${value}" is none of ${values.join(", ")}`);
  }

  /** The engine that `--url`, `--queue` and `--prefix` name. Nothing connects yet. */
  async transport(): Promise<Transport> {
    const url = this.text("url") ?? (process.env[URL_VARIABLE] || undefined);
    const queue = this.needed("queue");
    const prefix = this.text("prefix");
    if (url === undefined) throw this.wrong(`--url is missing, and ${URL_VARIABLE} is not set`);
    if (!/^rediss?:\/\//.test(url)) {
      // Not the text itself: it may hold a password.
      throw this.wrong("--url begins neither with redis:// nor with rediss://");
    }
    let engine: typeof import("../transports/bullmq.ts");
    try {
      engine = await import("../transports/bullmq.ts");
    } catch (error) {
      throw new Error(
        `Cannot load the clients of Redis: \`npm install bullmq ioredis\` brings them (${
          messageLine(error)
        })`,
      );
    }
    return engine.bullmq({ url, queue, ...prefix === undefined ? {} : { prefix } });
  }
}

/** The options that name an engine, and their help. */
export const ENGINE_OPTIONS: OptionsConfig = {
  url: { type: "string" },
  queue: { type: "string" },
  prefix: { type: "string" },
};

/** Help for {@linkcode ENGINE_OPTIONS}. */
export const ENGINE_HELP: string =
  `  --url URL             redis://[user:password@]host:port, or rediss:// for TLS
                        [${URL_VARIABLE}, where no list of processes shows it]
  --queue NAME          the queue; clients say the same
  --prefix TEXT         what its keys begin with [cf]`;

/** An error as one line. */
export function messageLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] || "unknown error";
}
