import { show } from "../futures/show.ts";
import { hasOwn } from "./originals.ts";

/** Registered, so that the program text and a user's import of this library agree on it. */
const MARK = Symbol.for("@concurrent/futures.transfer");

/** A value of which some buffers move. */
export interface Moved {
  readonly value: unknown;
  readonly transfer: readonly Transferable[];
}

/** A function in it makes a mark uncloneable: one that is nested in a value is an error, not junk. */
class TransferMark {
  readonly [MARK]: Moved;
  readonly hint = (): string => "transfer() marks a whole argument or a whole result";

  constructor(moved: Moved) {
    this[MARK] = moved;
  }
}

/**
 * Marks what moves to the other side in place of being copied, in an argument or in a result.
 *
 * Buffers that move are empty here afterwards. They move when the task is sent: a task that is
 * cancelled before that still owns them. Python's pools always copy.
 *
 * @typeParam T What is passed.
 * @param value The whole argument, or the whole result.
 * @param buffers What moves: `ArrayBuffer`s, ports and the like that are part of `value`.
 * @returns A mark, to be passed in place of `value`.
 * @throws {TypeError} If `buffers` is not an array of objects.
 *
 * @example Usage
 * ```ts
 * import { ThreadPoolExecutor, transfer } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor(1);
 * const bytes = new Uint8Array(1024);
 * const length = executor.submit((b: Uint8Array) => b.length, transfer(bytes, [bytes.buffer]));
 * assertEquals(await length, 1024);
 * assertEquals(bytes.length, 0); // moved
 * ```
 */
export function transfer<T>(value: T, buffers: readonly Transferable[]): T {
  if (!Array.isArray(buffers)) {
    throw new TypeError(`Cannot transfer: expected an array of buffers, got ${show(buffers)}`);
  }
  for (const buffer of buffers) {
    if (typeof buffer !== "object" || buffer === null) {
      throw new TypeError(`Cannot transfer ${show(buffer)}: expected a buffer or a port`);
    }
  }
  return new TransferMark({ value, transfer: [...buffers] }) as unknown as T;
}

/** What a mark holds, or `undefined` if the value is not one. */
export function unwrapTransfer(value: unknown): Moved | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    const moved = (value as { [MARK]?: Moved })[MARK];
    return moved !== undefined && hasOwn(value, MARK) ? moved : undefined;
  } catch {
    return undefined; // a Proxy whose traps throw; that it cannot be cloned is told in its time
  }
}

/** The values without their marks and all that moves, or `undefined` if nothing does. */
export function unwrapTransfers(
  values: readonly unknown[],
): { readonly values: unknown[]; readonly transfer: Transferable[] } | undefined {
  let found: { values: unknown[]; transfer: Transferable[] } | undefined;
  for (let i = 0; i < values.length; i++) {
    const moved = unwrapTransfer(values[i]);
    if (moved === undefined) continue;
    found ??= { values: [...values], transfer: [] };
    found.values[i] = moved.value;
    found.transfer.push(...moved.transfer);
  }
  return found;
}
