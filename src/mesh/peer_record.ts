/**
 * Peer records: a node's own signed word on where it can be reached, passed on by others in sealed
 * sessions (peer exchange).
 *
 * Ed25519 over the RFC 8785 canonical JSON without `signature`; the `type` inside keeps the signature from
 * meaning anything else. The newest `seq` wins, so a replayed record changes nothing.
 */

import { FieldError, Fields, isObject, type JsonObject } from "../base/guards.ts";
import { parsePeerId, type PeerId, publicKeyOf } from "../base/peer_id.ts";
import {
  isSignedBy,
  type MessageSigner,
  signed,
  type VerifySignature,
} from "../discovery/signature.ts";
import { type Address, formatAddress, isLanHost, MAX_ADDRESSES, scopeOf } from "../net/address.ts";
import { readAddresses } from "../node/introduction.ts";

export interface PeerRecord {
  readonly id: PeerId;
  readonly addresses: readonly Address[];
  /** When it was signed, by its owner's clock, Unix ms. */
  readonly seqMs: number;
  readonly expiresAtMs: number;
  /** The record as it was signed, to be passed on unchanged. */
  readonly signed: JsonObject;
}

const RECORD_TYPE = "PEER_RECORD";
const RECORD_KEYS = ["type", "node_id", "addresses", "seq", "expires", "signature"];
/** How long a record is worth something. */
export const RECORD_LIFETIME_MS = 3_600_000;
/** How far a record's clock may be ahead of ours. */
const MAX_AHEAD_MS = 300_000;
const MILLISECONDS = Object.freeze({ min: 0, max: 1e14 });
/** What a signature may cover: eight addresses of full length in plain ASCII, and no more. */
const MAX_SIGNED_BYTES = 920;

/** Records sent in one introduction: the longest that many fit into one record of a session. */
export const MAX_RECORDS_SENT = 48;

/** Our own record. */
export function signRecord(
  id: PeerId,
  addresses: readonly Address[],
  signer: MessageSigner,
  wallMs: number,
): PeerRecord {
  const seqMs = Math.floor(wallMs);
  const expiresAtMs = seqMs + RECORD_LIFETIME_MS;
  const kept = addresses.slice(0, MAX_ADDRESSES);
  const body = {
    type: RECORD_TYPE,
    node_id: id,
    addresses: kept.map(formatAddress),
    seq: seqMs,
    expires: expiresAtMs,
  };
  return { id, addresses: kept, seqMs, expiresAtMs, signed: signed(body, signer) };
}

/**
 * Reads a record. `undefined` when it is malformed, forged, expired or from the future: one bad record
 * must not spoil the list it came in.
 */
export function readRecord(
  value: unknown,
  verify: VerifySignature,
  wallMs: number,
): PeerRecord | undefined {
  // Nothing beyond these keys is kept and passed on, however well it is signed.
  if (!isObject(value) || !Object.keys(value).every((key) => RECORD_KEYS.includes(key))) {
    return undefined;
  }
  try {
    const fields = Fields.of(value);
    const id = parsePeerId(fields.text("node_id", { maxLength: 64 }));
    const seqMs = fields.integer("seq", MILLISECONDS);
    const expiresAtMs = fields.integer("expires", MILLISECONDS);
    const addresses = readAddresses(fields, "addresses");
    if (!id || fields.raw("type") !== RECORD_TYPE) return undefined;
    if (expiresAtMs < wallMs || expiresAtMs > seqMs + RECORD_LIFETIME_MS) return undefined;
    if (seqMs > wallMs + MAX_AHEAD_MS) return undefined;
    if (!isSignedBy(publicKeyOf(id), value, verify, MAX_SIGNED_BYTES)) return undefined;
    return { id, addresses, seqMs, expiresAtMs, signed: value };
  } catch (error) {
    if (error instanceof FieldError) return undefined;
    throw error;
  }
}

/**
 * The addresses worth dialling among those learnt from a session with `source`: loopback means something
 * only on the same machine, and private networks only to who is on one.
 */
export function reachableFrom(source: string, addresses: readonly Address[]): readonly Address[] {
  return addresses.filter(({ host }) => {
    const scope = scopeOf(host);
    if (scope === "unspecified") return false;
    if (scope === "loopback") return scopeOf(source) === "loopback";
    if (scope === "private" || scope === "link_local") return isLanHost(source);
    return true;
  });
}
