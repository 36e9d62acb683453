import { isArray, uncurried } from "../wire/originals.ts";
import { busyLock } from "./busy_lock.ts";
import { postChecked } from "./post_checked.ts";
import { ThreadWait } from "./thread_wait.ts";
import type { WaitTools } from "./thread_wait.ts";
import type { WorkerPlace, WorkerScope } from "./worker_place.ts";

/** What is used of a `MessagePort` of `node:worker_threads`. */
export interface ParentPort {
  on(event: "message" | "messageerror", listener: (data: unknown) => void): void;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
}

/** What is used of `node:worker_threads`. */
interface ThreadModule {
  receiveMessageOnPort?(port: ParentPort): { readonly message: unknown } | undefined;
}

/** A worker of `node:worker_threads`. */
export function threadPlace(scope: WorkerScope, port: ParentPort): WorkerPlace {
  const send = port.postMessage.bind(port); // as it was before any task could change it
  const lock = busyLock(scope);
  // In Deno messages come in maps.
  const inMap = uncurried(Map.prototype.get) as (map: unknown, key: number) => unknown;
  const tools = waitTools(scope, port);
  let wait: ThreadWait | undefined;
  return {
    post: postChecked(send),
    listen: (receive, unreadable) => {
      const own = wait = tools && new ThreadWait(tools, receive, unreadable);
      const take = scope.Deno !== undefined
        ? (data: unknown) => receive(isArray(data) ? data : inMap(data, 0))
        : own === undefined
        ? receive
        : (data: unknown) => own.hear(data);
      port.on("message", take);
      port.on("messageerror", unreadable);
    },
    waitAt: (table, isIdle) => wait?.open(table, isIdle),
    counter: undefined,
    pause: undefined,
    lock,
    leave: undefined,
    exitsSilently: scope.Deno !== undefined && lock === undefined, // Deno 2.5
  };
}

/** Node's way to take a message without the event loop; Deno and Bun have another kind of port. */
function waitTools(scope: WorkerScope, port: ParentPort): WaitTools | undefined {
  if (scope.Deno !== undefined || scope.Bun !== undefined) return undefined;
  const own = scope.process;
  const threads = own?.getBuiltinModule?.("node:worker_threads") as ThreadModule | undefined;
  const take = threads?.receiveMessageOnPort;
  const resources = own?.getActiveResourcesInfo?.bind(own);
  if (take === undefined || resources === undefined) return undefined;
  const { setImmediate, clearImmediate } = scope;
  if (setImmediate === undefined || clearImmediate === undefined) return undefined;
  return { take: () => take(port), resources, turn: setImmediate, clear: clearImmediate };
}
