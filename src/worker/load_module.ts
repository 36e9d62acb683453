/** What Bun's and Deno's `import()` reject with if there is no such module. */
interface NotFound {
  readonly code?: unknown;
  readonly message?: unknown;
  /** Bun: what was not found, and who wanted it. */
  readonly specifier?: string;
  readonly referrer?: string;
}

const scope = globalThis as {
  readonly Bun?: { resolveSync(specifier: string, from: string): string };
  readonly Deno?: unknown;
};

/** Modules that Deno knows under another address than their own. */
const addresses = new Map<string, string>();
let tries = 0;

/**
 * Imports a module, also one that was written after the runtime looked for it, or into its folder.
 *
 * @param load `import()`, of the place where tasks run.
 */
export async function loadModule(
  load: (url: string) => Promise<Record<string, unknown>>,
  url: string,
): Promise<Record<string, unknown>> {
  let missed: string | undefined;
  for (;;) {
    try {
      return await load(addresses.get(url) ?? url);
    } catch (error) {
      const { code, message, specifier, referrer } = Object(error) as NotFound;
      if (code !== "ERR_MODULE_NOT_FOUND") throw error;
      if (scope.Bun !== undefined && specifier !== undefined && specifier !== missed) {
        // Bun 1.4 goes by the list of a folder's files that it read first; asked so, it looks again.
        missed = specifier;
        try {
          scope.Bun.resolveSync(specifier, referrer?.startsWith("/blob:") ? "/" : referrer ?? "/");
        } catch {
          throw error;
        }
      } else if (scope.Deno !== undefined && message === `Module not found "${url}".`) {
        // Deno 2.9 remembers for ever that there was no such module, but not of another fragment.
        const address = `${url}#${++tries}`;
        const module = await load(address).catch(() => {
          throw error;
        });
        addresses.set(url, address);
        return module;
      } else throw error;
    }
  }
}

/**
 * What a module exports by a name. Of a module in CommonJS it is what `require` would give: runtimes
 * find most of its names by looking at its text, and give the others as properties of `default`.
 */
export function exportOf(module: Record<string, unknown>, name: string): unknown {
  const value = Object.hasOwn(module, name) ? module[name] : undefined;
  if (typeof value === "function" || (value !== undefined && name !== "default")) return value;
  const exports = Object(module["default"]) as Record<string, unknown>;
  return Object.hasOwn(exports, name) ? exports[name] : value;
}
