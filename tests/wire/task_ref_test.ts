import {
  assertEquals,
  assertNotStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { importTasks, namedTasks, toTaskRef } from "../../src/wire/task_ref.ts";
import { transfer, unwrapTransfer, unwrapTransfers } from "../../src/wire/transfer.ts";
import { test } from "../harness.ts";

/** Functions as their texts come from parsers, minifiers and people. */
const FUNCTIONS: Record<string, unknown> = {
  arrow: (x: number) => x,
  "arrow of one name": new Function("return x => x")(),
  "arrow of a name with $": new Function("return $_é => $_é")(),
  "async arrow": async (x: number) => await x,
  "async arrow of one name": new Function("return async x => x")(),
  "arrow of a parameter called async": new Function("return async => async")(),
  "arrow with comments": new Function("return (/* a => b */ x // y\n) /* c */ => x")(),
  "arrow with a default": (x = (() => 1)()) => x,
  "arrow of a pattern": ({ a }: { a: number }) => a,
  function: function (x: number) {
    return x;
  },
  "named function": function named(x: number) {
    return x;
  },
  "async function": async function (x: number) {
    return await x;
  },
  "function without spaces": new Function("return function(a){return a}")(),
  "async function with comments": new Function("return async/*1*/function/*2*/(a){return a}")(),
  "function that says [native code]": function () {
    return "{ [native code] }" + "[native code]";
  },
};

for (const [name, fn] of Object.entries(FUNCTIONS)) {
  test(`toTaskRef() takes a function: ${name}`, () => {
    assertEquals(toTaskRef(fn).kind, "source");
  });
}

const object = {
  method() {},
  async asyncMethod() {},
  ["computed"]() {},
  get getter() {
    return 1;
  },
};

/** What must be refused, with a word of the advice. */
const REFUSED: Record<string, [unknown, string]> = {
  class: [class Foo {}, "class"],
  "anonymous class": [class {}, "class"],
  method: [object.method, "method"],
  "async method": [object.asyncMethod, "method"],
  "computed method": [object.computed, "method"],
  getter: [Object.getOwnPropertyDescriptor(object, "getter")!.get, "method"],
  native: [Math.max, "native or bound"],
  bound: [(() => 1).bind(null), "native or bound"],
  generator: [function* () {}, "generator"],
  "async generator": [async function* () {}, "generator"],
  "generator method": [{ *many() {} }.many, "generator"],
  "result of a call": [42, "pass the function itself"],
  promise: [Promise.resolve(), "pass the function itself"],
  string: ["task", "pass the function itself"],
  undefined: [undefined, "pass the function itself"],
  null: [null, "pass the function itself"],
  object: [{ url: "file:///a.js", name: "a" }, "pass the function itself"],
  symbol: [Symbol("s"), "pass the function itself"],
  bigint: [1n, "pass the function itself"],
};

for (const [name, [task, advice]] of Object.entries(REFUSED)) {
  test(`toTaskRef() refuses: ${name}`, () => {
    const error = assertThrows(() => toTaskRef(task), TypeError, "Cannot submit");
    assertStringIncludes(error.message, advice);
  });
}

test("importTasks() makes references and loads nothing", async () => {
  const tasks = importTasks<{ f(): void; g(): void }>("file:///no/such/file.js");
  assertEquals(toTaskRef(tasks.f), { kind: "module", url: "file:///no/such/file.js", name: "f" });
  assertEquals(tasks.f === tasks.f, true);
  assertEquals(await (tasks as unknown as Promise<unknown>) === tasks, true);
});

test("importTasks() takes URL objects and every scheme", () => {
  for (const url of ["https://a.b/c.ts", "data:text/javascript,1", "npm:x", "node:fs", "blob:a"]) {
    assertEquals(toTaskRef(importTasks<{ f(): void }>(url).f).kind, "module");
  }
  importTasks(new URL("file:///a.ts"));
});

test("importTasks() refuses relative and bare specifiers, and says what to do", () => {
  for (const specifier of ["./tasks.ts", "../tasks.ts", "/tasks.ts", "tasks", ""]) {
    assertThrows(
      () => importTasks(specifier),
      TypeError,
      `import.meta.resolve("${specifier}")`,
    );
  }
  for (const specifier of [undefined, null, 5, {}]) {
    assertThrows(() => importTasks(specifier as never), TypeError, "expected a URL");
  }
});

test("namedTasks() makes references by name", () => {
  assertEquals(toTaskRef(namedTasks<{ f(): void }>().f), { kind: "named", name: "f" });
});

test("transfer() marks a value and what of it moves", () => {
  const buffer = new ArrayBuffer(8);
  const view = new Uint8Array(buffer);
  const mark = transfer(view, [buffer]);
  assertEquals(unwrapTransfer(mark)!.value === view, true);
  assertEquals(unwrapTransfers([1, mark, 2]), { values: [1, view, 2], transfer: [buffer] });
  assertEquals(unwrapTransfers([1, 2]), undefined);
  for (const value of [undefined, null, 1, "a", {}, []]) {
    assertEquals(unwrapTransfer(value), undefined);
  }
});

test("transfer() refuses buffers of a wrong kind at once", () => {
  for (const buffers of [undefined, null, new ArrayBuffer(1), "a", [1], [null]]) {
    assertThrows(() => transfer(1, buffers as never), TypeError, "Cannot transfer");
  }
});

test("a mark inside of another value cannot be cloned: it is no junk", () => {
  const error = assertThrows(() => structuredClone({ nested: transfer(1, []) })) as Error;
  assertEquals(error.name, "DataCloneError");
});

test("namedTasks() keeps a bounded number of references", () => {
  const tasks = namedTasks<Record<string, () => void>>();
  const first = tasks.first;
  assertEquals(tasks.first, first);
  for (let i = 0; i < 2000; i++) void tasks[`task${i}`];
  assertNotStrictEquals(tasks.first, first);
  assertEquals(toTaskRef(tasks.first), toTaskRef(first));
});
