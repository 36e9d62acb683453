import process from "node:process";
import { browserRuntime, detectRuntime } from "../../src/runtime/mod.ts";
import type { Capabilities, Runtime, WorkerHandle, WorkerOptions } from "../../src/runtime/mod.ts";

/** One way to start workers that the runtime of this test has. */
export interface Subject {
  readonly name: string;
  readonly runtime: Runtime;
  /** What a program ends itself with, and the exit code that its owner is told. */
  readonly leave: string;
  readonly exitCode: number | undefined;
  readonly capabilities: Capabilities;
  /** Why this runtime does not have it. */
  readonly skip: string | false;
  /** Options for programs: a worker that the test makes itself is given to the handle by a factory. */
  options(program: string): WorkerOptions;
}

const detected = detectRuntime();
const isDeno = "Deno" in globalThis;

function subject(
  runtime: Runtime,
  more: Partial<Subject> & Pick<Subject, "name">,
  isGlobal = false,
): Subject {
  return {
    runtime,
    leave: "process.exit(3)",
    exitCode: 3,
    capabilities: runtime.capabilities,
    skip: false,
    options: (program) => ({
      name: "test",
      program,
      factory: isGlobal ? () => globalWorker(program) : undefined,
    }),
    ...more,
  };
}

function globalWorker(program: string): unknown {
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const { Worker } = globalThis as unknown as {
    Worker: new (url: string, options: { type: "module" }) => unknown;
  };
  return new Worker(url, { type: "module" });
}

/**
 * The adapter of the runtime. On Deno, too, its other kind of worker, which `permissions` need, and
 * the adapter of browsers, because Deno has all that it asks for.
 */
export const SUBJECTS: readonly Subject[] = [
  subject(detected, { name: "adapter" }),
  subject(detected, {
    name: "Deno's global Worker",
    exitCode: undefined,
    capabilities: detected.capabilitiesOf?.({ factory: () => {} }) ?? detected.capabilities,
    skip: !isDeno && "only Deno has two kinds of workers",
  }, true),
  subject(browserRuntime, {
    name: "browser",
    leave: "self.close()",
    exitCode: undefined,
    capabilities: { ...browserRuntime.capabilities, stopsBusyTasks: false },
    skip: !isDeno && "only Deno has all that the adapter of browsers asks for",
  }),
];

/** What programs of tests begin with: `post` and `listen` for either kind of worker. */
export const PRELUDE = `
  const port = globalThis.self === undefined
    ? process.getBuiltinModule("node:worker_threads").parentPort
    : undefined;
  const post = (message, transfer) => (port ?? globalThis).postMessage(message, transfer);
  const listen = (callback) => {
    // A message may come in a map, see WorkerHandle.post.
    if (port) port.on("message", (data) => callback(data instanceof Map ? data.get(0) : data));
    else {
      globalThis.onmessage = ({ data }) => {
        if (data?.lifeline === undefined) callback(data); // not what Deno's adapter sends first
      };
    }
  };
`;

/** A worker and all that it told, in order. */
export class Observed {
  readonly handle: WorkerHandle;
  readonly told: unknown[][] = [];
  #wanted: { name: string; resolve: (value: unknown) => void }[] = [];

  constructor({ runtime, options }: Pick<Subject, "runtime" | "options">, program: string) {
    const tell = (name: string, value?: unknown): void => {
      this.told.push([name, value]);
      const wanted = this.#wanted;
      this.#wanted = wanted.filter((one) => one.name !== name);
      for (const one of wanted) if (one.name === name) one.resolve(value);
    };
    this.handle = runtime.spawn(options(PRELUDE + program), {
      message: (data) => tell("message", data),
      error: (error) => tell("error", error),
      messageError: () => tell("messageError"),
      exit: (exitCode) => tell("exit", exitCode),
    });
    this.handle.ref();
  }

  /** The next message, error or exit. */
  next(name: "message" | "error" | "exit"): Promise<unknown> {
    return new Promise((resolve) => this.#wanted.push({ name, resolve }));
  }

  names(): string[] {
    return this.told.map(([name]) => name as string);
  }
}

/** Which runtime runs this test. */
export const RUNTIME: "deno" | "bun" | "node" = isDeno
  ? "deno"
  : "bun" in process.versions
  ? "bun"
  : "node";
