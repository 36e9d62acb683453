/**
 * The few functions of `node:fs` that the tests use, for pages and their workers: by requests to the
 * tests' own server, one after the other, as a file system is.
 *
 * @module
 */

/** What a page and its workers run first: makes the functions reachable as in Node. */
export function provideFiles(url: string): void {
  const call = (...args: unknown[]): unknown => {
    const request = new XMLHttpRequest();
    request.open("POST", url, false);
    request.send(JSON.stringify(args));
    return JSON.parse(request.responseText);
  };
  let folders = 0;
  const files = {
    mkdtempSync: (path: string) => `${path}${performance.timeOrigin}-${folders++}`,
    writeFileSync: (path: string, text: string) => call("write", path, text),
    appendFileSync: (path: string, text: string) => call("append", path, text),
    existsSync: (path: string) => call("exists", path),
    readFileSync: (path: string) => call("read", path),
    statSync: (path: string) => ({ size: (call("read", path) as string).length }),
    // Nobody waits for it to be gone, and a request that is waited for takes milliseconds.
    rmSync: (path: string) => {
      fetch(url, { method: "POST", body: JSON.stringify(["remove", path]) }).catch(() => {});
    },
    renameSync: () => {},
  };
  Object.assign(globalThis, {
    process: {
      getBuiltinModule: (name: string) => name === "node:fs" ? files : undefined,
    },
  });
}
