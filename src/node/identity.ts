/**
 * Identity: one Ed25519 key, and the X25519 key that follows from it (PROTOCOL.md section 4).
 *
 * The X25519 key is the birational image of the Ed25519 one, so a handshake that proves the static key
 * proves the identity: no second signature travels.
 */

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { type PeerId, peerIdOf, publicKeyOf } from "../base/peer_id.ts";
import { dhPublicKeyOf, dhSecretOf } from "../noise/noble.ts";
import type { DhKeyPair, Primitives, SigningKeyPair } from "../noise/primitives.ts";

/** Who this node is. */
export interface Identity {
  readonly id: PeerId;
  readonly signing: SigningKeyPair;
  readonly dh: DhKeyPair;
}

/** The identity that grows from a 32-byte Ed25519 seed. */
export function identityFromSeed(seed: Bytes, primitives: Primitives): Identity {
  const signing = primitives.importSigningKeyPair(seed);
  return Object.freeze({
    id: peerIdOf(signing.publicKey),
    signing,
    dh: primitives.importDhKeyPair(dhSecretOf(seed)),
  });
}

/** Members of a large village; some 150 KB. */
const MAX_FAMILIAR = 1_024;
/** The X25519 keys of peers that have come before: the map takes a square root, 0.1 ms and on a Pi ten times that. */
const familiar = new Map<PeerId, Bytes>();

/** Whether the holder of the X25519 key `rs` is the node named `id`. */
export function isStaticKeyOf(id: PeerId, rs: Bytes): boolean {
  const known = familiar.get(id);
  if (known) return equalBytes(known, rs);
  const expected = dhPublicKeyOf(publicKeyOf(id));
  if (expected === undefined || !equalBytes(expected, rs)) return false;
  for (const oldest of familiar.keys()) {
    if (familiar.size < MAX_FAMILIAR) break;
    familiar.delete(oldest);
  }
  familiar.set(id, expected);
  return true;
}
