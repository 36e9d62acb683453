import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FrameChannel } from "../../src/wire/frame_channel.ts";
import type { ByteStream } from "../../src/wire/frame_channel.ts";
import { test } from "../harness.ts";

/** A stream whose other end is this test. */
class FakeStream implements ByteStream {
  readonly written: Uint8Array[] = [];
  full = false;
  readonly #listeners = new Map<string, (bytes: Uint8Array) => void>();

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    return !this.full;
  }

  on(event: string, listener: (bytes: Uint8Array) => void): void {
    this.#listeners.set(event, listener);
  }

  tell(event: string, bytes = new Uint8Array(0)): void {
    this.#listeners.get(event)!(bytes);
  }

  /** All that was written, in one piece. */
  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.written.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.written) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

function open(): { stream: FakeStream; channel: FrameChannel; told: unknown[] } {
  const stream = new FakeStream();
  const told: unknown[] = [];
  const channel = new FrameChannel(stream, SECRET, {
    message: (data) => told.push(data),
    messageError: () => told.push("messageError"),
    broken: (reason) => told.push(`broken: ${reason}`),
    close: () => told.push("close"),
  });
  return { stream, channel, told };
}

const SECRET = 0x12345678;
const LARGE = 100_000;
const MESSAGES: readonly unknown[] = [
  1,
  "",
  { a: [1, "b"] },
  new Uint8Array(LARGE).fill(1),
  [new Uint8Array(LARGE).fill(2), new Float64Array(LARGE), "between"],
  "x".repeat(LARGE),
  undefined,
];

/** What a channel writes for these messages. */
function bytesOf(messages: readonly unknown[]): Uint8Array<ArrayBuffer> {
  const { stream, channel } = open();
  for (const message of messages) channel.send(message);
  return stream.bytes();
}

test("messages arrive in order, however the stream cuts them", () => {
  const bytes = bytesOf(MESSAGES);
  const cut = fc.array(fc.nat(bytes.length), { maxLength: 20 });
  fc.assert(
    fc.property(cut, fc.boolean(), (places, byteByByte) => {
      const { stream, told } = open();
      let at = 0;
      const give = (end: number): void => {
        const part = bytes.slice(at, end);
        stream.tell("data", part);
        part.fill(255); // the stream uses its memory again
        at = end;
      };
      if (byteByByte) { while (at < 100) give(at + 1); }
      for (const place of places.sort((a, b) => a - b)) if (place > at) give(place);
      give(bytes.length);
      assertEquals(told, MESSAGES);
    }),
    { numRuns: 20 },
  );
}, { deadline: 30_000 });

test("large buffers arrive whole, shared by the views that shared them", () => {
  const buffer = new ArrayBuffer(LARGE);
  const { stream, told } = open();
  stream.tell("data", bytesOf([[new Uint8Array(buffer, 5), buffer, new Uint16Array(buffer)]]));
  const [bytes, whole, words] = told[0] as [Uint8Array, ArrayBuffer, Uint16Array];
  assertStrictEquals(bytes.buffer, whole);
  assertStrictEquals(words.buffer, whole);
  assertEquals([bytes.byteOffset, whole.byteLength], [5, LARGE]);
});

test("what is sent is as it was then", () => {
  const { stream, channel, told } = open();
  const bytes = new Uint8Array(LARGE);
  channel.send(bytes);
  bytes.fill(1);
  stream.tell("data", stream.bytes());
  assertEquals((told[0] as Uint8Array).every((byte) => byte === 0), true);
});

test("what is transferred is empty afterwards, large and small; nothing is if the message fails", () => {
  const { stream, channel, told } = open();
  const large = new Uint8Array(LARGE).fill(3);
  const small = new Uint8Array(3).fill(3);
  const unused = new ArrayBuffer(1);
  const buffers = [large.buffer, small.buffer, unused];
  assertThrows(() => channel.send([large, () => {}], buffers), DOMException);
  assertThrows(() => channel.send(large, [large.buffer, new ReadableStream()]), DOMException);
  assertEquals(large.length, LARGE);
  assertEquals(stream.written, []);
  channel.send([large, small], buffers);
  assertEquals([large.length, small.length, unused.byteLength], [0, 0, 0]);
  stream.tell("data", stream.bytes());
  assertEquals(told, [[new Uint8Array(LARGE).fill(3), new Uint8Array(3).fill(3)]]);
});

test("a stream that is full gets the next slice when it has drained", () => {
  const { stream, channel } = open();
  stream.full = true;
  channel.send(new Uint8Array(10 << 20));
  channel.send("last");
  for (let written = 1; written < 12; written++) {
    assertEquals(stream.written.length, written);
    assert(stream.written.at(-1)!.length <= 1 << 20);
    stream.tell("drain");
  }
  stream.full = false;
  stream.tell("drain");
  const { stream: other, told } = open();
  other.tell("data", stream.bytes());
  assertEquals(told.map((one) => (one as Uint8Array).length), [10 << 20, 4]);
});

test("the end is told once; what is sent afterwards is lost, and what cannot be sent still throws", () => {
  const { stream, channel, told } = open();
  stream.tell("end");
  stream.tell("error");
  stream.tell("close");
  assertEquals(told, ["close"]);
  channel.send(1);
  assertEquals(stream.written, []);
  assertThrows(() => channel.send(() => {}), DOMException);
});

test(
  "junk in a frame is told as a message that cannot be read, and what follows it is read",
  () => {
    const good = bytesOf([1]);
    const attached = bytesOf([new Uint8Array(LARGE)]);
    const junk = [
      [0, 0, 0, 0, 0, 0, 0, 0],
      [1, 0, 0, 0, 0, 0, 0, 0, 99],
      [1, 0, 0, 0, 1, 0, 0, 0, 22, 1, 0, 0, 0, 0, 0, 0, 0, 7],
    ];
    for (const bytes of junk) {
      const { stream, told } = open();
      stream.tell("data", new Uint8Array(bytes));
      stream.tell("data", good);
      assertEquals(told, ["messageError", 1]);
    }
    // What can be no frame ends the channel.
    const { stream, told } = open();
    stream.tell("data", new Uint8Array([1, 0, 0, 0, 1, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0]));
    stream.tell("data", good);
    assertEquals(told, ["close"]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(60), (bytes, at) => {
        const { stream, told } = open();
        const damaged = attached.slice();
        damaged.set(bytes, at);
        damaged[3] = 0; // 4 GiB would only wait
        stream.tell("data", damaged);
        assert(told.filter((one) => one === "close").length <= 1);
      }),
      { numRuns: 200 },
    );
  },
  { deadline: 30_000 },
);
