import { assert, assertEquals, assertNotEquals } from "@std/assert";
import canonicalize from "canonicalize";
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type Bytes, decodeBase64Url, encodeBase64Url } from "../../src/base/bytes.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import { networkIdOf } from "../../src/trust/network_id.ts";
import { MAX_FORMER_SECRETS, type SecretJudges, SecretRing } from "../../src/trust/secret_ring.ts";
import { ALICE, BOB, PRIMITIVES } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const FOUNDING = new Uint8Array(32).fill(1);
const AT_MS = 1_790_000_000_000;

/** An authority whose signatures are made by the runtime. */
const KEYS = generateKeyPairSync("ed25519");
const NETWORK = networkIdOf(rawKey(KEYS.privateKey));

function rawKey(key: KeyObject): Bytes {
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  return decodeBase64Url(String(x), 32) ?? new Uint8Array(0);
}

function record(changes: JsonObject = {}, key = KEYS.privateKey): JsonObject {
  const body = {
    type: "NETWORK_SECRET",
    network: NETWORK,
    secret: encodeBase64Url(new Uint8Array(32).fill(2)),
    at: AT_MS,
    issuer: NETWORK,
    ...changes,
  };
  const signature = sign(null, new TextEncoder().encode(canonicalize(body)), key);
  return { ...body, signature: signature.toString("base64url") };
}

function ring(stored: Partial<ConstructorParameters<typeof SecretRing>[2]> = {}): SecretRing {
  const { verify } = PRIMITIVES;
  return new SecretRing(NETWORK, verify, {
    secret: FOUNDING,
    former: [],
    record: undefined,
    ...stored,
  });
}

const NOBODY: SecretJudges = { isAdmin: () => false, wasRemoved: () => false };

/** Only `id` is an admin; whoever was one before is removed. */
function onlyAdmin(id: string): SecretJudges {
  return { isAdmin: (each) => each === id, wasRemoved: (each) => each !== id };
}

Deno.test(
  "SecretRing.learn() takes what the authority signed, and keeps the one before",
  PURE,
  () => {
    const each = ring();
    assert(each.learn(record(), NOBODY));
    assertEquals(each.all, [new Uint8Array(32).fill(2), FOUNDING]);
    assertEquals(each.stored.record, record());
    assertEquals(each.learn(record(), NOBODY), false, "no news");
  },
);

Deno.test("SecretRing.learn() takes an admin's word, and nobody else's", PURE, () => {
  const admin = generateKeyPairSync("ed25519");
  const id = peerIdOf(rawKey(admin.privateKey));
  const byAdmin = record({ issuer: id }, admin.privateKey);
  assertEquals(ring().learn(byAdmin, NOBODY), false);
  assertEquals(ring().learn(byAdmin, onlyAdmin(id)), true);
  assertEquals(ring().learn(record({ issuer: id }), onlyAdmin(id)), false, "forged");
});

Deno.test("SecretRing.learn() refuses every change, and what is malformed", PURE, () => {
  const good = record();
  for (const key of Object.keys(good)) {
    for (const value of [null, 7, "", [], {}, "x".repeat(200), AT_MS + 1, -1, NaN]) {
      assertEquals(
        ring().learn({ ...good, [key]: value }, { ...NOBODY, isAdmin: () => true }),
        false,
        key,
      );
    }
    const { [key]: _, ...rest } = good;
    assertEquals(ring().learn(rest, { ...NOBODY, isAdmin: () => true }), false, `without ${key}`);
  }
  const spare = [
    { ...good, more: 1 },
    record({ more: 1 }),
    record({ network: ALICE.id }),
    null,
    [],
    7,
  ];
  for (const value of spare) {
    assertEquals(ring().learn(value, { ...NOBODY, isAdmin: () => true }), false);
  }
});

Deno.test("SecretRing.learn() takes the later one, whatever comes last", PURE, () => {
  const [early, late] = [record({ at: AT_MS - 1 }), record()];
  const secretOf = (...records: JsonObject[]) => {
    const each = ring();
    for (const one of records) each.learn(one, NOBODY);
    return each.current;
  };
  assertEquals(secretOf(early, late), secretOf(late, early));
  const twins = [3, 4].map((fill) =>
    record({ secret: encodeBase64Url(new Uint8Array(32).fill(fill)) })
  );
  const [one, other] = twins;
  assert(one && other);
  assertEquals(secretOf(one, other), secretOf(other, one), "of the same millisecond");
});

Deno.test("SecretRing gets rid of what a revoked admin set, however far ahead", PURE, () => {
  const issuer = { name: BOB.id, signer: BOB.signing };
  const [here, there] = [ring(), ring()];
  const [bob, alice] = [onlyAdmin(BOB.id), onlyAdmin(ALICE.id)];
  assert(there.learn(here.rotate(issuer, 1e14, bob.wasRemoved), bob));
  assertEquals(here.learn(record(), bob), false, "as long as it is an admin");
  assertEquals(here.learn(record(), NOBODY), false, "or its certificate has merely expired");
  const told = here.rotate({ name: ALICE.id, signer: ALICE.signing }, AT_MS, alice.wasRemoved);
  assert(there.learn(told, alice));
  assertEquals(there.current, here.current);
  const again = ring({ ...there.stored });
  assert(
    again.learn(record({ at: 1 }), onlyAdmin(BOB.id)),
    "Alice is gone as well, and the file remembers who set it",
  );
});

Deno.test("SecretRing.rotate() sets a secret that the others take", PURE, () => {
  const [here, there] = [ring(), ring()];
  const signer = ALICE.signing;
  const alice = onlyAdmin(ALICE.id);
  for (let round = 1; round <= MAX_FORMER_SECRETS + 2; round++) {
    const before = here.current;
    // A clock that went back changes nothing.
    const told = here.rotate({ name: ALICE.id, signer }, AT_MS - round, alice.wasRemoved);
    assertNotEquals(here.current, before);
    assert(there.learn(told, alice));
    assertEquals(there.stored, here.stored);
  }
  assertEquals(here.stored.former.length, MAX_FORMER_SECRETS);
  const again = ring(here.stored);
  assertEquals(again.learn(record({ at: 5 }), alice), false, "older than what was stored");
  assertEquals(again.learn(here.stored.record, alice), false);
});
