/**
 * The registry on disk: which peers to dial at the next start. Ids and addresses only, nobody's secrets;
 * capabilities are asked anew.
 *
 * ```
 * {"version":1,"peers":[{"node_id":"…","addresses":["host:port"]}]}
 * ```
 */

import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { Fields } from "../base/guards.ts";
import { parsePeerId, type PeerId } from "../base/peer_id.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { readAddresses } from "../node/introduction.ts";
import type { AuthenticatedPeer } from "./peer.ts";

/** A peer remembered from an earlier run. */
export interface KnownPeer {
  readonly id: PeerId;
  readonly addresses: readonly Address[];
}

const VERSION = 1;
/** Peers written, the latest heard first. */
export const MAX_STORED_PEERS = 4_096;
/** Enough for {@link MAX_STORED_PEERS} with eight long addresses each. */
export const MAX_STORE_BYTES = 4_194_304;

/** The file's bytes. `peers` in any order. */
export function encodePeers(peers: readonly AuthenticatedPeer[]): Bytes {
  const latest = peers.filter(({ addresses }) => addresses.length > 0)
    .sort((a, b) => b.lastSeenMs - a.lastSeenMs)
    .slice(0, MAX_STORED_PEERS)
    .map(({ id, addresses }) => ({ node_id: id, addresses: addresses.map(formatAddress) }));
  return encodeUtf8(JSON.stringify({ version: VERSION, peers: latest }, null, 1) + "\n");
}

/** Reads the file. Throws an `Error` when it is damaged or of another version. */
export function decodePeers(bytes: Bytes): readonly KnownPeer[] {
  const fields = Fields.of(JSON.parse(decodeUtf8(bytes)), "peers file");
  fields.integer("version", { min: VERSION, max: VERSION });
  return fields.list("peers", { maxItems: MAX_STORED_PEERS }).map((item) => {
    const peer = Fields.of(item, "peers");
    const id = parsePeerId(peer.text("node_id", { maxLength: 64 }));
    if (!id) throw new TypeError("Cannot read peers file: a node_id is not one");
    return { id, addresses: readAddresses(peer, "addresses") };
  });
}
