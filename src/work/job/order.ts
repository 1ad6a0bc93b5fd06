/**
 * Orders: the owner of a job, or an admin of its network, stops it or lets it go on. The highest `seq` counts, so a
 * stale order that is told again changes nothing; of two with the same number the one that stops.
 */

import { FieldError, type JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import { MAX_SEQ } from "./participant_record.ts";
import {
  hashOf,
  isGenuine,
  readUnchecked,
  type RecordKind,
  signRecord,
  type Speaker,
} from "./signed_record.ts";
import type { JobCrypto, JobId } from "./spec.ts";

export type OrderAction = "stop" | "resume";

export interface Order {
  readonly node: PeerId;
  readonly seq: number;
  readonly action: OrderAction;
  readonly unixMs: number;
  readonly hash: string;
  readonly signed: JsonObject;
}

const KIND: RecordKind = { type: "EVOLUTION_ORDER", keys: ["seq", "action", "unix_ms"] };

/** Signs an order; the caller has checked that `speaker` may give it. */
export function signOrder(
  job: JobId,
  speaker: Speaker,
  said: { readonly seq: number; readonly action: OrderAction; readonly unixMs: number },
  crypto: JobCrypto,
): Order {
  const { seq, action, unixMs } = said;
  const signed = signRecord(KIND, job, speaker, { seq, action, unix_ms: unixMs });
  return Object.freeze({ ...said, node: speaker.id, hash: hashOf(signed, crypto), signed });
}

/**
 * Reads an order; `mayOrder` says of whom. Throws {@link FieldError} for one that is malformed, forged, or of
 * somebody who may not give it.
 */
export function readOrder(
  job: JobId,
  value: unknown,
  crypto: JobCrypto,
  mayOrder: (id: PeerId) => boolean,
): Order {
  const { fields, node } = readUnchecked(KIND, job, value);
  const order = {
    node,
    seq: fields.integer("seq", { min: 1, max: MAX_SEQ }),
    action: fields.oneOf<OrderAction>("action", ["stop", "resume"]),
    unixMs: fields.integer("unix_ms", { min: 0, max: 1e14 }),
    hash: hashOf(fields.value, crypto),
    signed: fields.value,
  };
  if (!mayOrder(node)) {
    throw new FieldError("invalid_field", "order.node", "it is neither the owner nor an admin");
  }
  if (!isGenuine(fields.value, node, crypto)) {
    throw new FieldError("invalid_field", "order.signature", "it is forged");
  }
  return Object.freeze(order);
}

/** The one of two orders that counts. */
export function laterOrder(a: Order | undefined, b: Order | undefined): Order | undefined {
  if (!a || !b) return a ?? b;
  if (a.seq !== b.seq) return a.seq > b.seq ? a : b;
  if (a.action !== b.action) return a.action === "stop" ? a : b;
  return a.hash <= b.hash ? a : b;
}
