/**
 * What a network is called: the public key of its authority, spelt as node ids are. Only members know it;
 * what others see is {@link networkHint}.
 */

import { type Bytes, encodeBase64Url } from "../base/bytes.ts";
import { parsePeerId, type PeerId, peerIdOf, publicKeyOf } from "../base/peer_id.ts";
import { deriveKey } from "../noise/secret_box.ts";

declare const brand: unique symbol;
/** The id of a network: its authority's Ed25519 public key in base32, 52 characters. */
export type NetworkId = string & { readonly [brand]: "NetworkId" };

const HINT_BYTES = 8;

export function networkIdOf(authorityKey: Bytes): NetworkId {
  return peerIdOf(authorityKey) as string as NetworkId;
}

/** Reads a network id; `undefined` when `text` is not one in its canonical form. */
export function parseNetworkId(text: string): NetworkId | undefined {
  return parsePeerId(text) as string | undefined as NetworkId | undefined;
}

/** The authority's public key. */
export function authorityKeyOf(network: NetworkId): Bytes {
  return publicKeyOf(network as string as PeerId);
}

/** The key under which members show one another their certificates: it hides them from strangers. */
export function proofKeyOf(network: NetworkId): Bytes {
  return deriveKey(authorityKeyOf(network), "hamlet proof of membership");
}

/** By what members recognise each other's announcements on a LAN; it does not tell the id. */
export function networkHint(network: NetworkId): string {
  return encodeBase64Url(deriveKey(authorityKeyOf(network), "hamlet network hint", HINT_BYTES));
}
