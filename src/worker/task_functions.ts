import { UNRESOLVED } from "../wire/messages.ts";
import type { FailureKind, WireTask } from "../wire/messages.ts";
import { hasOwn, TypeErrorOf } from "../wire/originals.ts";
import { exportOf } from "./load_module.ts";
import type { ProgramHost } from "./program_host.ts";
import type { AnyFunction } from "./task_table.ts";
import { whenSettled } from "./thenable.ts";

/** Finds the functions of tasks: makes them of their text, looks them up, or loads their module. */
export class TaskFunctions {
  readonly #host: ProgramHost;
  readonly #moduleLoaded: (module: object, url: string) => void;

  /** @param moduleLoaded Told of each module. */
  constructor(host: ProgramHost, moduleLoaded: (module: object, url: string) => void) {
    this.#host = host;
    this.#moduleLoaded = moduleLoaded;
  }

  /** The function, if it need not be loaded. */
  findNow(wire: WireTask): AnyFunction | undefined {
    if (wire.kind === "module") return undefined;
    try {
      if (wire.kind === "named") return this.#named(wire.name);
      return this.#host.compile(wire.source) as AnyFunction;
    } catch (error) {
      throw new Unresolved(error);
    }
  }

  #named(name: string): AnyFunction {
    const { named } = this.#host;
    if (named === undefined) {
      throw new TypeErrorOf(
        "this worker serves no named tasks; start it from a file that calls serve()",
      );
    }
    return checkFunction(hasOwn(named, name) ? named[name] : undefined, name, "serve()");
  }

  /** Loads the module of a function. Calls back later. */
  load(
    wire: WireTask,
    loaded: (call: AnyFunction) => void,
    failed: (error: unknown) => void,
  ): void {
    const { url, name } = wire as WireTask & { kind: "module" };
    const fail = (error: unknown): void => failed(new Unresolved(error));
    let loading: PromiseLike<Record<string, unknown>>;
    try {
      loading = this.#host.load(url);
    } catch (error) {
      return fail(error);
    }
    whenSettled(loading, (module) => {
      this.#moduleLoaded(module, url);
      let call: AnyFunction;
      try {
        call = checkFunction(exportOf(module, name), name, "module");
      } catch (error) {
        return fail(error);
      }
      loaded(call);
    }, fail);
  }
}

/** A task failed, and it was not what it threw: by default, its function could not be had. */
export class Unresolved {
  readonly #reason: unknown;
  readonly #kind: FailureKind;

  constructor(reason: unknown, kind: FailureKind = UNRESOLVED) {
    this.#reason = reason;
    this.#kind = kind;
  }

  /** What went wrong, if a thrown value is one of these. Not by `instanceof`: a Proxy may throw at that. */
  static reasonOf(
    thrown: unknown,
  ): { readonly reason: unknown; readonly kind: FailureKind } | undefined {
    if (typeof thrown !== "object" || thrown === null || !(#reason in thrown)) return undefined;
    return { reason: thrown.#reason, kind: thrown.#kind };
  }
}

function checkFunction(value: unknown, name: string, where: string): AnyFunction {
  if (typeof value === "function") return value as AnyFunction;
  throw new TypeErrorOf(
    value === undefined
      ? `the ${where} has no export named "${name}"`
      : `"${name}" of the ${where} is not a function but ${typeof value}`,
  );
}
