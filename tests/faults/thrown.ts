/** Faults: what a task throws. @module */

import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { fails, type Fault, run } from "./fault.ts";

interface Thrown {
  readonly name: string;
  /** Makes what is thrown, in the worker. */
  thrown(): unknown;
  readonly sees: Fault["sees"];
}

const ROWS: readonly Thrown[] = [
  { name: "throw of NaN", thrown: () => NaN, sees: sees((error) => assertEquals(error, NaN)) },
  { name: "throw of -0", thrown: () => -0, sees: sees((error) => assert(Object.is(error, -0))) },
  { name: "throw of a BigInt", thrown: () => 7n, sees: sees((error) => assertEquals(error, 7n)) },
  {
    name: "throw of a symbol",
    thrown: () => Symbol("mark"),
    sees: fails(Error, "Task threw Symbol(mark), which cannot be sent"),
  },
  {
    name: "throw of a function",
    thrown: () => () => 1,
    sees: fails(Error, /^Task threw .*=>.*, which cannot be sent$/),
  },
  {
    name: "throw of a promise",
    thrown: () => Promise.resolve(1),
    sees: fails(Error, "Task threw [object Promise], which cannot be sent"),
  },
  {
    name: "throw of an object that has a then",
    thrown: () => ({ then: (resolve: (value: number) => void) => resolve(1) }),
    sees: fails(Error, "which cannot be sent"),
  },
  {
    name: "throw of an error that has a then",
    thrown: () => Object.assign(new RangeError("m"), { then: "not called" }),
    sees: fails(RangeError, "m", (error) => {
      assertEquals((error as { then?: unknown }).then, "not called");
    }),
  },
  {
    name: "throw of a frozen error",
    thrown: () => Object.freeze(Object.assign(new RangeError("cold"), { code: 7 })),
    sees: fails(RangeError, "cold", (error) => {
      assertEquals((error as { code?: unknown }).code, 7);
    }),
  },
  {
    name: "throw of an error with getters that throw",
    thrown: () => {
      const get = () => {
        throw new Error("trap");
      };
      const error = Object.assign(new RangeError("trapped"), { code: 7 });
      Object.defineProperty(error, "trap", { get, enumerable: true });
      Object.defineProperty(error, "stack", { get });
      return error;
    },
    sees: fails(RangeError, "trapped", (error) => {
      assertEquals((error as { code?: unknown }).code, 7);
      assertEquals("trap" in error, false);
    }),
  },
  {
    name: "throw of an error whose message and name throw",
    thrown: () => {
      const get = () => {
        throw null;
      };
      return Object.defineProperties(new RangeError("hidden"), {
        message: { get },
        name: { get },
      });
    },
    sees: fails(RangeError),
  },
  {
    name: "throw of an error with circular properties",
    thrown: () => {
      const error: Error & { self?: unknown; ring?: unknown } = new RangeError("round");
      const ring: { next?: unknown } = {};
      ring.next = ring;
      error.self = error;
      error.ring = ring;
      error.cause = error;
      return error;
    },
    sees: fails(RangeError, "round", (error) => {
      const { self, ring } = error as { self?: unknown; ring?: { next?: unknown } };
      assert(self === error && error.cause === error);
      assert(ring !== undefined && ring.next === ring);
    }),
  },
  {
    name: "throw of an error with properties that cannot be cloned",
    thrown: () =>
      Object.assign(new RangeError("kept"), {
        f: () => 1,
        symbol: Symbol("s"),
        weak: new WeakMap(),
        code: "E_KEPT",
      }),
    sees: fails(RangeError, "kept", (error) => {
      assertEquals(Object.entries(error), [["code", "E_KEPT"]]);
    }),
  },
  {
    name: "throw of an error whose cause cannot be cloned",
    thrown: () => new RangeError("kept", { cause: () => 1 }),
    sees: fails(RangeError, "kept"),
  },
  {
    name: "throw of an error with 10,000 causes",
    thrown: () => {
      let error = new Error("0");
      for (let i = 1; i <= 10_000; i++) error = new RangeError(`${i}`, { cause: error });
      return error;
    },
    sees: fails(RangeError, "10000", (error) => {
      let depth = 0;
      for (let at: unknown = error; at instanceof Error; at = at.cause) depth++;
      assert(depth > 50, `${depth} causes have arrived`);
    }),
  },
  {
    name: "throw of an AggregateError of 1,000",
    thrown: () =>
      new AggregateError(Array.from({ length: 1_000 }, (_, i) => new RangeError(`${i}`)), "all"),
    sees: fails(AggregateError, "all", (error) => {
      assertEquals(error.errors.length, 1_000);
      assertInstanceOf(error.errors[999], RangeError);
      assertEquals(error.errors[999].message, "999");
    }),
  },
  {
    name: "throw of a DOMException",
    thrown: () => new DOMException("enough", "AbortError"),
    sees: fails(DOMException, "enough", (error) => {
      assertEquals([error.name, error.code], ["AbortError", 20]);
    }),
  },
  {
    name: "throw of a Proxy",
    thrown: () =>
      new Proxy({ trap: 1 }, {
        get() {
          throw new Error("trap");
        },
      }),
    sees: fails(Error, "which cannot be sent"),
  },
  {
    name: "throw of a Proxy of an error whose traps throw",
    thrown: () => {
      const trap = () => {
        throw new Error("trap");
      };
      return new Proxy(new RangeError("hidden"), { get: trap, ownKeys: trap });
    },
    sees: fails(Error),
  },
  {
    name: "throw of a revoked Proxy",
    thrown: () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    sees: fails(Error, "which cannot be sent"),
  },
  {
    name: "throw of an error with hostile names",
    thrown: () => {
      const error = new RangeError("hostile");
      const own = (name: string, value: unknown) =>
        Object.defineProperty(error, name, { value, enumerable: true });
      own("name", "__proto__");
      own("__proto__", { polluted: true });
      own("constructor", { name: "constructor", prototype: { polluted: true } });
      own("toString", "no function");
      return error;
    },
    sees: fails(RangeError, "hostile", (error) => {
      assertEquals(error.name, "__proto__");
      assertEquals(error.constructor, RangeError);
      assertEquals((error as { polluted?: unknown }).polluted, undefined);
      assertEquals(({} as { polluted?: unknown }).polluted, undefined);
      assertEquals(Object.getPrototypeOf(error), RangeError.prototype);
    }),
  },
  {
    name: "throw of an error of a class named as a part of every object",
    thrown: () => {
      const errorClass = class extends Error {};
      Object.defineProperty(errorClass, "name", { value: "__proto__" });
      return new errorClass("class");
    },
    sees: fails(Error, "class", (error) => {
      assertEquals(Object.getPrototypeOf(error), Error.prototype);
    }),
  },
  {
    name: "throw of an error with a message of 10 MB",
    thrown: () => new RangeError("long".repeat(2_500_000)),
    sees: fails(RangeError, "longlong", ({ message }) => assert(message.length <= 64 * 1024)),
  },
  {
    name: "throw of an error that looks like one of the library",
    thrown: () => Object.assign(new Error("mine"), { name: "WorkerCrashError", exitCode: 9 }),
    sees: fails(Error, "mine", (error) => {
      assertEquals([error.name, error.constructor], ["WorkerCrashError", Error]);
    }),
  },
  {
    name: "throw of text that looks like code",
    thrown: () => "`${globalThis}` </script>\u2028\0\ud800",
    sees: sees((error) => assertStringIncludes(error as string, "</script>")),
  },
];

/** Every second one is what an asynchronous function rejects with. */
export const THROWN: readonly Fault[] = ROWS.map(({ name, thrown, sees }, i) => ({
  name,
  sees,
  cause: (executor, handle) => [
    run(
      executor,
      handle,
      i % 2 === 0 ? `() => { throw (${thrown})(); }` : `async () => {
      await Promise.resolve();
      throw (${thrown})();
    }`,
    ),
  ],
}));

function sees(look: (error: unknown) => void): Fault["sees"] {
  return (outcome) => {
    assert("error" in outcome, "the task has succeeded");
    look(outcome.error);
  };
}
