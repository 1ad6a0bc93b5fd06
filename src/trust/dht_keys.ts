/**
 * What a network's members publish in the DHT, and where: all of it follows from the network's secret, so that
 * who does not hold it sees neither the network's name nor its members, nor which keys belong together.
 *
 * - The *rendezvous* (BEP 5): 20 bytes that change with the UTC day, under which all members announce a port.
 * - One *record* for each member (BEP 44): its signed peer record, sealed and padded to one length, under a key
 *   pair that follows from the secret and the node id. Any member can therefore replace it, with what the
 *   signature inside shows to be no record of that node: a malicious member can hide others, not imitate them.
 */

import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import type { JsonObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Primitives, SigningKeyPair } from "../noise/primitives.ts";
import { deriveKey, openBox, sealBox } from "../noise/secret_box.ts";

/** Length of a DHT key (BEP 5). */
const RENDEZVOUS_BYTES = 20;
/** How far members' clocks may differ around midnight. */
const DAY_SLACK_MS = 7_200_000;

/** The longest record that fits, bytes of JSON: eight addresses, unless they are long host names. */
export const MAX_RECORD_BYTES = 955;

/** Where members meet at `wallMs` by our clock: where to announce, and after it where else to look. */
export function rendezvousKeys(secret: Bytes, wallMs: number): readonly [Bytes, ...Bytes[]] {
  const today = dayOf(wallMs);
  const near = [dayOf(wallMs - DAY_SLACK_MS), dayOf(wallMs + DAY_SLACK_MS)];
  const others = near.filter((day) => day !== today);
  return [rendezvousKey(secret, today), ...others.map((day) => rendezvousKey(secret, day))];
}

/** The key pair under which the record of member `id` is stored. */
export function recordSigner(
  secret: Bytes,
  id: PeerId,
  primitives: Pick<Primitives, "importSigningKeyPair">,
): SigningKeyPair {
  return primitives.importSigningKeyPair(deriveKey(secret, `hamlet dht record ${id}`));
}

/** `record` as it is stored; `undefined` when it is longer than {@link MAX_RECORD_BYTES}. */
export function sealRecord(secret: Bytes, record: JsonObject): Bytes | undefined {
  const json = encodeUtf8(JSON.stringify(record));
  if (json.length > MAX_RECORD_BYTES) return undefined;
  const padded = new Uint8Array(MAX_RECORD_BYTES).fill(0x20);
  padded.set(json);
  return sealBox(valueKey(secret), padded);
}

/** The record in `box`, still to be verified; `undefined` when no member sealed it. */
export function openRecord(secret: Bytes, box: Bytes): unknown {
  const json = openBox(valueKey(secret), box);
  try {
    return json && JSON.parse(decodeUtf8(json));
  } catch {
    // A member sealed something else.
    return undefined;
  }
}

function rendezvousKey(secret: Bytes, day: string): Bytes {
  return deriveKey(secret, `hamlet dht rendezvous ${day}`, RENDEZVOUS_BYTES);
}

function valueKey(secret: Bytes): Bytes {
  return deriveKey(secret, "hamlet dht value");
}

/** The UTC day, e.g. `2026-11-22`. */
function dayOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}
