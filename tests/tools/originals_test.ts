import { assertEquals } from "@std/assert";
import { bareUses } from "../../tools/check_originals.ts";
import { test } from "../harness.ts";

const found = (source: string): string[] => bareUses(source).map(({ what }) => what);

test("a bare use of a built-in after the start is found", () => {
  assertEquals(found("export const f = () => new Map();"), ["Map"]);
  assertEquals(found("function f(list: number[]) { list.push(1); }"), [".push()"]);
  assertEquals(found("class A { f() { for (const x of this.all) x(); } }"), ["for … of"]);
  assertEquals(found("async function f(p) { const [a] = await p; return [...a]; }"), [
    "destructuring of an array",
    "await",
    "...",
  ]);
  assertEquals(found("const f = () => { Promise.resolve().then(g); };"), [".then()", "Promise"]);
});

test("what comes before every task, or is the program's own, is none", () => {
  assertEquals(found("export const taken = Map.prototype.get; const all = [...taken];"), []);
  assertEquals(found("import { append } from './o.ts'; const f = () => append([], 1);"), []);
  assertEquals(found("const f = (a: Map<string, Date>): Promise<Date> => a.get('x');"), []);
  assertEquals(found("const f = (o) => ({ Map: o.Map, ['x']: 1 });"), []);
});
