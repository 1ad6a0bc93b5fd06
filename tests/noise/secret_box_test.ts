/** Expected values: draft-irtf-cfrg-xchacha-03 through the runtime's ChaCha20-Poly1305, and its own HKDF. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createCipheriv, hkdfSync } from "node:crypto";
import { type Bytes, concatBytes, decodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { deriveKey, openBox, sealBox } from "../../src/noise/secret_box.ts";
import { assertBytes, fixedBytes, flipped } from "./fixtures.ts";

const PURE = { permissions: "none" } as const;
const KEY = fixedBytes(32, 3);
const SUNSCREEN = encodeUtf8(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
    "sunscreen would be it.",
);

Deno.test("xchacha(), the test's own, gives the draft's vectors", PURE, () => {
  // Section 2.2.1.
  assertBytes(
    hchacha20(
      decodeHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
      decodeHex("000000090000004a0000000031415927"),
    ),
    decodeHex("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"),
  );
  // Section A.3.1.
  assertBytes(
    xchacha(
      decodeHex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
      decodeHex("404142434445464748494a4b4c4d4e4f5051525354555657"),
      { plaintext: SUNSCREEN, ad: decodeHex("50515253c0c1c2c3c4c5c6c7") },
    ),
    decodeHex(
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb" +
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452" +
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9" +
        "21f9664c97637da9768812f615c68b13b52e" +
        "c0875924c1c7987947deafd8780acf49",
    ),
  );
});

Deno.test("openBox() opens what another implementation sealed", PURE, () => {
  for (const length of [0, 1, 63, 64, 65, 1_000]) {
    const plaintext = fixedBytes(length, 5);
    const nonce = fixedBytes(24, length);
    const box = concatBytes(nonce, xchacha(KEY, nonce, { plaintext, ad: new Uint8Array(0) }));
    assertBytes(openBox(KEY, box), plaintext);
  }
});

Deno.test("sealBox() seals what another implementation would, 40 bytes longer", PURE, () => {
  const box = sealBox(KEY, SUNSCREEN);
  assertEquals(box.length, SUNSCREEN.length + 40);
  const nonce = box.slice(0, 24);
  const ad = new Uint8Array(0);
  assertBytes(box.slice(24), xchacha(KEY, nonce, { plaintext: SUNSCREEN, ad }));
});

Deno.test("sealBox() never seals twice alike", PURE, () => {
  assertNotEquals(sealBox(KEY, SUNSCREEN), sealBox(KEY, SUNSCREEN));
});

Deno.test("openBox() refuses every flipped bit, every truncation and garbage behind", PURE, () => {
  const box = sealBox(KEY, fixedBytes(20, 1));
  for (let at = 0; at < box.length; at++) {
    for (const mask of [0x01, 0x80]) assertEquals(openBox(KEY, flipped(box, at, mask)), undefined);
    assertEquals(openBox(KEY, box.slice(0, at)), undefined);
  }
  assertEquals(openBox(KEY, concatBytes(box, Uint8Array.of(0))), undefined);
  assert(openBox(KEY, box));
});

Deno.test("openBox() refuses another key", PURE, () => {
  assertEquals(openBox(flipped(KEY, 31), sealBox(KEY, SUNSCREEN)), undefined);
});

Deno.test("sealBox() takes no key of another length", PURE, () => {
  assertThrows(() => sealBox(KEY.slice(1), SUNSCREEN));
});

Deno.test("deriveKey() is HKDF-SHA-256 without salt, the label its info", PURE, () => {
  for (const [label, length] of [["hamlet network hint", 8], ["x", 32], ["", 64]] as const) {
    const expected = hkdfSync("sha256", KEY, new Uint8Array(0), label, length);
    assertBytes(deriveKey(KEY, label, length), new Uint8Array(expected));
  }
  assertEquals(deriveKey(KEY, "x").length, 32);
});

/** Section 2.3: a subkey by HChaCha20, then ChaCha20-Poly1305 with the rest of the nonce. */
function xchacha(
  key: Bytes,
  nonce: Bytes,
  { plaintext, ad }: { readonly plaintext: Bytes; readonly ad: Bytes },
): Bytes {
  const subkey = hchacha20(key, nonce.slice(0, 16));
  const rest = concatBytes(new Uint8Array(4), nonce.subarray(16));
  const cipher = createCipheriv("chacha20-poly1305", subkey, rest, { authTagLength: 16 });
  cipher.setAAD(ad, { plaintextLength: plaintext.length });
  return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** Section 2.2: ChaCha's twenty rounds, without the final addition. */
function hchacha20(key: Bytes, nonce: Bytes): Bytes {
  const state = new Uint32Array(16);
  const view = new DataView(concatBytes(encodeUtf8("expand 32-byte k"), key, nonce).buffer);
  for (let i = 0; i < 16; i++) state[i] = view.getUint32(4 * i, true);
  const word = (i: number) => state[i] ?? 0;
  const step = (a: number, b: number, d: number, bits: number) => {
    state[a] = word(a) + word(b);
    const mixed = word(d) ^ word(a);
    state[d] = mixed << bits | mixed >>> (32 - bits);
  };
  const quarter = (a: number, b: number, c: number, d: number) => {
    step(a, b, d, 16);
    step(c, d, b, 12);
    step(a, b, d, 8);
    step(c, d, b, 7);
  };
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(i, i + 4, i + 8, i + 12);
    for (let i = 0; i < 4; i++) {
      quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
  }
  const out = new DataView(new ArrayBuffer(32));
  [0, 1, 2, 3, 12, 13, 14, 15].forEach((from, i) => out.setUint32(4 * i, word(from), true));
  return new Uint8Array(out.buffer);
}
