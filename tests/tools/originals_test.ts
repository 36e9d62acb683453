import { assertEquals } from "@std/assert";
import { bareUses } from "../../tools/check_originals.ts";
import { test } from "../harness.ts";

const found = (source: string): string[] => bareUses(source).map(({ what }) => what);

test("a bare use of a built-in after the start is found", () => {
  assertEquals(found("export const f = () => new Map();"), ["Map"]);
  assertEquals(found("function f(list) { list.push(1); }"), [".push()"]);
  assertEquals(found("class A { f() { for (const x of this.all) x(); } }"), ["for … of"]);
  assertEquals(found("async function f(p) { const [a] = await p; return [...a]; }"), [
    "destructuring of an array",
    "await",
    "...",
  ]);
  assertEquals(found("const f = () => 'Deno' in globalThis;"), ["globalThis"]);
  assertEquals(found("const f = () => { Promise.resolve().then(g); };"), [".then()", "Promise"]);
});

test("what comes before every task, or is the program's own, is none", () => {
  assertEquals(found("export const taken = Map.prototype.get; const all = [...taken];"), []);
  assertEquals(found("const f = () => append([], 1);"), []);
  assertEquals(found("const f = (o) => ({ Map: o.Map, ['x']: 1, ...o });"), []);
  assertEquals(found("class A { #fill() {} f() { this.#fill(); } }"), []);
  assertEquals(found("const { Map } = originals; const f = () => new Map();"), []);
});

test("in a function that runs at the start, only what it makes runs later", () => {
  const source = "function start() { new Map(); return () => new Set(); }";
  assertEquals(bareUses(source, ["start"]).map(({ what }) => what), ["Set"]);
});
