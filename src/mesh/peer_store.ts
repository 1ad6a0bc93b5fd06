/**
 * The registry on disk: which peers to dial at the next start. Ids and addresses only, nobody's secrets;
 * capabilities are asked anew. `seen` is a day, so that a quiet village leaves the file alone.
 *
 * ```
 * {"version":1,"peers":[{"node_id":"...","addresses":["host:port"],"seen":"2026-11-22"}]}
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
  /** The UTC day on which it was last heard, e.g. `2026-11-22`. */
  readonly seen: string;
}

const VERSION = 1;
/** Peers written, the latest heard first. */
export const MAX_STORED_PEERS = 4_096;
/** Enough for {@link MAX_STORED_PEERS} with eight long addresses each. */
export const MAX_STORE_BYTES = 4_194_304;

/** A peer not heard for this long is forgotten. */
const FORGET_MS = 30 * 86_400_000;

/**
 * The file's bytes: `peers`, then those of `known` that are not among them and not too old at `wallMs`.
 * `dayOf` tells the day of an instant of the registry's clock.
 */
export function encodePeers(
  peers: readonly AuthenticatedPeer[],
  known: readonly KnownPeer[],
  options: { readonly wallMs: number; readonly dayOf: (monotonicMs: number) => string },
): Bytes {
  const oldest = utcDay(options.wallMs - FORGET_MS);
  const stored = new Map<PeerId, KnownPeer>();
  const latestFirst = peers.toSorted((a, b) => b.lastSeenMs - a.lastSeenMs);
  for (const { id, addresses, lastSeenMs } of latestFirst) {
    stored.set(id, { id, addresses, seen: options.dayOf(lastSeenMs) });
  }
  for (const peer of known) {
    if (!stored.has(peer.id) && peer.seen >= oldest) stored.set(peer.id, peer);
  }
  return encodeKnown([...stored.values()]);
}

/** The file's bytes for exactly these peers, the latest seen where there are too many. */
export function encodeKnown(peers: readonly KnownPeer[]): Bytes {
  const kept = peers.filter(({ addresses }) => addresses.length > 0)
    .sort((a, b) => compare(b.seen, a.seen))
    .slice(0, MAX_STORED_PEERS)
    .sort((a, b) => compare(a.id, b.id))
    .map(({ id, addresses, seen }) => ({
      node_id: id,
      addresses: addresses.map(formatAddress),
      seen,
    }));
  return encodeUtf8(JSON.stringify({ version: VERSION, peers: kept }, null, 1) + "\n");
}

/** Reads the file. Throws an `Error` when it is damaged or of another version. */
export function decodePeers(bytes: Bytes): readonly KnownPeer[] {
  const fields = Fields.of(JSON.parse(decodeUtf8(bytes)), "peers file");
  fields.integer("version", { min: VERSION, max: VERSION });
  return fields.list("peers", { maxItems: MAX_STORED_PEERS }).map((item) => {
    const peer = Fields.of(item, "peers");
    const id = parsePeerId(peer.text("node_id", { maxLength: 64 }));
    if (!id) throw new TypeError("Cannot read peers file: a node_id is not one");
    return {
      id,
      addresses: readAddresses(peer, "addresses"),
      seen: peer.text("seen", { maxLength: 10 }),
    };
  });
}

/** The UTC day of an instant, Unix ms, as `YYYY-MM-DD`. */
export function utcDay(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
