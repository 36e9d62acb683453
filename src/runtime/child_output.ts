/** What a process may say without ending the line, in characters, until it is passed on. */
const MAX_LINE = 64 * 1024;

/** What is used of the streams of a process and of this one. */
export interface OutputStream {
  on(event: "data", listener: (text: string) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  on(event: "error", listener: () => void): unknown;
  setEncoding(encoding: "utf8"): unknown;
}

/** Passes on what a process says, in whole lines, so that those of two processes do not mix. */
export function passLines(
  from: OutputStream,
  to: { write(text: string): unknown },
  heard: () => void,
): void {
  let rest = "";
  from.setEncoding("utf8");
  from.on("data", (text) => {
    heard();
    rest += text;
    const lines = rest.lastIndexOf("\n") + 1;
    const end = lines === 0 && rest.length > MAX_LINE ? rest.length : lines;
    if (end === 0) return;
    to.write(rest.slice(0, end));
    rest = rest.slice(end);
  });
  from.on("error", () => {});
  from.on("close", () => {
    if (rest !== "") to.write(`${rest}\n`);
    rest = "";
  });
}
