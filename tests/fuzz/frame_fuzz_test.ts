/**
 * Random streams of frames, some spoilt, cut at random, through `FrameDecoder` and through a naive
 * decoder that sees the whole stream at once. Both must find the same frames, the same error, at the
 * same place. `HAMLET_FUZZ_SEED` replaces the seed; a failure names the seed of its round.
 */

import { assertEquals } from "@std/assert";
import { concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { FrameDecoder } from "../../src/wire/frame.ts";
import { feed, frameOf } from "../wire/feeding.ts";

const DEFAULT_SEED = 20_260_301;
const ROUNDS = 3_000;

/** What the naive decoder made of a stream. */
interface Expected {
  readonly frames: readonly { readonly path: string; readonly payload: Uint8Array | undefined }[];
  readonly code?: string;
  /** How many bytes must have come before the error can be known, and no more. */
  readonly knownAt?: number;
}

/** PROTOCOL.md sections 1 and 2 read aloud, over a stream that is all there. */
function naiveDecode(stream: Uint8Array<ArrayBuffer>): Expected {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const frames: { path: string; payload: Uint8Array | undefined }[] = [];
  let at = 0;
  while (at + 4 <= stream.length) {
    const length = view.getUint32(at);
    if (length < 1 || length > 1_048_576) {
      return { frames, code: naiveIsForeign(stream, at) ? "foreign" : OUT, knownAt: at + 4 };
    }
    if (at + 5 > stream.length) break;
    const first = view.getUint8(at + 4);
    const end = at + 4 + length;
    if (first >= 0xfa) return { frames, code: "reserved", knownAt: at + 5 };
    if (first === 0xf8 && length > 4_096) return { frames, code: OUT, knownAt: at + 5 };
    if (first === 0xf9 && length > 65_536) return { frames, code: OUT, knownAt: at + 5 };
    if ("\t\n\r {".includes(String.fromCharCode(first))) {
      if (length > 65_536) return { frames, code: OUT, knownAt: at + 5 };
      if (end <= stream.length) frames.push({ path: "json", payload: stream.slice(at + 4, end) });
    } else if (first >= 0xf8) {
      const path = first === 0xf8 ? "handshake" : "sealed";
      if (end <= stream.length) frames.push({ path, payload: stream.slice(at + 4, end) });
    } else {
      frames.push({ path: "malformed", payload: undefined });
    }
    at = end;
  }
  return { frames };
}

const OUT = "length_out_of_bounds";

const OPENINGS = "GET |HEAD|POST|PUT |DELE|CONN|OPTI|TRAC|PATC|PRI |SSH-|\x16\x03".split("|");

function naiveIsForeign(stream: Uint8Array, at: number): boolean {
  const opening = String.fromCharCode(...stream.subarray(at, at + 4));
  return OPENINGS.some((known) => opening.startsWith(known));
}

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[randomBelow(random, items.length)] ?? items[0];
}

function randomFrame(random: Random): Uint8Array<ArrayBuffer> {
  const first = pick(random, [0x7b, 0x20, 0x0a, 0xf8, 0xf9, 0x00, 0x5b, randomBelow(random, 256)]);
  const around = pick(random, [1, 5, 64, 1_024, 4_092, 4_096, 16_384, 65_536]);
  const edge = around + randomBelow(random, 3) - 1;
  const size = random.next() < 0.7 ? 1 + randomBelow(random, 40) : Math.max(1, edge);
  return frameOf(first, size, randomBelow(random, 256));
}

/** Spoils `stream`: a flipped bit, a cut, a hole, noise, a foreign opening, a wild length. */
function mutate(random: Random, stream: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = randomBelow(random, stream.length + 1);
  const [head, tail] = [stream.subarray(0, at), stream.subarray(at)];
  switch (randomBelow(random, 6)) {
    case 0: {
      const flipped = stream.slice();
      if (at < stream.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << randomBelow(random, 8));
      return flipped;
    }
    case 1:
      return stream.slice(0, at);
    case 2:
      return concatBytes(head, tail.subarray(1 + randomBelow(random, 8)));
    case 3:
      return concatBytes(head, randomBytes(random, 1 + randomBelow(random, 30)), tail);
    case 4: {
      const opening = pick(random, [
        "GET /",
        "POST ",
        "SSH-2.0",
        "\x16\x03\x01\x00",
        "PRI * ",
        "HEAX",
      ]);
      const bytes = Uint8Array.from(opening, (letter) => letter.charCodeAt(0));
      return concatBytes(stream, bytes, randomBytes(random, 20));
    }
    default: {
      const wild = pick(random, [0, 65_537, 1_048_576, 1_048_577, 0x7fffffff, 0xffffffff]);
      const header = new Uint8Array(5);
      new DataView(header.buffer).setUint32(0, wild);
      header[4] = pick(random, [0x7b, 0xf8, 0xf9, 0x00, 0xfa]);
      return concatBytes(stream, header, randomBytes(random, 20));
    }
  }
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => randomBelow(random, 256));
}

function randomStream(random: Random): Uint8Array<ArrayBuffer> {
  const frames = Array.from({ length: randomBelow(random, 12) }, () => randomFrame(random));
  let stream = concatBytes(...frames);
  for (let left = randomBelow(random, 3); left > 0; left--) stream = mutate(random, stream);
  return stream;
}

/** Sizes of segments: all of one kind in a round, or mixed. */
function splitter(random: Random): () => number {
  const largest = pick(random, [1, 2, 6, 50, 1_500, 10_000, 300_000]);
  if (largest === 1) return () => 1;
  return () => 1 + randomBelow(random, largest);
}

/** The seed asked for by the environment, where it may be read. */
function fuzzSeed(): number {
  const variable = "HAMLET_FUZZ_SEED";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const text = state === "granted" ? Deno.env.get(variable) : undefined;
  const seed = Number(text ?? DEFAULT_SEED);
  if (!Number.isSafeInteger(seed)) {
    throw new TypeError(`Cannot fuzz: ${variable} is no whole number`);
  }
  return seed;
}

const seed = fuzzSeed();
console.log(`frame fuzz: HAMLET_FUZZ_SEED=${seed}`);

Deno.test("FrameDecoder.next() agrees with a naive whole-stream decoder", {
  permissions: "none",
}, () => {
  const codes = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    // Round 0 of seed n + 1 is round 1 of seed n: a failing round is replayed alone by its seed.
    const name = `HAMLET_FUZZ_SEED=${seed + round}`;
    const random = seededRandom(seed + round);
    const stream = randomStream(random);
    const expected = naiveDecode(stream);

    let largest = 1;
    const nextSize = splitter(random);
    const sizes = () => {
      const size = nextSize();
      largest = Math.max(largest, size);
      return size;
    };
    const decoder = new FrameDecoder();
    if (random.next() < 0.5) decoder.readAhead();
    const { frames, error } = feed(decoder, stream, sizes);
    assertEquals(frames.length, expected.frames.length, `${name}: number of frames`);
    frames.forEach((frame, i) => {
      assertEquals(frame.path, expected.frames[i]?.path, `${name}: path of frame ${i}`);
      if (!sameBytes(frame.payload, expected.frames[i]?.payload)) {
        throw new Error(`${name}: payload of frame ${i} differs`);
      }
    });
    assertEquals<string | undefined>(error?.code, expected.code, `${name}: error`);
    if (error && expected.knownAt !== undefined) {
      const late = error.fed - expected.knownAt;
      if (late < 0 || late >= largest) throw new Error(`${name}: error ${late} bytes late`);
    }
    const code = error?.code ?? "none";
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  // The streams reached every end there is.
  assertEquals([...codes.keys()].sort(), ["foreign", OUT, "none", "reserved"]);
});

Deno.test("FrameDecoder.next() finds the same however a stream is cut", {
  permissions: "none",
}, () => {
  for (let round = 0; round < 300; round++) {
    const name = `HAMLET_FUZZ_SEED=${seed + round}`;
    const random = seededRandom(seed + round);
    const stream = randomStream(random);
    const whole = feed(new FrameDecoder(), stream);
    const single = feed(new FrameDecoder(), stream, () => 1);
    const codes = [whole.error?.code, single.error?.code];
    assertEquals(codes[0], codes[1], name);
    assertEquals(whole.frames.length, single.frames.length, name);
    whole.frames.forEach((frame, i) => {
      const twin = single.frames[i];
      if (frame.path !== twin?.path || !sameBytes(frame.payload, twin.payload)) {
        throw new Error(`${name}: frame ${i} differs`);
      }
    });
    // Byte by byte, an error is known at the first byte that decides it.
    assertEquals(single.error?.fed, naiveDecode(stream).knownAt, name);
  }
});

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
