/**
 * Sealed records: what flows once the handshake is done (PROTOCOL.md section 5).
 *
 * ```
 * length u32 | F9 | ciphertext | tag 16            at most 65,535 bytes of ciphertext and tag
 * ```
 *
 * The nonce is Noise's counter and is never sent. Keys are replaced by Noise's `REKEY` after 2^16
 * records, 1 GiB or 120 s, whichever is first; a record that the old key seals announces it.
 */

import {
  type Bytes,
  concatBytes,
  equalBytes,
  NO_BYTES,
  totalLength,
  writeU32,
} from "../base/bytes.ts";
import { RECORD_BYTE } from "../wire/detect.ts";
import {
  LENGTH_BYTES,
  MAX_PLAINTEXT_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_OVERHEAD_BYTES,
  TAG_BYTES,
} from "../wire/limits.ts";
import { type CipherState, NoiseError } from "./symmetric_state.ts";

/** When a sending key is replaced. */
export interface RekeyPolicy {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Far below what ChaCha20-Poly1305 bears: it bounds what one stolen key opens. */
export const DEFAULT_REKEY_POLICY: RekeyPolicy = Object.freeze({
  maxRecords: 65_536,
  maxBytes: 1_073_741_824,
  maxAgeMs: 120_000,
});

/** The announcement: a channel frame of kind 7, alone in its record (PROTOCOL.md section 6). */
export const REKEY_PLAINTEXT: Bytes = Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0);
/** Size of the announcing record on the wire. */
export const REKEY_RECORD_BYTES = RECORD_OVERHEAD_BYTES + REKEY_PLAINTEXT.length;

const HEADER_BYTES = LENGTH_BYTES + RECORD_HEADER_BYTES;

/** Seals the records of one direction. */
export class RecordSealer {
  readonly #cipher: CipherState;
  readonly #policy: RekeyPolicy;
  #records = 0;
  #bytes = 0;
  #keyedAtMs: number;

  constructor(cipher: CipherState, nowMs: number, policy: RekeyPolicy = DEFAULT_REKEY_POLICY) {
    this.#cipher = cipher;
    this.#policy = policy;
    this.#keyedAtMs = nowMs;
  }

  /** Whether the key has done its share: send {@link sealRekey} before the next record. */
  isRekeyDue(nowMs: number): boolean {
    // The announcement is itself a record under the old key.
    return this.#records + 1 >= this.#policy.maxRecords ||
      this.#bytes >= this.#policy.maxBytes ||
      nowMs - this.#keyedAtMs >= this.#policy.maxAgeMs;
  }

  /**
   * Seals the concatenation of `parts` (1..65,519 bytes) as a whole frame into `out` at `offset`.
   * Returns the offset behind it: `plaintext length + 21` further.
   */
  seal(parts: readonly Bytes[], out: Bytes, offset: number): number {
    const length = totalLength(parts);
    if (length === REKEY_PLAINTEXT.length && equalBytes(concatBytes(...parts), REKEY_PLAINTEXT)) {
      throw new RangeError("Cannot seal record: only the record layer announces a new key");
    }
    if (length === 0 || length > MAX_PLAINTEXT_BYTES) {
      throw new RangeError(
        `Cannot seal record: plaintext length ${length} is outside 1..${MAX_PLAINTEXT_BYTES}`,
      );
    }
    return this.#seal(parts, length, out, offset);
  }

  /** Seals the announcement into `out` at `offset` and changes the key; returns the offset behind. */
  sealRekey(out: Bytes, offset: number, nowMs: number): number {
    const end = this.#seal([REKEY_PLAINTEXT], REKEY_PLAINTEXT.length, out, offset);
    this.#cipher.rekey();
    this.#records = 0;
    this.#bytes = 0;
    this.#keyedAtMs = nowMs;
    return end;
  }

  #seal(parts: readonly Bytes[], length: number, out: Bytes, offset: number): number {
    const sealedBytes = length + TAG_BYTES;
    const end = offset + HEADER_BYTES + sealedBytes;
    if (end > out.length) throw new RangeError("Cannot seal record: the output is too short");
    this.#cipher.encryptInto(NO_BYTES, parts, out, offset + HEADER_BYTES);
    writeU32(out, offset, RECORD_HEADER_BYTES + sealedBytes);
    out[offset + LENGTH_BYTES] = RECORD_BYTE;
    this.#records++;
    this.#bytes += length;
    return end;
  }
}

/** Opens the records of one direction. Dead after the first forged one. */
export class RecordOpener {
  readonly #cipher: CipherState;
  #isDead = false;

  constructor(cipher: CipherState) {
    this.#cipher = cipher;
  }

  /**
   * The plaintext of a record `payload` (from its `F9` on), in a buffer that is the caller's.
   * `undefined` when the record only announced a new key. Throws {@link NoiseError} `bad_tag`, or
   * `bad_message` for a record without plaintext.
   */
  open(payload: Bytes): Bytes | undefined {
    if (this.#isDead) {
      throw new NoiseError("bad_tag", "Cannot open record: an earlier one was forged");
    }
    this.#isDead = true;
    if (payload.length <= RECORD_HEADER_BYTES + TAG_BYTES) {
      throw new NoiseError(
        "bad_message",
        `Cannot open record: length ${payload.length} is too short`,
      );
    }
    const plaintext = this.#cipher.decryptWithAd(NO_BYTES, payload, RECORD_HEADER_BYTES);
    this.#isDead = false;
    if (plaintext[0] === REKEY_PLAINTEXT[0] && equalBytes(plaintext, REKEY_PLAINTEXT)) {
      this.#cipher.rekey();
      return undefined;
    }
    return plaintext;
  }
}
