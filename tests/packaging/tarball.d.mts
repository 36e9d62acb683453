export function packLibrary(folder: string): { tarball: string; files: string[] };
export function installTarball(folder: string, tarball: string): void;
export function copyConsumer(folder: string): void;
export function runConsumer(
  runtime: "deno" | "bun" | "node",
  path: string,
  folder: string,
  env?: Record<string, string>,
): Promise<void>;
