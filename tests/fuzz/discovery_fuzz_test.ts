import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import {
  DiscoveryError,
  encodeMessage,
  nonceText,
  parseMessage,
  readReply,
  readRequest,
  writeReply,
  writeRequest,
} from "../../src/discovery/message.ts";
import { RateLimiter } from "../../src/discovery/rate_limit.ts";
import { DiscoveryResponder } from "../../src/discovery/responder.ts";
import { ALICE, BOB, describe, LAPTOP, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
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
const NONCE = nonceText(new Uint8Array(16).fill(1));
const ROUNDS = 3_000;
const REPLY_OPTIONS = { verify: PRIMITIVES.verify, nonce: NONCE, wallMs: WALL_MS };

const REQUEST = writeRequest(describe(BOB, LAPTOP), BOB.signing, { nonce: NONCE, wallMs: WALL_MS });
const REPLY = writeReply(describe(BOB, LAPTOP), BOB.signing, { replyTo: NONCE, wallMs: WALL_MS });
const OLD = { type: "PEER_DISCOVERY", sender_id: "old", sender_port: 9001, capabilities: {} };

function responder(): DiscoveryResponder {
  return new DiscoveryResponder({
    clock: new ManualClock(),
    signer: ALICE.signing,
    verify: PRIMITIVES.verify,
    limiter: new RateLimiter(),
    legacy: "any",
    limitLoopback: false,
    describe: () => describe(ALICE),
  });
}

Deno.test(
  `readRequest() and readReply() throw nothing but DiscoveryError, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const label = `seed ${SEED}, round ${round}`;
      const [original, isReply] = [[REQUEST, false], [REPLY, true], [OLD, false]][round % 3] as [
        Record<string, unknown>,
        boolean,
      ];
      let message = mutateObject(random, original);
      if (randomBelow(random, 2) === 0) message = mutateObject(random, message);
      try {
        const parsed = parseMessage(encodeUtf8(hostileJson(message)));
        const peer = isReply
          ? readReply(parsed, REPLY_OPTIONS)
          : readRequest(parsed, { verify: PRIMITIVES.verify, wallMs: WALL_MS }).peer;
        if (peer?.trust === "authenticated") assertEquals(peer.id, BOB.id, label);
        for (const value of Object.values(peer?.capabilities ?? {})) {
          assert(typeof value !== "number" || Number.isFinite(value), label);
        }
      } catch (error) {
        if (!(error instanceof DiscoveryError)) throw new Error(label, { cause: error });
      }
    }
    assertEquals(pollution(), []);
  },
);

Deno.test(
  `DiscoveryResponder.answer() answers anything with one small object or silence, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED + 1);
    const subject = responder();
    const honest = [REQUEST, REPLY, OLD].map((message) => encodeMessage(message));
    for (let round = 0; round < ROUNDS; round++) {
      const label = `seed ${SEED}, round ${round}`;
      const original = honest[round % honest.length];
      assert(original);
      const payload = randomBelow(random, 4) === 0
        ? Uint8Array.from({ length: randomBelow(random, 300) }, () => byte(random))
        : mutateBytes(random, original);
      let answer;
      try {
        answer = subject.answer(payload, "127.0.0.1");
      } catch (error) {
        throw new Error(label, { cause: error });
      }
      if (answer.peer?.trust === "authenticated") assertEquals(answer.peer.id, BOB.id, label);
      if (!answer.reply) continue;
      assert(answer.reply.length < 1_200, label);
      const reply = JSON.parse(decodeUtf8(answer.reply));
      assert(["ERROR", "PEER_DISCOVERY_RESPONSE"].includes(reply.type), label);
      assertEquals("sender_id" in reply, reply.type !== "ERROR", label);
    }
    assertEquals(pollution(), []);
    assertEquals(subject.answer(encodeMessage(REQUEST), "127.0.0.1").peer?.trust, "authenticated");
  },
);
