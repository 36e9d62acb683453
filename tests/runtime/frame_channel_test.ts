import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import fc from "fast-check";
import { FrameChannel } from "../../src/runtime/process/frame_channel.ts";
import { Steps } from "../../src/runtime/process/task_counter.ts";
import type { ByteStream } from "../../src/runtime/process/frame_channel.ts";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";

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
    { numRuns: 20, seed: SEED },
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
  assertThrows(() => channel.send(large, [large.buffer, large.buffer]), DOMException);
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
  for (let written = 1; written < 13; written++) {
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

test("junk in a frame is told as a message that cannot be read, and what follows it is read", () => {
  const { stream, told } = open();
  const bytes = bytesOf([1, 2]);
  bytes[12] = 99; // the first message's own first byte
  stream.tell("data", bytes);
  assertEquals(told, ["messageError", 2]);
});

test("bytes that are put in between, taken out or changed break the channel, and never a message", () => {
  const messages = [1, { a: "b" }, new Uint8Array(LARGE).fill(7), [2], "last"];
  const bytes = bytesOf(messages);
  const small = fc.nat(120);
  const place = fc.oneof(small, small.map((back) => bytes.length - back), fc.nat(bytes.length));
  fc.assert(
    fc.property(
      place,
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.boolean(),
      (at, junk, cut) => {
        const { stream, told } = open();
        const damaged = cut
          ? [...bytes.subarray(0, at), ...bytes.subarray(at + junk.length)]
          : [...bytes.subarray(0, at), ...junk, ...bytes.subarray(at)];
        stream.tell("data", new Uint8Array(damaged));
        stream.tell("close");
        const whole = told.filter((one) => typeof one !== "string" || one === "last");
        assertEquals(whole, messages.slice(0, whole.length));
        // At the very end nothing follows that could be out of its place.
        const end = String(told.at(-1));
        assert(end === "close" || end.startsWith("broken: "), end);
        if (end === "close") assert(at >= bytes.length - 64, `${at} of ${bytes.length}`);
        assertEquals(told.filter((one) => /^(close|broken)/.test(String(one))).length, 1);
      },
    ),
    { numRuns: 300, seed: SEED },
  );
});

test("a header that ends early breaks the channel, and is not waited for", async () => {
  const { stream, told } = open();
  stream.tell("data", new Uint8Array([120, 10])); // "x\n"
  while (told.length === 0) await delay(20);
  assertEquals(told, ["broken: a header ends early"]);
});

test("another channel's frames are not this one's, nor are its own a second time", () => {
  const bytes = bytesOf([1]);
  const stream = new FakeStream();
  const told: unknown[] = [];
  new FrameChannel(stream, SECRET + 1, {
    message: (data) => told.push(data),
    messageError: () => told.push("messageError"),
    broken: (reason) => told.push(reason),
    close: () => told.push("close"),
  });
  stream.tell("data", bytes);
  assertEquals(told, ["a header is not its own"]);
  const again = open();
  again.stream.tell("data", bytes);
  again.stream.tell("data", bytes);
  assertEquals(again.told, [1, "broken: a header is not its own"]);
});

test("a count is known by its bytes alone", () => {
  const mine = new Steps(SECRET);
  const other = new Steps(SECRET + 2);
  const bytes = Array.from({ length: 100 }, () => mine.next());
  assert(bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256));
  assert(bytes.some((byte) => byte !== other.next()));
  assert(new Set(bytes).size > 50);
});
