/**
 * A port scanner: all 1,024 ports of a host at once, each try with a timeout of its own.
 *
 * The Python program has `ThreadPool(1024)`: a thread for each try, because a thread that waits can do
 * nothing else. Here two workers are enough, since each can wait for 512 answers at once:
 * `tasksPerWorker`. One after the other, every silent port would cost its whole timeout.
 *
 *     deno run --allow-net --allow-read examples/port_scanner.ts
 *     bun examples/port_scanner.ts
 *     node examples/port_scanner.ts
 *
 * The host is made by this program, on 127.0.0.1, so that it scans nobody else. Its port 22 is the real
 * port `base + 22`, and so on. Ports behind a firewall give no answer at all; to set one up takes an
 * administrator, so here a silent port is a server that accepts and then says nothing.
 */

import { createServer, type Server, type Socket } from "node:net";
import { importTasks, ThreadPoolExecutor } from "../mod.ts";

const { tryPort } = importTasks<typeof import("./port_scanner_tasks.ts")>(
  import.meta.resolve("./port_scanner_tasks.ts"),
);

const HOST = "127.0.0.1";
const PORTS = 1024;
const TIMEOUT = 500; // milliseconds

// --- the host ---

const GREETINGS = new Map([
  [21, "220 files"],
  [22, "SSH-2.0-example"],
  [25, "220 mail"],
  [110, "+OK letters"],
  [1024, "hello from the last port"],
]);
const SILENT = Array.from({ length: 20 }, (_, i) => 40 * (i + 1) + 1);

function listen(port: number, greeting: string | undefined, open: Set<Socket>): Promise<Server> {
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {}); // the scanner hangs up
    socket.resume();
    if (greeting !== undefined) socket.write(`${greeting}\r\n`);
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, HOST, () => resolve(server));
  });
}

/** Opens the ports, at a place where they are free. */
async function openHost(): Promise<{ base: number; close(): void }> {
  const open = new Set<Socket>();
  for (let attempt = 1;; attempt++) {
    // Below the ports that systems give to outgoing connections, such as those of the scanner.
    const base = 20_000 + Math.floor(Math.random() * 11_000);
    const servers: Server[] = [];
    const close = (): void => {
      for (const server of servers) server.close();
      for (const socket of open) socket.destroy();
    };
    try {
      for (const port of SILENT) servers.push(await listen(base + port, undefined, open));
      for (const [port, text] of GREETINGS) servers.push(await listen(base + port, text, open));
      return { base, close };
    } catch (error) {
      close();
      if (attempt === 10) throw error;
    }
  }
}

const { base, close } = await openHost();

// --- the scanner ---

await using executor = new ThreadPoolExecutor({ maxWorkers: 2, tasksPerWorker: PORTS / 2 });
await executor.warmUp();

const started = performance.now();
const tries = Array.from(
  { length: PORTS },
  (_, i) => executor.submit(tryPort, HOST, base + i + 1, TIMEOUT),
);

const count = { open: 0, closed: 0, silent: 0 };
for (const future of tries) {
  const { port, state, greeting } = await future;
  count[state]++;
  if (state === "open") console.log(`Port ${port - base} is open: ${greeting}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);

console.log(`${PORTS} tries: ${count.open} open, ${count.closed} closed, ${count.silent} silent`);
console.log(
  `All at once: ${seconds} s. One by one the silent ports alone would take ` +
    `${(count.silent * TIMEOUT / 1000).toFixed(1)} s`,
);
close();
