import { assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import {
  MAX_MUX_BODY_BYTES,
  MUX_HEADER_BYTES,
  MuxError,
  readMessages,
  writeMessageHeader,
} from "../../src/channel/mux_frame.ts";
import { byte } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

function read(plaintext: Bytes): Bytes[] {
  const bodies: Bytes[] = [];
  readMessages(plaintext, (body) => bodies.push(body.slice()));
  return bodies;
}

function headerOf(length: number): Bytes {
  const header: Bytes = new Uint8Array(MUX_HEADER_BYTES);
  writeMessageHeader(header, length);
  return header;
}

/** `kind u8 | flags u8 | stream u32 | length u16 | body`, spelled out. */
function frame(body: Bytes, { kind = 9, flags = 0, stream = 0 } = {}): Bytes {
  const bytes: Bytes = new Uint8Array(8 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, flags);
  view.setUint32(2, stream);
  view.setUint16(6, body.length);
  bytes.set(body, 8);
  return bytes;
}

const HI = encodeUtf8("hi");

Deno.test("writeMessageHeader() gives the golden bytes", PURE, () => {
  assertEquals(headerOf(0), Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0));
  assertEquals(headerOf(2), Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 2));
  assertEquals(headerOf(0x1234), Uint8Array.of(9, 0, 0, 0, 0, 0, 0x12, 0x34));
});

Deno.test("writeMessageHeader() takes what fills the largest record and no more", PURE, () => {
  // 65,535 of ciphertext and tag, less the tag, less the header.
  assertEquals(MAX_MUX_BODY_BYTES, 65_535 - 16 - 8);
  assertEquals(headerOf(65_511), Uint8Array.of(9, 0, 0, 0, 0, 0, 0xff, 0xe7));
  assertThrows(() => headerOf(65_512), RangeError);
});

Deno.test("readMessages() reads the golden bytes", PURE, () => {
  assertEquals(read(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 2, 0x68, 0x69)), [HI]);
  assertEquals(read(new Uint8Array(0)), []);
  assertEquals(read(frame(new Uint8Array(0))), [new Uint8Array(0)]);
});

Deno.test("readMessages() round-trips several messages in one plaintext, in order", PURE, () => {
  const random = seededRandom(11);
  const bodies = [0, 1, 2, 255, 256, 4096, 20_000].map((length) =>
    Uint8Array.from({ length }, () => byte(random))
  );
  const parts = bodies.flatMap((body) => [headerOf(body.length), body]);
  assertEquals(read(concatBytes(...parts)), bodies);
});

Deno.test("readMessages() gives views of the plaintext", PURE, () => {
  const plaintext = concatBytes(frame(HI), frame(HI));
  readMessages(plaintext, (body) => assertEquals(body.buffer, plaintext.buffer));
});

Deno.test(
  "readMessages() refuses truncation at every byte, after giving what was whole",
  PURE,
  () => {
    const first = frame(encodeUtf8("first"));
    const whole = concatBytes(first, frame(encodeUtf8("second")));
    for (let length = 1; length < whole.length; length++) {
      if (length === first.length) continue;
      const bodies: string[] = [];
      const error = assertThrows(
        () => readMessages(whole.slice(0, length), (body) => bodies.push(String(body.length))),
        MuxError,
      );
      assertEquals([error.code, bodies.length], ["truncated", length > first.length ? 1 : 0]);
    }
  },
);

Deno.test("readMessages() refuses a length one beyond the plaintext", PURE, () => {
  const bytes = frame(HI);
  bytes[7] = 3;
  assertEquals(assertThrows(() => read(bytes), MuxError).code, "truncated");
  bytes.set([0xff, 0xff], 6);
  assertEquals(assertThrows(() => read(bytes), MuxError).code, "truncated");
});

Deno.test("readMessages() refuses every kind but messages", PURE, () => {
  for (let kind = 0; kind < 256; kind++) {
    if (kind === 9) continue;
    const error = assertThrows(() => read(frame(HI, { kind })), MuxError);
    assertEquals(error.code, "unknown_kind", `kind ${kind}`);
  }
});

Deno.test("readMessages() refuses a message on any stream but 0", PURE, () => {
  for (const stream of [1, 256, 0x8000_0000, 0xffff_ffff]) {
    assertEquals(assertThrows(() => read(frame(HI, { stream })), MuxError).code, "unknown_kind");
  }
});

Deno.test("readMessages() refuses garbage after a valid message", PURE, () => {
  for (const garbage of [Uint8Array.of(0), new Uint8Array(8), new Uint8Array(8).fill(0xff)]) {
    assertThrows(() => read(concatBytes(frame(HI), garbage)), MuxError);
  }
});

Deno.test("readMessages() refuses a rekey that is not alone in its record", PURE, () => {
  const rekey = frame(new Uint8Array(0), { kind: 7 });
  assertThrows(() => read(concatBytes(rekey, frame(HI))), MuxError);
  assertThrows(() => read(concatBytes(frame(HI), rekey)), MuxError);
});
