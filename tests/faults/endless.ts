/** Faults: what does not end by itself, and is ended by a `timeout`. @module */

import { importTasks, TimeoutError } from "../../mod.ts";
import { type ExecutorKind, isProcesses } from "../contract/executors.ts";
import { fails, type Fault, hitsTheTest, hurried, run, RUNTIME } from "./fault.ts";

/** Bun stops loops of JavaScript alone: these would burn until the tests end. See `programs_test.ts`. */
function burns(kind: ExecutorKind): string | undefined {
  if (RUNTIME !== "Bun" || isProcesses(kind)) return undefined;
  return "Bun cannot stop it: programs_test.ts does it in a program";
}

const ROWS: readonly Fault[] = [
  {
    name: "an endless loop that catches everything",
    skip: hitsTheTest,
    cause: (executor, handle, kind) => [
      run(hurried(executor, kind), handle, () => {
        for (;;) {
          try {
            for (;;);
          } catch {
            /* goes on */
          } finally {
            // deno-lint-ignore no-unsafe-finally
            continue;
          }
        }
      }),
    ],
    sees: fails(TimeoutError),
  },
  {
    name: "an endless chain of microtasks",
    skip: hitsTheTest,
    cause: (executor, handle, kind) => [
      run(hurried(executor, kind), handle, async () => {
        for (;;) await undefined;
      }),
    ],
    sees: fails(TimeoutError),
  },
  {
    name: "an endless loop in wasm",
    skip: (kind) => hitsTheTest(kind) ?? burns(kind),
    cause: (executor, handle, kind) => [
      run(hurried(executor, kind), handle, () => {
        // (module (func (export "f") (loop (br 0))))
        const text = "AGFzbQEAAAABBAFgAAADAgEABwUBAWYAAAoJAQcAA0AMAAsL";
        const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
        const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
        (f as () => void)();
      }),
    ],
    sees: fails(TimeoutError),
  },
  {
    name: "a regular expression that takes for ever",
    skip: (kind) => hitsTheTest(kind) ?? burns(kind),
    cause: (executor, handle, kind) => [
      run(hurried(executor, kind), handle, () => {
        return /^(([a-z])+.)+[A-Z]([a-z])+$/.test("a".repeat(60));
      }),
    ],
    sees: fails(TimeoutError),
  },
  {
    name: "a then that never calls back",
    cause: (executor, handle, kind) => [
      run(hurried(executor, kind), handle, () => {
        return { then() {} } as unknown as PromiseLike<void>;
      }),
    ],
    sees: fails(TimeoutError),
  },
  {
    name: "a module that hangs at load",
    // "Top-level await promise never resolved": it does not count the executor's other work.
    skip: ({ inline }) => inline && RUNTIME === "Deno" ? "Deno ends the whole program" : undefined,
    cause(executor) {
      const hang = importTasks<{ hang(): void }>(
        "data:text/javascript,await new Promise(() => {}); export function hang() {}",
      );
      return [executor.with({ timeout: 50 }).submit(hang.hang)];
    },
    runs: 0,
    sees: fails(TimeoutError, "within 50 ms"),
  },
];

export const ENDLESS: readonly Fault[] = ROWS.map((row) => ({ ...row, stops: true }));
