/**
 * ChaCha20-Poly1305 in WebAssembly, for small records only.
 *
 * A call into the runtime's native cipher costs 2 to 4 us before the first byte; this one costs about
 * half of that up to {@link SMALL_BYTES} and loses above (`bench/aead_bench.ts`). A 64-byte round trip
 * pays it four times. Its tag comparison is not constant-time; that is harmless here because the first
 * tag that does not verify ends the link and its keys.
 */

import { ChaCha20Poly1305, newInstance } from "@chainsafe/as-chacha20poly1305";
import type { Bytes } from "../base/bytes.ts";
import { Slab } from "../base/slab.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import type { Aead } from "./primitives.ts";

/** Plaintext length up to which the WebAssembly cipher is the faster one, bytes. */
export const SMALL_BYTES = 256;

/** The longest associated data the WebAssembly module takes; Noise's is a 32-byte hash or empty. */
const MAX_AD_BYTES = 32;

/** Uses the WebAssembly cipher up to {@link SMALL_BYTES} and `large` above. */
export function withSmallRecords(large: Aead): Aead {
  const wasm = new ChaCha20Poly1305(newInstance());
  const joined = new Uint8Array(SMALL_BYTES);
  const slab = new Slab();
  return {
    name: `${large.name}+wasm`,
    seal(key, nonce, ad, parts, out) {
      const length = out.length - TAG_BYTES;
      if (length > SMALL_BYTES || ad.length > MAX_AD_BYTES) {
        return large.seal(key, nonce, ad, parts, out);
      }
      wasm.seal(key, nonce, join(parts, joined, length), ad, out);
    },
    open(key, nonce, ad, sealed) {
      const length = sealed.length - TAG_BYTES;
      if (length > SMALL_BYTES || length < 0 || ad.length > MAX_AD_BYTES) {
        return large.open(key, nonce, ad, sealed);
      }
      const plaintext = slab.cut(length);
      return wasm.open(key, nonce, sealed, ad, plaintext) === null ? undefined : plaintext;
    },
  };
}

function join(parts: readonly Bytes[], scratch: Bytes, length: number): Bytes {
  if (parts.length === 1 && parts[0]) return parts[0];
  let offset = 0;
  for (const part of parts) {
    scratch.set(part, offset);
    offset += part.length;
  }
  return scratch.subarray(0, length);
}
