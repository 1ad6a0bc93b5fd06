/**
 * Protocol overhead: what recognising a frame's path adds to reading a message.
 *
 * The same bytes go through the agent's decoder, which peeks at the fifth byte, and through a plain
 * length-prefix loop of the same buffer discipline that looks at nothing. Their difference is compared with
 * the time that the plain loop and a frame's work take together: opening a sealed record, or answering a
 * JSON discovery. The difference is some nanoseconds beside some microseconds of work, whose own jitter would
 * drown it; so both decoders are timed without the work, in turns, many frames a time, and the median of
 * the rounds forgets the disturbed ones.
 */

import { type Bytes, concatBytes, encodeUtf8, readU32 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { DEFAULT_CAPABILITIES } from "../discovery/capabilities.ts";
import { DEFAULT_RATE_LIMIT, RateLimiter } from "../discovery/rate_limit.ts";
import { DiscoveryResponder } from "../discovery/responder.ts";
import { identityFromSeed } from "../node/identity.ts";
import { chooseBackend } from "../noise/backend.ts";
import { type Primitives, randomBytes } from "../noise/primitives.ts";
import { RecordOpener, RecordSealer } from "../noise/record.ts";
import { CipherState } from "../noise/symmetric_state.ts";
import { encodeFrame, FrameDecoder, MIN_BUFFER_BYTES } from "../wire/frame.ts";
import { LENGTH_BYTES, MAX_PAYLOAD_BYTES, RECORD_OVERHEAD_BYTES } from "../wire/limits.ts";

/** What one round took, ms a frame. */
export interface Round {
  /** Decoding with detection. */
  readonly detectedMs: number;
  /** Decoding without. */
  readonly plainMs: number;
  /** Decoding without, and the work. */
  readonly workedMs: number;
}

/** A stream of frames and what is done with each. */
interface Workload {
  /** Each is fed as one read; none fills the smallest buffer. */
  readonly batches: readonly Bytes[];
  /** In all batches together. */
  readonly frames: number;
  /** The work of one stream from its start; a new one for each pass. */
  begin(): (payload: Bytes) => void;
}

/** Half of the promised 300 ms for each path, less the setting up and the round that ends it. */
const BUDGET_MS = 110;
/** Share of it until the compiler has done its work: those rounds are not counted. */
const WARM_UP_SHARE = 0.4;
const MAX_ROUNDS = 1_000;
/** Decoding is this much cheaper than the work, at least: it is repeated to be timed as well. */
const DECODE_REPEATS = 24;
/** A short message in a session: a heartbeat, a status, a request. Longer ones show less overhead. */
const PLAINTEXT_BYTES = 256;
const BATCHES = 4;

/** The larger overhead of both paths, percent, never below 0. Takes at most 300 ms. */
export function measureOverhead(clock: Clock): number {
  const { primitives } = chooseBackend();
  const loads = [sealedWorkload(primitives), jsonWorkload(primitives, clock)];
  return Math.max(...loads.map((load) => overheadPercent(measure(load, clock))));
}

/** The median of what detection added to a frame, percent of the plain time, never below 0. */
export function overheadPercent(rounds: readonly Round[]): number {
  const percents = rounds
    .filter(({ workedMs }) => workedMs > 0)
    .map(({ detectedMs, plainMs, workedMs }) => 100 * (detectedMs - plainMs) / workedMs)
    .sort((a, b) => a - b);
  const half = percents.length / 2;
  const lower = percents[Math.ceil(half) - 1] ?? 0;
  const upper = percents[Math.floor(half)] ?? 0;
  return Math.max(0, (lower + upper) / 2);
}

function measure(load: Workload, clock: Clock): Round[] {
  const decodeOnly = { ...load, begin: () => countBytes };
  const timed = (pass: (load: Workload) => void, what: Workload, repeats: number) => {
    const startMs = clock.now();
    for (let i = 0; i < repeats; i++) pass(what);
    return (clock.now() - startMs) / (repeats * load.frames);
  };
  const rounds: Round[] = [];
  const startMs = clock.now();
  for (let i = 0; i < MAX_ROUNDS; i++) {
    const isDetectedFirst = i % 2 === 0;
    const first = isDetectedFirst ? passDetected : passPlain;
    const second = isDetectedFirst ? passPlain : passDetected;
    const firstMs = timed(first, decodeOnly, DECODE_REPEATS);
    const secondMs = timed(second, decodeOnly, DECODE_REPEATS);
    const workedMs = timed(passPlain, load, 1);
    const spentMs = clock.now() - startMs;
    if (spentMs < BUDGET_MS * WARM_UP_SHARE) continue;
    const [detectedMs, plainMs] = isDetectedFirst ? [firstMs, secondMs] : [secondMs, firstMs];
    rounds.push({ detectedMs, plainMs, workedMs });
    if (spentMs >= BUDGET_MS) break;
  }
  return rounds;
}

/** Keeps the decoders from being optimised away. */
let bytesSeen = 0;

function countBytes(payload: Bytes): void {
  bytesSeen = (bytesSeen + payload.length) >>> 0;
}

function passDetected({ batches, begin }: Workload): void {
  const work = begin();
  const decoder = new FrameDecoder();
  for (const batch of batches) {
    decoder.space().set(batch);
    decoder.commit(batch.length);
    for (let path = decoder.next(); path; path = decoder.next()) {
      switch (path) {
        case "json":
        case "sealed":
          work(decoder.payload);
          break;
        case "handshake":
        case "malformed":
      }
    }
  }
}

function passPlain({ batches, begin }: Workload): void {
  const work = begin();
  const decoder = new PlainDecoder();
  for (const batch of batches) {
    decoder.space().set(batch);
    decoder.commit(batch.length);
    for (let payload = decoder.next(); payload; payload = decoder.next()) work(payload);
  }
}

/** The baseline: a length-prefix decoder that never looks into a payload. */
class PlainDecoder {
  readonly #buffer: Bytes = new Uint8Array(MIN_BUFFER_BYTES);
  #start = 0;
  #end = 0;

  space(): Bytes {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#buffer.subarray(this.#end);
  }

  commit(count: number): void {
    this.#end += count;
  }

  next(): Bytes | undefined {
    const available = this.#end - this.#start;
    if (available < LENGTH_BYTES) return undefined;
    const length = readU32(this.#buffer, this.#start);
    if (length === 0 || length > MAX_PAYLOAD_BYTES) {
      throw new RangeError(`Cannot decode frame: length ${length} is out of bounds`);
    }
    const end = this.#start + LENGTH_BYTES + length;
    if (end > this.#end) return undefined;
    const payload = this.#buffer.subarray(this.#start + LENGTH_BYTES, end);
    this.#start = end;
    return payload;
  }
}

function sealedWorkload(primitives: Primitives): Workload {
  const key = randomBytes(32);
  const sealer = new RecordSealer(new CipherState(primitives, key), 0);
  const plaintext = new Uint8Array(PLAINTEXT_BYTES).fill(1);
  const recordBytes = PLAINTEXT_BYTES + RECORD_OVERHEAD_BYTES;
  const perBatch = Math.floor((MIN_BUFFER_BYTES - 1) / recordBytes);
  const batches = Array.from({ length: BATCHES }, () => {
    const batch = new Uint8Array(perBatch * recordBytes);
    for (let offset = 0; offset < batch.length;) offset = sealer.seal([plaintext], batch, offset);
    return batch;
  });
  return {
    batches,
    frames: BATCHES * perBatch,
    begin() {
      const opener = new RecordOpener(new CipherState(primitives, key));
      return (payload) => void opener.open(payload);
    },
  };
}

function jsonWorkload(primitives: Primitives, clock: Clock): Workload {
  const identity = identityFromSeed(randomBytes(32), primitives);
  const responder = new DiscoveryResponder({
    clock,
    signer: identity.signing,
    verify: primitives.verify,
    limiter: new RateLimiter(DEFAULT_RATE_LIMIT),
    legacy: "any",
    limitLoopback: false,
    describe: () => ({
      id: identity.id,
      listenPort: 9000,
      capabilities: DEFAULT_CAPABILITIES,
      status: "active",
    }),
  });
  const request = encodeFrame(encodeUtf8(JSON.stringify({
    type: "PEER_DISCOVERY",
    sender_id: "legacy-9001",
    sender_port: 9001,
    timestamp: clock.wallMs() / 1000,
    capabilities: { cpu_cores: 4, ram_mb: 4096 },
  })));
  const perBatch = Math.floor((MIN_BUFFER_BYTES - 1) / request.length);
  const batch = concatBytes(...Array.from({ length: perBatch }, () => request));
  return {
    batches: Array.from({ length: BATCHES }, () => batch),
    frames: BATCHES * perBatch,
    begin: () => (payload) => void responder.answer(payload, "127.0.0.1"),
  };
}
