import type { Browser } from "playwright-core";

/** Flags that it is started with. */
export const FLAGS: string[];
export function findChromium(options?: { env?: NodeJS.ProcessEnv; uid?: number }): string;
export function launchChromium(): Promise<Browser>;
