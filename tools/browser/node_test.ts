/** `node:test` in a page: collects the tests, to be run one after the other. */

/** A test that was declared. */
export interface PageTest {
  readonly name: string;
  readonly skip: boolean;
  readonly run: () => unknown;
}

/** All that were declared, in order. */
export const TESTS: PageTest[] = [];

/** Declares a test, as `node:test` does. */
export function test(name: string, options: { skip?: boolean }, run: () => unknown): void {
  TESTS.push({ name, skip: options.skip ?? false, run });
}
