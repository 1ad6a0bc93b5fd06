import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import type { StreamError, StreamObserver } from "../../src/channel/mux_stream.ts";
import {
  accepted,
  closeFrame,
  dataFrame,
  messageFrame,
  openFrame,
  outcomeOf,
  pattern,
  RECORD_BYTES,
  resetFrame,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const HI = encodeUtf8("hi");

/** Data of a stream that is over: with `used` bytes before it, the longest record. */
function filler(used: number): Bytes {
  return dataFrame(98, RECORD_BYTES - used - 8);
}

Deno.test("read() waits for bytes, and for the end", PURE, async () => {
  const { side, stream } = accepted();
  const first = stream.read();
  assertEquals(await outcomeOf(first), "waiting");
  side.receive(dataFrame(2, HI));
  assertEquals(await first, HI);
  const last = stream.read();
  side.receive(closeFrame(2));
  assertEquals([await last, await stream.read()], [undefined, undefined]);
});

Deno.test("read() gives what has arrived, in order, and the end behind it", PURE, async () => {
  const { side, stream } = accepted();
  side.receive(dataFrame(2, pattern(5)), dataFrame(2, pattern(3_000, 5)), closeFrame(2));
  assertEquals([stream.unread, stream.isEnded], [3_005, true]);
  const pieces: Bytes[] = [];
  for (let piece = await stream.read(); piece; piece = await stream.read()) pieces.push(piece);
  assertEquals(concatBytes(...pieces), pattern(3_005));
});

Deno.test("read() refuses a second reader, and the first goes on", PURE, async () => {
  const { side, stream } = accepted();
  const first = stream.read();
  await assertRejects(() => stream.read(), TypeError, "Cannot read stream: it is being read");
  await assertRejects(() => stream.readInto(new Uint8Array(1)), TypeError);
  side.receive(dataFrame(2, HI));
  assertEquals(await first, HI);
});

Deno.test("read() rejects when the stream fails", PURE, async () => {
  const { side, stream } = accepted();
  const outcome = outcomeOf(stream.read());
  side.receive(resetFrame(2, "no_room"));
  assertEquals(await outcome, "no_room");
});

Deno.test("one byte does not keep the record alive that brought it", PURE, async () => {
  const { side, stream } = accepted();
  const lengths = [1, 1, 2_047, 8_189];
  for (const length of lengths) {
    const data = dataFrame(2, length);
    assertEquals(side.receive(data, filler(data.length)), false);
  }
  for (let left = 1 + 1 + 2_047 + 8_189; left > 0;) {
    const piece = await stream.read();
    assert(piece);
    const held = piece.buffer.byteLength;
    assert(held <= Math.max(16_384, 4 * piece.length), `${held} bytes are held`);
    left -= piece.length;
  }
});

Deno.test(
  "a byte that a reader waits for does not keep its record alive either",
  PURE,
  async () => {
    const { side, stream } = accepted();
    const reading = stream.read();
    const data = dataFrame(2, 1);
    assertEquals(side.receive(data, filler(data.length)), false);
    const piece = await reading;
    assertEquals(piece, pattern(1));
    assert((piece?.buffer.byteLength ?? 0) <= 16_384);
  },
);

Deno.test("Mux.receive() says whether views are kept: of messages, never of data", PURE, () => {
  const { side } = accepted();
  assertEquals(side.receive(openFrame(4), closeFrame(4)), false);
  assertEquals(side.receive(messageFrame(HI), dataFrame(2, 1)), true);
  assertEquals(side.receive(dataFrame(2, 16_384), dataFrame(2, 1)), false);
  assertEquals(side.receive(dataFrame(2, 1)), false);
});

Deno.test("read() gives what one record brought in one piece", PURE, async () => {
  const { side, stream } = accepted();
  const reading = stream.read();
  side.receive(...[0, 16_384, 32_768].map((at) => dataFrame(2, pattern(16_384, at))));
  assertEquals(await reading, pattern(49_152));
});

Deno.test("readInto() copies what has arrived, as much as there is room for", PURE, async () => {
  const { side, stream } = accepted();
  side.receive(dataFrame(2, pattern(3_000)), dataFrame(2, pattern(10, 3_000)));
  const buffer = new Uint8Array(2_000);
  assertEquals(await stream.readInto(buffer), 2_000);
  assertEquals(buffer, pattern(2_000));
  assertEquals([await stream.readInto(buffer), stream.unread], [1_010, 0]);
  assertEquals(buffer.subarray(0, 1_010), pattern(1_010, 2_000));
});

Deno.test(
  "readInto() takes all frames of a record in one go, and the record is freed",
  PURE,
  async () => {
    const { side, stream } = accepted();
    const buffer = new Uint8Array(60_000);
    const reading = stream.readInto(buffer);
    const starts = [0, 16_384, 32_768];
    const record = starts.map((start) => dataFrame(2, pattern(16_384, start)));
    assertEquals(side.receive(...record), false);
    assertEquals([await reading, stream.unread], [49_152, 0]);
    assertEquals(buffer.subarray(0, 49_152), pattern(49_152));
  },
);

Deno.test(
  "readInto() leaves to the next reader what its buffer has no room for",
  PURE,
  async () => {
    const { side, stream } = accepted();
    const buffer = new Uint8Array(20_000);
    const reading = stream.readInto(buffer);
    const starts = [0, 16_384, 32_768];
    assertEquals(
      side.receive(...starts.map((start) => dataFrame(2, pattern(16_384, start)))),
      false,
    );
    assertEquals([await reading, stream.unread], [20_000, 29_152]);
    const rest = new Uint8Array(29_152);
    assertEquals([await stream.readInto(rest.subarray(0, 152)), stream.unread], [152, 29_000]);
    assertEquals(await stream.readInto(rest.subarray(152)), 29_000);
    assertEquals(concatBytes(buffer, rest), pattern(49_152));
  },
);

Deno.test("readInto() gives what was put before the end, and then the end", PURE, async () => {
  const { side, stream } = accepted();
  const buffer = new Uint8Array(100);
  const reading = stream.readInto(buffer);
  side.receive(dataFrame(2, pattern(4)), dataFrame(2, pattern(5, 4)), closeFrame(2));
  assertEquals([await reading, buffer.subarray(0, 9)], [9, pattern(9)]);
  assertEquals(await stream.readInto(buffer), undefined);
});

Deno.test("readInto() gives what was put before an error, and then the error", PURE, async () => {
  for (const isLost of [false, true]) {
    const { side, stream } = accepted();
    const reading = stream.readInto(new Uint8Array(100));
    if (isLost) {
      // The record breaks off, and the session with it.
      const broken = concatBytes(dataFrame(2, 7), openFrame(3));
      await assertRejects(() => Promise.resolve().then(() => side.receive(broken)));
      side.mux.close("broken");
    } else side.receive(dataFrame(2, 7), resetFrame(2, "lost"));
    assertEquals(await reading, 7);
    assertEquals(await outcomeOf(stream.readInto(new Uint8Array(100))), "lost");
  }
});

Deno.test("readInto() gives credit for what it takes", PURE, async () => {
  const { side, stream } = accepted();
  const reading = stream.readInto(new Uint8Array(200_000));
  for (let record = 0; record < 3; record++) {
    side.receive(...[1, 2, 3].map(() => dataFrame(2, 16_384)));
  }
  assertEquals([await reading, side.sent()], [49_152, []]);
  // 49,152 in the first go, 98,304 afterwards: past half of 262,144.
  assertEquals(await stream.readInto(new Uint8Array(200_000)), 98_304);
  assertEquals(side.sent(), ["window 2 +147456"]);
});

/** Notes what it is told; takes `appetite` bytes of each offer. */
class Notes implements StreamObserver {
  readonly told: string[] = [];
  readonly #appetite: number;

  constructor(appetite = Infinity) {
    this.#appetite = appetite;
  }

  onData(bytes: Bytes): number {
    this.told.push(bytes.toHex());
    return Math.min(bytes.length, this.#appetite);
  }

  onEnd(): void {
    this.told.push("end");
  }

  onError(error: StreamError): void {
    this.told.push(error.code);
  }
}

Deno.test("observe() tells of bytes, the end and the error as they come", PURE, () => {
  const { side, stream } = accepted();
  const notes = new Notes();
  stream.observe(notes);
  assertEquals(side.receive(dataFrame(2, Uint8Array.of(1)), dataFrame(2, Uint8Array.of(2))), false);
  side.receive(dataFrame(2, Uint8Array.of(3)), closeFrame(2), resetFrame(2, "late"));
  assertEquals([notes.told, stream.unread], [["01", "02", "03", "end", "late"], 0]);
});

Deno.test("observe() tells of what was there before", PURE, () => {
  const records = [[dataFrame(2, HI)], [dataFrame(2, HI), closeFrame(2)], [closeFrame(2)]];
  const expected = [["6869"], ["6869", "end"], ["end"]];
  for (const [index, record] of records.entries()) {
    const { side, stream } = accepted();
    side.receive(...record);
    const notes = new Notes();
    stream.observe(notes);
    assertEquals(notes.told, expected[index]);
  }
  const { side, stream } = accepted();
  side.receive(resetFrame(2, "cancelled"));
  const notes = new Notes();
  stream.observe(notes);
  assertEquals(notes.told, ["cancelled"]);
});

Deno.test(
  "what an observer leaves is read, and nothing is told after unobserve()",
  PURE,
  async () => {
    const { side, stream } = accepted();
    const notes = new Notes(3);
    stream.observe(notes);
    side.receive(dataFrame(2, Uint8Array.of(1, 2, 3, 4, 5)));
    stream.unobserve();
    side.receive(dataFrame(2, Uint8Array.of(6)), closeFrame(2));
    assertEquals([notes.told, stream.unread], [["0102030405"], 3]);
    const buffer = new Uint8Array(5);
    assertEquals([await stream.readInto(buffer), buffer], [3, Uint8Array.of(4, 5, 6, 0, 0)]);
    assertEquals(await stream.read(), undefined);
  },
);

Deno.test("what an observer takes counts as read", PURE, () => {
  const { side, stream } = accepted();
  stream.observe(new Notes());
  for (let i = 0; i < 7; i++) side.receive(dataFrame(2, 16_384));
  assertEquals(side.sent(), []);
  side.receive(dataFrame(2, 16_384));
  assertEquals(side.sent(), ["window 2 +131072"]);
});
