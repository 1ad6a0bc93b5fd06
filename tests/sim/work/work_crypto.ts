/**
 * Keys and signatures for simulated participants. Signatures bind key and message like real ones and cost a hash; who
 * has the public key could forge one, and no simulated liar does: what it forges is its own mistake to be caught by.
 */

import { createHash } from "node:crypto";
import type { Bytes } from "../../../src/base/bytes.ts";
import { type PeerId, peerIdOf } from "../../../src/base/peer_id.ts";
import type { Speaker } from "../../../src/work/job/signed_record.ts";
import type { JobCrypto } from "../../../src/work/job/spec.ts";
import { simKey } from "../sim_identity.ts";

function sha256(...parts: readonly Bytes[]): Bytes {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** SHA-256 as it is, and a signature that is one. */
export const SIM_CRYPTO: JobCrypto = {
  sha256,
  verify(publicKey, message, signature) {
    const expected = sign(publicKey, message);
    return signature.length === 64 && signature.every((byte, i) => byte === expected[i]);
  },
};

function sign(publicKey: Bytes, message: Bytes): Bytes {
  const signature = new Uint8Array(64);
  signature.set(sha256(publicKey, message));
  signature.set(sha256(message), 32);
  return signature;
}

export function simSpeaker(seed: number, index: number): Speaker & { readonly id: PeerId } {
  const publicKey = simKey(seed, index);
  return {
    id: peerIdOf(publicKey),
    signer: { publicKey, sign: (message) => sign(publicKey, message) },
  };
}
