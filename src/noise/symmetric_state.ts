/**
 * Noise's CipherState and SymmetricState (The Noise Protocol Framework, revision 34, sections 5.1 and
 * 5.2), in the paper's letters.
 */

import { type Bytes, encodeUtf8, NO_BYTES } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import { KEY_BYTES, NONCE_BYTES, type Primitives } from "./primitives.ts";

/** Why a handshake or a session failed. */
export type NoiseErrorCode =
  | "bad_tag"
  | "bad_message"
  | "low_order_point"
  | "nonce_exhausted"
  | "version_mismatch"
  | "unsupported_pattern"
  | "bad_payload"
  | "identity_mismatch"
  | "self_connection"
  | "rejected"
  | "invitation_unknown"
  | "invitation_used"
  | "invitation_expired";

/** The link is dead: nothing more can be read or written on it. */
export class NoiseError extends CodedError<NoiseErrorCode> {
  override readonly name = "NoiseError";
}

const ZEROS: Bytes = new Uint8Array(KEY_BYTES);
/** Rekeying uses the nonce 2^64 - 1, which transport messages never reach. */
const REKEY_NONCE: Bytes = Uint8Array.from([0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
/** Where every nonce is put together: it is used in the same breath. */
const nonce: Bytes = new Uint8Array(NONCE_BYTES);
const nonceView = new DataView(nonce.buffer);

/** One direction's key and counter (section 5.1). */
export class CipherState {
  readonly #primitives: Primitives;
  #k: Bytes | undefined;
  #n = 0;

  constructor(primitives: Primitives, k?: Bytes) {
    this.#primitives = primitives;
    this.#k = k;
  }

  /** `INITIALIZEKEY`: counts from 0 under `k`. */
  initializeKey(k: Bytes): void {
    this.#k = k;
    this.#n = 0;
  }

  hasKey(): boolean {
    return this.#k !== undefined;
  }

  /** Messages sealed or opened so far, which is the next nonce. */
  get n(): number {
    return this.#n;
  }

  /** Seals the concatenation of `parts` into `out` from `at` on: 16 bytes more than they have. */
  encryptInto(ad: Bytes, parts: readonly Bytes[], out: Bytes, at = 0): void {
    if (!this.#k) throw new TypeError("Cannot encrypt: the cipher state has no key");
    this.#primitives.aead.seal(this.#k, this.#nextNonce(), ad, parts, out, at);
    this.#n++;
  }

  /** `ENCRYPTWITHAD`: without a key, the plaintext itself. */
  encryptWithAd(ad: Bytes, plaintext: Bytes): Bytes {
    if (!this.#k) return plaintext;
    const out = new Uint8Array(plaintext.length + TAG_BYTES);
    this.encryptInto(ad, [plaintext], out);
    return out;
  }

  /** `DECRYPTWITHAD` of `ciphertext` from `from` on. Throws {@link NoiseError} `bad_tag`; the counter then stays. */
  decryptWithAd(ad: Bytes, ciphertext: Bytes, from = 0): Bytes {
    if (!this.#k) return ciphertext.slice(from);
    const plaintext = this.#primitives.aead.open(this.#k, this.#nextNonce(), ad, ciphertext, from);
    if (!plaintext) throw new NoiseError("bad_tag", "Cannot decrypt: the tag does not verify");
    this.#n++;
    return plaintext;
  }

  /** `REKEY` (section 4.2): the first 32 bytes of sealed zeros. The counter goes on. */
  rekey(): void {
    if (!this.#k) throw new TypeError("Cannot rekey: the cipher state has no key");
    const out = new Uint8Array(KEY_BYTES + TAG_BYTES);
    this.#primitives.aead.seal(this.#k, REKEY_NONCE, NO_BYTES, [ZEROS], out);
    this.#k = out.slice(0, KEY_BYTES);
  }

  /** 32 zero bits, then the counter as 64 bits little-endian (section 12.3). */
  #nextNonce(): Bytes {
    if (this.#n >= Number.MAX_SAFE_INTEGER) {
      throw new NoiseError("nonce_exhausted", "Cannot continue: the nonce counter is used up");
    }
    nonceView.setUint32(4, this.#n, true);
    nonceView.setUint32(8, this.#n / 0x1_0000_0000, true);
    return nonce;
  }
}

/** The chaining key `ck`, the transcript hash `h` and the handshake's cipher (section 5.2). */
export class SymmetricState {
  readonly #primitives: Primitives;
  readonly #cipher: CipherState;
  /** Changes in place: a buffer for each of its values would cost as much as the hash. */
  readonly #h: Bytes = new Uint8Array(KEY_BYTES);
  #ck: Bytes;

  constructor(primitives: Primitives, protocolName: string) {
    this.#primitives = primitives;
    const name = encodeUtf8(protocolName);
    if (name.length <= KEY_BYTES) this.#h.set(name);
    else primitives.sha256Into(this.#h, name);
    this.#ck = this.#h.slice();
    this.#cipher = new CipherState(primitives);
  }

  /** The transcript hash so far: after the handshake it identifies the session (section 11.2). */
  get h(): Bytes {
    return this.#h;
  }

  hasKey(): boolean {
    return this.#cipher.hasKey();
  }

  mixKey(inputKeyMaterial: Bytes): void {
    const okm = this.#primitives.hkdf(this.#ck, inputKeyMaterial, 2);
    this.#ck = okm.subarray(0, KEY_BYTES);
    this.#cipher.initializeKey(okm.subarray(KEY_BYTES));
  }

  mixHash(bytes: Bytes): void {
    this.#primitives.sha256Into(this.#h, this.#h, bytes);
  }

  mixKeyAndHash(inputKeyMaterial: Bytes): void {
    const okm = this.#primitives.hkdf(this.#ck, inputKeyMaterial, 3);
    this.#ck = okm.subarray(0, KEY_BYTES);
    this.mixHash(okm.subarray(KEY_BYTES, 2 * KEY_BYTES));
    this.#cipher.initializeKey(okm.subarray(2 * KEY_BYTES));
  }

  encryptAndHash(plaintext: Bytes): Bytes {
    const ciphertext = this.#cipher.encryptWithAd(this.#h, plaintext);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decryptAndHash(ciphertext: Bytes): Bytes {
    const plaintext = this.#cipher.decryptWithAd(this.#h, ciphertext);
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** The two transport ciphers: initiator to responder, then responder to initiator. */
  split(): [CipherState, CipherState] {
    const okm = this.#primitives.hkdf(this.#ck, NO_BYTES, 2);
    return [
      new CipherState(this.#primitives, okm.subarray(0, KEY_BYTES)),
      new CipherState(this.#primitives, okm.subarray(KEY_BYTES)),
    ];
  }
}
