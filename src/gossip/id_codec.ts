/**
 * How ids travel in gossip: as the 32 bytes of the key. Spelling one out costs more than the rest of reading
 * a message, so that a simulator of thousands replaces the codec by one that remembers what it spelt.
 */

import type { Bytes } from "../base/bytes.ts";
import { type PeerId, peerIdOf, publicKeyOf } from "../base/peer_id.ts";

/** Length of an id on the wire. */
export const ID_BYTES = 32;

export interface IdCodec {
  /** The id that 32 bytes spell; they may be a view of a message, and are not kept. */
  read(bytes: Bytes): PeerId;
  /** The 32 bytes of `id`, which nobody may change. */
  write(id: PeerId): Bytes;
}

/** Spells each id anew. */
export const PLAIN_ID_CODEC: IdCodec = Object.freeze({ read: peerIdOf, write: publicKeyOf });
