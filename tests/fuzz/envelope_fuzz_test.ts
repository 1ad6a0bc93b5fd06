import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { MuxError, readFrames } from "../../src/channel/mux_frame.ts";
import { readRecord, signRecord } from "../../src/mesh/peer_record.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  EnvelopeError,
} from "../../src/node/envelope.ts";
import { decodeIntroduction, encodeIntroduction } from "../../src/node/introduction.ts";
import { NoiseError } from "../../src/noise/symmetric_state.ts";
import { ALICE, localNode, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
import {
  byte,
  fuzzSeed,
  hostileJson,
  mutateBytes,
  mutateObject,
  pollution,
} from "../testing/mutate.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const ROUNDS = 5_000;

const ENVELOPE: Envelope = {
  messageId: "m",
  type: "RESOURCE_STATUS",
  senderId: "s",
  recipientId: "r",
  sentAtMs: WALL_MS,
  priority: 2,
  evolutionId: "e",
  evolutionType: "emergency",
  agentId: "a",
  data: { nested: { list: [1, "two", null] } },
  retryCount: 1,
  maxRetries: 3,
  expiresAtMs: WALL_MS + 1,
  requiresAck: true,
  correlationId: "c",
};
const BYTES = encodeEnvelope(ENVELOPE);

/** Runs `use`; anything but `expected` fails the round. */
function onlyThrows(label: string, expected: new (...args: never[]) => Error, use: () => void) {
  try {
    use();
  } catch (error) {
    if (!(error instanceof expected)) throw new Error(label, { cause: error });
  }
}

Deno.test(`decodeEnvelope() throws nothing but EnvelopeError, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED);
  const original = JSON.parse(new TextDecoder().decode(BYTES));
  for (let round = 0; round < ROUNDS; round++) {
    const payload = round % 2 === 0
      ? mutateBytes(random, BYTES)
      : encodeUtf8(hostileJson(mutateObject(random, mutateObject(random, original))));
    onlyThrows(`seed ${SEED}, round ${round}`, EnvelopeError, () => {
      const envelope = decodeEnvelope(payload);
      for (const key of ["sentAtMs", "retryCount", "maxRetries", "priority"] as const) {
        assert(Number.isFinite(envelope[key]));
      }
      assert(envelope.messageId.length <= 128 && envelope.senderId.length <= 128);
    });
  }
  assertEquals(pollution(), []);
  assertEquals(decodeEnvelope(BYTES), ENVELOPE);
});

Deno.test(`decodeIntroduction() throws nothing but NoiseError, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 1);
  const introduction = localNode(ALICE).introduce(1);
  const bytes = encodeIntroduction(introduction);
  const original = JSON.parse(new TextDecoder().decode(bytes));
  const proved = { rs: ALICE.dh.publicKey, version: 1 };
  for (let round = 0; round < ROUNDS / 5; round++) {
    const payload = round % 2 === 0
      ? mutateBytes(random, bytes)
      : encodeUtf8(hostileJson(mutateObject(random, original)));
    onlyThrows(`seed ${SEED}, round ${round}`, NoiseError, () => {
      assertEquals(decodeIntroduction(payload, proved).id, ALICE.id);
    });
  }
  assertEquals(pollution(), []);
});

Deno.test(`readRecord() never throws, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 2);
  const honest = signRecord(ALICE.id, [{ host: "10.0.0.1", port: 1 }], ALICE.signing, WALL_MS);
  for (let round = 0; round < ROUNDS / 5; round++) {
    const value: unknown = JSON.parse(hostileJson(mutateObject(random, honest.signed)));
    onlyThrows(`seed ${SEED}, round ${round}`, class Never extends Error {}, () => {
      const record = readRecord(value, PRIMITIVES.verify, WALL_MS);
      if (record) assertEquals([record.id, record.addresses], [honest.id, honest.addresses]);
    });
  }
  assertEquals(pollution(), []);
});

Deno.test(`readFrames() throws nothing but MuxError, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 3);
  for (let round = 0; round < ROUNDS; round++) {
    const plaintext = Uint8Array.from({ length: randomBelow(random, 60) }, () => byte(random));
    if (round % 2 === 0) plaintext.set([9, 0, 0, 0, 0, 0, 0].slice(0, plaintext.length));
    onlyThrows(`seed ${SEED}, round ${round}`, MuxError, () => {
      let given = 0;
      readFrames(plaintext, (...[, , , body]) => given += body.length + 8);
      assertEquals(given, plaintext.length);
    });
  }
});
