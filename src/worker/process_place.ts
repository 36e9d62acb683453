import { clock } from "../futures/clock.ts";
import { useClone } from "../wire/clone_error.ts";
import { PROCESS_PORT } from "../wire/process_port.ts";
import type { ProcessPort } from "../wire/process_port.ts";
import type { WorkerPlace, WorkerScope } from "./worker_place.ts";

/** Milliseconds that a process runs tasks without reading messages, but for one that takes longer. */
const PAUSE_AFTER = 2;

/** A process. It is stopped by a signal, whatever it does. */
export function processPlace(scope: WorkerScope, port: ProcessPort): WorkerPlace {
  // Tasks may post what they like, and the owner takes nothing of it for the program's; but no task
  // shall count what begins, or listen in the program's place.
  const { postMessage } = port;
  Object.defineProperty(scope, PROCESS_PORT, { value: { postMessage }, configurable: true });
  useClone((value) => port.check(value));
  const immediate = scope.setImmediate!; // as it was before any task could change it
  return {
    post: postMessage.bind(port), // its codec reads what it writes, however deep
    listen: (receive, unreadable) => {
      port.on("message", receive);
      port.on("messageerror", unreadable);
    },
    counter: port.counter,
    // So that what was sent ahead can be revoked, and results that are on their way do not wait for a
    // task that keeps this thread busy.
    pause: {
      after: PAUSE_AFTER,
      isDue: port.isFull,
      // The stream tells only of some of its writes when they are done.
      wait: (goOn) => port.isFull() ? void clock.setTimeout(goOn, 1) : void immediate(goOn),
    },
    lock: undefined,
    leave: () => port.leave(),
    exitsSilently: false,
  };
}
