import { assert, assertEquals } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import type { LocalNode } from "../../src/node/local_node.ts";
import { encodeFrame, MAX_BUFFER_BYTES } from "../../src/wire/frame.ts";
import { ALICE, BOB, localNode } from "../testing/identities.ts";
import { byte, fuzzSeed, mutateBytes } from "../testing/mutate.ts";
import { Party, pump, randomSizes } from "../testing/pump.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const REQUEST = encodeFrame(
  encodeUtf8('{"type":"PEER_DISCOVERY","sender_id":"old","sender_port":9001,"capabilities":{}}'),
);
/** What eight error replies and a few answers may come to. */
const MAX_PENDING = 262_144;

function bytesOf(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => byte(random));
}

/** A frame with a plausible header and anything behind it. */
function anyFrame(random: Random): Bytes {
  const firsts = [0x7b, 0x20, 0xf8, 0xf9, 0x41, 0x00, byte(random)];
  const body = bytesOf(random, 1 + randomBelow(random, 120));
  body[0] = firsts[randomBelow(random, firsts.length)] ?? 0;
  if (body[0] === 0xf8 && body.length > 5) {
    body.set([1, 1, 1, 1].slice(0, randomBelow(random, 5)), 1);
  }
  return encodeFrame(body);
}

/** Feeds hostile bytes; nothing may be thrown, and memory stays bounded. */
function feedHostile(party: Party, bytes: Bytes, random: Random, label: string): void {
  try {
    party.feed(bytes, { nextSize: randomSizes(random, 1 + randomBelow(random, 200)) });
  } catch (error) {
    throw new Error(label, { cause: error });
  }
  assert(party.conversation.space().length <= MAX_BUFFER_BYTES, label);
  assert(party.conversation.outlet.pending <= MAX_PENDING, label);
  assertEquals(party.closed.includes("internal_error"), false, label);
}

/** A new connection to the same node, in a session with `BOB`. */
function assertHonestSession(local: LocalNode, random: Random, label: string): void {
  const a = new Party({ local, remoteHost: "127.0.0.1" });
  const b = new Party({ local: localNode(BOB), approach: "ask_then_seal" });
  pump(b, a, { nextSize: randomSizes(random, 700) });
  b.say("honest");
  pump(b, a);
  assertEquals([a.sealed[0]?.id, a.messages], [BOB.id, ["honest"]], label);
}

Deno.test(
  `Conversation survives random bytes and serves the next connection, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED);
    const local = localNode(ALICE);
    for (let round = 0; round < 400; round++) {
      const label = `seed ${SEED}, round ${round}`;
      const approach = ([undefined, "ask", "ask_then_seal", "seal"] as const)[round % 4];
      const options = { local, remoteHost: "127.0.0.1" };
      const party = new Party(approach ? { ...options, approach } : options);
      const pieces: Bytes[] = [];
      for (let i = randomBelow(random, 12); i >= 0; i--) {
        const kind = randomBelow(random, 4);
        if (kind === 0) pieces.push(bytesOf(random, randomBelow(random, 64)));
        else if (kind === 1) pieces.push(REQUEST);
        else if (kind === 2) pieces.push(mutateBytes(random, REQUEST));
        else pieces.push(anyFrame(random));
      }
      feedHostile(party, concatBytes(...pieces), random, label);
      assertEquals(party.sealed, [], label);
      party.conversation.close("done");
      if (round % 20 === 0) assertHonestSession(local, random, label);
    }
    assertEquals(local.handshakesInFlight, 0);
  },
);

Deno.test(`Conversation believes no mutated session, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 1);
  const local = localNode(ALICE);
  for (let round = 0; round < 300; round++) {
    const label = `seed ${SEED}, round ${round}`;
    const a = new Party({ local, remoteHost: "127.0.0.1" });
    const b = new Party({ local: localNode(BOB), approach: round % 2 ? "seal" : "ask_then_seal" });
    const victimTurn = randomBelow(random, 4);
    for (let turn = 0; turn < 4; turn++) {
      if (b.conversation.phase === "sealed") b.say(`turn ${turn}`);
      const bytes = b.take();
      feedHostile(a, turn === victimTurn ? mutateBytes(random, bytes) : bytes, random, label);
      feedHostile(b, a.take(), random, label);
    }
    assert(a.sealed.every(({ id }) => id === BOB.id), label);
    assert(b.sealed.every(({ id }) => id === ALICE.id), label);
    assert(a.discovered.every(({ id, trust }) => trust === "unverified" || id === BOB.id), label);
    assert(a.messages.every((text) => /^turn \d$/.test(text)), label);
    assertEquals(new Set(a.messages).size, a.messages.length, label);
    a.conversation.close("done");
    b.conversation.close("done");
  }
  assertEquals(local.handshakesInFlight, 0);
  assertHonestSession(local, random, "afterwards");
});

Deno.test(
  `Conversation keeps its buffers bounded under endless half frames, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED + 2);
    const local = localNode(ALICE);
    const headers: readonly Bytes[] = [
      Uint8Array.of(0, 0x0f, 0xff, 0xff, 0x41),
      Uint8Array.of(0, 0, 0xff, 0xff, 0x7b),
      Uint8Array.of(0, 0, 0x0f, 0xff, 0xf8),
      Uint8Array.of(0, 0x10, 0, 0, 0x00),
    ];
    for (const header of headers) {
      for (let connection = 0; connection < 10; connection++) {
        const party = new Party({ local, remoteHost: "127.0.0.1" });
        feedHostile(party, header, random, "header");
        for (let i = 0; i < 40; i++) {
          feedHostile(party, new Uint8Array(1 + randomBelow(random, 1_500)), random, "body");
        }
        party.conversation.close("done");
      }
    }
    assertHonestSession(local, random, "afterwards");
  },
);
