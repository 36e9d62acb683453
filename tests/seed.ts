/**
 * The seed of tests that try much by chance.
 *
 * It is a fixed number on each runtime, so that a commit is green or red by what it is, and not by luck. `SEED=7`
 * takes that one, `SEED=random` another in each run: the weekly workflow and `npm run fuzz…` look further.
 *
 * @module
 */

import process from "node:process";

const { SEED: given } = process.env ?? {};

// Pages count as Node: their sources of chance are the same, whichever browser reads them.
const fixed = "Deno" in globalThis ? 1 : process.versions?.bun !== undefined ? 2 : 3;

export const SEED: number = given === "random" ? Date.now() % 1_000_000 : Number(given ?? fixed);
