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

/** Whether the holder of the X25519 key `rs` is the node named `id`. */
export function isStaticKeyOf(id: PeerId, rs: Bytes): boolean {
  const expected = dhPublicKeyOf(publicKeyOf(id));
  return expected !== undefined && equalBytes(expected, rs);
}
