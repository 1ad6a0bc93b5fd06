/**
 * What all signed records of a job have in common: a JSON object with a `type`, the `job` it is of, the `node` that
 * speaks, and that node's signature over the rest. The type and the job inside keep a signature from meaning
 * anything elsewhere: what was signed for one job says nothing in another.
 */

import { encodeHex, encodeUtf8 } from "../../base/bytes.ts";
import { FieldError, Fields, type JsonObject } from "../../base/guards.ts";
import { parsePeerId, type PeerId, publicKeyOf } from "../../base/peer_id.ts";
import { isSignedBy, type MessageSigner, signed, signedBytes } from "../../discovery/signature.ts";
import { type JobCrypto, type JobId, MAX_FITNESS, onlyKeys } from "./spec.ts";

const COMMON = ["type", "job", "node", "signature"];

/** Who speaks. */
export interface Speaker {
  readonly id: PeerId;
  readonly signer: MessageSigner;
}

/** How a kind of record is told from others. */
export interface RecordKind {
  readonly type: string;
  /** Its own fields, besides those that all have. */
  readonly keys: readonly string[];
}

/** Signs a record of `job` with what `said` says. */
export function signRecord(
  kind: RecordKind,
  job: JobId,
  speaker: Speaker,
  said: JsonObject,
): JsonObject {
  return signed({ ...said, type: kind.type, job, node: speaker.id }, speaker.signer);
}

/**
 * The fields of a record of `job` and its speaker, its signature unchecked. Throws {@link FieldError} where it is
 * of another kind or job, or has fields that are not known.
 */
export function readUnchecked(
  kind: RecordKind,
  job: JobId,
  value: unknown,
): { readonly fields: Fields; readonly node: PeerId } {
  const fields = Fields.of(value, "record");
  onlyKeys(fields, [...COMMON, ...kind.keys], "record");
  fields.oneOf("type", [kind.type]);
  if (fields.raw("job") !== job) {
    throw new FieldError("invalid_field", "record.job", "it is of another job");
  }
  return { fields, node: readPeerId(fields, "node") };
}

/** Whether `node` signed `value`. Throws {@link FieldError} for what has no canonical form. */
export function isGenuine(value: JsonObject, node: PeerId, crypto: JobCrypto): boolean {
  return isSignedBy(publicKeyOf(node), value, crypto.verify);
}

/** SHA-256 of what a record's signature covers, in hexadecimal: its name in other records. */
export function hashOf(value: JsonObject, { sha256 }: JobCrypto): string {
  return encodeHex(sha256(signedBytes(value)));
}

/** SHA-256 of texts, one after another with a separator that none contains, in hexadecimal. */
export function hashTexts({ sha256 }: JobCrypto, ...texts: readonly string[]): string {
  return encodeHex(sha256(encodeUtf8(texts.join("\n"))));
}

export function readPeerId(fields: Fields, key: string): PeerId {
  const id = parsePeerId(fields.text(key, { maxLength: 64 }));
  if (!id) throw new FieldError("invalid_field", key, "it is no peer id");
  return id;
}

/** A hash as {@link hashOf} writes it. */
export function readHash(fields: Fields, key: string): string {
  const hash = fields.text(key, { minLength: 64, maxLength: 64 });
  if (/^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new FieldError("invalid_field", key, "it is no SHA-256");
}

/** A cost that can be compared and added. */
export function readCost(fields: Fields, key: string): number {
  return fields.number(key, { min: -MAX_FITNESS, max: MAX_FITNESS });
}
