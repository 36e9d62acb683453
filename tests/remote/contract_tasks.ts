/**
 * Lets workers of the contract's tests run functions by their text, which no worker of a user does.
 *
 * @module
 */

import type { TaskContext } from "../../mod.ts";

type AnyFunction = (this: TaskContext, ...args: unknown[]) => unknown;

const compiled = new Map<string, AnyFunction>();

export function callText(this: TaskContext, source: string, ...args: unknown[]): unknown {
  let call = compiled.get(source);
  if (call === undefined) compiled.set(source, call = (0, eval)(`(${source})`) as AnyFunction);
  return call.apply(this, args);
}

export async function callModule(
  this: TaskContext,
  url: string,
  name: string,
  ...args: unknown[]
): Promise<unknown> {
  const module = await import(url) as Record<string, AnyFunction>;
  return await module[name]!.apply(this, args);
}
