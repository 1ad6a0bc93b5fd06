/**
 * Peer ids: who a node is. A `PeerId` is the node's Ed25519 public key in lower-case unpadded base32, 52
 * characters, shown to people as its first 8. Old nodes name themselves freely; their ids stay plain
 * strings.
 */

import { type Bytes, decodeBase32, encodeBase32 } from "./bytes.ts";

declare const brand: unique symbol;
/** The id of a node that has a key. */
export type PeerId = string & { readonly [brand]: "PeerId" };

/** Length of an Ed25519 public key. */
const PUBLIC_KEY_BYTES = 32;
/** 256 bits are 51 characters of five and one that has a single bit of the key, and four that are zero. */
const PEER_ID = /^[a-z2-7]{51}[aq]$/;

/** The id of the node that holds `publicKey`, 32 bytes. */
export function peerIdOf(publicKey: Bytes): PeerId {
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new RangeError(`Cannot name a peer: key length ${publicKey.length} is not 32`);
  }
  return encodeBase32(publicKey) as PeerId;
}

/** Reads a peer id; `undefined` when `text` is not one in its canonical form. */
export function parsePeerId(text: string): PeerId | undefined {
  return PEER_ID.test(text) ? text as PeerId : undefined;
}

/** The public key that `id` spells. */
export function publicKeyOf(id: PeerId): Bytes {
  const publicKey = decodeBase32(id);
  if (!publicKey) throw new TypeError("Cannot read a peer id: it was never checked");
  return publicKey;
}

/** What people see of any id, old nodes' free-form ones included. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
