/**
 * A network for tests: Alice founded it, Bob is an admin, Carol a member. What is signed here is signed by the
 * runtime's own Ed25519 over the canonical JSON of the `canonicalize` package, by none of our code.
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import canonicalize from "canonicalize";
import { type Bytes, decodeHex } from "../../src/base/bytes.ts";
import { type Clock, ManualClock } from "../../src/base/clock.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import type { Identity } from "../../src/node/identity.ts";
import { type Certificate, type Chain, readCertificate } from "../../src/trust/certificate.ts";
import { Membership, type Network } from "../../src/trust/membership.ts";
import type { NetworkId } from "../../src/trust/network_id.ts";
import { Roster, type RosterLimits } from "../../src/trust/roster.ts";
import {
  ALICE,
  BOB,
  CAROL,
  identityOf,
  PRIMITIVES,
  RFC_8032,
  seedOf,
  WALL_MS,
} from "./identities.ts";

/** The private key's DER form up to the seed (RFC 8410 section 7). */
const PKCS8_HEAD = "302e020100300506032b657004220420";

export const DAY_MS = 86_400_000;
export const LIFETIME_MS = 180 * DAY_MS;

export const AUTHORITY_SEED: Bytes = seedOf(900);
export const NETWORK_ID: NetworkId = networkOf(AUTHORITY_SEED);
export const NETWORK: Network = Object.freeze({
  id: NETWORK_ID,
  name: "elm street",
  secret: new Uint8Array(32).fill(0x11),
});
/** Another network, with which ours has nothing to do. */
export const OTHER_AUTHORITY_SEED: Bytes = seedOf(901);
export const OTHER_NETWORK_ID: NetworkId = networkOf(OTHER_AUTHORITY_SEED);

/** Somebody who has never been certified. */
export const MALLORY: Identity = identityOf(666);

const SEEDS: ReadonlyMap<string, Bytes> = new Map([
  [ALICE.id, decodeHex(RFC_8032[0].seed)],
  [BOB.id, decodeHex(RFC_8032[1].seed)],
  [CAROL.id, decodeHex(RFC_8032[2].seed)],
  [MALLORY.id, seedOf(666)],
  [NETWORK_ID, AUTHORITY_SEED],
  [OTHER_NETWORK_ID, OTHER_AUTHORITY_SEED],
  ...Array.from({ length: 100 }, (_, n): [string, Bytes] => [identityOf(n).id, seedOf(n)]),
]);

/** `body`, signed by the key that grows from `seed`. */
export function signedWith(seed: Bytes, body: JsonObject): JsonObject {
  const { signature: _, ...rest } = body;
  const bytes = Buffer.from(canonicalize(rest) ?? "", "utf8");
  return { ...rest, signature: sign(null, bytes, keyOf(seed)).toString("base64url") };
}

/** A certificate's JSON, Carol's as a member unless told otherwise, signed by whom `issuer` names. */
export function certificateJson(changes: JsonObject = {}): JsonObject {
  const body = {
    type: "CERTIFICATE",
    network: NETWORK_ID,
    node_id: CAROL.id,
    name: "carol",
    role: "member",
    serial: "00112233445566ff",
    issued: WALL_MS,
    not_after: WALL_MS + LIFETIME_MS,
    issuer: NETWORK_ID,
    ...changes,
  };
  return signedWith(seedNamed(body.issuer), body);
}

/** {@link certificateJson}, read. */
export function certificate(changes: JsonObject = {}): Certificate {
  return readCertificate(certificateJson(changes));
}

/** A revocation's JSON, Carol's by the authority unless told otherwise, signed by whom `issuer` names. */
export function revocationJson(changes: JsonObject = {}): JsonObject {
  const body = {
    type: "REVOCATION",
    network: NETWORK_ID,
    node_id: CAROL.id,
    at: WALL_MS,
    issuer: NETWORK_ID,
    ...changes,
  };
  return signedWith(seedNamed(body.issuer), body);
}

export const FOUNDER_CHAIN: Chain = [
  certificate({ node_id: ALICE.id, name: "alice", role: "admin" }),
];
export const ADMIN_CHAIN: Chain = [certificate({ node_id: BOB.id, name: "bob", role: "admin" })];
/** Carol's, from the authority. */
export const MEMBER_CHAIN: Chain = [certificate()];
/** Carol's, from Bob. */
export const MEMBER_BY_ADMIN: Chain = [certificate({ issuer: BOB.id }), ADMIN_CHAIN[0]];

export function newRoster(limits?: RosterLimits, network = NETWORK_ID): Roster {
  return new Roster({ network, verify: PRIMITIVES.verify, ...(limits && { limits }) });
}

/** The membership of somebody who holds `chain`. */
export function membershipOf(
  identity: Identity,
  chain: Chain,
  options: {
    readonly clock?: Clock;
    readonly isOpen?: boolean;
    readonly isFounder?: boolean;
    readonly networkId?: NetworkId;
  } = {},
): Membership {
  const { clock = new ManualClock(), isOpen = false, isFounder = false } = options;
  const network = { ...NETWORK, id: options.networkId ?? NETWORK_ID };
  return new Membership({
    network,
    id: identity.id,
    chain,
    roster: newRoster(undefined, network.id),
    signer: identity.signing,
    authority: isFounder ? PRIMITIVES.importSigningKeyPair(AUTHORITY_SEED) : undefined,
    isOpen,
    wallMs: () => clock.wallMs(),
  });
}

export function founder(clock?: Clock): Membership {
  return membershipOf(ALICE, FOUNDER_CHAIN, { isFounder: true, ...(clock && { clock }) });
}

/** Bob, who knows of Alice. */
export function admin(clock?: Clock): Membership {
  const membership = membershipOf(BOB, ADMIN_CHAIN, clock && { clock });
  membership.roster.keep(FOUNDER_CHAIN);
  return membership;
}

/** Carol, let in by the authority, who knows of Alice and Bob. */
export function member(clock?: Clock, chain: Chain = MEMBER_CHAIN): Membership {
  const membership = membershipOf(CAROL, chain, clock && { clock });
  membership.roster.keep(FOUNDER_CHAIN);
  membership.roster.keep(ADMIN_CHAIN);
  return membership;
}

/** The certificates of a chain as they travel. */
export function signedOf(chain: Chain): readonly JsonObject[] {
  return chain.flatMap((each) => each ? [each.signed] : []);
}

function keyOf(seed: Bytes) {
  const der = Buffer.concat([Buffer.from(PKCS8_HEAD, "hex"), seed]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

function networkOf(seed: Bytes): NetworkId {
  const der = createPublicKey(keyOf(seed)).export({ format: "der", type: "spki" });
  return peerIdOf(new Uint8Array(der.subarray(-32))) as string as NetworkId;
}

function seedNamed(issuer: unknown): Bytes {
  const seed = SEEDS.get(String(issuer));
  if (!seed) throw new TypeError(`Cannot sign for ${issuer}: its seed is not known here`);
  return seed;
}
