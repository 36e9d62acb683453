/**
 * Does to a worker what no task depends on. A worker of a user's own making may throw at that, or have no
 * such method, and the owner goes on all the same.
 */
export function contain(act: () => void): void {
  try {
    act();
  } catch { /* whoever made the worker has to know */ }
}
