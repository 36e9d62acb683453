import { hasOwn, ObjectOf, PromiseOf, SafeMap, textSlice } from "../wire/originals.ts";
import { whenSettled } from "./thenable.ts";

type Module = Record<string, unknown>;

/** What Bun's and Deno's `import()` reject with if there is no such module. */
interface NotFound {
  readonly code?: unknown;
  readonly message?: unknown;
  /** Bun: what was not found, and who wanted it. */
  readonly specifier?: string | undefined;
  readonly referrer?: string | undefined;
}

const { Bun, Deno } = globalThis as {
  readonly Bun?: { resolveSync(specifier: string, from: string): string };
  readonly Deno?: unknown;
};
const resolveSync = Bun?.resolveSync;

/** What an error tells of a module that is not there; a module may throw anything, which may throw when asked. */
function notFoundOf(error: unknown): NotFound {
  try {
    const { code, message, specifier, referrer } = ObjectOf(error) as NotFound;
    return { code, message, specifier, referrer };
  } catch {
    return {};
  }
}

/** Modules that Deno knows under another address than their own. */
const addresses = new SafeMap<string, string>();
let tries = 0;

/**
 * Imports a module, also one that was written after the runtime looked for it, or into its folder.
 *
 * @param load `import()`, of the place where tasks run.
 */
export function loadModule(
  load: (url: string) => PromiseLike<Module>,
  url: string,
): PromiseLike<Module> {
  return new PromiseOf((resolve, reject) => {
    let missed: string | undefined;
    const loadOnce = (): void => {
      whenSettled(load(addresses.get(url) ?? url), resolve, (error) => {
        const { code, message, specifier, referrer } = notFoundOf(error);
        if (code !== "ERR_MODULE_NOT_FOUND") return reject(error);
        if (resolveSync !== undefined && specifier !== undefined && specifier !== missed) {
          // Bun 1.4 goes by the list of a folder's files that it read first; asked so, it looks again.
          missed = specifier;
          const from = referrer ?? "/";
          try {
            resolveSync(specifier, textSlice(from, 0, 6) === "/blob:" ? "/" : from);
          } catch {
            return reject(error);
          }
          return loadOnce();
        }
        if (Deno === undefined || message !== `Module not found "${url}".`) return reject(error);
        // Deno 2.9 remembers for ever that there was no such module, but not of another fragment.
        const address = `${url}#${++tries}`;
        whenSettled(load(address), (module) => {
          addresses.set(url, address);
          resolve(module);
        }, () => reject(error));
      });
    };
    loadOnce();
  });
}

/**
 * What a module exports by a name. Of a module in CommonJS it is what `require` would give: runtimes
 * find most of its names by looking at its text, and give the others as properties of `default`.
 */
export function exportOf(module: Module, name: string): unknown {
  const value = hasOwn(module, name) ? module[name] : undefined;
  if (typeof value === "function" || (value !== undefined && name !== "default")) return value;
  const exports = ObjectOf(module["default"]) as Module;
  return hasOwn(exports, name) ? exports[name] : value;
}
