import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { concatBytes, encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import {
  encodeFrame,
  FrameDecoder,
  FrameError,
  MAX_BUFFER_BYTES,
  MIN_BUFFER_BYTES,
} from "../../src/wire/frame.ts";
import { feed, feedCut, frameOf, headerOf, type Seen } from "./feeding.ts";

const MIB = 1_048_576;

function bytesOf(...bytes: readonly number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}

function errorOf(bytes: Uint8Array, nextSize?: () => number) {
  return feed(new FrameDecoder(), bytes, nextSize).error;
}

/** Commits `count` bytes without looking at them, `fill` each. */
function receive(decoder: FrameDecoder, count: number, fill = 0x61): void {
  const space = decoder.space();
  assert(count <= space.length);
  space.fill(fill, 0, count);
  decoder.commit(count);
}

/** A small stream with every path in it, and what it means, spelled out by hand. */
const STREAM: readonly (readonly [frame: Uint8Array<ArrayBuffer>, seen: Seen])[] = [
  [bytesOf(0, 0, 0, 2, 0x7b, 0x7d), { path: "json", payload: bytesOf(0x7b, 0x7d) }],
  [bytesOf(0, 0, 0, 1, 0x20), { path: "json", payload: bytesOf(0x20) }],
  [bytesOf(0, 0, 0, 7, 0x5b, 1, 2, 3, 4, 5, 6), { path: "malformed", payload: undefined }],
  [bytesOf(0, 0, 0, 3, 0xf8, 1, 2), { path: "handshake", payload: bytesOf(0xf8, 1, 2) }],
  [bytesOf(0, 0, 0, 1, 0x00), { path: "malformed", payload: undefined }],
  // A body that looks like headers must not be read as such.
  [
    bytesOf(0, 0, 0, 9, 0x00, 0, 0, 0, 1, 0x7b, 0, 0, 0),
    { path: "malformed", payload: undefined },
  ],
  [bytesOf(0, 0, 0, 4, 0xf9, 0, 0xff, 9), { path: "sealed", payload: bytesOf(0xf9, 0, 0xff, 9) }],
  [bytesOf(0, 0, 0, 5, 0x0a, 0, 0, 0, 0), { path: "json", payload: bytesOf(0x0a, 0, 0, 0, 0) }],
];
const STREAM_BYTES = concatBytes(...STREAM.map(([frame]) => frame));
const STREAM_SEEN = STREAM.map(([, seen]) => seen);

Deno.test("encodeFrame() gives the golden bytes", { permissions: "none" }, () => {
  assertEquals(encodeFrame(encodeUtf8("{}")), bytesOf(0, 0, 0, 2, 0x7b, 0x7d));
  assertEquals(encodeFrame(bytesOf(0xf9)), bytesOf(0, 0, 0, 1, 0xf9));
  assertEquals(encodeFrame(new Uint8Array(258)).subarray(0, 5), bytesOf(0, 0, 1, 2, 0));
  assertEquals(encodeFrame(new Uint8Array(65_536)).subarray(0, 4), bytesOf(0, 1, 0, 0));
  assertEquals(encodeFrame(new Uint8Array(MIB)).subarray(0, 4), bytesOf(0, 0x10, 0, 0));
});

Deno.test("encodeFrame() copies its payload", { permissions: "none" }, () => {
  const payload = bytesOf(1, 2, 3);
  const frame = encodeFrame(payload);
  payload.fill(9);
  assertEquals(frame, bytesOf(0, 0, 0, 3, 1, 2, 3));
});

Deno.test("encodeFrame() refuses lengths outside 1..1,048,576", { permissions: "none" }, () => {
  for (const length of [0, MIB + 1]) {
    const error = assertThrows(() => encodeFrame(new Uint8Array(length)), RangeError);
    assert(error.message.includes(`${length}`));
  }
});

Deno.test(
  "FrameDecoder.next() gives back what encodeFrame() wrote",
  { permissions: "none" },
  () => {
    const random = seededRandom(11);
    const limits = [[0x7b, 65_536], [0xf8, 4_096], [0xf9, 65_536]] as const;
    for (const [first, limit] of limits) {
      for (const size of [1, 2, 3, 255, 256, 4_091, 4_092, 4_093, 4_096, limit - 1, limit]) {
        if (size > limit) continue;
        const payload = Uint8Array.from({ length: size }, () => Math.floor(random.next() * 256));
        payload[0] = first;
        const { frames, error } = feed(new FrameDecoder(), encodeFrame(payload));
        assertEquals(error, undefined);
        assertEquals(frames.length, 1);
        assertEquals(frames[0]?.payload, payload);
      }
    }
  },
);

Deno.test("FrameDecoder.next() reads several frames from one segment", {
  permissions: "none",
}, () => {
  const decoder = new FrameDecoder();
  const outcome = feed(decoder, STREAM_BYTES);
  assertEquals(outcome.frames, STREAM_SEEN);
  assertEquals(outcome.error, undefined);
  assertEquals(decoder.buffered, 0);
});

Deno.test("FrameDecoder.next() reads a stream cut anywhere", { permissions: "none" }, () => {
  for (let cut = 0; cut <= STREAM_BYTES.length; cut++) {
    assertEquals(feedCut(new FrameDecoder(), STREAM_BYTES, [cut]), { frames: STREAM_SEEN });
  }
});

Deno.test("FrameDecoder.next() reads a stream cut anywhere twice", { permissions: "none" }, () => {
  for (let one = 0; one <= STREAM_BYTES.length; one++) {
    for (let two = one; two <= STREAM_BYTES.length; two++) {
      const outcome = feedCut(new FrameDecoder(), STREAM_BYTES, [one, two]);
      assertEquals(outcome, { frames: STREAM_SEEN }, `cuts ${one} and ${two}`);
    }
  }
});

Deno.test("FrameDecoder.next() reads a stream in equal pieces of any size", {
  permissions: "none",
}, () => {
  for (let size = 1; size <= STREAM_BYTES.length; size++) {
    assertEquals(feed(new FrameDecoder(), STREAM_BYTES, () => size), { frames: STREAM_SEEN });
  }
});

Deno.test("FrameDecoder.next() reads frames larger than its buffer byte by byte", {
  permissions: "none",
}, () => {
  const stream = concatBytes(frameOf(0x7b, 20_000), frameOf(0x5b, 9_000), frameOf(0xf9, 65_536));
  const { frames, error } = feed(new FrameDecoder(), stream, () => 1);
  assertEquals(error, undefined);
  assertEquals(frames.map(({ path, payload }) => [path, payload?.length]), [
    ["json", 20_000],
    ["malformed", undefined],
    ["sealed", 65_536],
  ]);
  assertEquals(frames[0]?.payload, frameOf(0x7b, 20_000).subarray(4));
});

Deno.test("FrameDecoder.next() waits at every truncation", { permissions: "none" }, () => {
  const ends: number[] = [];
  let total = 0;
  for (const [frame] of STREAM) ends.push(total += frame.length);
  for (let cut = 0; cut <= STREAM_BYTES.length; cut++) {
    const decoder = new FrameDecoder();
    const outcome = feed(decoder, STREAM_BYTES.subarray(0, cut), () => 1);
    // A malformed frame is known by its fifth byte, any other by its last.
    const known = STREAM.filter(([frame, { path }], i) => {
      const end = ends[i] ?? 0;
      return cut >= (path === "malformed" ? end - frame.length + 5 : end);
    });
    assertEquals(outcome, { frames: known.map(([, seen]) => seen) }, `cut ${cut}`);
    const begun = cut - (ends.findLast((end) => end <= cut) ?? 0);
    assertEquals(decoder.isUndecided, begun <= 4, `cut ${cut}`);
    assertEquals(decoder.buffered > 0, begun > 0, `cut ${cut}`);
  }
});

Deno.test("FrameDecoder.buffered counts the bytes of the frame that has begun", {
  permissions: "none",
}, () => {
  const decoder = new FrameDecoder();
  const frame = frameOf(0x7b, 10);
  for (let count = 1; count < frame.length; count++) {
    feed(decoder, frame.subarray(count - 1, count));
    assertEquals(decoder.buffered, count);
  }
  feed(decoder, frame.subarray(-1));
  assertEquals(decoder.buffered, 0);
});

Deno.test("FrameDecoder.isUndecided ends with the fifth byte", { permissions: "none" }, () => {
  for (const first of [0x7b, 0xf8, 0xf9, 0x00]) {
    const decoder = new FrameDecoder();
    assert(decoder.isUndecided);
    const header = headerOf(first, 100);
    for (let count = 1; count <= 4; count++) {
      feed(decoder, header.subarray(count - 1, count));
      assert(decoder.isUndecided, `${count} bytes`);
    }
    feed(decoder, header.subarray(4));
    assertFalse(decoder.isUndecided);
    feed(decoder, new Uint8Array(98));
    assertFalse(decoder.isUndecided, "one byte is missing");
    feed(decoder, new Uint8Array(1));
    assert(decoder.isUndecided, "the frame is over");
  }
});

const LIMITS: readonly (readonly [path: Seen["path"], first: number, limit: number])[] = [
  ["json", 0x7b, 65_536],
  ["json", 0x20, 65_536],
  ["handshake", 0xf8, 4_096],
  ["sealed", 0xf9, 1 + 65_535],
  ["malformed", 0x5b, MIB],
  ["malformed", 0xef, MIB],
];

Deno.test("FrameDecoder.next() takes a frame at the limit of its path", {
  permissions: "none",
}, () => {
  for (const [path, first, limit] of LIMITS) {
    const stream = concatBytes(frameOf(first, limit), frameOf(0x7b, 2));
    const { frames, error } = feed(new FrameDecoder(), stream);
    assertEquals(error, undefined, `${path} ${limit}`);
    assertEquals(frames.map((frame) => [frame.path, frame.payload?.length]), [
      [path, path === "malformed" ? undefined : limit],
      ["json", 2],
    ]);
  }
});

Deno.test("FrameDecoder.next() refuses a frame above the limit of its path", {
  permissions: "none",
}, () => {
  for (const [path, first, limit] of LIMITS) {
    const place = `${path} ${limit + 1}`;
    const refused = errorOf(headerOf(first, limit + 1), () => 1);
    // Above the limit of all frames the length alone decides; below it, the first byte.
    const fed = limit === MIB ? 4 : 5;
    assertEquals(refused, { code: "length_out_of_bounds", fed }, place);
    assertEquals(errorOf(headerOf(first, MIB), () => 1)?.fed, limit === MIB ? undefined : 5, place);
  }
});

Deno.test("FrameDecoder.next() refuses an impossible length before the fifth byte", {
  permissions: "none",
}, () => {
  const lengths = [0, MIB + 1, 0x0100_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
  for (const length of lengths) {
    const bytes = headerOf(0x7b, length).subarray(0, 4);
    for (const size of [1, 2, 3, 4]) {
      const error = errorOf(bytes, () => size);
      assertEquals(error, { code: "length_out_of_bounds", fed: 4 }, `length ${length}`);
    }
    const waiting = new FrameDecoder();
    assertEquals(feed(waiting, bytes.subarray(0, 3)), { frames: [] });
    assert(waiting.isUndecided);
  }
});

Deno.test("FrameDecoder.next() refuses reserved first bytes at the fifth byte", {
  permissions: "none",
}, () => {
  for (let first = 0xfa; first <= 0xff; first++) {
    for (const size of [1, 4_097, 65_537, MIB]) {
      const error = errorOf(headerOf(first, size), () => 1);
      assertEquals(error, { code: "reserved", fed: 5 }, `${first} ${size}`);
    }
  }
});

Deno.test("FrameDecoder.next() recognises foreign protocols at the fourth byte", {
  permissions: "none",
}, () => {
  const openings: readonly (readonly [string, string])[] = [
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http"],
    ["POST /x HTTP/1.1\r\n", "http"],
    ["HEAD / HTTP/1.0\r\n", "http"],
    ["PUT /x HTTP/1.1\r\n", "http"],
    ["DELETE /x HTTP/1.1\r\n", "http"],
    ["OPTIONS * HTTP/1.1\r\n", "http"],
    ["PATCH /x HTTP/1.1\r\n", "http"],
    ["CONNECT a:1 HTTP/1.1\r\n", "http"],
    ["TRACE / HTTP/1.1\r\n", "http"],
    ["PRI * HTTP/2.0\r\n", "http"],
    ["SSH-2.0-x\r\n", "ssh"],
    ["\x16\x03\x01\x00\x05\x01", "tls"],
    ["\x16\x03\x03\x00\x05\x01", "tls"],
  ];
  for (const [opening, foreign] of openings) {
    const bytes = Uint8Array.from(opening, (letter) => letter.charCodeAt(0));
    assertEquals(errorOf(bytes, () => 1), { code: "foreign", foreign, fed: 4 }, opening);
    assertEquals(errorOf(bytes)?.code, "foreign");
  }
});

Deno.test("FrameDecoder.next() gives the frames before an error", { permissions: "none" }, () => {
  const bad = [bytesOf(0, 0, 0, 0), encodeUtf8("GET "), bytesOf(0, 0, 0, 1, 0xfa)];
  for (const end of bad) {
    const stream = concatBytes(STREAM_BYTES, end);
    for (const size of [1, 7, Infinity]) {
      const { frames, error } = feed(new FrameDecoder(), stream, () => size);
      assertEquals(frames, STREAM_SEEN);
      assert(error);
    }
  }
});

Deno.test("FrameDecoder.next() stays dead after an error", { permissions: "none" }, () => {
  const bad = [
    bytesOf(0, 0, 0, 0),
    encodeUtf8("GET "),
    bytesOf(0, 0, 0, 1, 0xfa),
    headerOf(0xf8, 4_097),
  ];
  for (const start of bad) {
    const decoder = new FrameDecoder();
    const first = feed(decoder, start).error;
    assert(first);
    assertEquals(assertThrows(() => decoder.next(), FrameError).code, first.code);
    assertEquals(feed(decoder, frameOf(0x7b, 2)).error?.code, first.code);
    assertEquals(feed(decoder, new Uint8Array(5_000)).error?.code, first.code);
  }
});

Deno.test("FrameError() repeats no byte of the peer", { permissions: "none" }, () => {
  const decoder = new FrameDecoder();
  decoder.space().set(encodeUtf8("POST"));
  decoder.commit(4);
  const error = assertThrows(() => decoder.next(), FrameError);
  assertEquals([error.name, error.foreign], ["FrameError", "http"]);
  assertFalse(error.message.includes("POST"));
});

Deno.test("FrameDecoder.next() skips a malformed frame whole", { permissions: "none" }, () => {
  // The body repeats a valid frame: had it been read, frames would come out of it.
  const inner = bytesOf(0, 0, 0, 2, 0x7b, 0x7d);
  const body = new Uint8Array(60_001);
  for (let at = 1; at < body.length; at += inner.length) {
    body.set(inner.subarray(0, body.length - at), at);
  }
  const stream = concatBytes(encodeFrame(body), inner, encodeFrame(body), inner);
  for (const size of [1, 3, 4_096, 5_000, Infinity]) {
    const { frames } = feed(new FrameDecoder(), stream, () => size);
    assertEquals(
      frames.map(({ path }) => path),
      ["malformed", "json", "malformed", "json"],
      `pieces of ${size}`,
    );
  }
});

Deno.test("FrameDecoder.next() reports a malformed frame before its body", {
  permissions: "none",
}, () => {
  const decoder = new FrameDecoder();
  const seen = feed(decoder, headerOf(0x00, MIB));
  assertEquals(seen.frames.map(({ path }) => path), ["malformed"]);
  assert(decoder.buffered > 0);
  assertEquals(decoder.next(), undefined);
  assertEquals(feed(decoder, new Uint8Array(MIB - 1)).frames, []);
  assertEquals(decoder.buffered, 0);
  assertEquals(feed(decoder, frameOf(0x7b, 2)).frames.length, 1);
});

Deno.test("FrameDecoder.payload never shows a malformed body", { permissions: "none" }, () => {
  const decoder = new FrameDecoder();
  feed(decoder, concatBytes(bytesOf(0, 0, 0, 8), encodeUtf8('{"a":10}')));
  // The view of that frame lies where the body of the next one lands.
  feed(decoder, concatBytes(bytesOf(0, 0, 0, 8), encodeUtf8("[secret]")));
  assertEquals(decoder.payload.length, 0);
});

Deno.test("FrameDecoder.payload is a view of the receive buffer", { permissions: "none" }, () => {
  const decoder = new FrameDecoder();
  const space = decoder.space();
  const stream = concatBytes(frameOf(0x7b, 3, 1), frameOf(0x7b, 4, 2));
  space.set(stream);
  decoder.commit(stream.length);
  assertEquals(decoder.next(), "json");
  const first = decoder.payload;
  assertEquals(decoder.next(), "json");
  const second = decoder.payload;
  assert(first.buffer === space.buffer && second.buffer === space.buffer);
  assertEquals([first.byteOffset, second.byteOffset], [4, 4 + 3 + 4]);
  // Both live until the following space(), and die there.
  assertEquals(first, bytesOf(0x7b, 1, 1));
  assertEquals(second, bytesOf(0x7b, 2, 2, 2));
  receive(decoder, 20, 9);
  assertEquals(first, bytesOf(9, 9, 9));
});

Deno.test("FrameDecoder.capacity ignores what a length field claims", {
  permissions: "none",
}, () => {
  for (const [, first, limit] of LIMITS) {
    const decoder = new FrameDecoder();
    feed(decoder, headerOf(first, limit), () => 1);
    assertEquals(decoder.space().length > 0, true);
    assertEquals(decoder.capacity, MIN_BUFFER_BYTES);
  }
});

Deno.test("FrameDecoder.capacity grows only from bytes that came", { permissions: "none" }, () => {
  for (const size of [1, 100, 1_000, 4_096, Infinity]) {
    const decoder = new FrameDecoder();
    const frame = frameOf(0xf9, 65_536);
    let came = 0;
    while (came < frame.length) {
      const space = decoder.space();
      const count = Math.min(space.length, size, frame.length - came);
      space.set(frame.subarray(came, came + count));
      decoder.commit(count);
      came += count;
      assert(
        decoder.capacity <= Math.max(MIN_BUFFER_BYTES, 2 * came),
        `${decoder.capacity} for ${came} bytes`,
      );
      decoder.next();
    }
    assertEquals(decoder.payload.length, 65_536);
  }
});

Deno.test("FrameDecoder.capacity stays small for a stranger, however much it sends", {
  permissions: "none",
}, () => {
  const small = concatBytes(...Array.from({ length: 200 }, () => frameOf(0x7b, 120)));
  for (const stream of [frameOf(0x00, MIB), small]) {
    const decoder = new FrameDecoder();
    feed(decoder, stream);
    assertEquals(decoder.capacity, MIN_BUFFER_BYTES);
  }
  // One frame of the largest size needs 65,540 bytes: twice a power of two is all it gets.
  const decoder = new FrameDecoder();
  for (let frame = 0; frame < 20; frame++) {
    feed(decoder, concatBytes(frameOf(0x7b, 65_536), frameOf(0x7b, 1 + frame)));
  }
  assertEquals(decoder.capacity, 131_072);
});

Deno.test("FrameDecoder.readAhead() doubles capacity on full reads up to 128 KiB", {
  permissions: "none",
}, () => {
  const decoder = new FrameDecoder();
  decoder.readAhead();
  const capacities = [decoder.capacity];
  feed(decoder, headerOf(0x00, MIB));
  for (let read = 0; read < 9; read++) {
    receive(decoder, decoder.space().length);
    decoder.next();
    capacities.push(decoder.capacity);
  }
  const kib = capacities.map((capacity) => capacity / 1_024);
  assertEquals(kib, [4, 8, 16, 32, 64, 128, 128, 128, 128, 128]);
});

Deno.test("FrameDecoder.readAhead() changes nothing of what is read", {
  permissions: "none",
}, () => {
  const stream = concatBytes(STREAM_BYTES, frameOf(0xf9, 65_536), frameOf(0x00, MIB), STREAM_BYTES);
  const plain = feed(new FrameDecoder(), stream);
  for (const size of [1_000, 4_096, 50_000, Infinity]) {
    const decoder = new FrameDecoder();
    decoder.readAhead();
    const { frames, error } = feed(decoder, stream, () => size);
    assertEquals(error, undefined);
    assertEquals(frames.length, plain.frames.length);
    frames.forEach(({ path, payload }, i) => {
      assertEquals([path, payload?.length], [
        plain.frames[i]?.path,
        plain.frames[i]?.payload?.length,
      ]);
      assert(
        payload === undefined || equalBytes(payload, plain.frames[i]?.payload ?? new Uint8Array()),
      );
    });
  }
});

/** A decoder whose buffer has grown to its largest, with nothing in it. */
function grownDecoder(): FrameDecoder {
  const decoder = new FrameDecoder();
  decoder.readAhead();
  feed(decoder, frameOf(0x00, MIB));
  assertEquals(decoder.capacity, MAX_BUFFER_BYTES);
  assertEquals(decoder.buffered, 0);
  return decoder;
}

Deno.test("FrameDecoder.capacity shrinks after 8 small reads", { permissions: "none" }, () => {
  const decoder = grownDecoder();
  const space = decoder.space();
  const large = concatBytes(...Array.from({ length: 10 }, () => frameOf(0x7b, 200)));
  space.set(large);
  decoder.commit(large.length);
  while (decoder.next());
  for (let read = 1; read <= 8; read++) {
    decoder.space();
    assertEquals(decoder.capacity, MAX_BUFFER_BYTES, `before small read ${read}`);
    feed(decoder, frameOf(0x7b, 200));
  }
  decoder.space();
  assertEquals(decoder.capacity, MIN_BUFFER_BYTES);
  assertEquals(feed(decoder, STREAM_BYTES).frames, STREAM_SEEN);
});

Deno.test("FrameDecoder.capacity stays while large reads still come", {
  permissions: "none",
}, () => {
  const decoder = grownDecoder();
  for (let round = 0; round < 5; round++) {
    for (let read = 0; read < 7; read++) feed(decoder, frameOf(0x7b, 200));
    feed(decoder, frameOf(0x7b, 30_000));
  }
  decoder.space();
  assertEquals(decoder.capacity, MAX_BUFFER_BYTES);
});

Deno.test("FrameDecoder.space() keeps a frame that has begun when it could shrink", {
  permissions: "none",
}, () => {
  const decoder = grownDecoder();
  const frame = frameOf(0x7b, 60_000);
  const { frames } = feed(decoder, frame, () => 500);
  assertEquals(frames[0]?.payload, frame.subarray(4));
});

Deno.test("FrameDecoder.space() lets the large buffer go with its last payload", {
  permissions: "none",
}, () => {
  const decoder = grownDecoder();
  for (let read = 0; read < 8; read++) feed(decoder, frameOf(0x7b, 200));
  decoder.space();
  assertEquals(decoder.capacity, MIN_BUFFER_BYTES);
  // Else an idle connection still pins 256 KiB.
  assert(decoder.payload.buffer.byteLength <= MIN_BUFFER_BYTES);
});

Deno.test("FrameDecoder.space() is at least one byte whatever the fill", {
  permissions: "none",
}, () => {
  // Frames that leave 1..8 bytes at the end of the smallest buffer.
  for (let left = 0; left <= 8; left++) {
    const decoder = new FrameDecoder();
    const stream = concatBytes(frameOf(0x7b, 4_092 - left), frameOf(0xf9, 5_000), frameOf(0x7b, 9));
    const { frames, error } = feed(decoder, stream);
    assertEquals(error, undefined);
    assertEquals(frames.map(({ payload }) => payload?.length), [4_092 - left, 5_000, 9]);
  }
});

Deno.test("FrameDecoder.space() is what equal frames need, and finds whatever else comes", {
  permissions: "none",
}, () => {
  const decoder = new FrameDecoder();
  const short = frameOf(0xf9, 60);
  const isForecast = () => decoder.space().length === short.length;
  for (let i = 0; i < 20; i++) feed(decoder, short);
  assert(!isForecast(), "a stranger's reads are not forecast");
  decoder.readAhead();
  for (let i = 0; i < 20; i++) feed(decoder, short);
  assert(isForecast());
  const long = frameOf(0xf9, 2_000);
  assertEquals(feed(decoder, long).frames.map(({ payload }) => payload), [long.subarray(4)]);
  assert(!isForecast());
});

Deno.test("FrameDecoder.space() takes all that waits in one read of sixteen at most", {
  permissions: "none",
}, () => {
  const decoder = new FrameDecoder();
  decoder.readAhead();
  const short = frameOf(0xf9, 60);
  for (let i = 0; i < 20; i++) feed(decoder, short);
  let waiting = concatBytes(...new Array(50).fill(short));
  let reads = 0;
  for (; waiting.length > 0; reads++) {
    const space = decoder.space();
    const piece = waiting.subarray(0, space.length);
    space.set(piece);
    decoder.commit(piece.length);
    while (decoder.next());
    waiting = waiting.subarray(piece.length);
  }
  assert(reads <= 16, `${reads} reads`);
});

Deno.test("FrameDecoder.space() keeps nothing of a large buffer for its forecasts", {
  permissions: "none",
}, () => {
  const decoder = grownDecoder();
  decoder.readAhead();
  for (let i = 0; i < 40; i++) feed(decoder, frameOf(0xf9, 60));
  assertEquals(decoder.capacity, MIN_BUFFER_BYTES);
  assertEquals(decoder.space().buffer.byteLength, MIN_BUFFER_BYTES);
});
