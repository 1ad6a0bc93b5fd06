import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/base/guards.ts";
import {
  isSovereign,
  readRevocation,
  type Revocation,
  revokes,
  signRevocation,
} from "../../src/trust/revocation.ts";
import { ALICE, BOB, CAROL, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
import { HOSTILE_VALUES } from "../testing/mutate.ts";
import {
  AUTHORITY_SEED,
  certificate,
  certificateJson,
  MALLORY,
  NETWORK_ID,
  OTHER_NETWORK_ID,
  revocationJson,
  signedWith,
} from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;

function read(value: unknown): Revocation | undefined {
  return readRevocation(value, PRIMITIVES.verify);
}

function revocation(changes: JsonObject = {}): Revocation {
  const held = read(revocationJson(changes));
  assert(held);
  return held;
}

Deno.test("signRevocation() spells the revocation and signs its canonical form", PURE, () => {
  const signer = PRIMITIVES.importSigningKeyPair(AUTHORITY_SEED);
  const subject = { network: NETWORK_ID, id: CAROL.id, atMs: WALL_MS + 0.7 };
  const made = signRevocation(subject, { name: NETWORK_ID, signer });
  // Ed25519 is deterministic: another implementation's signature is the same text.
  assertEquals(made.signed, revocationJson());
  assertEquals(read(JSON.parse(JSON.stringify(made.signed))), made);
});

Deno.test("readRevocation() reads what another implementation signed", PURE, () => {
  const signed = revocationJson({ issuer: BOB.id });
  assertEquals(read(signed), {
    network: NETWORK_ID,
    id: CAROL.id,
    atMs: WALL_MS,
    issuer: BOB.id,
    signed,
  });
});

Deno.test("readRevocation() covers every field by the signature", PURE, () => {
  const good = revocationJson();
  const changes: readonly JsonObject[] = [
    { type: "CERTIFICATE" },
    { network: OTHER_NETWORK_ID },
    { node_id: BOB.id },
    { at: WALL_MS + 1 },
    { issuer: BOB.id },
    { issuer: CAROL.id },
    { reason: "none" },
    { signature: revocationJson({ at: 1 })["signature"] },
    { signature: `${good["signature"]}A` },
  ];
  for (const change of changes) {
    assertEquals(read({ ...good, ...change }), undefined, JSON.stringify(change));
  }
  for (const key of Object.keys(good)) {
    const { [key]: _, ...rest } = good;
    assertEquals(read(rest), undefined, key);
  }
});

Deno.test("readRevocation() takes each field at its limit and not past it", PURE, () => {
  for (const at of [0, 1e14]) assertEquals(read(revocationJson({ at }))?.atMs, at);
  for (const at of [-1, 0.5, 1e14 + 1]) assertEquals(read(revocationJson({ at })), undefined);
  const withSpareKey = signedWith(AUTHORITY_SEED, { ...revocationJson(), reason: "lost" });
  assertEquals(read(withSpareKey), undefined);
  const ofOtherType = signedWith(AUTHORITY_SEED, { ...revocationJson(), type: "CERTIFICATE" });
  assertEquals(read(ofOtherType), undefined);
});

Deno.test("readRevocation() never throws, whatever stands in any place", PURE, () => {
  for (const value of HOSTILE_VALUES) {
    assertEquals(read(value), undefined);
    for (const key of Object.keys(revocationJson())) {
      assertEquals(read({ ...revocationJson(), [key]: value }), undefined, key);
    }
  }
  assertEquals(read(certificateJson()), undefined);
});

Deno.test("revokes() strikes what was issued up to its moment, and nothing later", PURE, () => {
  const issued = (at: number) => certificate({ issued: at });
  assert(revokes(revocation(), issued(WALL_MS - 1)));
  assert(revokes(revocation(), issued(WALL_MS)));
  assert(!revokes(revocation(), issued(WALL_MS + 1)));
  assert(!revokes(revocation(), certificate({ node_id: BOB.id })));
});

Deno.test("revokes() gives an admin a say over members only", PURE, () => {
  const aliceTheAdmin = certificate({ node_id: ALICE.id, role: "admin" });
  assert(revokes(revocation({ issuer: BOB.id }), certificate()));
  assert(!revokes(revocation({ node_id: ALICE.id, issuer: BOB.id }), aliceTheAdmin));
  assert(revokes(revocation({ node_id: ALICE.id }), aliceTheAdmin));
  assert(revokes(revocation({ node_id: ALICE.id, issuer: ALICE.id }), aliceTheAdmin));
});

Deno.test("isSovereign() is the authority's word and a node's own", PURE, () => {
  assert(isSovereign(revocation()));
  assert(isSovereign(revocation({ issuer: CAROL.id })));
  assert(!isSovereign(revocation({ issuer: BOB.id })));
  assert(!isSovereign(revocation({ issuer: MALLORY.id })));
});
