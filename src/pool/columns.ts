import { show } from "../futures/show.ts";

/** As `Promise.all`, but it waits for all also when one has failed. */
export async function all(futures: readonly PromiseLike<unknown>[]): Promise<unknown[]> {
  await Promise.allSettled(futures);
  return await Promise.all(futures);
}

/** The arguments of calls, each column those of one parameter; or rows, if they are not of one length. */
export interface Columns {
  readonly columns: readonly unknown[];
  readonly length: number;
  readonly rows?: readonly unknown[][];
}

/** Arrays of arguments, turned. */
export function columnsOf(items: Iterable<unknown>): Columns {
  const rows = Array.isArray(items) ? items : Array.from(items);
  const arity = Array.isArray(rows[0]) ? rows[0].length : 1;
  let even = arity > 0;
  for (const row of rows) {
    if (!Array.isArray(row)) {
      throw new TypeError(`Cannot call with ${show(row)}: expected an array of arguments`);
    }
    if (row.length !== arity) even = false;
  }
  const { length } = rows;
  if (!even) return { columns: [], length, rows: rows.map((row) => [...row]) };
  const columns: unknown[][] = [];
  for (let i = 0; i < arity; i++) {
    const column = new Array<unknown>(length);
    for (let at = 0; at < length; at++) column[at] = rows[at][i];
    columns.push(column);
  }
  return { columns, length };
}
