/**
 * What every implementation of the primitives gives for a few hundred inputs that follow from a seed: run on two
 * architectures, it must be the same to the last bit.
 *
 * As a program it prints them as one JSON object.
 */

import { type Bytes, concatBytes, encodeHex } from "../../../src/base/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../../../src/base/random.ts";
import { nativePrimitives } from "../../../src/noise/native.ts";
import { noblePrimitives } from "../../../src/noise/noble.ts";
import {
  type Aead,
  KEY_BYTES,
  NONCE_BYTES,
  type Primitives,
} from "../../../src/noise/primitives.ts";
import { loadSmallAead, SMALL_BYTES } from "../../../src/noise/wasm_aead.ts";
import { TAG_BYTES } from "../../../src/wire/limits.ts";

/** One digest for each thing that was computed. */
export type Results = Readonly<Record<string, string>>;

export interface CryptoResults {
  readonly arch: string;
  /** By implementation: the reference, the runtime's, and the cipher in WebAssembly. */
  readonly noble: Results;
  readonly native: Results;
  readonly wasm: Results;
}

const SEED = 20_260_601;
/** Around the block of ChaCha20, that of Poly1305, the small cipher's limit and the largest record. */
const LENGTHS = [0, 1, 15, 16, 17, 63, 64, 65, 255, 1_023, 1_024, 1_025, 4_096, 16_384, 65_519];
const ROUNDS = 8;

export async function cryptoResults(): Promise<CryptoResults> {
  return {
    arch: Deno.build.arch,
    noble: resultsOf(noblePrimitives),
    native: resultsOf(nativePrimitives),
    wasm: sealedBy(await loadSmallAead(), nativePrimitives, SMALL_BYTES),
  };
}

/** Digests that two results do not agree on, by name; a result that the other lacks is one. */
export function disagreements(one: Results, other: Results): readonly string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]);
}

function resultsOf(primitives: Primitives): Results {
  const random = seededRandom(SEED);
  const { sha256, hkdf, importDhKeyPair, importSigningKeyPair, verify } = primitives;
  const results: Record<string, string> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const [ours, theirs] = [bytes(random, KEY_BYTES), bytes(random, KEY_BYTES)];
    const message = bytes(random, randomBelow(random, 2_000));
    const [mine, other] = [importDhKeyPair(ours), importDhKeyPair(theirs)];
    const shared = mine.agree(other.publicKey);
    const signer = importSigningKeyPair(ours);
    const signature = signer.sign(message);
    const forged = signature.slice();
    forged[round] = (forged[round] ?? 0) ^ 1;
    const verdicts = [
      verify(signer.publicKey, message, signature),
      verify(signer.publicKey, message, forged),
    ];
    Object.assign(results, {
      [`sha256 ${round}`]: encodeHex(sha256(message, ours)),
      [`hkdf2 ${round}`]: encodeHex(hkdf(ours, message, 2)),
      [`hkdf3 ${round}`]: encodeHex(hkdf(ours, theirs, 3)),
      [`x25519 key ${round}`]: encodeHex(mine.publicKey),
      [`x25519 ${round}`]: shared ? encodeHex(shared) : "none",
      [`ed25519 key ${round}`]: encodeHex(signer.publicKey),
      [`ed25519 ${round}`]: encodeHex(signature),
      [`ed25519 verdicts ${round}`]: verdicts.join(),
    });
  }
  return { ...results, ...sealedBy(primitives.aead, primitives, Infinity) };
}

function sealedBy(aead: Aead, { sha256 }: Primitives, maxBytes: number): Results {
  const random = seededRandom(SEED + 1);
  const results: Record<string, string> = {};
  for (const length of LENGTHS) {
    const [key, nonce] = [bytes(random, KEY_BYTES), bytes(random, NONCE_BYTES)];
    const [ad, plaintext] = [bytes(random, randomBelow(random, 33)), bytes(random, length)];
    if (length > maxBytes) continue;
    const sealed = new Uint8Array(length + TAG_BYTES);
    aead.seal(key, nonce, ad, [plaintext], sealed);
    const opened = aead.open(key, nonce, ad, sealed);
    results[`seal ${length}`] = encodeHex(sha256(sealed));
    results[`open ${length}`] = opened ? encodeHex(sha256(opened, plaintext)) : "none";
    sealed[length] = (sealed[length] ?? 0) ^ 0x80;
    results[`forged ${length}`] = aead.open(key, nonce, ad, sealed) ? "taken" : "refused";
  }
  return results;
}

function bytes(random: Random, length: number): Bytes {
  return concatBytes(Uint8Array.from({ length }, () => randomBelow(random, 256)));
}

if (import.meta.main) console.log(JSON.stringify(await cryptoResults()));
