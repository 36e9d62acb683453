/** An environment in whose path the project's runtimes come first, or the machine's. */
export function withRuntimes(
  bin: string,
  environment: Record<string, string | undefined>,
): Record<string, string | undefined>;
