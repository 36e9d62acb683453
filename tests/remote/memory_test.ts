import { memoryTransport } from "../../src/remote/mod.ts";
import { conformance } from "./conformance.ts";

conformance({
  name: "memory",
  create() {
    const { engine } = memoryTransport();
    return Promise.resolve({
      transport: () => memoryTransport(engine),
      close: () => Promise.resolve(),
    });
  },
});
