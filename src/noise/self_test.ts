/**
 * Whether an implementation of the primitives gives the reference's results on this very machine.
 *
 * What the reference gives for the fixed inputs stands here, and a test holds it to that: computed at each
 * start it would take 5 MB and most of the time of the start.
 */

import { type Bytes, concatBytes, decodeHex, encodeHex, NO_BYTES } from "../base/bytes.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import { type Aead, KEY_BYTES, NONCE_BYTES, type Primitives } from "./primitives.ts";
import { SMALL_BYTES } from "./wasm_aead.ts";

const KEY = pattern(KEY_BYTES, 1);
const OTHER = pattern(KEY_BYTES, 2);
const NONCE = pattern(NONCE_BYTES, 5);
/** Public key, message and signature that satisfy Ed25519's equation without any secret: A = R, S = 0. */
const WEAK_SIGNATURE: readonly [Bytes, Bytes, Bytes] = weakSignature();

/** The reference's results, in hexadecimal. */
const KNOWN = Object.freeze({
  /** SHA-256 of `KEY` and `OTHER`. */
  sha256: "909b0145ecad6cbf49459f15043f4efca176a707d8de8c8600da997b25eead15",
  /** HKDF of the chaining key `KEY`: two outputs without input, three of `OTHER`. */
  hkdf: [
    "60aa9ae689fa76ce90a2f3c66fad9cbbbb2ed6093eb08c013c043a9575942be4" +
    "8794a805487b7c3b1a1f07b3e1b9559193051d95e3e06e95c3cfd4b7ba7e0bc8",
    "f36ee462cd12e3964fc4464ca3fc670f6f8aa4426d4927dce6c9e12da1822e2f" +
    "a6e9823ca13636204f7e9db479f6ef11f2cdace6b8e31740687710fc2e6a21de" +
    "90dcac4e1898a9fbed1c9f05022882553f274460a3c97a60ea1988c9087c90cd",
  ],
  /** X25519: the public keys of `KEY` and of `OTHER`, and what they agree on. */
  ourDhKey: "618caa54f534e4149e9944e84263cf4fa22aef579615f6d4f74a419ae8b8b91f",
  theirDhKey: "859f59e42cd77d5986a93d1030e1d87d3ee9642d6564676b38864e58a2761220",
  dhSecret: "dc1a542ba1c0883db4002397fc386c19dc20c1ed11c6d57afff6756e5269a215",
  /** Ed25519: the public key of `KEY`, and its signature of `OTHER`. */
  verifyingKey: "3ce6d21976d04904b29b67d388b07e68e8443a0cc967d660d33dae8f9e0b665f",
  signature: "d8f7994819eae43e32d0aeb784e06b51da54ed55d763b0efd194a15ba13dddcf" +
    "346f8d0c6eaa9c5bc3ca47bfbb1335736cb615fe6d0df513a961b59107c83308",
  /** SHA-256 of what is sealed: without associated data, and with 32 bytes of it. */
  sealed: [
    {
      length: 0,
      digests: [
        "a80b7e2e60c25330ce706e2bea7eea422f049ca5a2f9662dd48a2d70270099d1",
        "d1720d0fac2172b73a584efd7560b71a47534b5faf2784a85ac084a0c7f9a507",
      ],
    },
    {
      length: 1,
      digests: [
        "7be038e5fd2abf2b675c7c141c40f1870cf2215935d6a03f0db7c9903e999602",
        "a963dbfa378d05b6322da0c8f2c65989e10551575b00cd39da24d9b49827e4cc",
      ],
    },
    {
      length: 64,
      digests: [
        "25f1444975167fb84be0666c96c9ecbc91e8a039220701e708c33fab2c278240",
        "ced3b5aff4b9620471d228ee26367fce97f8ca7103d14138665317253140d261",
      ],
    },
    {
      length: SMALL_BYTES,
      digests: [
        "6e7ebd79fe588610cb72de5d306d98cada61444159b9c186bd7efe2b23c7d8e8",
        "bb1026ea0df7eee190696d5745ddb8164417178e6c6b5de34be58313de4750e7",
      ],
    },
    {
      length: SMALL_BYTES + 1,
      digests: [
        "883d6edd8a2ecd3c6c1339adcd3de3dc41705917045a716f07acb671b8315a45",
        "89bbb1d20b1bd070b43ec66e1e29da75bf47cb869e0973d5f9711677363cee01",
      ],
    },
  ],
});

/** Throws `Error` naming the first primitive of `candidate` that differs from the reference. */
export function selfTest(candidate: Primitives): void {
  testHashes(candidate);
  testAead(candidate.aead, candidate, SMALL_BYTES + 1);
  testDh(candidate);
  testSignatures(candidate);
}

/** The same for a cipher that takes small records only; `primitives` are known to be right. */
export function selfTestSmall(aead: Aead, primitives: Primitives): void {
  testAead(aead, primitives, SMALL_BYTES);
}

function testHashes({ sha256, sha256Into, createSha256, hkdf }: Primitives): void {
  expectHex("SHA-256", sha256(KEY, OTHER), KNOWN.sha256);
  const inPlace = KEY.slice();
  sha256Into(inPlace, inPlace, OTHER);
  expectHex("SHA-256 in place", inPlace, KNOWN.sha256);
  const running = createSha256();
  running.update(KEY);
  const copy = running.copy();
  copy.update(OTHER);
  running.update(OTHER);
  expectHex("copied SHA-256", copy.digest(), KNOWN.sha256);
  expectHex("running SHA-256", running.digest(), KNOWN.sha256);
  expectHex("HKDF", hkdf(KEY, NO_BYTES, 2), KNOWN.hkdf[0]);
  expectHex("HKDF", hkdf(KEY, OTHER, 3), KNOWN.hkdf[1]);
}

function testAead(aead: Aead, { sha256 }: Primitives, maxBytes: number): void {
  for (const { length, digests } of KNOWN.sealed) {
    if (length > maxBytes) continue;
    const plaintext = pattern(length, 4);
    const half = length >>> 1;
    const parts = [plaintext.subarray(0, half), plaintext.subarray(half)];
    for (const [index, ad] of [NO_BYTES, pattern(KEY_BYTES, 3)].entries()) {
      const sealed = new Uint8Array(length + TAG_BYTES);
      aead.seal(KEY, NONCE, ad, parts, sealed);
      expectHex("ChaCha20-Poly1305 seal", sha256(sealed), digests[index]);
      expectEqual("ChaCha20-Poly1305 open", aead.open(KEY, NONCE, ad, sealed), plaintext);
      for (const place of [0, sealed.length - 1]) {
        const forged = sealed.slice();
        forged[place] = (forged[place] ?? 0) ^ 1;
        expectEqual("ChaCha20-Poly1305 forgery", aead.open(KEY, NONCE, ad, forged), undefined);
      }
      const framed = new Uint8Array(1 + sealed.length);
      aead.seal(KEY, NONCE, ad, parts, framed, 1);
      expectEqual("ChaCha20-Poly1305 seal behind a byte", framed.slice(1), sealed);
      expectEqual(
        "ChaCha20-Poly1305 open behind a byte",
        aead.open(KEY, NONCE, ad, framed, 1),
        plaintext,
      );
    }
  }
}

function testDh({ importDhKeyPair, generateDhKeyPair }: Primitives): void {
  const ours = importDhKeyPair(KEY);
  expectHex("X25519 public key", ours.publicKey, KNOWN.ourDhKey);
  expectHex("X25519", ours.agree(decodeHex(KNOWN.theirDhKey)), KNOWN.dhSecret);
  expectEqual("X25519 low-order point", ours.agree(new Uint8Array(KEY_BYTES)), undefined);
  const partner = generateDhKeyPair();
  const shared = ours.agree(partner.publicKey);
  if (!shared) throw disagreement("X25519 key pair");
  expectEqual("X25519 key pair", partner.agree(ours.publicKey), shared);
}

function testSignatures({ importSigningKeyPair, verify }: Primitives): void {
  const signer = importSigningKeyPair(KEY);
  expectHex("Ed25519 public key", signer.publicKey, KNOWN.verifyingKey);
  const signature = signer.sign(OTHER);
  expectHex("Ed25519", signature, KNOWN.signature);
  if (!verify(signer.publicKey, OTHER, signature)) throw disagreement("Ed25519 verify");
  if (verify(signer.publicKey, KEY, signature)) throw disagreement("Ed25519 verify");
  if (verify(...WEAK_SIGNATURE)) throw disagreement("Ed25519 low-order point");
}

function expectHex(what: string, actual: Bytes | undefined, expected: string | undefined): void {
  if (actual === undefined || encodeHex(actual) !== expected) throw disagreement(what);
}

/** As text: comparing byte by byte at the start has the optimizing compiler loaded, 2 MB of it. */
function expectEqual(what: string, actual: Bytes | undefined, expected: Bytes | undefined): void {
  if (actual && expected) expectHex(what, actual, encodeHex(expected));
  else if (actual !== expected) throw disagreement(what);
}

function disagreement(what: string): Error {
  return new Error(`Cannot use the native ${what}: it disagrees with the reference`);
}

function weakSignature(): [Bytes, Bytes, Bytes] {
  const neutral = new Uint8Array(KEY_BYTES);
  neutral[0] = 1;
  return [neutral, NO_BYTES, concatBytes(neutral, new Uint8Array(KEY_BYTES))];
}

/** Fixed bytes without structure that a broken implementation could get right by accident. */
function pattern(length: number, seed: number): Bytes {
  return concatBytes(
    Uint8Array.from({ length }, (_, i) => (i * 167 + seed * 59 + (i >>> 3)) & 0xff),
  );
}
