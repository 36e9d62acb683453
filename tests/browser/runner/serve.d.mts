/** Serves this repository to a browser. */
export function serve(
  options: {
    isolated?: boolean;
    csp?: string;
    cspOf?: "pages" | "everything";
    host?: string;
    lacks?: readonly string[];
  },
  report: (page: string, result: unknown) => unknown,
): Promise<{ url: string; close(): void }>;
