import { readerOf, uncurried } from "../wire/originals.ts";
import { busyLock } from "./busy_lock.ts";
import { postChecked } from "./post_checked.ts";
import type { WorkerPlace, WorkerScope } from "./worker_place.ts";

/** A worker of the web's kind: its global object is its port. */
export function webPlace(scope: WorkerScope): WorkerPlace {
  const send = scope.postMessage.bind(scope); // as it was before any task could change it
  const dataOf = readerOf(MessageEvent.prototype, "data");
  const stop = uncurried(Event.prototype.stopImmediatePropagation);
  return {
    post: postChecked(send),
    // It hears the owner before anybody else, who hears nothing of it.
    listen: (receive, unreadable) => {
      scope.addEventListener!("message", (event) => {
        stop(event);
        receive(dataOf(event));
      });
      scope.addEventListener!("messageerror", unreadable);
    },
    counter: undefined,
    pause: undefined,
    lock: busyLock(scope),
    leave: undefined,
    exitsSilently: scope.Deno !== undefined,
  };
}
