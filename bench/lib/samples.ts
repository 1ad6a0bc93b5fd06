/**
 * Byte streams to decode: sealed records and discovery requests of exact sizes.
 */

import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import { DiscoveryResponder } from "../../src/discovery/responder.ts";
import { DEFAULT_RATE_LIMIT, RateLimiter } from "../../src/discovery/rate_limit.ts";
import type { Primitives } from "../../src/noise/primitives.ts";
import { RecordOpener, RecordSealer } from "../../src/noise/record.ts";
import { CipherState } from "../../src/noise/symmetric_state.ts";
import { identityFromSeed } from "../../src/node/identity.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { RECORD_OVERHEAD_BYTES } from "../../src/wire/limits.ts";

/** A size of payload, and how many frames of it make one pass. */
export interface Size {
  readonly label: string;
  readonly bytes: number;
  readonly frames: number;
}

/** From a heartbeat to a full record. The largest is what fits into one with its overhead. */
export const SIZES: readonly Size[] = Object.freeze([
  { label: "64 B", bytes: 64, frames: 256 },
  { label: "1 KiB", bytes: 1_024, frames: 128 },
  { label: "64 KiB", bytes: 65_512, frames: 16 },
]);

const KEY: Bytes = new Uint8Array(32).fill(3);

/** A stream of frames whose payloads are `size.bytes` of `first`. */
export function framesOf(size: Size, first: number): Bytes {
  const frame = encodeFrame(new Uint8Array(size.bytes).fill(first));
  return concatBytes(...Array.from({ length: size.frames }, () => frame));
}

/** A stream of sealed records, as one direction of a session sends them. */
export function sealedStream(primitives: Primitives, size: Size): Bytes {
  const sealer = new RecordSealer(new CipherState(primitives, KEY), 0);
  const stream = new Uint8Array(size.frames * (size.bytes + RECORD_OVERHEAD_BYTES));
  const plaintext = new Uint8Array(size.bytes).fill(9);
  let offset = 0;
  for (let i = 0; i < size.frames; i++) offset = sealer.seal([plaintext], stream, offset);
  return stream;
}

/** What opens a {@link sealedStream} from its beginning. */
export function createOpener(primitives: Primitives): RecordOpener {
  return new RecordOpener(new CipherState(primitives, KEY));
}

/** A stream of unsigned discovery requests, filled up to the size with a key that nobody knows. */
export function requestStream(size: Size): Bytes {
  const request = { type: "PEER_DISCOVERY", sender_port: 9000, filler: "" };
  const missing = size.bytes - JSON.stringify(request).length;
  const text = JSON.stringify({ ...request, filler: "x".repeat(Math.max(0, missing)) });
  const frame = encodeFrame(encodeUtf8(text));
  return concatBytes(...Array.from({ length: size.frames }, () => frame));
}

/** Answers the requests of loopback, unsigned ones included. */
export function createResponder(primitives: Primitives): DiscoveryResponder {
  const identity = identityFromSeed(KEY, primitives);
  return new DiscoveryResponder({
    clock: systemClock,
    legacy: "lan",
    signer: identity.signing,
    verify: primitives.verify,
    limiter: new RateLimiter(DEFAULT_RATE_LIMIT),
    limitLoopback: false,
    describe: () => ({
      id: identity.id,
      listenPort: 9000,
      capabilities: DEFAULT_CAPABILITIES,
      status: "active",
    }),
  });
}
