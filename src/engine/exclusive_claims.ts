import type { Claims } from "./claims.ts";

/**
 * Claims where nothing is shared: what was sent to the worker is its own, and counts as running. Nothing is
 * sent ahead, so a worker has as many tasks as it runs at once.
 */
class ExclusiveClaims implements Claims {
  readonly sendsAhead = false;
  readonly asksBack = false;
  readonly presumed = 0;
  readonly messages = 0;

  open(): void {}

  posted(): void {}

  close(): void {}

  revoke(): boolean {
    return false;
  }

  numberOf(): number {
    return 0;
  }

  mayHaveBegun(): boolean {
    return true;
  }

  hasBegun(): boolean {
    return true;
  }

  isRunning(): boolean {
    return true;
  }

  hasEnded(): boolean {
    return false;
  }

  outcome(): undefined {
    return undefined;
  }

  ended(): void {}
}

/** Claims of a worker that shares no memory, and counts nothing. */
export function exclusiveClaims(): Claims {
  return new ExclusiveClaims();
}
