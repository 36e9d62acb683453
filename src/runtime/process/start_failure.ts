import { builtin } from "../thread_handle.ts";

interface FileModule {
  statSync(path: string | URL): { isDirectory(): boolean };
  accessSync(path: string | URL, mode: number): void;
}

/** What `access` asks of a folder that is to be entered. */
const X_OK = 1;

/** Exit codes by which a program that starts another one says that it could not. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/**
 * Why a process could not be started. What the system says of it names the program that ties processes
 * to this one, or nothing at all.
 *
 * @param failure The error, or the exit code of a process that has never spoken.
 * @returns `undefined` if it is of another kind: it speaks for itself.
 */
export function startFailure(
  failure: unknown,
  path: string,
  cwd: string | URL | undefined,
): Error | undefined {
  const code = codeOf(failure);
  const why = code === undefined ? undefined : (whyNotIn(cwd) ?? whyNot(code, path));
  if (why === undefined) return undefined;
  return Object.assign(new Error(`Cannot start a process: ${why}`), { code });
}

function codeOf(failure: unknown): string | undefined {
  if (failure === NOT_FOUND) return "ENOENT";
  if (failure === NOT_EXECUTABLE) return "EACCES";
  if (!(failure instanceof Error)) return undefined;
  const { code } = failure as { code?: unknown };
  if (typeof code === "string") return code;
  // Deno's own errors have no code, but a name, or only a message.
  const told = /^(NotFound|PermissionDenied)$/.exec(failure.name)?.[1];
  if (told !== undefined) return told === "NotFound" ? "ENOENT" : "EACCES";
  return /os error 24\b/.test(failure.message)
    ? "EMFILE"
    : /os error 2\b|No such file/.test(failure.message)
    ? "ENOENT"
    : undefined;
}

/** What is wrong with the folder in which it was to start. */
function whyNotIn(cwd: string | URL | undefined): string | undefined {
  if (cwd === undefined) return undefined;
  const { statSync, accessSync } = builtin<FileModule>("fs")!;
  try {
    if (!statSync(cwd).isDirectory()) return `its cwd ${cwd} is no folder`;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return `its cwd ${cwd} does not exist`;
    return undefined; // this program may not look
  }
  try {
    accessSync(cwd, X_OK);
  } catch {
    return `its cwd ${cwd} may not be entered`;
  }
  return undefined;
}

function whyNot(code: string, path: string): string | undefined {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return `there is no program ${path}`;
    case "EACCES":
    case "EPERM":
      return `${path} may not be executed`;
    case "EMFILE":
    case "ENFILE":
      return `this program has too many open files (${code})`;
    case "EAGAIN":
    case "ENOMEM":
      return `the system gives no more processes (${code})`;
  }
  return undefined;
}
