/**
 * ChaCha20-Poly1305 by size and implementation. Where the small-record cipher and the native one meet is
 * the `SMALL_BYTES` of `src/noise/wasm_aead.ts`.
 */

import { type Bytes, equalBytes } from "../src/base/bytes.ts";
import { nativeAead } from "../src/noise/native.ts";
import { noblePrimitives } from "../src/noise/noble.ts";
import { type Aead, KEY_BYTES, NONCE_BYTES } from "../src/noise/primitives.ts";
import { loadSmallAead, SMALL_BYTES } from "../src/noise/wasm_aead.ts";
import { TAG_BYTES } from "../src/wire/limits.ts";

const small = await loadSmallAead();
const AEADS: readonly Aead[] = [nativeAead, noblePrimitives.aead];
const LENGTHS = [64, 256, 1_024, 2_048, 3_072, 4_096, 16_384, 65_519];

const KEY: Bytes = new Uint8Array(KEY_BYTES).fill(1);
const NONCE: Bytes = new Uint8Array(NONCE_BYTES).fill(2);
const NO_AD: Bytes = new Uint8Array(0);

/** `plaintext` sealed by `aead`, after a check that it opens again and that a forgery does not. */
function checked(aead: Aead, plaintext: Bytes): Bytes {
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
  aead.seal(KEY, NONCE, NO_AD, [plaintext], sealed);
  const opened = aead.open(KEY, NONCE, NO_AD, sealed);
  const forged = sealed.slice();
  forged[0] = (forged[0] ?? 0) ^ 1;
  const isRight = opened && equalBytes(opened, plaintext) && !aead.open(KEY, NONCE, NO_AD, forged);
  if (!isRight) throw new Error(`Cannot time ${aead.name}: it does not open what it sealed`);
  return sealed;
}

for (const length of LENGTHS) {
  const plaintext = new Uint8Array(length).fill(7);
  const expected = checked(nativeAead, plaintext);
  for (const aead of length <= SMALL_BYTES ? [...AEADS, small] : AEADS) {
    const sealed = checked(aead, plaintext);
    if (!equalBytes(sealed, expected)) {
      throw new Error(`Cannot time ${aead.name}: it disagrees with ${nativeAead.name}`);
    }
    const parts = [plaintext];
    const out = new Uint8Array(sealed.length);
    const baseline = aead === nativeAead;
    Deno.bench({
      name: `seal ${length} B, ${aead.name}`,
      group: `seal ${length} B`,
      baseline,
      fn: () => aead.seal(KEY, NONCE, NO_AD, parts, out),
    });
    Deno.bench({
      name: `open ${length} B, ${aead.name}`,
      group: `open ${length} B`,
      baseline,
      fn: () => void aead.open(KEY, NONCE, NO_AD, sealed),
    });
  }
}
