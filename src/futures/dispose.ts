/**
 * Where there is no `await using` yet (Safari), bundlers lower it to code that looks for this symbol of
 * the registry, and a class that has a method `[Symbol.asyncDispose]` has defined one named "undefined".
 * That is moved here.
 */
export function provideAsyncDispose(prototype: object): void {
  if ((Symbol as { asyncDispose?: symbol }).asyncDispose !== undefined) return;
  const method = Object.getOwnPropertyDescriptor(prototype, "undefined")!;
  Object.defineProperty(prototype, Symbol.for("Symbol.asyncDispose"), method);
  Reflect.deleteProperty(prototype, "undefined");
}
