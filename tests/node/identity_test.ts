import { assert, assertEquals, assertFalse } from "@std/assert";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { type Bytes, decodeHex } from "../../src/base/bytes.ts";
import { parsePeerId, peerIdOf, publicKeyOf, shortId } from "../../src/base/peer_id.ts";
import { identityFromSeed, isStaticKeyOf } from "../../src/node/identity.ts";
import { nativePrimitives } from "../../src/noise/native.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import { ALICE, BOB, identityOf, PRIMITIVES, RFC_8032, seedOf } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const BACKENDS = [noblePrimitives, nativePrimitives, PRIMITIVES];

/** RFC 4648 section 6, bit by bit. */
function naiveBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((each) => each.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) =>
    "abcdefghijklmnopqrstuvwxyz234567"[parseInt(group.padEnd(5, "0"), 2)]
  )
    .join("");
}

Deno.test("identityFromSeed() gives RFC 8032's public keys and their base32", PURE, () => {
  for (const primitives of BACKENDS) {
    for (const { seed, publicKey } of RFC_8032) {
      const identity = identityFromSeed(decodeHex(seed), primitives);
      assertEquals(identity.signing.publicKey.toHex(), publicKey);
      assertEquals(String(identity.id), naiveBase32(decodeHex(publicKey)));
    }
  }
  assertEquals(String(ALICE.id), "25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkena");
  assertEquals(shortId(ALICE.id), "25njqamc");
});

Deno.test("identityFromSeed() signs RFC 8032's test messages", PURE, () => {
  const cases = [
    [
      0,
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c" +
      "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      1,
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0" +
      "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      2,
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098" +
      "4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ] as const;
  for (const primitives of BACKENDS) {
    for (const [index, message, signature] of cases) {
      const { signing } = identityFromSeed(decodeHex(RFC_8032[index].seed), primitives);
      assertEquals(signing.sign(decodeHex(message)).toHex(), signature);
    }
  }
});

Deno.test("identityFromSeed() derives noble's X25519 key, both ways round the map", PURE, () => {
  for (const primitives of BACKENDS) {
    for (let n = 0; n < 8; n++) {
      const { dh, signing } = identityFromSeed(seedOf(n), primitives);
      const secret = ed25519.utils.toMontgomerySecret(seedOf(n));
      assertEquals(dh.publicKey.toHex(), x25519.getPublicKey(secret).toHex());
      assertEquals(dh.publicKey.toHex(), ed25519.utils.toMontgomery(signing.publicKey).toHex());
    }
  }
});

Deno.test("identityFromSeed() gives keys that agree with another's", PURE, () => {
  for (const primitives of BACKENDS) {
    const ours = identityFromSeed(seedOf(1), primitives).dh;
    const theirs = identityFromSeed(seedOf(2), noblePrimitives).dh;
    const expected = x25519.getSharedSecret(
      ed25519.utils.toMontgomerySecret(seedOf(1)),
      theirs.publicKey,
    );
    assertEquals(ours.agree(theirs.publicKey)?.toHex(), expected.toHex());
    assertEquals(theirs.agree(ours.publicKey)?.toHex(), expected.toHex());
  }
});

Deno.test("isStaticKeyOf() takes the node's own key and no other", PURE, () => {
  assert(isStaticKeyOf(ALICE.id, ALICE.dh.publicKey));
  assertFalse(isStaticKeyOf(ALICE.id, BOB.dh.publicKey));
  for (let bit = 0; bit < 256; bit++) {
    const near: Bytes = new Uint8Array(ALICE.dh.publicKey);
    near[bit >>> 3] = (near[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assertFalse(isStaticKeyOf(ALICE.id, near));
  }
  assertFalse(isStaticKeyOf(ALICE.id, new Uint8Array(0)));
  assertFalse(isStaticKeyOf(ALICE.id, ALICE.dh.publicKey.slice(0, 31)));
});

Deno.test("isStaticKeyOf() refuses ids that spell no point of the curve", PURE, () => {
  // y = 2 has no x on the curve; y = p + 1 is a second spelling of y = 1.
  const notAPoint = new Uint8Array(32);
  notAPoint[0] = 2;
  const notCanonical = new Uint8Array(32).fill(0xff);
  notCanonical.set([0xee], 0);
  notCanonical.set([0x7f], 31);
  for (const publicKey of [notAPoint, notCanonical, new Uint8Array(32).fill(0xff)]) {
    assertFalse(isStaticKeyOf(peerIdOf(publicKey), new Uint8Array(32)));
  }
});

Deno.test("parsePeerId() reads the one canonical spelling", PURE, () => {
  assertEquals(parsePeerId(ALICE.id), ALICE.id);
  assertEquals(publicKeyOf(ALICE.id).toHex(), RFC_8032[0].publicKey);
  const bad = [
    "",
    ALICE.id.toUpperCase(),
    ALICE.id.slice(1),
    `${ALICE.id}a`,
    `${ALICE.id.slice(0, 51)}b`,
    `${ALICE.id.slice(0, 51)}=`,
    ` ${ALICE.id.slice(1)}`,
    ALICE.id.replace(/./, "0"),
    ALICE.id.replace(/./, "1"),
  ];
  for (const text of bad) assertEquals(parsePeerId(text), undefined, text);
});

Deno.test("identityOf() gives every test node a name of its own", PURE, () => {
  const ids = new Set(Array.from({ length: 64 }, (_, n) => identityOf(n).id));
  assertEquals(ids.size, 64);
});
