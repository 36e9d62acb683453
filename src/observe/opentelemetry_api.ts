import type * as Api from "@opentelemetry/api";

/** The package, which is the program's own to choose. */
export const api: typeof Api = await load();

async function load(): Promise<typeof Api> {
  try {
    return await import("@opentelemetry/api");
  } catch (cause) {
    throw new Error(
      "Cannot use @concurrent/futures/opentelemetry: add the package @opentelemetry/api " +
        "(npm install @opentelemetry/api, deno add npm:@opentelemetry/api)",
      { cause },
    );
  }
}
