/** `node:test` in a page: collects the tests, to be run one after the other. @module */

/** A test that was declared. */
export interface PageTest {
  readonly name: string;
  readonly skip: boolean;
  readonly run: () => unknown;
}

/** All that were declared, in order. */
export const TESTS: PageTest[] = [];

/** Declares a test, as `node:test` does. The reason why it is skipped is put into its name. */
export function test(
  name: string,
  options: { skip?: boolean | string },
  run: () => unknown,
): void {
  const { skip = false } = options;
  const full = typeof skip === "string" && skip !== "" ? `${name} # skipped: ${skip}` : name;
  TESTS.push({ name: full, skip: skip !== false && skip !== "", run });
}
