/** CipherState and SymmetricState against noble's cipher and Web Crypto's hashes. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { CipherState, NoiseError, SymmetricState } from "../../src/noise/symmetric_state.ts";
import { assertBytes, BACKENDS, fixedBytes, flipped, hmacSha256, noiseNonce } from "./fixtures.ts";

const EMPTY: Bytes = new Uint8Array(0);
const KEY = fixedBytes(32, 1);

for (const primitives of BACKENDS) {
  const { name } = primitives.aead;

  Deno.test({
    name: `CipherState.encryptWithAd() counts its nonce as 64 bits little-endian [${name}]`,
    permissions: "none",
    fn() {
      const cipher = new CipherState(primitives, KEY);
      const ad = fixedBytes(32, 2);
      for (let n = 0n; n < 600n; n++) {
        assertEquals(cipher.n, Number(n));
        const expected = chacha20poly1305(KEY, noiseNonce(n), ad).encrypt(encodeUtf8(`m${n}`));
        assertBytes(cipher.encryptWithAd(ad, encodeUtf8(`m${n}`)), expected);
      }
    },
  });

  Deno.test({
    name: `CipherState without a key passes bytes through and refuses to pretend [${name}]`,
    permissions: "none",
    fn() {
      const cipher = new CipherState(primitives);
      assert(!cipher.hasKey());
      assertBytes(cipher.encryptWithAd(EMPTY, KEY), KEY);
      assertBytes(cipher.decryptWithAd(EMPTY, KEY), KEY);
      assertEquals(cipher.n, 0);
      assertThrows(() => cipher.encryptInto(EMPTY, [KEY], new Uint8Array(48)), TypeError);
      assertThrows(() => cipher.rekey(), TypeError);
    },
  });

  Deno.test({
    name: `CipherState.decryptWithAd() leaves the counter where it was after a forgery [${name}]`,
    permissions: "none",
    fn() {
      const sender = new CipherState(primitives, KEY);
      const receiver = new CipherState(primitives, KEY);
      const sealed = sender.encryptWithAd(EMPTY, fixedBytes(20, 3));
      const error = assertThrows(
        () => receiver.decryptWithAd(EMPTY, flipped(sealed, 0)),
        NoiseError,
      );
      assertEquals(error.code, "bad_tag");
      assertEquals(receiver.n, 0);
      assertBytes(receiver.decryptWithAd(EMPTY, sealed), fixedBytes(20, 3));
      assertEquals(receiver.n, 1);
    },
  });

  Deno.test({
    name: `CipherState.decryptWithAd() refuses every length below a tag [${name}]`,
    permissions: "none",
    fn() {
      for (let length = 0; length < 16; length++) {
        const cipher = new CipherState(primitives, KEY);
        const error = assertThrows(
          () => cipher.decryptWithAd(EMPTY, fixedBytes(length, 1)),
          NoiseError,
        );
        assertEquals(error.code, "bad_tag");
      }
    },
  });

  Deno.test({
    name:
      `CipherState.rekey() is 32 zeros sealed under the last nonce; the counter stays [${name}]`,
    permissions: "none",
    fn() {
      const cipher = new CipherState(primitives, KEY);
      let k = KEY;
      for (let n = 0n; n < 5n; n++) {
        const expected = chacha20poly1305(k, noiseNonce(n), EMPTY).encrypt(fixedBytes(9, 4));
        assertBytes(cipher.encryptWithAd(EMPTY, fixedBytes(9, 4)), expected);
        cipher.rekey();
        k = chacha20poly1305(k, noiseNonce(2n ** 64n - 1n), EMPTY)
          .encrypt(new Uint8Array(32)).slice(0, 32) as Bytes;
        assertEquals(cipher.n, Number(n) + 1);
      }
    },
  });

  Deno.test({
    name: `SymmetricState takes a name of 32 bytes as it is and hashes a longer one [${name}]`,
    permissions: "none",
    async fn() {
      const plain = "Noise_XX_25519_ChaChaPoly_SHA256";
      const long = "Noise_XXpsk3_25519_ChaChaPoly_SHA256";
      assertBytes(new SymmetricState(primitives, plain).h, encodeUtf8(plain));
      assertBytes(new SymmetricState(primitives, long).h, await digest(encodeUtf8(long)));
      assertBytes(
        new SymmetricState(primitives, "short").h,
        concatBytes(encodeUtf8("short"), new Uint8Array(27)),
      );
    },
  });

  Deno.test({
    name: `SymmetricState.mixHash() and mixKeyAndHash() chain digests and HMACs [${name}]`,
    permissions: "none",
    async fn() {
      const state = new SymmetricState(primitives, "Noise_XX_25519_ChaChaPoly_SHA256");
      const start = encodeUtf8("Noise_XX_25519_ChaChaPoly_SHA256");
      state.mixHash(encodeUtf8("prologue"));
      const h = await digest(concatBytes(start, encodeUtf8("prologue")));
      assertBytes(state.h, h);

      const psk = fixedBytes(32, 5);
      state.mixKeyAndHash(psk);
      const temporary = await hmacSha256(start, psk);
      const one = await hmacSha256(temporary, Uint8Array.of(1));
      const two = await hmacSha256(temporary, concatBytes(one, Uint8Array.of(2)));
      const three = await hmacSha256(temporary, concatBytes(two, Uint8Array.of(3)));
      const mixed = await digest(concatBytes(h, two));
      assertBytes(state.h, mixed);
      assert(state.hasKey());

      const ciphertext = chacha20poly1305(three, noiseNonce(0n), mixed).encrypt(start);
      assertBytes(state.encryptAndHash(start), ciphertext);
      assertBytes(state.h, await digest(concatBytes(mixed, new Uint8Array(ciphertext))));
    },
  });

  Deno.test({
    name:
      `SymmetricState.decryptAndHash() leaves the transcript as it was after a forgery [${name}]`,
    permissions: "none",
    fn() {
      const state = new SymmetricState(primitives, "Noise_XX_25519_ChaChaPoly_SHA256");
      state.mixKey(KEY);
      const before = state.h;
      assertThrows(() => state.decryptAndHash(fixedBytes(40, 1)), NoiseError);
      assertBytes(state.h, before);
    },
  });

  Deno.test({
    name: `SymmetricState.split() gives two keys, the initiator's first [${name}]`,
    permissions: "none",
    async fn() {
      const state = new SymmetricState(primitives, "Noise_XX_25519_ChaChaPoly_SHA256");
      const ck = encodeUtf8("Noise_XX_25519_ChaChaPoly_SHA256");
      const temporary = await hmacSha256(ck, EMPTY);
      const one = await hmacSha256(temporary, Uint8Array.of(1));
      const two = await hmacSha256(temporary, concatBytes(one, Uint8Array.of(2)));
      const [first, second] = state.split();
      for (const [cipher, key] of [[first, one], [second, two]] as const) {
        const expected = chacha20poly1305(key, noiseNonce(0n), EMPTY).encrypt(KEY);
        assertBytes(cipher.encryptWithAd(EMPTY, KEY), expected);
      }
    },
  });
}

async function digest(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
