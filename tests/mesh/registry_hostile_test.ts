/**
 * Ten thousand hostile discoveries: what they leave behind, through the very functions that a stranger's bytes
 * go through.
 */

import { assert, assertEquals } from "@std/assert";
import { type Bytes, decodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { encodeMessage, nonceText, readReply, writeRequest } from "../../src/discovery/message.ts";
import { RateLimiter } from "../../src/discovery/rate_limit.ts";
import { type Answer, DiscoveryResponder } from "../../src/discovery/responder.ts";
import type { MessageSigner } from "../../src/discovery/signature.ts";
import { DEFAULT_REGISTRY, Registry } from "../../src/mesh/registry.ts";
import type { Identity } from "../../src/node/identity.ts";
import {
  ALICE,
  BOB,
  CAROL,
  describe,
  identityOf,
  LAPTOP,
  PRIMITIVES,
} from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const NONCE = nonceText(new Uint8Array(16).fill(7));
const MESSAGES = 10_000;
const CLAIMED = 1_000;
/** Of the claimed, those that are registered authenticated: half of them were met. */
const VICTIMS = 100;
const HOSTS = 40;
const MALLORY = BOB.signing;

/** Alice, and what comes to her door. */
class Door {
  readonly clock = new ManualClock();
  readonly registry = new Registry(ALICE.id);
  readonly codes: Record<string, number> = {};
  readonly responder = new DiscoveryResponder({
    clock: this.clock,
    signer: ALICE.signing,
    verify: PRIMITIVES.verify,
    limiter: new RateLimiter(),
    legacy: "lan",
    limitLoopback: false,
    describe: () => describe(ALICE, LAPTOP),
  });

  /** Takes one message as the agent does. */
  take(payload: Bytes, host: string): Answer {
    const answer = this.responder.answer(payload, host);
    const { peer, error } = answer;
    if (error) this.codes[error.code] = (this.codes[error.code] ?? 0) + 1;
    if (!peer) return answer;
    const { id, capabilities, signedAtMs, listenPort: port } = peer;
    const address = port === undefined ? undefined : { host, port };
    const nowMs = this.clock.now();
    if (peer.trust === "unverified") {
      this.registry.learnUnverified({ id, host, address, capabilities }, nowMs);
    } else {
      const addresses = address ? [address] : [];
      this.registry.learn(
        { id: id as PeerId, capabilities, addresses, signedAtMs, host },
        nowMs,
      );
    }
    return answer;
  }
}

function request(identity: Identity, wallMs: number, signer: MessageSigner = identity.signing) {
  return encodeMessage(writeRequest(describe(identity), signer, { nonce: NONCE, wallMs }));
}

function unsigned(id: string): Bytes {
  const timestamp = 1_750_000_000;
  const common = { type: "PEER_DISCOVERY", sender_port: 9001, timestamp, capabilities: {} };
  return encodeMessage({ ...common, sender_id: id });
}

/** Registers the victims, each from a host of its own; returns what each of them signed. */
function registerVictims(door: Door, claimed: readonly Identity[]): readonly Bytes[] {
  return claimed.slice(0, VICTIMS).map((identity, n) => {
    const payload = request(identity, door.clock.wallMs());
    door.take(payload, `10.1.0.${n}`);
    if (n % 2 === 0) door.registry.learn({ id: identity.id, isConnected: true }, 0);
    return payload;
  });
}

/** Signed by whom it claims, 301 s ago or, every other one, 330 s ahead. */
function staleRequests(claimed: readonly Identity[], wallMs: number): readonly Bytes[] {
  return claimed.map((identity, n) =>
    request(identity, n % 2 === 0 ? wallMs - 301_000 : wallMs + 330_000)
  );
}

/** Signed by Mallory under another's id: with that other's public key or, every other one, her own. */
function misSigned(identity: Identity, wallMs: number, round: number): Bytes {
  const { publicKey } = round % 2 === 0 ? identity.signing : MALLORY;
  return request(identity, wallMs, { publicKey, sign: (message) => MALLORY.sign(message) });
}

function unverifiedPerHost(registry: Registry): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const peer of registry.peers()) {
    if (peer.trust === "unverified") counts.set(peer.host, (counts.get(peer.host) ?? 0) + 1);
  }
  return counts;
}

/** Sends the flood, four messages in turn under each claimed id, one a millisecond. */
function flood(door: Door, claimed: readonly Identity[], recorded: readonly Bytes[]): void {
  const stale = staleRequests(claimed, door.clock.wallMs());
  for (let round = 0; round < MESSAGES / 4; round++) {
    const index = round % CLAIMED;
    const identity = claimed[index];
    const replay = recorded[round % VICTIMS];
    const old = stale[index];
    assert(identity && replay && old);
    const host = `10.66.0.${index % HOSTS}`;
    const forged = misSigned(identity, door.clock.wallMs(), round);
    for (const payload of [unsigned(identity.id), forged, replay, old]) {
      door.clock.advance(1);
      door.take(payload, host);
    }
    if (round % 100 > 0) continue;
    const counts = [...unverifiedPerHost(door.registry).values()];
    assert(Math.max(...counts) <= 16);
    assert(counts.reduce((sum, count) => sum + count, 0) <= DEFAULT_REGISTRY.maxUnverified);
  }
}

Deno.test(
  "Registry is unharmed by 10,000 hostile discoveries under 1,000 ids from 40 addresses",
  PURE,
  () => {
    const door = new Door();
    const { clock, registry, responder } = door;
    const claimed = Array.from({ length: CLAIMED }, (_, n) => identityOf(n));
    const recorded = registerVictims(door, claimed);
    assertEquals(registry.size, VICTIMS);
    const before = structuredClone(registry.authenticated());

    flood(door, claimed, recorded);

    assertEquals(registry.authenticated(), before);
    // Each address claims 25 ids in turn, of which 22 or 23 are nobody's: it keeps 16 of them.
    const counts = unverifiedPerHost(registry);
    assertEquals([counts.size, new Set(counts.values())], [HOSTS, new Set([16])]);
    assertEquals(registry.size, VICTIMS + HOSTS * 16);
    // 2,500 of each kind. Two and a half turns of 1,000 ids claim each victim three times. Any other claim is
    // a new entry, for 22 ids in turn never find themselves among the last 16; all but 640 were evicted.
    const namesRefused = 3 * VICTIMS;
    assertEquals(registry.counters, {
      unverifiedEvicted: 0,
      unverifiedEvictedOfHost: 2_500 - namesRefused - HOSTS * 16,
      unverifiedExpired: 0,
      unmetEvicted: 0,
      unmetEvictedOfHost: 0,
      authenticatedEvicted: 0,
      namesRefused,
      replaysRefused: 2_500,
    });
    assertEquals(door.codes, {
      bad_signature: 1_250,
      identity_mismatch: 1_250,
      stale_timestamp: 2_500,
    });
    // 4 requests in 160 ms are 25 a second, 5 too many: 10 s of it cost each address 50 of its 100 tokens.
    assertEquals(responder.rateLimit, {
      allowed: VICTIMS + MESSAGES,
      refused: 0,
      dropped: 0,
      addresses: VICTIMS + HOSTS,
    });

    // An honest stranger and an honest old node, one of them behind an address that was abused.
    const { reply } = door.take(request(CAROL, clock.wallMs()), "10.2.0.1");
    assert(reply);
    const options = { verify: PRIMITIVES.verify, nonce: NONCE, wallMs: clock.wallMs() };
    const answer = readReply(JSON.parse(decodeUtf8(reply)), options);
    assertEquals([answer.id, answer.trust], [ALICE.id, "authenticated"]);
    assertEquals(registry.get(CAROL.id)?.trust, "authenticated");
    assert(door.take(unsigned("python-node"), "10.66.0.0").reply);
    assertEquals(registry.get("python-node")?.trust, "unverified");

    clock.advance(120_001);
    assertEquals(registry.expire(clock.now()).length, HOSTS * 16);
    assertEquals(registry.size, VICTIMS + 1, "the victims and Carol");
  },
);

Deno.test("Registry keeps 1,024 of 10,000 ids from as many addresses", PURE, () => {
  const door = new Door();
  const known = door.registry.learn({ id: CAROL.id, isConnected: true }, 0);
  for (let n = 0; n < MESSAGES; n++) {
    door.take(unsigned(`liar-${n}`), `10.66.${n >> 8}.${n & 255}`);
    assert(door.registry.size <= 1 + 1_024);
  }
  assertEquals(door.registry.get(CAROL.id), known);
  const { unverifiedEvicted, unverifiedEvictedOfHost } = door.registry.counters;
  assertEquals([unverifiedEvicted, unverifiedEvictedOfHost], [MESSAGES - 1_024, 0]);
  assertEquals(door.responder.rateLimit, {
    allowed: MESSAGES,
    refused: 0,
    dropped: 0,
    addresses: 4_096,
  });
});

Deno.test("Registry hears 100 of 10,000 messages that one address sends at once", PURE, () => {
  const door = new Door();
  let answered = 0;
  for (let n = 0; n < MESSAGES; n++) {
    if (door.take(unsigned(`liar-${n}`), "10.66.0.1").reply) answered++;
  }
  assertEquals(answered, 101, "the last of them is the one refusal");
  assertEquals(door.responder.rateLimit, {
    allowed: 100,
    refused: 1,
    dropped: MESSAGES - 101,
    addresses: 1,
  });
  assertEquals([door.registry.size, door.registry.counters.unverifiedEvictedOfHost], [16, 84]);
  assert(door.take(request(CAROL, door.clock.wallMs()), "10.2.0.1").reply);
  assertEquals(door.registry.get(CAROL.id)?.trust, "authenticated");
});
