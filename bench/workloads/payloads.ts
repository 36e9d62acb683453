import { transfer } from "../../mod.ts";
import { ours } from "../pools.ts";
import { RawChannel } from "../raw.ts";
import { check, OURS, rate } from "../workload.ts";
import type { Contender, Workload } from "../workload.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** An array of records whose JSON has about so many bytes. */
function records(bytes: number): unknown {
  const one = {
    id: 123456,
    name: "a name of usual length",
    tags: ["x", "y"],
    ok: true,
  };
  return Array.from({
    length: Math.max(1, Math.round(bytes / JSON.stringify(one).length)),
  }, () => ({
    ...one,
  }));
}

const PAYLOADS: readonly (readonly [name: string, value: unknown, count: number])[] = [
  ["string of 1 KiB", "x".repeat(KIB), 10_000],
  ["string of 64 KiB", "x".repeat(64 * KIB), 1000],
  ["string of 1 MiB", "x".repeat(MIB), 100],
  ["bytes of 1 KiB", new Uint8Array(KIB), 10_000],
  ["bytes of 64 KiB", new Uint8Array(64 * KIB), 1000],
  ["bytes of 1 MiB", new Uint8Array(MIB), 100],
  ["records of 1 KiB", records(KIB), 5000],
  ["records of 64 KiB", records(64 * KIB), 100],
  ["records of 1 MiB", records(MIB), 8],
];

const MOVED = 64 * MIB;

const echo = (x: unknown): unknown => x;

export const workload: Workload = {
  title: "Payloads: there and back, one after the other, on one CPU",
  unit: "round trips/s",
  better: "more",
  pinned: true,
  rounds: 7,
  targets: PAYLOADS.map(([name]) => name).concat("transfer of 64 MiB").map((
    name,
  ) => ({
    of: `${OURS}: ${name}`,
    than: new RegExp(`^raw: ${name}$`),
    ratio: 0.85,
  })),
  async contenders(quick) {
    const raw = await RawChannel.start(1, "identity");
    const executor = await ours();
    const contenders: Contender[] = [];
    for (const [name, value, count] of PAYLOADS) {
      const times = quick ? Math.ceil(count / 10) : count;
      const size = sizeOf(value);
      const both = [
        ["raw", () => raw.send<unknown>(value)],
        [OURS, () => executor.submit(echo, value)],
      ] as const;
      for (const [who, send] of both) {
        contenders.push({
          name: `${who}: ${name}`,
          round: () =>
            rate(times, async () => {
              for (let i = 0; i < times; i++) {
                check(sizeOf(await send()) === size, name);
              }
            }),
        });
      }
    }
    contenders.push({
      name: "raw: transfer of 64 MiB",
      round: () => {
        let buffer = new ArrayBuffer(MOVED);
        return rate(500, async () => {
          for (let i = 0; i < 500; i++) {
            buffer = await raw.send<ArrayBuffer>(buffer, 0, [buffer]);
            check(buffer.byteLength === MOVED, "buffer");
          }
        });
      },
    }, {
      name: `${OURS}: transfer of 64 MiB`,
      round: () => {
        let buffer = new ArrayBuffer(MOVED);
        return rate(500, async () => {
          for (let i = 0; i < 500; i++) {
            buffer = await executor.submit(
              moveBack,
              transfer(buffer, [buffer]),
            );
            check(buffer.byteLength === MOVED, "buffer");
          }
        });
      },
    });
    return contenders;
  },
};

/** The transfer mark is found by its registered symbol, since the task cannot import. */
function moveBack(buffer: ArrayBuffer): ArrayBuffer {
  return {
    [Symbol.for("@concurrent/futures.transfer")]: {
      value: buffer,
      transfer: [buffer],
    },
  } as unknown as ArrayBuffer;
}

function sizeOf(value: unknown): number {
  return (value as { length: number }).length;
}
