/**
 * Keys and signatures for simulated participants. Signatures bind key and message like real ones and cost next to
 * nothing; who has the public key could forge one, and no simulated liar does but on purpose to be caught.
 */

import { hash } from "node:crypto";
import { type Bytes, concatBytes, writeU32 } from "../../../src/base/bytes.ts";
import { type PeerId, peerIdOf } from "../../../src/base/peer_id.ts";
import type { Speaker } from "../../../src/work/job/signed_record.ts";
import type { JobCrypto } from "../../../src/work/job/spec.ts";
import { simKey } from "../sim_identity.ts";

/** SHA-256 as it is, and a signature that is none. */
export const SIM_CRYPTO: JobCrypto = {
  sha256(...parts) {
    const [first = new Uint8Array()] = parts;
    const bytes = parts.length === 1 ? first : concatBytes(...parts);
    return new Uint8Array(hash("sha256", bytes, "buffer"));
  },
  verify(publicKey, message, signature) {
    const expected = sign(publicKey, message);
    return signature.length === 64 && signature.every((byte, i) => byte === expected[i]);
  },
};

/** FNV-1a (Fowler, Noll, Vo) of key and message, mixed over 64 bytes. */
function sign(publicKey: Bytes, message: Bytes): Bytes {
  let mixed = 0x811c_9dc5;
  for (const byte of publicKey) mixed = Math.imul(mixed ^ byte, 0x0100_0193);
  for (const byte of message) mixed = Math.imul(mixed ^ byte, 0x0100_0193);
  const signature = new Uint8Array(64);
  for (let at = 0; at < 64; at += 4) {
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) + at;
    writeU32(signature, at, mixed >>> 0);
  }
  return signature;
}

export function simSpeaker(seed: number, index: number): Speaker & { readonly id: PeerId } {
  const publicKey = simKey(seed, index);
  return {
    id: peerIdOf(publicKey),
    signer: { publicKey, sign: (message) => sign(publicKey, message) },
  };
}
