/**
 * Chooses the cryptography: at start the runtime's where it agrees with the reference on a self-test, the
 * reference otherwise; for small records a faster cipher, once there are so many that it is worth its
 * memory. `hamlet status` shows what is in use.
 */

import { type Bytes, concatBytes, equalBytes } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import { nativePrimitives } from "./native.ts";
import { noblePrimitives } from "./noble.ts";
import { OnDemand } from "./on_demand.ts";
import { type Aead, KEY_BYTES, NONCE_BYTES, type Primitives } from "./primitives.ts";
import { loadSmallAead, SMALL_BYTES, withSmallRecords } from "./wasm_aead.ts";

/** The primitives in use and why. */
export interface Backend {
  readonly primitives: Primitives;
  /** Which implementation does what at this moment, for people. */
  readonly report: {
    readonly aead: string;
    readonly x25519: string;
    readonly ed25519: string;
    /** Why the faster candidates were refused, if they were. */
    readonly refused: string | null;
  };
  /** Resolves when no faster cipher is being loaded. Never rejects. */
  readonly settled: Promise<void>;
}

/**
 * So many small records within so long make an agent busy: 200 a second. Forming a village of fifty takes
 * some hundreds in all, an idle agent with ten peers a few a second.
 */
const BUSY = Object.freeze({ uses: 2_048, withinMs: 10_000 });

const EMPTY: Bytes = new Uint8Array(0);
/** Public key, message and signature that satisfy Ed25519's equation without any secret: A = R, S = 0. */
const WEAK_SIGNATURE: readonly [Bytes, Bytes, Bytes] = weakSignature();

/** Picks the fastest primitives that agree with the reference. `"noble"` forces the reference. */
export function chooseBackend(
  wanted: "auto" | "noble" = "auto",
  clock: Clock = systemClock,
): Backend {
  if (wanted === "noble") return referenceBackend(null);
  try {
    selfTest(nativePrimitives, noblePrimitives);
    return nativeBackend(clock);
  } catch (error) {
    return referenceBackend(describeError(error));
  }
}

/**
 * Compares `candidate` with `reference` on fixed inputs that reach every primitive and every size
 * class. Throws `Error` naming the first one that differs.
 */
export function selfTest(candidate: Primitives, reference: Primitives): void {
  const key = pattern(KEY_BYTES, 1);
  const other = pattern(KEY_BYTES, 2);
  testAead(candidate.aead, reference.aead, [0, 1, 64, SMALL_BYTES, SMALL_BYTES + 1]);
  const ours = candidate.importDhKeyPair(key);
  const theirs = reference.importDhKeyPair(key);
  expectEqual("X25519 public key", ours.publicKey, theirs.publicKey);
  const partner = candidate.generateDhKeyPair();
  const secret = theirs.agree(partner.publicKey);
  if (!secret) throw disagreement("X25519 key pair");
  expectEqual("X25519", ours.agree(partner.publicKey), secret);
  expectEqual("X25519 key pair", partner.agree(ours.publicKey), secret);
  expectEqual("X25519 low-order point", ours.agree(new Uint8Array(KEY_BYTES)), undefined);
  const signer = candidate.importSigningKeyPair(key);
  const signature = signer.sign(other);
  expectEqual("Ed25519", signature, reference.importSigningKeyPair(key).sign(other));
  if (!candidate.verify(signer.publicKey, other, signature)) throw disagreement("Ed25519 verify");
  if (candidate.verify(signer.publicKey, key, signature)) throw disagreement("Ed25519 verify");
  if (candidate.verify(...WEAK_SIGNATURE)) throw disagreement("Ed25519 low-order point");
  expectEqual("SHA-256", candidate.sha256(key, other), reference.sha256(key, other));
  const running = candidate.createSha256();
  running.update(key);
  const copy = running.copy();
  copy.update(other);
  running.update(other);
  expectEqual("copied SHA-256", copy.digest(), reference.sha256(key, other));
  expectEqual("running SHA-256", running.digest(), reference.sha256(key, other));
  expectEqual("HKDF", candidate.hkdf(key, EMPTY, 2), reference.hkdf(key, EMPTY, 2));
  expectEqual("HKDF", candidate.hkdf(key, other, 3), reference.hkdf(key, other, 3));
}

function testAead(candidate: Aead, reference: Aead, lengths: readonly number[]): void {
  const key = pattern(KEY_BYTES, 1);
  for (const length of lengths) {
    for (const ad of [pattern(0, 0), pattern(KEY_BYTES, 3)]) {
      compareAeads(candidate, reference, key, ad, pattern(length, 4));
    }
  }
}

function compareAeads(candidate: Aead, reference: Aead, key: Bytes, ad: Bytes, plaintext: Bytes) {
  const nonce = pattern(NONCE_BYTES, 5);
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
  const expected = new Uint8Array(plaintext.length + TAG_BYTES);
  const half = plaintext.length >>> 1;
  candidate.seal(key, nonce, ad, [plaintext.subarray(0, half), plaintext.subarray(half)], sealed);
  reference.seal(key, nonce, ad, [plaintext], expected);
  expectEqual("ChaCha20-Poly1305 seal", sealed, expected);
  expectEqual("ChaCha20-Poly1305 open", candidate.open(key, nonce, ad, sealed), plaintext);
  for (const index of [0, sealed.length - 1]) {
    const forged = sealed.slice();
    forged[index] = (forged[index] ?? 0) ^ 1;
    expectEqual("ChaCha20-Poly1305 forgery", candidate.open(key, nonce, ad, forged), undefined);
  }
}

/** Loads the cipher for small records. Rejects unless it agrees with the reference. */
async function loadTestedAead(): Promise<Aead> {
  const aead = await loadSmallAead();
  testAead(aead, noblePrimitives.aead, [0, 1, 64, SMALL_BYTES]);
  return aead;
}

function nativeBackend(clock: Clock): Backend {
  const { aead: large, name } = nativePrimitives;
  const small = new OnDemand({ ...BUSY, clock, load: loadTestedAead });
  const aead = withSmallRecords(large, () => small.use());
  const report = {
    get aead() {
      return small.value ? `${large.name}+${small.value.name}` : large.name;
    },
    x25519: name,
    ed25519: name,
    get refused() {
      return small.refused ?? null;
    },
  };
  return Object.freeze({
    primitives: Object.freeze({ ...nativePrimitives, aead }),
    report: Object.freeze(report),
    get settled() {
      return small.settled;
    },
  });
}

function referenceBackend(refused: string | null): Backend {
  const { name, aead } = noblePrimitives;
  const report = { aead: aead.name, x25519: name, ed25519: name, refused };
  return Object.freeze({
    primitives: noblePrimitives,
    report: Object.freeze(report),
    settled: Promise.resolve(),
  });
}

function expectEqual(what: string, actual: Bytes | undefined, expected: Bytes | undefined): void {
  const equal = actual && expected ? equalBytes(actual, expected) : actual === expected;
  if (!equal) throw disagreement(what);
}

function disagreement(what: string): Error {
  return new Error(`Cannot use the native ${what}: it disagrees with the reference`);
}

function weakSignature(): [Bytes, Bytes, Bytes] {
  const neutral = new Uint8Array(KEY_BYTES);
  neutral[0] = 1;
  return [neutral, EMPTY, concatBytes(neutral, new Uint8Array(KEY_BYTES))];
}

/** Fixed bytes without structure that a broken implementation could get right by accident. */
function pattern(length: number, seed: number): Bytes {
  return concatBytes(
    Uint8Array.from({ length }, (_, i) => (i * 167 + seed * 59 + (i >>> 3)) & 0xff),
  );
}
