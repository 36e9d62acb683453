/** What the tests of pages share. They run by `npm run test:browsers`, and nowhere else. @module */

import { test, type TestOptions } from "../harness.ts";
import { IN_PAGE } from "../contract/executors.ts";

/** Declares a test that only a page can run. */
export function testInPage(
  name: string,
  fn: () => Promise<void>,
  { skip, ...options }: TestOptions = {},
): void {
  test(name, fn, { ...options, skip: IN_PAGE ? skip : "it is for pages: npm run test:browsers" });
}

/** Why a test that looks at workers from outside is skipped. */
export const NO_LOCKS: string | undefined = globalThis.isSecureContext === false
  ? "a page that is not secure has no locks"
  : undefined;

/** Lets the driver keep this page from running for a while; false where it cannot. */
export async function suspended(milliseconds: number): Promise<boolean> {
  const page = new URL(location.href).searchParams.get("page");
  const body = JSON.stringify({ suspend: milliseconds });
  return await (await fetch(`/report?page=${page}`, { method: "POST", body })).json();
}

/** A worker of the user's own, as bundlers and policies want it. */
export function ownWorker(): Worker {
  return new Worker(new URL("./own_worker.ts", import.meta.url), { type: "module" });
}

/** The workers that are started meanwhile, by the URLs of their programs. */
export class StartedWorkers implements Disposable {
  readonly urls: string[] = [];
  readonly #original = Object.getOwnPropertyDescriptor(globalThis, "Worker")!;

  constructor() {
    const { urls } = this;
    // Defined, not set: JavaScriptCore may go on with the one that it has seen there.
    Object.defineProperty(globalThis, "Worker", {
      ...this.#original,
      value: class extends globalThis.Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          urls.push(String(url));
          super(url, options);
        }
      },
    });
  }

  [Symbol.dispose](): void {
    Object.defineProperty(globalThis, "Worker", this.#original);
  }
}
