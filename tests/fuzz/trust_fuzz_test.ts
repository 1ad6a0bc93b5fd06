/** What strangers, members and disks may hand to the trust layer: damaged, forged, at random. */

import { assert, assertEquals } from "@std/assert";
import {
  type Bytes,
  concatBytes,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
} from "../../src/base/bytes.ts";
import { FieldError, Fields, type JsonObject } from "../../src/base/guards.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { sealBox } from "../../src/noise/secret_box.ts";
import { readCertificate, TrustError, verifyChain } from "../../src/trust/certificate.ts";
import { InvitationBook } from "../../src/trust/invitation.ts";
import { decodeToken, encodeToken, TokenError } from "../../src/trust/invitation_token.ts";
import {
  decodeNetwork,
  decodeRoster,
  encodeNetwork,
  encodeRoster,
} from "../../src/trust/network_file.ts";
import { proofKeyOf } from "../../src/trust/network_id.ts";
import { openProof, sealProof } from "../../src/trust/proof.ts";
import { readRevocation } from "../../src/trust/revocation.ts";
import { ALICE, BOB, CAROL, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
import {
  byte,
  fuzzSeed,
  hostileJson,
  mutateBytes,
  mutateObject,
  pollution,
} from "../testing/mutate.ts";
import {
  ADMIN_CHAIN,
  AUTHORITY_SEED,
  certificateJson,
  FOUNDER_CHAIN,
  MALLORY,
  member,
  MEMBER_BY_ADMIN,
  NETWORK,
  NETWORK_ID,
  newRoster,
  revocationJson,
  signedOf,
} from "../testing/trust.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const ROUNDS = 2_000;
const { verify } = PRIMITIVES;
const KEY = proofKeyOf(NETWORK_ID);

/** Runs `use`; anything thrown but one of `expected` fails the round. */
function onlyThrows(
  label: string,
  expected: readonly (new (...args: never[]) => Error)[],
  use: () => void,
): void {
  try {
    use();
  } catch (error) {
    if (!expected.some((kind) => error instanceof kind)) throw new Error(label, { cause: error });
  }
}

/** Damaged copies of a JSON object: a member changed, or its text. */
function damaged(random: Random, object: JsonObject, round: number): unknown {
  if (round % 2 === 0) return JSON.parse(hostileJson(mutateObject(random, object)));
  try {
    return JSON.parse(decodeUtf8(mutateBytes(random, encodeUtf8(JSON.stringify(object)))));
  } catch {
    // No JSON any more: nothing that a reader of values could see.
    return undefined;
  }
}

function label(round: number): string {
  return `seed ${SEED}, round ${round}`;
}

Deno.test(`readCertificate() and verifyChain() accept no damaged one, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED);
  const good = certificateJson({ issuer: BOB.id });
  const [bob] = ADMIN_CHAIN;
  for (let round = 0; round < ROUNDS; round++) {
    const value = damaged(random, good, round);
    onlyThrows(label(round), [TrustError], () => {
      const leaf = readCertificate(value);
      verifyChain([leaf, bob], NETWORK_ID, { verify, wallMs: WALL_MS });
      assertEquals(leaf.signed, good, "what verifies is what was signed");
    });
    const admin = damaged(random, bob.signed, round);
    onlyThrows(label(round), [TrustError], () => {
      const issuer = readCertificate(admin);
      verifyChain([MEMBER_BY_ADMIN[0], issuer], NETWORK_ID, { verify, wallMs: WALL_MS });
      assertEquals(issuer.signed, bob.signed);
    });
  }
  assertEquals(pollution(), []);
});

Deno.test(`readRevocation() accepts no damaged one and never throws, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 1);
  const good = revocationJson({ issuer: BOB.id });
  for (let round = 0; round < ROUNDS; round++) {
    const value = damaged(random, good, round);
    onlyThrows(label(round), [], () => {
      const revocation = readRevocation(value, verify);
      if (revocation) assertEquals(revocation.signed, good);
    });
  }
  assertEquals(pollution(), []);
});

Deno.test(`Membership.judge() accepts no damaged proof, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 2);
  const judge = member();
  const proof = sealProof(KEY, ADMIN_CHAIN);
  assertEquals(openProof(KEY, proof), ADMIN_CHAIN);
  for (let round = 0; round < ROUNDS; round++) {
    const text = decodeLoosely(mutateBytes(random, encodeUtf8(proof)));
    onlyThrows(label(round), [TrustError], () => {
      const chain = openProof(KEY, text);
      // Base64 has more than one text for the same bytes.
      assertEquals(chain, ADMIN_CHAIN);
    });
    // Whoever knows the network can seal what it likes.
    const value = damaged(random, ADMIN_CHAIN[0].signed, round);
    const list = [[value], [value, value], [...signedOf(MEMBER_BY_ADMIN), value], value];
    const sealed = sealBox(KEY, encodeUtf8(JSON.stringify(list[round % list.length] ?? null)));
    onlyThrows(label(round), [TrustError], () => {
      judge.judge(MALLORY.id, encodeBase64Url(sealed));
      throw new Error("Mallory was accepted");
    });
  }
  assertEquals(judge.memberIds().length, 3, "and nobody was learnt by the way");
  assertEquals(pollution(), []);
});

Deno.test(
  `openProof() throws nothing but TrustError at what was sealed, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED + 3);
    const text = encodeUtf8(JSON.stringify(signedOf(MEMBER_BY_ADMIN)));
    for (let round = 0; round < ROUNDS; round++) {
      const plaintext: Bytes = round % 2 === 0
        ? mutateBytes(random, text)
        : Uint8Array.from({ length: randomBelow(random, 64) }, () => byte(random));
      const proof = encodeBase64Url(sealBox(KEY, plaintext));
      onlyThrows(label(round), [TrustError], () => openProof(KEY, proof));
    }
  },
);

Deno.test(`Roster learns nothing from damaged entries, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 4);
  const roster = newRoster();
  for (const chain of [FOUNDER_CHAIN, MEMBER_BY_ADMIN]) roster.keep(chain);
  const news = [
    certificateJson({ node_id: MALLORY.id }),
    certificateJson({ node_id: MALLORY.id, role: "admin" }),
    certificateJson({ node_id: MALLORY.id, issuer: BOB.id }),
  ];
  const revocations = [revocationJson(), revocationJson({ issuer: BOB.id })];
  for (let round = 0; round < ROUNDS; round++) {
    const certificate = news[round % news.length] ?? {};
    const revocation = revocations[round % revocations.length] ?? {};
    onlyThrows(label(round), [], () => {
      const value = damaged(random, certificate, round);
      const learnt = roster.learnCertificate(isSame(value, certificate) ? null : value, WALL_MS);
      assertEquals(learnt, undefined);
      const other = damaged(random, revocation, round);
      assertEquals(roster.learnRevocation(isSame(other, revocation) ? null : other), undefined);
    });
  }
  assertEquals(roster.certificates().length, 3);
  assertEquals(roster.revocations(), []);
});

Deno.test(`decodeToken() throws nothing but TokenError, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 5);
  for (let round = 0; round < ROUNDS; round++) {
    const secret = Uint8Array.from({ length: 16 }, () => byte(random));
    const port = 1 + randomBelow(random, 65_535);
    const addresses = Array.from({ length: randomBelow(random, 5) }, () => ({
      host: randomHost(random),
      port,
    }));
    const token = encodeToken({ inviter: ALICE.id, secret, addresses });
    assert(token.length <= 200);
    const read = decodeToken(token);
    assertEquals([read.inviter, read.secret], [ALICE.id, secret]);
    assertEquals(encodeToken(read), token, "a token is its own canonical form");
    assertEquals(read.addresses.length, addresses.length);
    const text = decodeLoosely(mutateBytes(random, encodeUtf8(token)));
    onlyThrows(label(round), [TokenError], () => {
      const other = decodeToken(text);
      assertEquals(encodeToken(other), text.replace(/\s/g, "").toUpperCase());
    });
  }
});

Deno.test(`decodeNetwork() throws what its reader expects, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 6);
  const stored = { network: NETWORK, chain: MEMBER_BY_ADMIN, authoritySeed: AUTHORITY_SEED };
  const bytes = encodeNetwork(stored);
  const original = JSON.parse(decodeUtf8(bytes));
  for (let round = 0; round < ROUNDS; round++) {
    const file = round % 2 === 0
      ? mutateBytes(random, bytes)
      : encodeUtf8(hostileJson(mutateObject(random, original)));
    onlyThrows(label(round), [TypeError, FieldError, TrustError], () => {
      const { network, authoritySeed } = decodeNetwork(file);
      assertEquals(network.secret.length, 32);
      assert(authoritySeed === undefined || authoritySeed.length === 32);
    });
  }
  assertEquals(decodeNetwork(bytes), stored);
  assertEquals(pollution(), []);
});

Deno.test(`decodeRoster() lets nobody in by a damaged file, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 7);
  const full = newRoster();
  for (const chain of [FOUNDER_CHAIN, MEMBER_BY_ADMIN]) full.keep(chain);
  full.learnRevocation(revocationJson({ node_id: MALLORY.id }));
  const bytes = encodeRoster(NETWORK_ID, full);
  const original = JSON.parse(decodeUtf8(bytes));
  const known = new Set<string>([ALICE.id, BOB.id, CAROL.id]);
  for (let round = 0; round < ROUNDS; round++) {
    const file = round % 2 === 0
      ? mutateBytes(random, bytes)
      : encodeUtf8(hostileJson(mutateObject(random, original)));
    const roster = newRoster();
    onlyThrows(label(round), [TypeError, FieldError], () => decodeRoster(file, roster, WALL_MS));
    for (const { id, role } of roster.certificates()) {
      assert(known.has(id) && (role === "admin") === (id !== CAROL.id), label(round));
    }
    for (const { id } of roster.revocations()) assertEquals(id, MALLORY.id);
  }
  assertEquals(pollution(), []);
});

Deno.test(`InvitationBook.decode() opens no used invitation, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 8);
  const book = new InvitationBook();
  book.create({ role: "member", expiresAtMs: WALL_MS + 1_000, wallMs: WALL_MS });
  const [entry] = book.encode()["invitations"] as readonly JsonObject[];
  const original = { invitations: [{ ...entry, used_by: BOB.id }, { ...entry, used_by: BOB.id }] };
  for (let round = 0; round < ROUNDS; round++) {
    const value = damaged(random, original, round);
    onlyThrows(label(round), [TypeError, FieldError], () => {
      const open = InvitationBook.decode(Fields.of(value)).open(WALL_MS);
      // Only where it says so by leaving the user out.
      assert(open === 0 || !JSON.stringify(value).match(/"used_by":"[^"]+".*"used_by":"[^"]+"/));
    });
  }
  assertEquals(pollution(), []);
});

function isSame(value: unknown, other: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(other);
}

function decodeLoosely(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}

function randomHost(random: Random): string {
  const bytes = Uint8Array.from({ length: 16 }, () => randomBelow(random, 3) ? byte(random) : 0);
  if (randomBelow(random, 2) === 0) return bytes.slice(0, 4).join(".");
  const words = Array.from(
    { length: 8 },
    (_, i) => concatBytes(bytes.slice(2 * i, 2 * i + 2)).toHex(),
  );
  return words.join(":");
}
