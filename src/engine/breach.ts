/**
 * A worker said what no honest one can say where things stand. It is replaced as if it had crashed:
 * whoever speaks in its name may say anything next.
 */
export class Breach extends Error {
  override readonly name = "Breach";

  constructor(what: string) {
    super(`The worker does not keep to the protocol: ${what}`);
  }
}

/** A value as an integer from `least` to `most`. What a worker says is no index and no length before. */
export function integer(value: unknown, least: number, most: number, what: string): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new Breach(`${what} is not from ${least} to ${most}`);
  }
  return value as number;
}
