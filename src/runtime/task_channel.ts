import type { TaskChannel } from "./runtime.ts";
import { builtin } from "./thread_handle.ts";

/** What is used of a channel of `node:diagnostics_channel`. */
interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
  runStores<R>(message: unknown, callback: () => R): R;
}

/** What is used of a `TracingChannel`. */
type Channels = Record<"start" | "end" | "asyncStart" | "asyncEnd" | "error", Channel>;

const NAME = "concurrent-futures.task";

let channel: TaskChannel | undefined;
let asked = false;

/**
 * The TracingChannel `concurrent-futures.task` of `node:diagnostics_channel`, looked for when it is first asked for.
 *
 * @returns Nothing where there are no such channels.
 */
export function taskChannel(): TaskChannel | undefined {
  if (!asked) {
    asked = true;
    const found = builtin<{ tracingChannel?(name: string): Channels }>("diagnostics_channel");
    const channels = found?.tracingChannel?.(NAME);
    if (channels !== undefined) channel = overChannels(channels);
  }
  return channel;
}

function overChannels({ start, end, asyncStart, asyncEnd, error }: Channels): TaskChannel {
  return {
    // Not that of the TracingChannel, which Node 20 and Bun do not have.
    get hasSubscribers() {
      return isHeard(start) || isHeard(end) || isHeard(asyncStart) || isHeard(asyncEnd) ||
        isHeard(error);
    },
    submit: (context, callback) =>
      start.runStores(context, () => {
        try {
          return callback();
        } finally {
          end.publish(context);
        }
      }),
    settled: (context) => {
      if ("error" in context) error.publish(context);
      asyncStart.runStores(context, () => asyncEnd.publish(context));
    },
  };
}

/** On workerd it is a method, and there nobody is to be told outside of a request. */
function isHeard({ hasSubscribers }: Channel): boolean {
  return hasSubscribers === true;
}
