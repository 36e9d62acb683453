import { transfer } from "../../mod.ts";
import { ours } from "../pools.ts";
import { RawChannel } from "../raw.ts";
import { lengthOf } from "../tasks.js";
import { check, OURS, rate } from "../workload.ts";
import type { Contender, Workload } from "../workload.ts";

const BYTES = 32 * 1024 * 1024;

type Form = ArrayBuffer | Uint8Array | { bytes: Uint8Array };

/** What a buffer is sent as. */
const FORMS: Readonly<Record<string, (buffer: ArrayBuffer) => Form>> = {
  "a buffer": (buffer) => buffer,
  "a view": (buffer) => new Uint8Array(buffer),
  "a view in an object": (buffer) => ({ bytes: new Uint8Array(buffer) }),
};

function bufferOf(form: Form): ArrayBuffer {
  if (form instanceof ArrayBuffer) return form;
  return ("bytes" in form ? form.bytes : form).buffer as ArrayBuffer;
}

export const workload: Workload = {
  title: "Transfer: 32 MiB that move, there or there and back",
  unit: "moves/s",
  better: "more",
  pinned: true,
  rounds: 7,
  targets: Object.keys(FORMS).flatMap((form) =>
    [`${form}, argument`, `${form}, argument and result`].map((name) => ({
      of: `${OURS}: ${name}`,
      than: new RegExp(`^raw: ${name}$`),
      ratio: 0.5,
    }))
  ),
  async contenders(quick) {
    const times = quick ? 50 : 200;
    // No memory is made for each, and the first hundreds of moves cost several times what later ones do.
    const timesBack = times * 20;
    // Each has workers for what goes one way alone: those collect the garbage of what they were sent.
    const executor = await ours();
    const executorBack = await ours();
    const there = await RawChannel.start(1, "lengthOf", { web: true });
    const back = await RawChannel.start(1, "identity", { web: true, moves: true });
    return Object.entries(FORMS).flatMap(([form, make]): Contender[] => {
      const argument = (
        name: string,
        send: (value: Form, buffer: ArrayBuffer) => PromiseLike<number>,
      ) => ({
        name: `${name}: ${form}, argument`,
        round: () =>
          rate(times, async () => {
            for (let i = 0; i < times; i++) {
              const buffer = new ArrayBuffer(BYTES);
              check(await send(make(buffer), buffer) === BYTES, "length");
              check(buffer.byteLength === 0, "moved");
            }
          }),
      });
      const result = (
        name: string,
        send: (value: Form, buffer: ArrayBuffer) => PromiseLike<Form>,
      ) => {
        let buffer = new ArrayBuffer(BYTES);
        return {
          name: `${name}: ${form}, argument and result`,
          round: () =>
            rate(timesBack, async () => {
              for (let i = 0; i < timesBack; i++) {
                const sent = buffer;
                buffer = bufferOf(await send(make(sent), sent));
                check(buffer.byteLength === BYTES && sent.byteLength === 0, "moved");
              }
            }),
        };
      };
      return [
        argument("raw", (value, buffer) => there.send<number>(value, 0, [buffer])),
        argument(OURS, (value, buffer) => executor.submit(lengthOf, transfer(value, [buffer]))),
        result("raw", (value, buffer) => back.send<Form>(value, 0, [buffer])),
        result(OURS, (value, buffer) => executorBack.submit(moveBack, transfer(value, [buffer]))),
      ];
    });
  },
};

/** The transfer mark is found by its registered symbol, since the task cannot import. */
function moveBack<T extends ArrayBuffer | Uint8Array | { bytes: Uint8Array }>(value: T): T {
  const holder = "bytes" in value ? value.bytes : value;
  const buffer = "buffer" in holder ? holder.buffer : holder;
  return {
    [Symbol.for("@concurrent/futures.transfer")]: { value, transfer: [buffer] },
  } as unknown as T;
}
