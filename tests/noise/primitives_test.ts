/** Published vectors through each implementation of the primitives: RFC 8439, 7748, 8032, 5869. */

import { createHash } from "node:crypto";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, decodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { nativeAead } from "../../src/noise/native.ts";
import { dhPublicKeyOf, dhSecretOf, noblePrimitives } from "../../src/noise/noble.ts";
import { isAllZero, randomBytes } from "../../src/noise/primitives.ts";
import { SMALL_BYTES } from "../../src/noise/wasm_aead.ts";
import {
  assertBytes,
  busyPrimitives,
  fixedBytes,
  flipped,
  hmacSha256,
  IMPLEMENTATIONS,
  sealWith,
  smallAead,
  wasmOnlyAead,
} from "./fixtures.ts";

const AEADS = [
  { label: "noble", aead: noblePrimitives.aead },
  { label: "native", aead: nativeAead },
  { label: "wasm", aead: wasmOnlyAead },
];

/** RFC 8439 section 2.8.2. */
const SUNSCREEN = {
  key: fixed("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
  nonce: fixed("070000004041424344454647"),
  ad: fixed("50515253c0c1c2c3c4c5c6c7"),
  plaintext: encodeUtf8(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
      "sunscreen would be it.",
  ),
  sealed: fixed(
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
      "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
      "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
      "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
  ),
};

/** RFC 7748 section 5.2; the second point has its unused top bit set. */
const X25519_VECTORS = [
  {
    scalar: "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
    u: "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    out: "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
  },
  {
    scalar: "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
    u: "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    out: "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
  },
];

/** The points of order 1, 2, 4 and 8 on the curve and its twist, canonical or not below 2^255. */
const LOW_ORDER_POINTS = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/**
 * Ed25519's points of order 1, 2, 4 and 8 with the sign bit clear: y = 1, -1, 0 and the two of order 8,
 * then 0 and 1 once more as p and p + 1. A signature by one of them needs no secret.
 */
const LOW_ORDER_KEYS = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].flatMap((hex) => [fixed(hex), flipped(fixed(hex), 31, 0x80)]);

/** RFC 8032 section 7.1, tests 1 to 3. */
const ED25519_VECTORS = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

/** FIPS 180-4's examples, and the empty string. */
const SHA256_VECTORS = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
] as const;

/** The prime of the field, and the order of the base point (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

for (const { label, aead } of AEADS) {
  const { key, nonce, ad, plaintext, sealed } = SUNSCREEN;

  Deno.test({
    name: `Aead.seal() gives RFC 8439's bytes at every split of the plaintext [${label}]`,
    permissions: "none",
    fn() {
      assertBytes(sealWith(aead, key, nonce, { ad, parts: [plaintext] }), sealed);
      for (let at = 0; at <= plaintext.length; at++) {
        const parts = [plaintext.subarray(0, at), plaintext.subarray(at)];
        assertBytes(sealWith(aead, key, nonce, { ad, parts }), sealed);
      }
      const bytes = Array.from(plaintext, (byte) => Uint8Array.of(byte));
      assertBytes(sealWith(aead, key, nonce, { ad, parts: bytes }), sealed);
    },
  });

  Deno.test({
    name: `Aead.open() gives RFC 8439's plaintext and leaves its input alone [${label}]`,
    permissions: "none",
    fn() {
      const input = sealed.slice();
      assertBytes(aead.open(key, nonce, ad, input), plaintext);
      assertBytes(input, sealed);
    },
  });

  Deno.test({
    name:
      `Aead.seal() and open() work in the midst of a buffer, and leave the rest alone [${label}]`,
    permissions: "none",
    fn() {
      for (const lead of [0, 1, 5, 16]) {
        const out = new Uint8Array(lead + sealed.length + 3).fill(0xee);
        aead.seal(key, nonce, ad, [plaintext], out, lead);
        assertBytes(out.subarray(0, lead), new Uint8Array(lead).fill(0xee));
        assertBytes(out.subarray(lead, lead + sealed.length), sealed);
        assertBytes(out.subarray(lead + sealed.length), new Uint8Array(3).fill(0xee));
        assertBytes(aead.open(key, nonce, ad, out.subarray(0, -3), lead), plaintext);
        assertEquals(aead.open(key, nonce, ad, out, lead), undefined);
      }
    },
  });

  Deno.test({
    name: `Aead.open() is undefined for any flipped byte, other key, nonce or data [${label}]`,
    permissions: "none",
    fn() {
      for (let i = 0; i < sealed.length; i++) {
        assertEquals(aead.open(key, nonce, ad, flipped(sealed, i, 0x80)), undefined);
      }
      assertEquals(aead.open(flipped(key, 31), nonce, ad, sealed), undefined);
      assertEquals(aead.open(key, flipped(nonce, 0), ad, sealed), undefined);
      assertEquals(aead.open(key, nonce, flipped(ad, 0), sealed), undefined);
      assertEquals(aead.open(key, nonce, new Uint8Array(0), sealed), undefined);
    },
  });
}

for (const { label, aead } of [AEADS[0], AEADS[1]].filter((entry) => entry !== undefined)) {
  Deno.test({
    name: `Aead.open() is undefined for every truncation [${label}]`,
    permissions: "none",
    fn() {
      const { key, nonce, ad, sealed } = SUNSCREEN;
      for (let length = 0; length < sealed.length; length++) {
        assertEquals(aead.open(key, nonce, ad, sealed.subarray(0, length)), undefined);
      }
    },
  });
}

Deno.test({
  name: "withSmallRecords() is undefined for every truncation",
  permissions: "none",
  fn() {
    const { key, nonce, ad, sealed } = SUNSCREEN;
    const { aead } = busyPrimitives;
    for (let length = 0; length < sealed.length; length++) {
      assertEquals(aead.open(key, nonce, ad, sealed.subarray(0, length)), undefined);
    }
  },
});

Deno.test({
  name: "withSmallRecords() opens a record wherever it begins, and none that ends too soon",
  permissions: "none",
  fn() {
    const { key, nonce, ad, plaintext, sealed } = SUNSCREEN;
    const { aead } = busyPrimitives;
    for (const lead of [0, 1, 15, 16, 17, 5_000]) {
      const bytes = concatBytes(new Uint8Array(lead), sealed);
      assertBytes(aead.open(key, nonce, ad, bytes, lead), plaintext);
      assertEquals(aead.open(key, nonce, ad, bytes.subarray(0, lead + 15), lead), undefined);
      assertEquals(aead.open(key, nonce, ad, bytes.subarray(0, lead), lead), undefined);
    }
  },
});

Deno.test({
  name: "withSmallRecords() gives the reference's bytes at each size around its limit",
  permissions: "none",
  fn() {
    const { key, nonce } = SUNSCREEN;
    const { aead } = busyPrimitives;
    for (const length of [0, 1, 15, 16, 17, 63, 64, 65, SMALL_BYTES, SMALL_BYTES + 1, 4096]) {
      for (const adLength of [0, 1, 16, 32, 33]) {
        const plaintext = fixedBytes(length, 3);
        const ad = fixedBytes(adLength, 4);
        const expected = sealWith(noblePrimitives.aead, key, nonce, { ad, parts: [plaintext] });
        assertBytes(sealWith(aead, key, nonce, { ad, parts: [plaintext] }), expected);
        assertBytes(aead.open(key, nonce, ad, expected), plaintext);
      }
    }
  },
});

Deno.test({
  name: "withSmallRecords() hands everything above its limits to the large cipher",
  permissions: "none",
  fn() {
    const { key, nonce } = SUNSCREEN;
    const tooLong = fixedBytes(SMALL_BYTES + 1, 1);
    const seal = (plaintext: Bytes, ad: Bytes) => () =>
      sealWith(wasmOnlyAead, key, nonce, { ad, parts: [plaintext] });
    assertThrows(seal(tooLong, new Uint8Array(0)), Error, "the large cipher was asked to seal");
    assertThrows(seal(fixedBytes(1, 1), fixedBytes(33, 1)), Error, "the large cipher was asked");
    seal(fixedBytes(SMALL_BYTES, 1), fixedBytes(32, 1))();
  },
});

Deno.test({
  name: "loadSmallAead() gives a cipher that writes nothing past its own buffers",
  permissions: "none",
  fn() {
    const { key, nonce, ad, plaintext, sealed } = SUNSCREEN;
    const [longest, tooLong] = [fixedBytes(SMALL_BYTES, 1), fixedBytes(SMALL_BYTES + 1, 1)];
    for (const [text, itsAd] of [[tooLong, ad], [plaintext, fixedBytes(33, 1)]] as const) {
      assertThrows(() => sealWith(smallAead, key, nonce, { ad: itsAd, parts: [text] }), RangeError);
      const forged = new Uint8Array(text.length + 16);
      assertThrows(() => smallAead.open(key, nonce, itsAd, forged), RangeError);
    }
    // `out` says less than the parts hold.
    const out = new Uint8Array(longest.length + 16);
    assertThrows(() => smallAead.seal(key, nonce, ad, [longest, plaintext], out), RangeError);
    assertThrows(
      () => smallAead.seal(key, nonce, ad, [plaintext], out.subarray(0, 20)),
      RangeError,
    );
    assertThrows(() => smallAead.open(key, nonce, ad, sealed.subarray(0, 15)), RangeError);
    assertBytes(sealWith(smallAead, key, nonce, { ad, parts: [plaintext] }), sealed);
    assertBytes(smallAead.open(key, nonce, ad, sealed), plaintext);
  },
});

for (const primitives of IMPLEMENTATIONS) {
  const { name } = primitives;

  Deno.test({
    name: `DhKeyPair.agree() gives RFC 7748's results [${name}]`,
    permissions: "none",
    fn() {
      for (const { scalar, u, out } of X25519_VECTORS) {
        assertBytes(primitives.importDhKeyPair(fixed(scalar)).agree(fixed(u)), fixed(out));
      }
    },
  });

  Deno.test({
    name: `DhKeyPair.agree() gives RFC 7748's result after 1 and 1,000 iterations [${name}]`,
    permissions: "none",
    fn() {
      let k = fixed("0900000000000000000000000000000000000000000000000000000000000000");
      let u = k;
      for (let i = 1; i <= 1000; i++) {
        const next = primitives.importDhKeyPair(k).agree(u);
        assert(next, "an honest point was refused");
        [k, u] = [next, k];
        if (i === 1) {
          assertBytes(
            k,
            fixed("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"),
          );
        }
      }
      assertBytes(k, fixed("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
    },
  });

  Deno.test({
    name: `importDhKeyPair() gives RFC 7748's public keys and shared secret [${name}]`,
    permissions: "none",
    fn() {
      const alice = primitives.importDhKeyPair(
        fixed("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
      );
      const bob = primitives.importDhKeyPair(
        fixed("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
      );
      const shared = fixed("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
      assertBytes(
        alice.publicKey,
        fixed("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
      );
      assertBytes(
        bob.publicKey,
        fixed("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
      );
      assertBytes(alice.agree(bob.publicKey), shared);
      assertBytes(bob.agree(alice.publicKey), shared);
    },
  });

  Deno.test({
    name: `generateDhKeyPair() gives fresh pairs whose halves belong together [${name}]`,
    permissions: "none",
    fn() {
      const ours = primitives.generateDhKeyPair();
      const theirs = primitives.generateDhKeyPair();
      const secret = ours.agree(theirs.publicKey);
      assert(secret && secret.length === 32 && !isAllZero(secret));
      assertBytes(theirs.agree(ours.publicKey), secret);
      assert(ours.publicKey.toHex() !== theirs.publicKey.toHex());
    },
  });

  Deno.test({
    name: `DhKeyPair.agree() refuses every low-order point, top bit clear or set [${name}]`,
    permissions: "none",
    fn() {
      for (const seed of [1, 2, 3]) {
        const pair = primitives.importDhKeyPair(fixedBytes(32, seed));
        for (const point of LOW_ORDER_POINTS) {
          assertEquals(pair.agree(fixed(point)), undefined, point);
          assertEquals(pair.agree(flipped(fixed(point), 31, 0x80)), undefined, `${point} | 2^255`);
        }
      }
    },
  });

  Deno.test({
    name: `DhKeyPair.agree() refuses a public key of any other length [${name}]`,
    permissions: "none",
    fn() {
      const pair = primitives.importDhKeyPair(fixedBytes(32, 1));
      for (const length of [0, 1, 31, 33, 64]) {
        assertEquals(pair.agree(fixedBytes(length, 2)), undefined, `length ${length}`);
      }
    },
  });

  Deno.test({
    name: `SigningKeyPair.sign() gives RFC 8032's keys and signatures [${name}]`,
    permissions: "none",
    fn() {
      for (const { seed, publicKey, message, signature } of ED25519_VECTORS) {
        const pair = primitives.importSigningKeyPair(fixed(seed));
        assertBytes(pair.publicKey, fixed(publicKey));
        assertBytes(pair.sign(fixed(message)), fixed(signature));
        assert(primitives.verify(fixed(publicKey), fixed(message), fixed(signature)));
      }
    },
  });

  Deno.test({
    name: `verify() is false for any flipped byte of key, message or signature [${name}]`,
    permissions: "none",
    fn() {
      const [, , vector] = ED25519_VECTORS;
      assert(vector);
      const publicKey = fixed(vector.publicKey);
      const message = fixed(vector.message);
      const signature = fixed(vector.signature);
      for (let i = 0; i < 64; i++) {
        assertEquals(primitives.verify(publicKey, message, flipped(signature, i)), false);
      }
      for (let i = 0; i < 32; i++) {
        assertEquals(primitives.verify(flipped(publicKey, i), message, signature), false);
      }
      assertEquals(primitives.verify(publicKey, flipped(message, 0), signature), false);
      assertEquals(primitives.verify(publicKey, new Uint8Array(0), signature), false);
    },
  });

  Deno.test({
    name: `verify() is false and never throws for malformed keys and signatures [${name}]`,
    permissions: "none",
    fn() {
      const [, vector] = ED25519_VECTORS;
      assert(vector);
      const publicKey = fixed(vector.publicKey);
      const message = fixed(vector.message);
      const signature = fixed(vector.signature);
      for (const length of [0, 1, 32, 63, 65, 128]) {
        assertEquals(primitives.verify(publicKey, message, fixedBytes(length, 1)), false);
      }
      for (const length of [0, 1, 31, 33, 64]) {
        assertEquals(primitives.verify(fixedBytes(length, 1), message, signature), false);
      }
      const ones = new Uint8Array(64).fill(0xff);
      assertEquals(primitives.verify(publicKey, message, ones), false);
      assertEquals(primitives.verify(publicKey, message, new Uint8Array(64)), false);
      assertEquals(primitives.verify(ones.subarray(32), message, signature), false);
      // y = 2 is the y of no point of the curve.
      assertEquals(primitives.verify(littleEndian(2n), message, signature), false);
    },
  });

  Deno.test({
    name: `verify() refuses S + L, the second form of the same signature [${name}]`,
    permissions: "none",
    fn() {
      for (const { publicKey, message, signature } of ED25519_VECTORS) {
        const honest = fixed(signature);
        const s = littleEndian(toNumber(honest.subarray(32)) + L);
        const forged = concatBytes(honest.subarray(0, 32), s);
        assertEquals(primitives.verify(fixed(publicKey), fixed(message), forged), false);
      }
    },
  });

  Deno.test({
    name: `verify() refuses every public key of low order, which anybody can sign for [${name}]`,
    permissions: "none",
    fn() {
      for (const publicKey of LOW_ORDER_KEYS) {
        for (const r of LOW_ORDER_KEYS) {
          // S = 0 and R of low order: valid for a share of all messages, without any secret.
          const signature = concatBytes(r, new Uint8Array(32));
          for (let message = 0; message < 8; message++) {
            const isValid = primitives.verify(publicKey, Uint8Array.of(message), signature);
            assertEquals(isValid, false, publicKey.toHex());
          }
        }
      }
    },
  });

  Deno.test({
    name: `Primitives return plain Uint8Arrays, whose slice() copies [${name}]`,
    permissions: "none",
    fn() {
      const { aead, sha256, hkdf } = primitives;
      const [key, nonce, ad] = [fixedBytes(32, 1), fixedBytes(12, 2), new Uint8Array(0)];
      const pair = primitives.importDhKeyPair(key);
      const generated = primitives.generateDhKeyPair();
      const signer = primitives.importSigningKeyPair(key);
      const open = (length: number) =>
        aead.open(key, nonce, ad, sealWith(aead, key, nonce, { parts: [fixedBytes(length, 3)] }));
      const results = [
        ...[open(10), open(SMALL_BYTES + 1), sha256(key), hkdf(key, key, 2), hkdf(key, key, 3)],
        ...[pair.publicKey, generated.publicKey, pair.agree(generated.publicKey)],
        ...[signer.publicKey, signer.sign(key)],
      ];
      for (const [index, bytes] of results.entries()) {
        assert(bytes, `result ${index}`);
        assertEquals(bytes.constructor, Uint8Array, `result ${index}`);
        const copy = bytes.slice(0, 4);
        bytes.fill(0);
        assert(copy.some((byte) => byte !== 0), `result ${index}: slice() is a view`);
      }
    },
  });

  Deno.test({
    name: `sha256() gives FIPS 180-4's digests, however the message is cut [${name}]`,
    permissions: "none",
    fn() {
      for (const [text, digest] of SHA256_VECTORS) {
        const message = encodeUtf8(text);
        assertBytes(primitives.sha256(message), fixed(digest));
        for (let at = 0; at <= message.length; at++) {
          const [head, tail] = [message.subarray(0, at), message.subarray(at)];
          assertBytes(primitives.sha256(head, tail), fixed(digest));
        }
      }
      assertBytes(primitives.sha256(), fixed(SHA256_VECTORS[0][1]));
    },
  });

  Deno.test({
    name: `sha256Into() gives the same digest, into one of its parts too [${name}]`,
    permissions: "none",
    fn() {
      for (const length of [0, 32, 64, 2_016, 2_017, 5_000]) {
        const [head, tail] = [fixedBytes(32, 1), fixedBytes(length, 2)];
        const digest = createHash("sha256").update(head).update(tail).digest();
        for (const out of [new Uint8Array(32), head]) {
          primitives.sha256Into(out, head, tail);
          assertBytes(out, Uint8Array.from(digest));
        }
      }
    },
  });

  Deno.test({
    name: `hkdf() gives RFC 5869's test case 3: no salt, no info [${name}]`,
    permissions: "none",
    fn() {
      const okm = primitives.hkdf(new Uint8Array(32), new Uint8Array(22).fill(0x0b), 2);
      assertEquals(okm.length, 64);
      assertBytes(
        okm.subarray(0, 42),
        fixed(
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
      );
    },
  });

  Deno.test({
    name: `hkdf() is Noise's chain of HMACs, empty input included [${name}]`,
    permissions: "none",
    async fn() {
      for (const length of [0, 1, 32, 100]) {
        const ck = fixedBytes(32, length);
        const input = fixedBytes(length, 9);
        const temporary = await hmacSha256(ck, input);
        const one = await hmacSha256(temporary, Uint8Array.of(1));
        const two = await hmacSha256(temporary, concatBytes(one, Uint8Array.of(2)));
        const three = await hmacSha256(temporary, concatBytes(two, Uint8Array.of(3)));
        assertBytes(primitives.hkdf(ck, input, 2), concatBytes(one, two));
        assertBytes(primitives.hkdf(ck, input, 3), concatBytes(one, two, three));
      }
    },
  });
}

Deno.test({
  name: "dhSecretOf() is the clamped half of the seed's SHA-512",
  permissions: "none",
  async fn() {
    for (const { seed } of ED25519_VECTORS) {
      const half = new Uint8Array(await crypto.subtle.digest("SHA-512", fixed(seed))).slice(0, 32);
      half[0] = (half[0] ?? 0) & 248;
      half[31] = ((half[31] ?? 0) & 127) | 64;
      assertBytes(dhSecretOf(fixed(seed)), half);
    }
  },
});

Deno.test({
  name: "dhPublicKeyOf() is (1 + y) / (1 - y), and the public key of dhSecretOf()",
  permissions: "none",
  fn() {
    for (const { seed, publicKey } of ED25519_VECTORS) {
      const y = toNumber(fixed(publicKey)) & (2n ** 255n - 1n);
      const u = (1n + y) * power(((1n - y) % P + P) % P, P - 2n) % P;
      assertBytes(dhPublicKeyOf(fixed(publicKey)), littleEndian(u));
      for (const primitives of IMPLEMENTATIONS) {
        const pair = primitives.importDhKeyPair(dhSecretOf(fixed(seed)));
        assertBytes(pair.publicKey, littleEndian(u));
      }
    }
  },
});

Deno.test({
  name: "dhPublicKeyOf() is undefined for every identity of low order",
  permissions: "none",
  fn() {
    for (const publicKey of LOW_ORDER_KEYS) {
      assertEquals(dhPublicKeyOf(publicKey), undefined, publicKey.toHex());
    }
  },
});

Deno.test({
  name: "dhPublicKeyOf() is undefined for what is no point, and for the neutral element",
  permissions: "none",
  fn() {
    assertEquals(dhPublicKeyOf(littleEndian(2n)), undefined);
    assertEquals(dhPublicKeyOf(littleEndian(1n)), undefined);
    for (const length of [0, 31, 33]) assertEquals(dhPublicKeyOf(fixedBytes(length, 1)), undefined);
  },
});

Deno.test({
  name: "randomBytes() gives the length asked for, and never the same twice",
  permissions: "none",
  fn() {
    assertEquals(randomBytes(0).length, 0);
    assertEquals(randomBytes(32).length, 32);
    assert(randomBytes(32).toHex() !== randomBytes(32).toHex());
  },
});

Deno.test({
  name: "isAllZero() sees a single bit anywhere",
  permissions: "none",
  fn() {
    assert(isAllZero(new Uint8Array(32)));
    for (let i = 0; i < 32; i++) assert(!isAllZero(flipped(new Uint8Array(32), i, 0x10)));
  },
});

function fixed(hex: string): Bytes {
  return decodeHex(hex);
}

function littleEndian(value: bigint): Bytes {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

function toNumber(bytes: Bytes): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = result * square % P;
    square = square * square % P;
  }
  return result;
}
