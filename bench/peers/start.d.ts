import type { Pool } from "../pools.ts";

/** Starts a pool for a task, with so many running at once in each worker. */
export type Start = (task: string, concurrency?: number) => Promise<Pool>;

/** Every peer with threads, by name. */
export const peers: Readonly<Record<string, Start>>;

/** Every peer with processes, by name. */
export const processPeers: Readonly<Record<string, Start>>;
