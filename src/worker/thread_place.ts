import { isArray, uncurried } from "../wire/originals.ts";
import { busyLock } from "./busy_lock.ts";
import { postChecked } from "./post_checked.ts";
import type { WorkerPlace, WorkerScope } from "./worker_place.ts";

/** What is used of a `MessagePort` of `node:worker_threads`. */
export interface ParentPort {
  on(event: "message" | "messageerror", listener: (data: unknown) => void): void;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
}

/** A worker of `node:worker_threads`. */
export function threadPlace(scope: WorkerScope, port: ParentPort): WorkerPlace {
  const send = port.postMessage.bind(port); // as it was before any task could change it
  const lock = busyLock(scope);
  // In Deno messages come in maps.
  const inMap = uncurried(Map.prototype.get) as (map: unknown, key: number) => unknown;
  return {
    post: postChecked(send),
    listen: (receive, unreadable) => {
      const take = scope.Deno === undefined
        ? receive
        : (data: unknown) => receive(isArray(data) ? data : inMap(data, 0));
      port.on("message", take);
      port.on("messageerror", unreadable);
    },
    counter: undefined,
    pause: undefined,
    lock,
    leave: undefined,
    exitsSilently: scope.Deno !== undefined && lock === undefined, // Deno 2.5
  };
}
