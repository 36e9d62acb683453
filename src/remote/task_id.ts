/** An id that the engine takes, for one that a user chose. */
export function idOfTask(taskId: string): string {
  const bytes = new TextEncoder().encode(taskId);
  const text = btoa(String.fromCharCode(...bytes));
  return `t-${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** What the ids of one executor begin with: unique on the engine. */
export function newIdPrefix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
