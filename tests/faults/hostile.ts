/** Faults: values made to break whoever looks at them. @module */

import { importTasks, SerializationError } from "../../mod.ts";
import { fails, type Fault, run } from "./fault.ts";

const returnIt = (value: unknown): unknown => value;
const notCloned = fails(SerializationError, "argument 1 of task");

/** Cannot be made a string: `String(hostile)` throws, and structured clone lets it pass. */
const hostile = { toString: 1, valueOf: 1 };

export const HOSTILE: readonly Fault[] = [
  {
    name: "an argument that is a revoked Proxy",
    runs: 0,
    cause(executor) {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return [executor.submit(returnIt, proxy)];
    },
    sees: notCloned,
  },
  {
    name: "an argument that is a Proxy whose traps throw",
    runs: 0,
    cause(executor) {
      const get = (): never => {
        throw new RangeError("trap");
      };
      return [executor.submit(returnIt, new Proxy({ trap: 1 }, { get }))];
    },
    sees: notCloned,
  },
  {
    name: "a result that is a Proxy whose traps throw",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        return new Proxy({ trap: 1 }, {
          get(_, key) {
            if (key !== "then") throw new RangeError("trap");
          },
        });
      }),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "an argument whose getter throws what is no text",
    runs: 0,
    cause(executor) {
      const trap = {
        get value() {
          throw hostile;
        },
      };
      return [executor.submit(returnIt, trap)];
    },
    sees: notCloned,
  },
  {
    name: "an argument whose getter throws an error whose message throws",
    runs: 0,
    cause(executor) {
      const get = (): never => {
        throw new RangeError("trap");
      };
      const error = Object.defineProperty(new Error(), "message", { get });
      const trap = {
        get value() {
          throw error;
        },
      };
      return [executor.submit(returnIt, trap)];
    },
    sees: notCloned,
  },
  {
    name: "a result whose getter throws what is no text",
    cause: (executor, handle) => [
      run(executor, handle, () => {
        return {
          get value() {
            throw { toString: 1, valueOf: 1 };
          },
        };
      }),
    ],
    sees: fails(SerializationError, "the result of task"),
  },
  {
    name: "a module that throws what is no text at its top level",
    runs: 0,
    cause: (executor) => [
      executor.submit(
        importTasks<{ task(): void }>(
          "data:text/javascript,export function task() {} throw { toString: 1, valueOf: 1 }",
        ).task,
      ),
    ],
    sees: fails(TypeError, "Cannot run task"),
  },
];
