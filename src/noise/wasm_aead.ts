/**
 * ChaCha20-Poly1305 in WebAssembly, for small records only: libsodium's.
 *
 * A call into the runtime's native cipher costs 2 to 4 us before the first byte; this one costs a fifth of
 * that, and loses above {@link SMALL_BYTES} (`bench/aead_bench.ts`). A 64-byte round trip pays it four times.
 * It costs some 5 MB, so it is loaded by who is busy: see `backend.ts`.
 */

import { type Bytes, totalLength, writeParts } from "../base/bytes.ts";
import { Prefixes } from "../base/prefixes.ts";
import { Slab } from "../base/slab.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import { type Aead, KEY_BYTES, NONCE_BYTES } from "./primitives.ts";

/** Plaintext length up to which the WebAssembly cipher is the faster one, bytes. */
export const SMALL_BYTES = 1_024;

/** The longest associated data it takes; Noise's is a 32-byte hash or empty. */
const MAX_AD_BYTES = 32;
/** What may stand before a record that is opened: copied with it, which costs less than a view without it. */
const MAX_LEAD_BYTES = 16;
const NULL = 0;

/**
 * What we use of libsodium's raw module, under the names of its C functions. Pointers are numbers, and a
 * length of 64 bits comes as two halves, the low one first.
 */
interface Sodium {
  /** Its memory; another array once it has grown. */
  readonly HEAPU8: Bytes;
  _malloc(length: number): number;
  // deno-fmt-ignore
  _crypto_aead_chacha20poly1305_ietf_encrypt(
    c: number, clen: number, m: number, mlen: number, mlenHigh: number,
    ad: number, adlen: number, adlenHigh: number, nsec: number, npub: number, k: number,
  ): number;
  /** 0 unless it is forged. */
  // deno-fmt-ignore
  _crypto_aead_chacha20poly1305_ietf_decrypt(
    m: number, mlen: number, nsec: number, c: number, clen: number, clenHigh: number,
    ad: number, adlen: number, adlenHigh: number, npub: number, k: number,
  ): number;
}

/** `small` for records within its limits, once it is there, and `large` for all others. */
export function withSmallRecords(large: Aead, small: () => Aead | undefined): Aead {
  return {
    name: large.name,
    seal(key, nonce, ad, parts, out, at = 0) {
      const aead = isSmall(totalLength(parts), ad) ? small() ?? large : large;
      aead.seal(key, nonce, ad, parts, out, at);
    },
    open(key, nonce, ad, sealed, from = 0) {
      const length = sealed.length - from - TAG_BYTES;
      const aead = isSmall(length, ad, from) ? small() ?? large : large;
      return aead.open(key, nonce, ad, sealed, from);
    },
  };
}

/** Loads the cipher. It takes what {@link withSmallRecords} lets through, and nothing longer. */
export async function loadSmallAead(): Promise<Aead> {
  const { default: start } = await import("libsodium");
  return smallAead(await start());
}

function smallAead(sodium: Sodium): Aead {
  const k = sodium._malloc(KEY_BYTES);
  const npub = sodium._malloc(NONCE_BYTES);
  const a = sodium._malloc(MAX_AD_BYTES);
  const m = sodium._malloc(SMALL_BYTES);
  const c = sodium._malloc(MAX_LEAD_BYTES + SMALL_BYTES + TAG_BYTES) + MAX_LEAD_BYTES;
  // Nothing is allocated from here on: the memory stays where it is.
  const memory = sodium.HEAPU8;
  const plaintexts = new Prefixes(memory.subarray(m, m + SMALL_BYTES));
  const ciphertexts = new Prefixes(memory.subarray(c, c + SMALL_BYTES + TAG_BYTES));
  const slab = new Slab();
  const put = (key: Bytes, nonce: Bytes, ad: Bytes): void => {
    memory.set(key, k);
    memory.set(nonce, npub);
    if (ad.length > 0) memory.set(ad, a);
  };
  return {
    name: "wasm",
    seal(key, nonce, ad, parts, out, at = 0) {
      const length = totalLength(parts);
      checkLimits(length, ad);
      put(key, nonce, ad);
      writeParts(memory, m, parts);
      // deno-fmt-ignore
      sodium._crypto_aead_chacha20poly1305_ietf_encrypt(
        c, NULL, m, length, 0, a, ad.length, 0, NULL, npub, k,
      );
      out.set(ciphertexts.of(length + TAG_BYTES), at);
    },
    open(key, nonce, ad, sealed, from = 0) {
      const length = sealed.length - from - TAG_BYTES;
      checkLimits(length, ad, from);
      put(key, nonce, ad);
      memory.set(sealed, c - from);
      // deno-fmt-ignore
      const status = sodium._crypto_aead_chacha20poly1305_ietf_decrypt(
        m, NULL, NULL, c, length + TAG_BYTES, 0, a, ad.length, 0, npub, k,
      );
      if (status !== 0) return undefined;
      const plaintext = slab.cut(length);
      plaintext.set(plaintexts.of(length));
      return plaintext;
    },
  };
}

/** Whether the cipher takes a plaintext of `length` bytes, whose record is opened from behind `lead` others. */
function isSmall(length: number, ad: Bytes, lead = 0): boolean {
  return length >= 0 && length <= SMALL_BYTES && ad.length <= MAX_AD_BYTES &&
    lead <= MAX_LEAD_BYTES;
}

/** What does not fit would be written over the module's own memory. */
function checkLimits(length: number, ad: Bytes, lead = 0): void {
  if (isSmall(length, ad, lead)) return;
  throw new RangeError(
    `Cannot use small cipher: length ${length} exceeds ${SMALL_BYTES}, or that of the associated ` +
      `data, ${ad.length}, exceeds ${MAX_AD_BYTES}, or the record begins behind ${MAX_LEAD_BYTES}: ${lead}`,
  );
}
