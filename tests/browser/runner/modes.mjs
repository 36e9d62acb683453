/**
 * The modes in which the tests run in a browser, and which tests each runs.
 *
 * @module
 */

import { globSync } from "node:fs";

/** Of pages alone. */
const OF_PAGES = ["page", "lifetime", "back"].map((name) => `tests/browser/${name}_test.ts`);

/** All that a page can run, whatever its headers. */
const EVERYWHERE = [
  ...globSync("tests/contract/*_test.ts"),
  ...["faults", "calls", "docs"].map((name) => `tests/faults/${name}_test.ts`),
  ...globSync("tests/futures/*_test.ts"),
  ...globSync("tests/wire/*_test.ts"),
  "tests/runtime/table_test.ts",
].filter((file) => !/nine_pairs|structured_|task_ref/.test(file)); // of processes, which no page has

/** What runs on workers that are none, which make functions of text on the page's own thread. */
const ON_FAKES = [
  "tests/engine/model_test.ts",
  "tests/engine/scheduler_test.ts",
  "tests/faults/points_test.ts",
  "tests/wire/task_ref_test.ts", // makes some, too
];

/** Behaviour, faults, and how workers end. */
const CHOSEN = [
  ...globSync("tests/contract/*_test.ts").filter((file) => !/nine_pairs|graphs/.test(file)),
  "tests/faults/faults_test.ts",
  "tests/futures/dispose_test.ts",
  "tests/runtime/table_test.ts",
  ...OF_PAGES,
];

/** What differs between executors is tested in pages that share memory. */
const FEW = "ThreadPoolExecutor,InlineExecutor";

/** Nothing but what the server has itself. */
const STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'";

/** What tests of browsers alone need. */
const OWN_PAGES = [
  { csp: STRICT, cspOf: "everything", files: ["tests/browser/csp_test.ts"] },
  {
    name: "blob: allowed",
    csp: STRICT.replace("worker-src 'self'", "worker-src blob:"),
    cspOf: "everything",
    files: ["tests/browser/csp_blob_test.ts"],
  },
  { name: "insecure", insecure: true, files: ["tests/browser/page_test.ts"] },
];

/**
 * What a mode is made of: files, each in a page of its own, and how the page is served.
 *
 * - `isolated`: with the headers that let a page share memory.
 * - `csp`: the Content-Security-Policy; `cspOf` is what it is sent with.
 * - `ownWorker`: tests start workers from a file, as `new Worker(new URL(...))`, and not from a `blob:`.
 * - `executors`: of those that keep the contract only these.
 * - `runs`: fewer random programs, which are the same with any headers; `isolated` runs all.
 * - `insecure`: by a host that is not this machine, as far as the browser knows.
 */
export const MODES = {
  isolated: [
    { isolated: true, files: [...EVERYWHERE, ...ON_FAKES, ...OF_PAGES] },
  ],
  plain: [
    { executors: FEW, files: [...EVERYWHERE, ...OF_PAGES] },
    { files: ON_FAKES, runs: 1_000 },
    ...OWN_PAGES.filter(({ insecure }) => insecure),
  ],
  csp: [
    // Only the page has the policy, as one of a <meta> would be: what has no text runs from text.
    {
      isolated: true,
      csp: STRICT,
      cspOf: "pages",
      ownWorker: true,
      executors: FEW,
      // Children and streams of plain functions are made of text on the page's own thread, too.
      files: EVERYWHERE.filter((file) => !/nested|stream/.test(file)),
    },
    {
      isolated: true,
      csp: STRICT.replace("script-src", "script-src 'unsafe-eval'"),
      cspOf: "everything",
      files: ON_FAKES,
      runs: 1_000,
    },
    ...OWN_PAGES.filter(({ csp }) => csp !== undefined),
  ],
  // What depends on the browser most, for those that `npm test` does not run whole.
  chosen: [
    { isolated: true, executors: FEW, files: CHOSEN },
    {
      name: "plain",
      executors: "ThreadPoolExecutor",
      files: [
        "tests/contract/submit_test.ts",
        "tests/runtime/table_test.ts",
        "tests/browser/page_test.ts",
      ],
    },
    ...OWN_PAGES,
  ],
};
