/**
 * What detection costs: the same bytes through the decoder that recognises every frame and through one
 * that does not, each frame followed by its real work.
 *
 * The two loops are written out twice on purpose: shared code would make the compiler treat both
 * decoders as one polymorphic type and charge each for the other.
 */

import type { Bytes } from "../../src/base/bytes.ts";
import { chooseBackend } from "../../src/noise/backend.ts";
import { FrameDecoder } from "../../src/wire/frame.ts";
import { PlainDecoder } from "./plain_decoder.ts";
import {
  createOpener,
  createResponder,
  requestStream,
  sealedStream,
  type Size,
} from "./samples.ts";

/** One path at one size, both ways. Each call is one pass and returns a checksum of its results. */
export interface Comparison {
  readonly path: "sealed" | "json";
  readonly size: Size;
  /** What both calls must return. */
  readonly expected: number;
  readonly detecting: () => number;
  readonly plain: () => number;
}

/** How much arrives in one read: several small frames, or a part of a large one. */
const READ_BYTES = 65_536;
const HOST = "127.0.0.1";

/** Records: the work is to authenticate and decrypt each. The checksum is the plaintext's length. */
export function compareSealed(size: Size): Comparison {
  const { primitives } = chooseBackend();
  const stream = sealedStream(primitives, size);
  const [detecting, plain] = [new FrameDecoder(), new PlainDecoder()];
  // As for every peer that has authenticated.
  detecting.readAhead();
  plain.readAhead();
  return {
    path: "sealed",
    size,
    expected: size.bytes * size.frames,
    detecting() {
      const opener = createOpener(primitives);
      let length = 0;
      for (let offset = 0; offset < stream.length;) {
        offset += feed(detecting.space(), stream, offset, (count) => detecting.commit(count));
        for (let path = detecting.next(); path; path = detecting.next()) {
          if (path === "sealed") length += opener.open(detecting.payload)?.length ?? 0;
        }
      }
      return length;
    },
    plain() {
      const opener = createOpener(primitives);
      let length = 0;
      for (let offset = 0; offset < stream.length;) {
        offset += feed(plain.space(), stream, offset, (count) => plain.commit(count));
        while (plain.next()) length += opener.open(plain.payload)?.length ?? 0;
      }
      return length;
    },
  };
}

/** Discovery requests: the work is to answer each. The checksum is the replies' length. */
export function compareJson(size: Size): Comparison {
  const responder = createResponder(chooseBackend().primitives);
  const stream = requestStream(size);
  const [detecting, plain] = [new FrameDecoder(), new PlainDecoder()];
  const replyLength = responder.answer(stream.slice(4, 4 + size.bytes), HOST).reply?.length ?? 0;
  return {
    path: "json",
    size,
    expected: replyLength * size.frames,
    detecting() {
      let length = 0;
      for (let offset = 0; offset < stream.length;) {
        offset += feed(detecting.space(), stream, offset, (count) => detecting.commit(count));
        for (let path = detecting.next(); path; path = detecting.next()) {
          if (path !== "json") continue;
          length += responder.answer(detecting.payload, HOST).reply?.length ?? 0;
        }
      }
      return length;
    },
    plain() {
      let length = 0;
      for (let offset = 0; offset < stream.length;) {
        offset += feed(plain.space(), stream, offset, (count) => plain.commit(count));
        while (plain.next()) length += responder.answer(plain.payload, HOST).reply?.length ?? 0;
      }
      return length;
    },
  };
}

/** Throws unless both ways find every frame and read it alike. */
export function checkComparison({ path, size, expected, detecting, plain }: Comparison): void {
  const found = [detecting(), plain()];
  if (expected === 0 || found.some((length) => length !== expected)) {
    throw new Error(`Cannot compare ${path} at ${size.label}: ${found} instead of ${expected}`);
  }
}

/** Plays the transport: puts the next bytes of `stream` into `space`. */
function feed(
  space: Bytes,
  stream: Bytes,
  offset: number,
  commit: (count: number) => void,
): number {
  const count = Math.min(space.length, READ_BYTES, stream.length - offset);
  space.set(stream.subarray(offset, offset + count));
  commit(count);
  return count;
}
