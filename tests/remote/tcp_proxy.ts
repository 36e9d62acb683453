/**
 * A way to a server that can be cut without a word: bytes are swallowed, and nobody is told.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./redis_server.ts";

/** A proxy of one port of this machine. */
export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Whether bytes are swallowed, both ways. */
  cut = false;

  private constructor(port: number, target: number) {
    this.port = port;
    this.#server = createServer((near) => {
      const far = connect(target, "127.0.0.1");
      for (const [from, to] of [[near, far], [far, near]] as const) {
        this.#sockets.add(from);
        from.on("data", (chunk) => {
          if (!this.cut) to.write(chunk);
        });
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(await freePort(), target);
    await new Promise<void>((listening) =>
      proxy.#server.listen(proxy.port, "127.0.0.1", listening)
    );
    return proxy;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
