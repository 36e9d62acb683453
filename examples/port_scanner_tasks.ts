/** The task of `port_scanner.ts`: it runs on workers, which load this module by its URL. */

import { connect } from "node:net";

/** What came of one try. */
export interface Try {
  port: number;
  /** `open` with a greeting, `closed` if the host refused, `silent` if nothing came in time. */
  state: "open" | "closed" | "silent";
  greeting: string;
}

/** Tries one port, for so many milliseconds at the most. */
export function tryPort(host: string, port: number, timeout: number): Promise<Try> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (state: Try["state"], greeting = ""): void => {
      clearInterval(timer);
      socket.destroy();
      resolve({ port, state, greeting });
    };
    // In ten steps: a worker that was busy with the other tries has looked ten times for the answer.
    let steps = 10;
    const timer = setInterval(() => {
      if (--steps === 0) end("silent");
    }, timeout / 10);
    socket.on("data", (data) => end("open", String(data).trim()));
    socket.on("error", () => end("closed"));
  });
}
