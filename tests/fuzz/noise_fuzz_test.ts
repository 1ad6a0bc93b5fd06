/**
 * Mutated handshake frames and records: only {@link NoiseError} may escape, and nothing altered may
 * pass. The seed is printed; `HAMLET_FUZZ_SEED` sets another one.
 */

import { assert, assertEquals } from "@std/assert";
import { type Bytes, concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { chooseBackend } from "../../src/noise/backend.ts";
import { type HelloOptions, InitiatorHello, ResponderHello } from "../../src/noise/hello.ts";
import { RecordOpener, RecordSealer, REKEY_RECORD_BYTES } from "../../src/noise/record.ts";
import { CipherState, NoiseError } from "../../src/noise/symmetric_state.ts";

const DEFAULT_SEED = 20_260_101;
const HANDSHAKES = 1_500;
const RECORDS = 12_000;
const MAX_FRAME = 4_096;

const seed = readSeed();
const { primitives } = chooseBackend();
const s = primitives.importDhKeyPair(fill(32, 1));
const psk = fill(32, 2);
const payload = fill(60, 3);

Deno.test({
  name: `ResponderHello survives mutated first frames (seed ${seed})`,
  permissions: "none",
  fn() {
    const random = seededRandom(seed);
    for (let round = 0; round < HANDSHAKES; round++) {
      const options = randomOptions(random);
      const honest = new InitiatorHello(options).begin();
      const frame = mutate(random, honest, fill(37, round));
      onlyNoiseErrors(round, frame, () => new ResponderHello(options, frame).reply(payload));
    }
  },
});

Deno.test({
  name: `InitiatorHello survives mutated replies and believes none (seed ${seed})`,
  permissions: "none",
  fn() {
    const random = seededRandom(seed + 1);
    for (let round = 0; round < HANDSHAKES; round++) {
      const options = randomOptions(random);
      const initiator = new InitiatorHello(options);
      const first = initiator.begin();
      const honest = new ResponderHello(options, first).reply(payload);
      const frame = mutate(random, honest, first);
      const isRead = onlyNoiseErrors(round, frame, () => initiator.readReply(frame));
      assertEquals(isRead, equalBytes(frame, honest), `round ${round}, seed ${seed}`);
    }
  },
});

Deno.test({
  name: `ResponderHello survives mutated last frames and believes none (seed ${seed})`,
  permissions: "none",
  fn() {
    const random = seededRandom(seed + 2);
    for (let round = 0; round < HANDSHAKES; round++) {
      const options = randomOptions(random);
      const initiator = new InitiatorHello(options);
      const responder = new ResponderHello(options, initiator.begin());
      const second = responder.reply(payload);
      initiator.readReply(second);
      const honest = initiator.finish(payload).frame;
      const frame = mutate(random, honest, second);
      const isRead = onlyNoiseErrors(round, frame, () => responder.readLast(frame));
      assertEquals(isRead, equalBytes(frame, honest), `round ${round}, seed ${seed}`);
    }
  },
});

Deno.test({
  name: `RecordOpener survives mutated records and opens none (seed ${seed})`,
  permissions: "none",
  fn() {
    const random = seededRandom(seed + 3);
    let previous = fill(40, 5);
    for (let round = 0; round < RECORDS; round++) {
      // A key of its own, or the previous record spliced in whole would be an honest one.
      const key = Uint8Array.from({ length: 32 }, () => randomBelow(random, 256));
      const sealer = new RecordSealer(new CipherState(primitives, key), 0);
      const honest = randomRecord(random, sealer);
      const mutated = mutate(random, honest, previous);
      // The first byte names the path and is looked at before the record is handed over.
      const record = concatBytes(Uint8Array.of(0xf9), mutated.subarray(1));
      const opener = new RecordOpener(new CipherState(primitives, key));
      const isRead = onlyNoiseErrors(round, record, () => opener.open(record));
      assertEquals(isRead, equalBytes(record, honest), `round ${round}, seed ${seed}`);
      previous = honest;
    }
  },
});

Deno.test({
  name: `InitiatorHello, ResponderHello and RecordOpener survive plain noise (seed ${seed})`,
  permissions: "none",
  fn() {
    const random = seededRandom(seed + 4);
    for (let round = 0; round < HANDSHAKES; round++) {
      const options = randomOptions(random);
      const noise = randomFrame(random);
      const initiator = new InitiatorHello(options);
      const responder = new ResponderHello(options, initiator.begin());
      responder.reply(payload);
      onlyNoiseErrors(round, noise, () => new ResponderHello(options, noise).reply(payload));
      assert(!onlyNoiseErrors(round, noise, () => initiator.readReply(noise)));
      assert(!onlyNoiseErrors(round, noise, () => responder.readLast(noise)));
      // A new one each time: the first failure kills it.
      const opener = new RecordOpener(new CipherState(primitives, fill(32, 6)));
      assert(!onlyNoiseErrors(round, noise, () => opener.open(noise)));
    }
  },
});

/** Whether `action` returned; fails the test when it threw anything but a {@link NoiseError}. */
function onlyNoiseErrors(round: number, input: Bytes, action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof NoiseError) return false;
    throw new Error(`Round ${round}, seed ${seed}, input ${input.toHex()}`, { cause: error });
  }
}

/** `honest` with one to three changes, seldom with none. `other` is material to splice in. */
function mutate(random: Random, honest: Bytes, other: Bytes): Bytes {
  let bytes: Bytes = honest.slice();
  for (let change = randomBelow(random, 16) === 0 ? 0 : 1 + randomBelow(random, 3); change > 0;) {
    change--;
    bytes = mutateOnce(random, bytes, other);
  }
  return bytes;
}

function mutateOnce(random: Random, bytes: Bytes, other: Bytes): Bytes {
  const at = randomBelow(random, bytes.length + 1);
  switch (randomBelow(random, 9)) {
    case 0: // One bit.
      return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << randomBelow(random, 8)));
    case 1: // One byte, often one that means something.
      return withByte(
        bytes,
        at,
        [0, 1, 2, 3, 0x7f, 0x80, 0xf8, 0xf9, 0xff][randomBelow(random, 9)],
      );
    case 2: // One of the header bytes.
      return withByte(bytes, randomBelow(random, 5), randomBelow(random, 256));
    case 3:
      return bytes.slice(0, at);
    case 4:
      return bytes.slice(at);
    case 5: // Garbage behind or in the middle.
      return concatBytes(bytes.subarray(0, at), noiseOf(random, 40), bytes.subarray(at));
    case 6:
      return concatBytes(bytes.subarray(0, at), other.subarray(Math.min(at, other.length)));
    case 7: { // A run of zeros: low-order points among others.
      const zeroed = bytes.slice();
      return zeroed.fill(0, at, at + 1 + randomBelow(random, 48));
    }
    default:
      return concatBytes(bytes, bytes).slice(0, MAX_FRAME);
  }
}

function withByte(bytes: Bytes, at: number, value = 0): Bytes {
  const copy = bytes.slice();
  if (at < copy.length) copy[at] = value;
  return copy;
}

function randomOptions(random: Random): HelloOptions {
  const min = 1 + randomBelow(random, 3);
  return {
    primitives,
    s,
    // One version only, so that an altered version byte cannot name another one we speak.
    versions: { min, max: min },
    psk: randomBelow(random, 2) === 0 ? psk : undefined,
  };
}

/** The payload of a sealed record or, now and then, of an announced rekey. */
function randomRecord(random: Random, sealer: RecordSealer): Bytes {
  if (randomBelow(random, 8) === 0) {
    const out = new Uint8Array(REKEY_RECORD_BYTES);
    sealer.sealRekey(out, 0, 0);
    return out.slice(4);
  }
  const plaintext = noiseOf(random, 600);
  const out = new Uint8Array(plaintext.length + 21);
  sealer.seal([plaintext], out, 0);
  return out.slice(4);
}

/** Noise behind a header that gets it past the first looks more often than not. */
function randomFrame(random: Random): Bytes {
  const headers = [[], [0xf8, 1, 1, 1, 3], [0xf8, 1, 2, 1, 3], [0xf8, 2, 1], [0xf8, 3], [0xf8, 0]];
  const header = headers[randomBelow(random, headers.length)] ?? [];
  return concatBytes(Uint8Array.from(header), noiseOf(random, 300));
}

/** 1 to `limit` bytes. */
function noiseOf(random: Random, limit: number): Bytes {
  return Uint8Array.from(
    { length: 1 + randomBelow(random, limit) },
    () => randomBelow(random, 256),
  );
}

function fill(length: number, start: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 29 + start * 71 + 3) & 0xff);
}

/** The seed in the environment, if we may look at it and it is one. */
function readSeed(): number {
  const variable = "HAMLET_FUZZ_SEED";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const text = state === "granted" ? Deno.env.get(variable) : undefined;
  if (text === undefined) return DEFAULT_SEED;
  const wanted = Number(text);
  if (!Number.isSafeInteger(wanted) || wanted < 0) {
    throw new RangeError(`Cannot fuzz: ${variable} is not a whole number`);
  }
  return wanted;
}
