/**
 * Discoveries that deserve no belief, made with the counterpart's own signatures: none of the program's
 * code.
 */

import type { JsonObject } from "../../../src/base/guards.ts";
import { signedRequest } from "../../../tests/interop/counterpart.ts";
import {
  base64Url,
  createIdentity,
  fromBase32,
  type Identity,
} from "../../../tests/interop/counterpart_identity.ts";

/** Each kind of hostile discovery; the number is which of its kind. */
export interface HostileMessages {
  readonly unsigned: (index: number) => JsonObject;
  readonly misSigned: (index: number) => JsonObject;
  readonly replayed: (index: number) => JsonObject;
  readonly stale: (index: number) => JsonObject;
}

/** What the attacker knows. */
export interface Knowledge {
  /** Ids of members, which it claims too. */
  readonly members: readonly string[];
  /** Signed discoveries of members that it has heard. */
  readonly heard: readonly JsonObject[];
}

/** How many ids are claimed. */
const CLAIMED = 1_000;
/** Of these, the ones with a key behind them. */
const KEYS = 200;
/** Just past what is fresh, s; the rest is a multiple of it. */
const STALE_S = 301;

export function hostileMessages({ members, heard }: Knowledge): HostileMessages {
  const keys = Array.from({ length: KEYS }, createIdentity);
  const names = [...members, ...keys.map(({ id }) => id)];
  while (names.length < CLAIMED) names.push(`stranger-${names.length}`);
  const key = (index: number) => at(keys, index);
  const stale = keys.map((identity, index) => {
    const sign = index % 2 === 0 ? -1 : 1;
    const timestamp = Date.now() / 1000 + sign * STALE_S * (1 + index % 100);
    return signedRequest(identity, { timestamp });
  });
  const misSigned = keys.map((identity, index) => misSign(identity, at(members, index), index));
  // Where nobody was heard the attacker replays itself.
  const recorded = heard.length > 0 ? heard : [signedRequest(key(0))];
  return {
    unsigned: (index) => ({
      type: "PEER_DISCOVERY",
      sender_id: at(names, index),
      sender_port: 1 + index % 65_535,
      timestamp: Date.now() / 1000,
      capabilities: { cpu_cores: 4_096, evolution_capacity: 1 },
    }),
    misSigned: (index) => at(misSigned, index),
    replayed: (index) => at(recorded, index),
    stale: (index) => at(stale, index),
  };
}

/** A message whose signature is not of the one that it claims to be from. */
function misSign(identity: Identity, member: string, index: number): JsonObject {
  switch (index % 4) {
    case 0:
      return { ...signedRequest(identity), sender_port: 6_666 };
    case 1:
      return { ...signedRequest(identity), signature: base64Url(new Uint8Array(64)) };
    case 2:
      return signedRequest(identity, { sender_id: member });
    default:
      return signedRequest(identity, {
        sender_id: member,
        public_key: base64Url(fromBase32(member)),
      });
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new RangeError("Cannot choose from nothing");
  return item;
}
