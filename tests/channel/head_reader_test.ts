import { assertEquals, assertThrows } from "@std/assert";
import {
  type Bytes,
  concatBytes,
  decodeHex,
  decodeUtf8,
  encodeUtf8,
} from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import { HeadReader } from "../../src/channel/head_reader.ts";
import { HeadError } from "../../src/channel/request_head.ts";
import { randomSizes } from "../testing/pump.ts";

const PURE = { permissions: "none" } as const;
const JSON_TEXT = '{"type":"T","data":{"name":"é"}}';
const BODY = encodeUtf8("behind it");

/** `length u32 | JSON`, spelled out. */
function headOf(json: Bytes, length = json.length): Bytes {
  const field = new Uint8Array(4);
  new DataView(field.buffer).setUint32(0, length);
  return concatBytes(field, json);
}

const HEAD = headOf(encodeUtf8(JSON_TEXT));

/** Feeds `pieces` until the head is there; returns it and how many bytes it used. */
function readAll(
  pieces: Iterable<Bytes>,
): { readonly text: string | undefined; readonly used: number } {
  const reader = new HeadReader();
  let used = 0;
  for (const piece of pieces) {
    const count = reader.read(piece);
    used += count;
    if (reader.json) break;
    assertEquals(count, piece.length, "until the head is there all is its");
  }
  return { text: reader.json && decodeUtf8(reader.json), used };
}

function* pieces(bytes: Bytes, nextSize: () => number): Generator<Bytes> {
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + nextSize());
    yield bytes.slice(at, end);
    at = end;
  }
}

Deno.test("HeadReader.read() reads a head in one piece where it lies", PURE, () => {
  const bytes = concatBytes(HEAD, BODY);
  const reader = new HeadReader();
  assertEquals(reader.read(bytes), HEAD.length);
  assertEquals(reader.json && decodeUtf8(reader.json), JSON_TEXT);
  assertEquals(reader.json?.buffer, bytes.buffer);
});

Deno.test("HeadReader.read() leaves the body alone, wherever the stream is split", PURE, () => {
  const stream = concatBytes(HEAD, BODY);
  const expected = { text: JSON_TEXT, used: HEAD.length };
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const three = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)];
      assertEquals(readAll(three), expected, `${first}, ${second}`);
    }
  }
});

Deno.test("HeadReader.read() takes one byte at a time, and none", PURE, () => {
  const single = [...pieces(concatBytes(HEAD, BODY), () => 1)];
  assertEquals(readAll(single), { text: JSON_TEXT, used: HEAD.length });
  const none = new Uint8Array(0);
  assertEquals(readAll(single.flatMap((byte) => [none, byte, none])), {
    text: JSON_TEXT,
    used: HEAD.length,
  });
});

Deno.test("HeadReader.read() is not done a byte before the end", PURE, () => {
  for (const size of [1, 3, HEAD.length]) {
    const reader = new HeadReader();
    for (const piece of pieces(HEAD.slice(0, -1), () => size)) reader.read(piece);
    assertEquals(reader.json, undefined);
    assertEquals(reader.read(concatBytes(HEAD.slice(-1), BODY)), 1);
    assertEquals(reader.json && decodeUtf8(reader.json), JSON_TEXT);
  }
});

Deno.test("HeadReader.read() keeps nothing of the pieces that it gathered from", PURE, () => {
  const reader = new HeadReader();
  for (const piece of pieces(HEAD, () => 5)) {
    reader.read(piece);
    piece.fill(0);
  }
  assertEquals(reader.json && decodeUtf8(reader.json), JSON_TEXT);
});

Deno.test("HeadReader.read() reads the shortest and the longest head", PURE, () => {
  const longest = new Uint8Array(65_536).fill(0x20);
  const random = seededRandom(20_261_122);
  for (const json of [encodeUtf8("{}"), longest]) {
    const sizes = [() => Infinity, () => 1, () => 16_384, randomSizes(random, 5_000)];
    for (const nextSize of sizes) {
      const result = readAll(pieces(concatBytes(headOf(json), BODY), nextSize));
      assertEquals(result, { text: decodeUtf8(json), used: 4 + json.length });
    }
  }
});

Deno.test("HeadReader.read() refuses a length of 0, 1 and 65,537 at its fourth byte", PURE, () => {
  // And what other protocols begin with.
  const lengths = ["00000000", "00000001", "00010001", "ffffffff", "16030100", "47455420"];
  for (const hex of lengths) {
    const field = decodeHex(hex);
    for (let split = 0; split <= 4; split++) {
      const reader = new HeadReader();
      if (split < 4) assertEquals(reader.read(field.slice(0, split)), split);
      const last = concatBytes(field.slice(split), split < 4 ? BODY : new Uint8Array(0));
      const error = assertThrows(
        () => split < 4 ? reader.read(last) : reader.read(field),
        HeadError,
        undefined,
        `${hex}, ${split}`,
      );
      assertEquals([error.code, reader.json], ["malformed_head", undefined]);
    }
  }
});
