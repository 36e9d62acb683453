/** Faults: what cannot be sent, and how the crowd behind a dead worker fares. @module */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Future, SerializationError, transfer, WorkerCrashError } from "../../mod.ts";
import { isProcesses, leave, noted, Notes } from "../contract/executors.ts";
import {
  countRuns,
  fails,
  type Fault,
  hitsTheTest,
  neverRun,
  type Outcome,
  run,
  runOnce,
  takesOthers,
} from "./fault.ts";

const returnIt = (value: unknown): unknown => value;

/** A buffer that has been moved elsewhere. */
function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

const notCloned = fails(
  SerializationError,
  /^Cannot send argument 1 of task "returnIt"/,
  ({ cause }) => assert(cause !== undefined),
);

/** What structured clone refuses may reach a process. */
function orArrives(look: (value: unknown) => void): Fault["sees"] {
  return (outcome, kind) => {
    if (!isProcesses(kind)) return notCloned(outcome, kind);
    assert("value" in outcome, "it has not arrived");
    look(outcome.value);
  };
}

const ARGUMENTS: readonly Fault[] = neverRun([
  {
    name: "an argument that is a symbol",
    cause: (executor) => [executor.submit(returnIt, Symbol("s"))],
    sees: notCloned,
  },
  {
    name: "an argument whose getter throws undefined",
    cause(executor) {
      const trap = {
        get value() {
          throw undefined;
        },
      };
      return [executor.submit(returnIt, trap)];
    },
    sees: fails(SerializationError, 'argument 1 of task "returnIt"'),
  },
  {
    name: "an argument whose getter submits, and then throws",
    cause(executor) {
      const trap = {
        get value() {
          executor.submit(() => 1);
          throw new RangeError("trap");
        },
      };
      return [executor.submit(returnIt, trap)];
    },
    sees: fails(
      SerializationError,
      'argument 1 of task "returnIt"',
      ({ cause }) => assertInstanceOf(cause, RangeError),
    ),
  },
  {
    name: "an argument that is a Proxy",
    cause: (executor) => [executor.submit(returnIt, new Proxy({ seen: 1 }, {}))],
    sees: orArrives((value) => assertEquals(value, { seen: 1 })),
  },
  {
    name: "an argument that is a detached buffer",
    cause: (executor) => [executor.submit(returnIt, detached())],
    sees: notCloned,
  },
  {
    name: "an argument that transfers a detached buffer",
    cause(executor) {
      const buffer = detached();
      return [executor.submit(returnIt, transfer(1, [buffer]))];
    },
    sees: fails(SerializationError),
  },
  {
    name: "an argument too deep to be cloned",
    cause: (executor) => [executor.submit(returnIt, deepList())],
    sees(outcome, kind) {
      if (isProcesses(kind)) assert("value" in outcome && Array.isArray(outcome.value));
      else if (!clonesDeepLists()) notCloned(outcome, kind);
      // The result of a worker is too deep. Inline it may arrive: how deep Firefox clones varies.
      else if (!kind.inline || "error" in outcome) {
        fails(SerializationError, "returnIt")(outcome, kind);
      }
    },
  },
]);

function deepList(): unknown[] {
  let deep: unknown[] = [];
  for (let i = 0; i < 200_000; i++) deep = [deep];
  return deep;
}

/** Firefox does: there the task is run, and comes to a result that is too deep for others. */
function clonesDeepLists(): boolean {
  try {
    structuredClone(deepList());
    return true;
  } catch {
    return false;
  }
}

const TRANSFERS: readonly Fault[] = [
  {
    name: "a buffer transferred by two tasks",
    cause(executor) {
      const bytes = new Uint8Array(4);
      const sum = (bytes: Uint8Array) => bytes.length;
      const first = executor.submit(sum, transfer(bytes, [bytes.buffer]));
      const second = executor.submit(sum, transfer(bytes, [bytes.buffer]));
      return [first, second];
    },
    runs: 0,
    sees: oneByOne(
      (outcome) => assertEquals(outcome, { value: 4 }),
      fails(SerializationError, 'Cannot send the arguments of task "sum"'),
    ),
  },
];

/** Checks the futures of a row one after another, each in its own way. */
function oneByOne(...checks: Fault["sees"][]): Fault["sees"] {
  let at = 0;
  return (outcome, kind) => checks[at++ % checks.length]!(outcome, kind);
}

const RESULTS: readonly Fault[] = [
  {
    name: "a result whose getter throws",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        return {
          get value() {
            throw new RangeError("trap");
          },
        };
      }),
    ],
    sees: fails(
      SerializationError,
      "the result of task",
      ({ cause }) => assertInstanceOf(cause, RangeError),
    ),
  },
  {
    name: "a result whose getter throws undefined",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        return {
          get value() {
            throw undefined;
          },
        };
      }),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "a result that is a detached buffer",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        const buffer = new ArrayBuffer(8);
        structuredClone(buffer, { transfer: [buffer] });
        return buffer;
      }),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "a result that is a revoked Proxy",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return [proxy];
      }),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "a result with a then that throws",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        return {
          get then(): unknown {
            throw new RangeError("then");
          },
        };
      }),
    ],
    sees: fails(RangeError, "then"),
  },
];

/** What the crowd has noted, how many it is, and how each ended. */
let notes: Notes | undefined;
let crowd = 0;
const ended: Outcome[] = [];

const CROWDS: readonly Fault[] = [
  {
    name: "a worker that dies with 70,000 tasks in flight",
    skip: hitsTheTest,
    kills: 1,
    runs: 0,
    cause(executor, _handle, kind) {
      // Without shared memory, and where each writes to a file, these take their time.
      crowd = noted(kind, kind.shared ? 70_000 : 2_000);
      const { handle } = notes = new Notes(kind, crowd);
      ended.length = 0;
      const futures: Future<unknown>[] = [];
      for (let i = 0; i < crowd; i++) {
        if (i === crowd / 2) futures.push(executor.submit(leave, 3));
        futures.push(executor.submit(runOnce, handle, i));
      }
      // The one that dies comes last.
      const [last] = futures.splice(crowd / 2, 1);
      return [...futures, last!];
    },
    // Each has succeeded, but for the last, and each has run once.
    sees(outcome: Outcome, kind) {
      if (ended.push(outcome) <= crowd) {
        if ("value" in outcome) return;
        const mayFail = isProcesses(kind) || takesOthers(kind) !== undefined;
        assert(mayFail, "a task of the crowd has failed");
        return fails(WorkerCrashError)(outcome, kind);
      }
      fails(WorkerCrashError)(outcome, kind);
      using ran = notes!;
      for (const [i, runs] of countRuns(ran, crowd).entries()) {
        if (runs !== 1) assert(runs === 0 && "error" in ended[i]!, `task ${i} ran ${runs} times`);
      }
    },
  },
];

export const CLONES: readonly Fault[] = [...ARGUMENTS, ...TRANSFERS, ...RESULTS, ...CROWDS];
