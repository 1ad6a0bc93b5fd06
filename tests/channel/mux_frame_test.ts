import { assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import {
  decodeReason,
  encodeReason,
  MAX_MUX_BODY_BYTES,
  MUX_KINDS,
  MuxError,
  readFrames,
  writeFrame,
  writeFrameHeader,
} from "../../src/channel/mux_frame.ts";
import { byte } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

type Frame = readonly [kind: number, flags: number, stream: number, body: string];

function read(plaintext: Bytes): Frame[] {
  const frames: Frame[] = [];
  readFrames(plaintext, (kind, flags, stream, body) => {
    frames.push([kind, flags, stream, body.toHex()]);
  });
  return frames;
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
const NONE: Bytes = new Uint8Array(0);

Deno.test("MUX_KINDS are those of the protocol", PURE, () => {
  assertEquals(MUX_KINDS, {
    open: 1,
    data: 2,
    window: 3,
    close: 4,
    reset: 5,
    ping: 6,
    rekey: 7,
    goaway: 8,
    message: 9,
    gossip: 10,
  });
});

Deno.test("writeFrameHeader() gives the golden bytes", PURE, () => {
  const out = new Uint8Array(10).fill(0xaa);
  const header = { kind: 2, flags: 3, stream: 0x01020304, length: 0x1234 };
  assertEquals(writeFrameHeader(out, 1, header), 9);
  assertEquals(out.toHex(), "aa02030102030412" + "34" + "aa");
  assertEquals(writeFrameHeader(out, 0, { kind: 9, length: 65_511 }), 8);
  assertEquals(out.toHex(), "090000000000ffe7" + "34" + "aa");
});

Deno.test("writeFrame() gives what readFrames() reads", PURE, () => {
  const out = new Uint8Array(20);
  assertEquals(writeFrame(out, 2, { kind: 5, stream: 7, body: HI }), 12);
  assertEquals(read(out.slice(2, 12)), [[5, 0, 7, "6869"]]);
});

Deno.test("MAX_MUX_BODY_BYTES is what fills the largest record", PURE, () => {
  // 65,535 of ciphertext and tag, less the tag, less the header.
  assertEquals(MAX_MUX_BODY_BYTES, 65_535 - 16 - 8);
});

Deno.test("readFrames() reads the golden bytes", PURE, () => {
  const bytes = Uint8Array.of(2, 1, 0xff, 0xfe, 0xfd, 0xfc, 0, 2, 0x68, 0x69);
  assertEquals(read(bytes), [[2, 1, 0xfffefdfc, "6869"]]);
  assertEquals(read(NONE), []);
  assertEquals(read(frame(NONE)), [[9, 0, 0, ""]]);
});

Deno.test("readFrames() round-trips several frames in one plaintext, in order", PURE, () => {
  const random = seededRandom(11);
  const bodies = [0, 1, 2, 255, 256, 4096, 20_000].map((length) =>
    Uint8Array.from({ length }, () => byte(random))
  );
  const parts = bodies.map((body, stream) => frame(body, { kind: 2, stream }));
  assertEquals(
    read(concatBytes(...parts)),
    bodies.map((body, stream) => [2, 0, stream, body.toHex()]),
  );
});

Deno.test("readFrames() gives views of the plaintext", PURE, () => {
  const plaintext = concatBytes(frame(HI), frame(HI));
  readFrames(plaintext, (...[, , , body]) => assertEquals(body.buffer, plaintext.buffer));
});

Deno.test(
  "readFrames() refuses truncation at every byte, after giving what was whole",
  PURE,
  () => {
    const first = frame(encodeUtf8("first"));
    const whole = concatBytes(first, frame(encodeUtf8("second")));
    for (let length = 1; length < whole.length; length++) {
      if (length === first.length) continue;
      const kinds: number[] = [];
      const error = assertThrows(
        () => readFrames(whole.slice(0, length), (kind) => kinds.push(kind)),
        MuxError,
      );
      assertEquals([error.code, kinds.length], ["truncated", length > first.length ? 1 : 0]);
    }
  },
);

Deno.test("readFrames() refuses a length one beyond the plaintext", PURE, () => {
  const bytes = frame(HI);
  bytes[7] = 3;
  assertEquals(assertThrows(() => read(bytes), MuxError).code, "truncated");
  bytes.set([0xff, 0xff], 6);
  assertEquals(assertThrows(() => read(bytes), MuxError).code, "truncated");
});

Deno.test("encodeReason() takes codes of 1 to 64 characters and nothing else", PURE, () => {
  const longest = "a".repeat(64);
  for (const code of ["a", "too_many_streams", "x9_", longest]) {
    assertEquals(encodeReason(code), encodeUtf8(code));
    assertEquals(decodeReason(encodeUtf8(code)), code);
  }
  for (const text of ["", `${longest}a`, "Upper", "9x", "_x", "a b", "a\n", "ä", "a-b"]) {
    assertThrows(() => encodeReason(text), RangeError);
    assertEquals(
      assertThrows(() => decodeReason(encodeUtf8(text)), MuxError).code,
      "malformed_frame",
    );
  }
  const notUtf8 = Uint8Array.of(0x61, 0xff);
  assertEquals(assertThrows(() => decodeReason(notUtf8), MuxError).code, "malformed_frame");
});
