/** Faults: what cannot be sent, and how the crowd behind a dead worker fares. @module */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { SerializationError, transfer, WorkerCrashError } from "../../mod.ts";
import { fails, type Fault, hitsTheTest, neverRun, type Outcome } from "./fault.ts";

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
    cause: (executor) => [executor.submit(returnIt, new Proxy({}, {}))],
    sees: notCloned,
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
    cause(executor) {
      let deep: unknown[] = [];
      for (let i = 0; i < 200_000; i++) deep = [deep];
      return [executor.submit(returnIt, deep)];
    },
    sees: notCloned,
  },
]);

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
    cause: (executor, cells) => [
      executor.submit((cells: Int32Array) => {
        Atomics.add(cells, 0, 1);
        return {
          get value() {
            throw new RangeError("trap");
          },
        };
      }, cells),
    ],
    sees: fails(
      SerializationError,
      "the result of task",
      ({ cause }) => assertInstanceOf(cause, RangeError),
    ),
  },
  {
    name: "a result whose getter throws undefined",
    cause: (executor, cells) => [
      executor.submit((cells: Int32Array) => {
        Atomics.add(cells, 0, 1);
        return {
          get value() {
            throw undefined;
          },
        };
      }, cells),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "a result that is a detached buffer",
    cause: (executor, cells) => [
      executor.submit((cells: Int32Array) => {
        Atomics.add(cells, 0, 1);
        const buffer = new ArrayBuffer(8);
        structuredClone(buffer, { transfer: [buffer] });
        return buffer;
      }, cells),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "a result that is a revoked Proxy",
    cause: (executor, cells) => [
      executor.submit((cells: Int32Array) => {
        Atomics.add(cells, 0, 1);
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return [proxy];
      }, cells),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "a result with a then that throws",
    cause: (executor, cells) => [
      executor.submit((cells: Int32Array) => {
        Atomics.add(cells, 0, 1);
        return {
          get then(): unknown {
            throw new RangeError("then");
          },
        };
      }, cells),
    ],
    sees: fails(RangeError, "then"),
  },
];

/** What the crowd has counted, and how many it is. */
let counted: Int32Array = new Int32Array(1);
let crowd = 0;

const CROWDS: readonly Fault[] = [
  {
    name: "a worker that dies with 70,000 tasks in flight",
    skip: hitsTheTest,
    kills: 1,
    runs: 0,
    cause(executor, _cells, kind) {
      // Without shared memory a worker is sent one at a time: fewer, for these take their time.
      crowd = kind.shared ? 70_000 : 2_000;
      counted = new Int32Array(new SharedArrayBuffer(4));
      const add = (counted: Int32Array) => Atomics.add(counted, 0, 1);
      const half = () => Array.from({ length: crowd / 2 }, () => executor.submit(add, counted));
      const before = half();
      const exit = executor.submit(() => {
        (globalThis as unknown as { process: { exit(code: number): never } }).process.exit(3);
      });
      return [...before, ...half(), exit];
    },
    // Each has succeeded, but for the last, and each has run once.
    sees(outcome: Outcome, kind) {
      if (crowd-- > 0) assert("value" in outcome, "a task of the crowd has failed");
      else {
        fails(WorkerCrashError)(outcome, kind);
        assertEquals(counted[0], kind.shared ? 70_000 : 2_000);
      }
    },
  },
];

export const CLONES: readonly Fault[] = [...ARGUMENTS, ...TRANSFERS, ...RESULTS, ...CROWDS];
