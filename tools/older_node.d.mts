/** What a version of Node needs in `NODE_OPTIONS` to run the tests. */
export function optionsFor(version: string): string;
