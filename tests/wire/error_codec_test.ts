import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { decodeError, encodeError, registerError } from "../../src/wire/error_codec.ts";
import { test } from "../harness.ts";

/** There and back, through a channel. */
function travel(thrown: unknown): unknown {
  return decodeError(structuredClone(encodeError(thrown)));
}

for (
  const value of [undefined, null, 0, -0, NaN, "", "text", false, 10n, [1, [2]], { a: new Map() }]
) {
  test(`${Object.is(value, -0) ? "-0" : String(value) || '""'} arrives as it left`, () => {
    assertEquals(travel(value), value);
  });
}

for (
  const ErrorClass of [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  ]
) {
  test(`${ErrorClass.name} arrives as it left`, () => {
    const error = new ErrorClass("message", { cause: "why" });
    const back = travel(error) as Error;
    assertInstanceOf(back, ErrorClass);
    assertEquals([back.name, back.message, back.stack, back.cause], [
      ErrorClass.name,
      "message",
      error.stack,
      "why",
    ]);
    assertStrictEquals(back.constructor, ErrorClass);
    assertEquals(Object.keys(back), []);
  });
}

test("own properties arrive, each that can be cloned", () => {
  const error = Object.assign(new Error("m"), {
    code: "ENOENT",
    detail: { deep: [1n] },
    callback: () => 1,
    symbol: Symbol("s"),
  });
  const back = travel(error) as typeof error;
  assertEquals([back.code, back.detail], ["ENOENT", { deep: [1n] }]);
  assertEquals(Object.keys(back), ["code", "detail"]);
});

test("a property whose getter throws is left out, and the others arrive", () => {
  const error = new Error("m");
  Object.defineProperty(error, "bad", {
    enumerable: true,
    get() {
      throw new Error("no");
    },
  });
  Object.assign(error, { good: 1 });
  assertEquals({ ...(travel(error) as Error) }, { good: 1 } as unknown as Error);
});

test("message, name and stack that throw do not break it", () => {
  const error = new Error("m");
  for (const key of ["message", "name", "stack", "cause"]) {
    Object.defineProperty(error, key, {
      get() {
        throw new Error("no");
      },
    });
  }
  const back = travel(error) as Error;
  assertInstanceOf(back, Error);
  assertEquals([back.name, back.message], ["Error", ""]);
});

test("a chain of causes arrives, and one of 10,000 is cut", () => {
  const chain = new Error("a", { cause: new TypeError("b", { cause: new RangeError("c") }) });
  const back = travel(chain) as Error;
  const b = back.cause as Error;
  const c = b.cause as Error;
  assertInstanceOf(b, TypeError);
  assertInstanceOf(c, RangeError);
  assertEquals(Object.hasOwn(c, "cause"), false);
  let deep = new Error("0");
  for (let i = 1; i < 10_000; i++) deep = new Error(String(i), { cause: deep });
  let length = 0;
  for (let e = travel(deep) as Error; e instanceof Error; e = e.cause as Error) length++;
  assert(length >= 100 && length < 200, String(length));
});

test("a cause that is undefined is told from none", () => {
  const back = travel(new Error("m", { cause: undefined })) as Error;
  assert(Object.hasOwn(back, "cause"));
  assertEquals(back.cause, undefined);
});

test("cycles and shared errors stay what they are", () => {
  const a = new Error("a");
  const b = new Error("b", { cause: a });
  a.cause = b;
  Object.assign(a, { again: b, self: a });
  const back = travel(a) as Error & { again: Error; self: Error };
  assertStrictEquals((back.cause as Error).cause, back);
  assertStrictEquals(back.again, back.cause);
  assertStrictEquals(back.self, back);
});

test("AggregateError of 1,000 arrives with its errors", () => {
  const errors = Array.from({ length: 1000 }, (_, i) => new RangeError(String(i)));
  const back = travel(new AggregateError([...errors, "text"], "all")) as AggregateError;
  assertInstanceOf(back, AggregateError);
  assertEquals(back.errors.length, 1001);
  assertInstanceOf(back.errors[999], RangeError);
  assertEquals([back.message, back.errors[999].message, back.errors[1000]], ["all", "999", "text"]);
});

test("DOMException arrives with its name and code", () => {
  const back = travel(new DOMException("gone", "AbortError")) as DOMException;
  assertInstanceOf(back, DOMException);
  assertEquals([back.name, back.message, back.code], ["AbortError", "gone", 20]);
});

test("a class that is not known becomes the nearest that is, with its name", () => {
  class HttpError extends RangeError {
    override name = "HttpError";
    status = 404;
  }
  const back = travel(new HttpError("Not found")) as HttpError;
  assertInstanceOf(back, RangeError);
  assertEquals([back.name, back.message, back.status], ["HttpError", "Not found", 404]);
});

test("registerError() revives a class without calling its constructor", () => {
  let made = 0;
  class CodeError extends Error {
    readonly code: number;

    constructor(code: number, needed: { value: string }) {
      super(`code ${code} ${needed.value}`);
      this.code = code;
      made++;
    }
    get twice(): number {
      return 2 * this.code;
    }
  }
  registerError(CodeError);
  const back = travel(new CodeError(21, { value: "x" })) as CodeError;
  assertInstanceOf(back, CodeError);
  assertEquals([back.code, back.twice, back.message, made], [21, 42, "code 21 x", 1]);
});

test("registerError() refuses what is no class of errors", () => {
  for (const wrong of [undefined, {}, class {}, () => {}, "Error"]) {
    let thrown: unknown;
    try {
      registerError(wrong as never);
    } catch (error) {
      thrown = error;
    }
    assertInstanceOf(thrown, TypeError);
  }
});

test("hostile names reach nothing", () => {
  const error = new Error("m");
  Object.defineProperty(error, "__proto__", { value: { polluted: 1 }, enumerable: true });
  Object.defineProperty(error, "constructor", { value: "not a class", enumerable: true });
  error.name = "__proto__";
  const back = travel(error) as Error & { polluted?: number };
  assertInstanceOf(back, Error);
  assertEquals([back.polluted, back.constructor, back.name], [undefined, Error, "__proto__"]);
  const record = { classes: ["constructor", "toString"], name: "x", message: "m", props: [] };
  assertInstanceOf(decodeError({ kind: "errors", errors: [record] }), Error);
});

test("a frozen error arrives", () => {
  assertEquals((travel(Object.freeze(new RangeError("cold"))) as Error).message, "cold");
});

test("what cannot be cloned and is no error becomes an error that says so", () => {
  const { proxy, revoke } = Proxy.revocable(new Error("x"), {});
  revoke();
  for (
    const thrown of [
      () => 1,
      Symbol("s"),
      Promise.resolve(),
      new Proxy({}, {
        get() {
          throw new Error("trap");
        },
      }),
      proxy,
      new WeakMap(),
    ]
  ) {
    const back = travel(thrown);
    assert(back instanceof Error || typeof back === "object", String(back));
  }
  assertInstanceOf(travel(proxy), Error);
  assertInstanceOf(travel(Symbol("s")), Error);
});

test("decodeError() of junk gives an error that says so", () => {
  for (
    const junk of [undefined, null, 0, "", {}, [], { kind: "errors" }, {
      kind: "errors",
      errors: [{}],
    }]
  ) {
    assertInstanceOf(decodeError(junk), Error);
  }
});

test("generated graphs of errors never break the transport", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const classes = [Error, TypeError, RangeError];
  for (let round = 0; round < 300; round++) {
    const errors: Error[] = [];
    for (let i = 0; i < 1 + random(12); i++) errors.push(new classes[random(3)]!(`e${i}`));
    for (const error of errors) {
      const other = errors[random(errors.length)]!;
      const values = [other, errors, 1, () => 1, Symbol(), new Map([[1, other]]), null, [[other]]];
      for (let i = 0; i < random(4); i++) {
        const name = ["cause", "errors", "a", "b", "__proto__", "constructor", "message", "stack"][
          random(8)
        ]!;
        Object.defineProperty(error, name, {
          value: values[random(values.length)],
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
    }
    assertInstanceOf(
      travel(errors[0]),
      classes.find((type) => errors[0]!.constructor === type) ?? Error,
    );
  }
});

test("of many errors whose stacks are slow to make, the first have theirs, and all their messages", () => {
  const errors = Array.from(
    { length: 100 },
    (_, i) =>
      Object.defineProperty(new Error(`${i}`), "stack", {
        get() {
          for (const end = performance.now() + 5; performance.now() < end;);
          return "slow";
        },
      }),
  );
  const record = encodeError(new AggregateError(errors, "many"));
  assert(record.kind === "errors");
  assertEquals(record.errors.slice(1).map(({ message }) => message), errors.map((_, i) => `${i}`));
  const stacks = record.errors.map(({ stack }) => stack !== undefined);
  assertEquals(stacks.slice(0, 32), Array.from({ length: 32 }, () => true));
  assertEquals(stacks.slice(32).includes(true), false);
});
