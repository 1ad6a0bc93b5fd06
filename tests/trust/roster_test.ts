import { assert, assertEquals, assertThrows } from "@std/assert";
import type { JsonObject } from "../../src/base/guards.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { readCertificate, TrustError } from "../../src/trust/certificate.ts";
import type { Roster } from "../../src/trust/roster.ts";
import { ALICE, BOB, CAROL, identityOf, WALL_MS } from "../testing/identities.ts";
import {
  ADMIN_CHAIN,
  certificate,
  certificateJson,
  DAY_MS,
  FOUNDER_CHAIN,
  LIFETIME_MS,
  MALLORY,
  MEMBER_BY_ADMIN,
  MEMBER_CHAIN,
  newRoster,
  OTHER_NETWORK_ID,
  revocationJson,
  signedWith,
} from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;
const LIMITS = Object.freeze({
  maxCertificates: 6,
  maxCertificatesOfAdmin: 4,
  maxRevocations: 6,
  maxRevocationsOfAdmin: 3,
});
const BOB_AS_ADMIN = certificateJson({ node_id: BOB.id, role: "admin" });

function idOf(n: number): PeerId {
  return identityOf(n).id;
}

/** A roster that knows Alice and Bob as admins and Carol as a member. */
function roster(limits = undefined as typeof LIMITS | undefined): Roster {
  const made = newRoster(limits);
  for (const chain of [FOUNDER_CHAIN, ADMIN_CHAIN, MEMBER_CHAIN]) assert(made.keep(chain));
  return made;
}

function learn(into: Roster, changes: JsonObject, wallMs = WALL_MS): boolean {
  return into.learnCertificate(certificateJson(changes), wallMs) !== undefined;
}

function hear(into: Roster, changes: JsonObject): boolean {
  return into.learnRevocation(revocationJson(changes)) !== undefined;
}

function isMember(of: Roster, id: PeerId, wallMs = WALL_MS): boolean {
  return of.isMember(id, wallMs);
}

Deno.test("Roster.certificates() gives admins first, then the latest issued", PURE, () => {
  const all = newRoster();
  learn(all, { node_id: idOf(1), issued: WALL_MS - 2 });
  learn(all, { node_id: idOf(2), issued: WALL_MS - 1 });
  learn(all, { node_id: BOB.id, role: "admin", issued: WALL_MS - 5 });
  learn(all, { node_id: idOf(3), issued: WALL_MS });
  assertEquals(all.certificates().map(({ id }) => id), [BOB.id, idOf(3), idOf(2), idOf(1)]);
});

Deno.test(
  "Roster.learnCertificate() takes the authority's word, and an admin's it knows",
  PURE,
  () => {
    const fresh = newRoster();
    assert(!learn(fresh, { issuer: BOB.id }), "nobody knows Bob yet");
    assert(learn(fresh, { node_id: BOB.id, role: "admin" }));
    assert(learn(fresh, { issuer: BOB.id }));
    assertEquals(fresh.get(CAROL.id)?.issuer, BOB.id);
    assert(isMember(fresh, CAROL.id));
  },
);

Deno.test("Roster.learnCertificate() takes only what is newer", PURE, () => {
  const all = roster();
  for (const issued of [WALL_MS, WALL_MS - 1]) assert(!learn(all, { issued, name: "other" }));
  assertEquals(all.get(CAROL.id)?.name, "carol");
  assert(learn(all, { issued: WALL_MS + 1, name: "other" }));
  assertEquals(all.get(CAROL.id)?.name, "other");
});

Deno.test("Roster.learnCertificate() refuses forgeries of every kind", PURE, () => {
  const all = roster();
  const issued = WALL_MS + 1;
  const byMember = { node_id: MALLORY.id, issuer: CAROL.id };
  assert(!learn(all, byMember), "a member signs nothing");
  assert(!learn(all, { node_id: MALLORY.id, issuer: MALLORY.id, role: "admin" }), "by itself");
  assert(!learn(all, { node_id: MALLORY.id, issuer: BOB.id, role: "admin" }), "an admin's admin");
  const foreign = { network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID, issued };
  assert(!learn(all, foreign), "another network's");
  assert(!learn(all, { issued, not_after: issued }, issued + 1), "expired");
  const forged = { ...certificateJson({ issued }), name: "mallory" };
  assertEquals(all.learnCertificate(forged, WALL_MS), undefined);
  for (const garbage of [null, 1, "x", [], {}, [certificateJson({ issued })]]) {
    assertEquals(all.learnCertificate(garbage, WALL_MS), undefined);
  }
  assertEquals(all.certificates().length, 3);
  assertEquals(all.get(CAROL.id), MEMBER_CHAIN[0]);
});

Deno.test("Roster.learnCertificate() lets no admin make another admin a member", PURE, () => {
  const all = roster();
  assert(!learn(all, { node_id: ALICE.id, issuer: BOB.id, issued: WALL_MS + 1 }));
  assertEquals(all.get(ALICE.id)?.role, "admin");
  assert(learn(all, { node_id: BOB.id, issued: WALL_MS + 1 }), "the authority may");
  assertEquals(all.get(BOB.id)?.role, "member");
});

Deno.test("Roster.keep() takes an admin's word for who is an admin no longer", PURE, () => {
  const lapsed = newRoster();
  const endMs = WALL_MS + DAY_MS;
  learn(lapsed, { node_id: idOf(1), role: "admin", not_after: endMs });
  lapsed.keep(ADMIN_CHAIN);
  assert(!learn(lapsed, { node_id: idOf(1), issuer: BOB.id, issued: endMs }), "still one");
  assert(learn(lapsed, { node_id: idOf(1), issuer: BOB.id, issued: endMs + 1 }));

  const removed = roster();
  learn(removed, { node_id: idOf(1), role: "admin" });
  assert(hear(removed, { node_id: idOf(1) }));
  const again = { node_id: idOf(1), issuer: BOB.id, issued: WALL_MS + 1 };
  assert(learn(removed, again));
  assert(isMember(removed, idOf(1)));
});

Deno.test("Roster.check() passes a good chain and names what is wrong with another", PURE, () => {
  const all = roster();
  const code = (chain: Parameters<Roster["check"]>[0], wallMs = WALL_MS) =>
    assertThrows(() => all.check(chain, wallMs), TrustError).code;
  all.check(MEMBER_BY_ADMIN, WALL_MS);
  assertEquals(code(MEMBER_CHAIN, WALL_MS + LIFETIME_MS + 1), "certificate_expired");
  assert(hear(all, {}));
  assertEquals(code(MEMBER_CHAIN), "revoked");
  assertEquals(code(MEMBER_BY_ADMIN), "revoked");
  all.check([certificate({ issued: WALL_MS + 1 })], WALL_MS);
});

Deno.test("Roster.isMember() ends with the certificate's life, or its issuer's", PURE, () => {
  const all = newRoster();
  const endMs = WALL_MS + DAY_MS;
  learn(all, { node_id: BOB.id, role: "admin", not_after: endMs });
  learn(all, { issuer: BOB.id });
  learn(all, { node_id: idOf(1), not_after: endMs });
  for (const id of [BOB.id, CAROL.id, idOf(1)]) {
    assert(isMember(all, id, endMs));
    assert(!isMember(all, id, endMs + 1));
  }
  assert(!isMember(all, MALLORY.id));
});

Deno.test("Roster works on a board whose clock stands before every date", PURE, () => {
  const all = newRoster();
  assert(learn(all, { node_id: BOB.id, role: "admin" }, 0));
  assert(learn(all, { issuer: BOB.id }, 0));
  assert(isMember(all, CAROL.id, 0));
  assert(hear(all, {}), "it hears who is out");
  assert(!isMember(all, CAROL.id, 0));
  assert(!learn(all, { issuer: BOB.id }, 0));
});

Deno.test("Roster.learnRevocation() takes the word of those who have a say", PURE, () => {
  const cases: readonly (readonly [string, JsonObject, PeerId])[] = [
    ["the authority, of a member", {}, CAROL.id],
    ["the authority, of an admin", { node_id: BOB.id }, BOB.id],
    ["an admin, of a member", { issuer: BOB.id }, CAROL.id],
    ["a member, of itself", { issuer: CAROL.id }, CAROL.id],
    ["an admin, of itself", { node_id: BOB.id, issuer: BOB.id }, BOB.id],
  ];
  for (const [label, changes, target] of cases) {
    const all = roster();
    assert(isMember(all, target), label);
    assert(hear(all, changes), label);
    assert(!isMember(all, target), label);
    assert(!hear(all, changes), `${label}: told again it is no news`);
  }
});

Deno.test("Roster.learnRevocation() refuses everybody else's", PURE, () => {
  const all = roster();
  learn(all, { node_id: idOf(1) });
  const refused: readonly (readonly [string, JsonObject])[] = [
    ["a member of another", { node_id: idOf(1), issuer: CAROL.id }],
    ["a member of an admin", { node_id: BOB.id, issuer: CAROL.id }],
    ["a stranger of a member", { issuer: MALLORY.id }],
    ["a stranger of itself", { node_id: MALLORY.id, issuer: MALLORY.id }],
    ["another network's authority", { network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID }],
    ["another authority in our name", { issuer: OTHER_NETWORK_ID }],
    ["an admin in another network's name", { network: OTHER_NETWORK_ID, issuer: BOB.id }],
  ];
  for (const [label, changes] of refused) assert(!hear(all, changes), label);
  for (const garbage of [null, 1, {}, [], revocationJson({ extra: 1 }), certificateJson()]) {
    assertEquals(all.learnRevocation(garbage), undefined);
  }
  const forged = { ...revocationJson(), node_id: BOB.id };
  assertEquals(all.learnRevocation(forged), undefined);
  assertEquals(all.revocations(), []);
});

Deno.test("Roster.learnRevocation() counts no admin's word against an admin", PURE, () => {
  const all = roster();
  hear(all, { node_id: ALICE.id, issuer: BOB.id });
  assert(isMember(all, ALICE.id));
});

Deno.test("Roster.learnRevocation() takes no word of who was revoked itself", PURE, () => {
  const all = roster();
  learn(all, { node_id: idOf(1) });
  assert(hear(all, { node_id: BOB.id }));
  assert(!hear(all, { node_id: idOf(1), issuer: BOB.id, at: WALL_MS + 1 }));
  assert(!hear(all, { node_id: BOB.id, issuer: BOB.id, at: WALL_MS + 1 }));
  assert(isMember(all, idOf(1)));
});

Deno.test(
  "Roster.learnRevocation() bounds how far ahead a member's word may be dated",
  PURE,
  () => {
    const endMs = WALL_MS + LIFETIME_MS;
    for (const issuer of [BOB.id, CAROL.id]) {
      assert(!hear(roster(), { issuer, at: endMs + 1 }));
      assert(hear(roster(), { issuer, at: endMs }));
    }
    assert(hear(roster(), { at: endMs + 1 }), "the authority is believed");
  },
);

Deno.test("Roster takes back who was certified again, and a replay changes nothing", PURE, () => {
  for (const issuer of [revocationJson()["issuer"], BOB.id, CAROL.id]) {
    const all = roster();
    assert(hear(all, { issuer }));
    assert(!learn(all, {}), "the old certificate is dead");
    assert(!learn(all, { issued: WALL_MS - 1 }));
    assert(learn(all, { issued: WALL_MS + 1 }));
    assert(isMember(all, CAROL.id));
    assert(!hear(all, { issuer }));
    assert(!hear(all, { issuer, at: WALL_MS - 1 }));
    assert(isMember(all, CAROL.id));
    assert(hear(all, { issuer, at: WALL_MS + 1 }));
    assert(!isMember(all, CAROL.id));
  }
});

Deno.test("Roster holds the authority's word above an admin's, whatever their dates", PURE, () => {
  const all = roster();
  assert(hear(all, { issuer: BOB.id, at: WALL_MS + DAY_MS }));
  assert(hear(all, { at: WALL_MS }), "it may be shorter");
  assert(!hear(all, { issuer: BOB.id, at: WALL_MS + DAY_MS }));
  assert(learn(all, { issued: WALL_MS + 1 }));
  assert(isMember(all, CAROL.id));
});

Deno.test("Roster.isRevoked() takes with an admin all that it signed", PURE, () => {
  const all = newRoster();
  all.keep(MEMBER_BY_ADMIN);
  learn(all, { node_id: idOf(1) });
  assert(hear(all, { node_id: BOB.id }));
  assert(all.isRevoked(MEMBER_BY_ADMIN));
  assert(!isMember(all, CAROL.id));
  assert(isMember(all, idOf(1)), "the authority's own stay");
  assert(!learn(all, { node_id: idOf(2), issuer: BOB.id }), "it signs nothing any more");
  assert(learn(all, { issued: WALL_MS + 1 }), "certified anew by the authority, she stays");
  assert(isMember(all, CAROL.id));
});

Deno.test("Roster.isRevoked() revives nothing when a revoked admin comes back", PURE, () => {
  for (const role of ["admin", "member"]) {
    const all = newRoster();
    all.keep(MEMBER_BY_ADMIN);
    assert(hear(all, { node_id: BOB.id }));
    assert(learn(all, { node_id: BOB.id, role, issued: WALL_MS + 1 }));
    assert(isMember(all, BOB.id));
    assert(!isMember(all, CAROL.id), `Bob is back as ${role}`);
    const bob = all.get(BOB.id);
    assert(bob);
    assertThrows(() => all.check([certificate({ issuer: BOB.id }), bob], WALL_MS), TrustError);
    const after = { node_id: idOf(1), issuer: BOB.id, issued: WALL_MS + 2 };
    assertEquals(learn(all, after), role === "admin");
  }
});

Deno.test(
  "Roster.chainOf() gives the chain that proves a certificate, where it is known",
  PURE,
  () => {
    const all = newRoster();
    assertEquals(all.chainOf(MEMBER_CHAIN[0]), MEMBER_CHAIN);
    assertEquals(all.chainOf(MEMBER_BY_ADMIN[0]), undefined);
    all.keep(ADMIN_CHAIN);
    assertEquals(all.chainOf(MEMBER_BY_ADMIN[0]), MEMBER_BY_ADMIN);
    learn(all, { node_id: BOB.id, issued: WALL_MS + 1 });
    assertEquals(all.chainOf(MEMBER_BY_ADMIN[0]), undefined, "Bob is no admin any more");
  },
);

Deno.test("Roster evicts the first to expire, and admins never", PURE, () => {
  const all = newRoster(LIMITS);
  all.keep(ADMIN_CHAIN);
  for (let n = 0; n < 5; n++) learn(all, { node_id: idOf(n), not_after: WALL_MS + 100 + n });
  assertEquals(all.certificates().length, 6);
  assert(learn(all, { node_id: idOf(5), not_after: WALL_MS + 200 }));
  assertEquals(all.certificates().length, 6);
  assertEquals(all.get(idOf(0)), undefined);
  assert(all.get(idOf(1)) && all.get(idOf(5)) && all.get(BOB.id));
});

Deno.test("Roster stays bounded under a flood of certificates", PURE, () => {
  const all = newRoster(LIMITS);
  all.keep(ADMIN_CHAIN);
  for (let n = 0; n < 100; n++) learn(all, { node_id: idOf(n) });
  assertEquals(all.certificates().length, 6);
  assert(all.get(BOB.id));
});

Deno.test("Roster lets an admin's inventions displace nobody but each other", PURE, () => {
  const all = newRoster(LIMITS);
  all.keep(ADMIN_CHAIN);
  const soon = WALL_MS + 100;
  assert(learn(all, { node_id: CAROL.id, not_after: soon }));
  for (let n = 0; n < 100; n++) learn(all, { node_id: idOf(n), issuer: BOB.id });
  assert(all.get(CAROL.id), "though it expires before all others");
  assertEquals(all.certificates().filter(({ issuer }) => issuer === BOB.id).length, 4);
});

Deno.test("Roster takes so many revocations of one admin and no more", PURE, () => {
  const all = roster(LIMITS);
  for (let n = 0; n < 3; n++) assert(hear(all, { node_id: idOf(n), issuer: BOB.id }));
  assert(!hear(all, { node_id: idOf(3), issuer: BOB.id }));
  assert(hear(all, { node_id: idOf(0), issuer: BOB.id, at: WALL_MS + 1 }), "news of one held");
  assert(hear(all, { node_id: idOf(3), issuer: ALICE.id }), "another admin's");
  assertEquals(all.revocations().length, 4);
});

Deno.test("Roster that is full of revocations forgets none of them", PURE, () => {
  const all = roster(LIMITS);
  for (let n = 0; n < 6; n++) assert(hear(all, { node_id: idOf(n) }));
  assert(!hear(all, { issuer: BOB.id }));
  assert(!hear(all, { issuer: CAROL.id }));
  assert(!hear(all, { node_id: idOf(6) }), "not even for the authority's own");
  assert(isMember(all, CAROL.id));
  assertEquals(all.revocations().length, 6);
});

Deno.test("Roster makes room for the authority, by what weighs least", PURE, () => {
  const all = roster(LIMITS);
  for (let n = 0; n < 3; n++) hear(all, { node_id: idOf(n), issuer: BOB.id });
  assert(hear(all, { issuer: CAROL.id }), "Carol leaves");
  for (let n = 3; n < 5; n++) assert(hear(all, { node_id: idOf(n) }));
  const revoked = () => all.revocations().map(({ id }) => id);
  assertEquals(revoked().length, 6);
  assert(hear(all, { node_id: BOB.id }), "a rogue admin cannot make itself irrevocable");
  assert(!revoked().includes(CAROL.id));
  assert(!isMember(all, BOB.id));
  assert(hear(all, { node_id: idOf(5) }));
  assert(!revoked().includes(idOf(0)));
  assertEquals(revoked().length, 6);
});

Deno.test(
  "Roster.recallRevocation() takes back what was learnt, whoever is forgotten",
  PURE,
  () => {
    const fresh = newRoster();
    // Neither Bob's certificate nor Carol's outlived the restart.
    fresh.recallRevocation(revocationJson({ issuer: BOB.id }));
    fresh.recallRevocation(revocationJson({ node_id: idOf(1), issuer: idOf(1) }));
    assert(!learn(fresh, {}));
    assert(!learn(fresh, { node_id: idOf(1) }));
    fresh.recallRevocation(revocationJson({ network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID }));
    fresh.recallRevocation({ ...revocationJson(), node_id: BOB.id });
    fresh.recallRevocation("garbage");
    assertEquals(fresh.revocations().length, 2);
  },
);

Deno.test("Roster.keep() is told of nothing that a chain brought along unchecked", PURE, () => {
  const all = roster();
  const seed = new Uint8Array(32);
  const forged = readCertificate(
    signedWith(seed, { ...BOB_AS_ADMIN, node_id: MALLORY.id, issued: WALL_MS + 1 }),
  );
  assertThrows(() => all.check([MEMBER_CHAIN[0], forged], WALL_MS), TrustError);
  assertEquals(all.get(MALLORY.id), undefined);
});
