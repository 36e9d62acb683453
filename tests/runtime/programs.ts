import { fileURLToPath } from "node:url";

const MODULES = fileURLToPath(new URL("../../node_modules/", import.meta.url));

/** The programs of the three runtimes, as they are installed here. */
export const PROGRAMS: Readonly<Record<"deno" | "bun" | "node", string>> = {
  deno: `${MODULES}deno/deno`,
  bun: `${MODULES}bun/bin/bun.exe`,
  node: `${MODULES}node/bin/node`,
};
