/**
 * Members for tests: keys, toy signatures and records. The signatures bind key and message as real ones do, and cost
 * nothing; anybody could forge one, and the tests do.
 */

import { type Bytes, concatBytes, writeU32 } from "../../src/base/bytes.ts";
import { ByteReader } from "../../src/base/byte_reader.ts";
import { type PeerId, peerIdOf } from "../../src/base/peer_id.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import type { MessageSigner } from "../../src/discovery/signature.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import {
  type MemberRecord,
  readMemberRecord,
  type RecordReader,
  signMemberRecord,
} from "../../src/gossip/member_record.ts";
import type { Neighbour } from "../../src/gossip/neighbour.ts";

export const PURE = { permissions: "none" } as const;

const keys = new Map<number, Bytes>();
const ids = new Map<number, PeerId>();

/** 32 bytes as good as random, different for each `n`. */
export function keyOf(n: number): Bytes {
  const known = keys.get(n);
  if (known) return known;
  const random = seededRandom(n * 7_919 + 1);
  const key = Uint8Array.from({ length: 32 }, () => Math.floor(random.next() * 256));
  writeU32(key, 28, n);
  keys.set(n, key);
  return key;
}

export function idOf(n: number): PeerId {
  const known = ids.get(n);
  if (known) return known;
  const id = peerIdOf(keyOf(n));
  ids.set(n, id);
  return id;
}

/** 64 bytes that depend on every byte of key and message. */
function toySignature(publicKey: Bytes, message: Bytes): Bytes {
  const signature = new Uint8Array(64);
  let mixed = 0x811c_9dc5;
  for (const byte of concatBytes(publicKey, message)) mixed = Math.imul(mixed ^ byte, 0x0100_0193);
  for (let at = 0; at < 64; at += 4) {
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) + at;
    writeU32(signature, at, mixed >>> 0);
  }
  return signature;
}

export function signerOf(n: number): MessageSigner {
  const publicKey = keyOf(n);
  return { publicKey, sign: (message) => toySignature(publicKey, message) };
}

export function toyVerify(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  const expected = toySignature(publicKey, message);
  return signature.length === 64 && signature.every((byte, at) => byte === expected[at]);
}

type Said = Partial<Omit<MemberRecord, "id" | "bytes">>;

/** What the `n`-th member says of itself. */
export function recordOf(n: number, said: Said = {}): MemberRecord {
  return signMemberRecord(
    {
      id: idOf(n),
      incarnation: 0,
      status: "alive",
      pace: "lan",
      addresses: [{ host: `10.0.${n >> 8}.${n & 255}`, port: 9000 }],
      ...said,
    },
    signerOf(n),
    PLAIN_ID_CODEC,
  );
}

/** A record about the `n`-th member that it never signed. */
export function forgedRecord(n: number, said: Said = {}): MemberRecord {
  const { bytes } = recordOf(n, said);
  const forged = bytes.slice();
  forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1;
  return readRecord(new ByteReader(forged));
}

export const readRecord: RecordReader = (reader) => readMemberRecord(reader, PLAIN_ID_CODEC);

export function neighbourOf(nowMs = 0, degree = 0): Neighbour {
  return {
    sinceMs: nowMs,
    heardMs: nowMs,
    probedMs: nowMs,
    degree,
    isParting: false,
    forgedMs: -Infinity,
  };
}

/** A `Random` that gives `values` one after another, again and again. */
export function fixedRandom(...values: readonly number[]): Random {
  let at = 0;
  return { next: () => values[at++ % values.length] ?? 0 };
}
