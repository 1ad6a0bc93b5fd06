/**
 * Frame decoding alone: views of the receive buffer, against a decoder that joins chunks, reads the length
 * through a `DataView` and copies each payload out.
 */

import { type Bytes, concatBytes } from "../src/base/bytes.ts";
import { RECORD_BYTE } from "../src/wire/detect.ts";
import { FrameDecoder } from "../src/wire/frame.ts";
import { framesOf, SIZES } from "./lib/samples.ts";

const CHUNK_BYTES = 65_536;
const LENGTH_BYTES = 4;

/** The decoder that one writes first. Returns the payload bytes that it cut out. */
function decodeByCopying(stream: Bytes): number {
  let pending: Bytes = new Uint8Array(0);
  let total = 0;
  for (let offset = 0; offset < stream.length; offset += CHUNK_BYTES) {
    pending = concatBytes(pending, stream.subarray(offset, offset + CHUNK_BYTES));
    const view = new DataView(pending.buffer);
    let start = 0;
    while (start + LENGTH_BYTES <= pending.length) {
      const end = start + LENGTH_BYTES + view.getUint32(start);
      if (end > pending.length) break;
      total += pending.slice(start + LENGTH_BYTES, end).length;
      start = end;
    }
    pending = pending.slice(start);
  }
  return total;
}

function decodeInPlace(decoder: FrameDecoder, stream: Bytes): number {
  let total = 0;
  for (let offset = 0; offset < stream.length;) {
    const space = decoder.space();
    const count = Math.min(space.length, CHUNK_BYTES, stream.length - offset);
    space.set(stream.subarray(offset, offset + count));
    decoder.commit(count);
    offset += count;
    while (decoder.next()) total += decoder.payload.length;
  }
  return total;
}

for (const size of SIZES) {
  const stream = framesOf(size, RECORD_BYTE);
  const decoder = new FrameDecoder();
  decoder.readAhead();
  const expected = size.bytes * size.frames;
  for (const found of [decodeByCopying(stream), decodeInPlace(decoder, stream)]) {
    if (found !== expected) throw new Error(`Cannot time ${size.label}: ${found} of ${expected}`);
  }
  const group = `decode ${size.frames} frames of ${size.label}`;
  Deno.bench({
    name: `DataView and slice, ${size.label}`,
    group,
    baseline: true,
    fn: () => void decodeByCopying(stream),
  });
  Deno.bench({
    name: `FrameDecoder, ${size.label}`,
    group,
    fn: () => void decodeInPlace(decoder, stream),
  });
}
