import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { openBox, sealBox } from "../../src/noise/secret_box.ts";
import {
  type Certificate,
  type Chain,
  readCertificate,
  TrustError,
} from "../../src/trust/certificate.ts";
import type { Membership } from "../../src/trust/membership.ts";
import { proofKeyOf } from "../../src/trust/network_id.ts";
import { MAX_PROOF_LENGTH, parseChain } from "../../src/trust/proof.ts";
import { ALICE, BOB, CAROL, identityOf, WALL_MS } from "../testing/identities.ts";
import {
  admin,
  ADMIN_CHAIN,
  certificate,
  certificateJson,
  DAY_MS,
  founder,
  FOUNDER_CHAIN,
  LIFETIME_MS,
  MALLORY,
  member,
  MEMBER_BY_ADMIN,
  MEMBER_CHAIN,
  membershipOf,
  NETWORK_ID,
  OTHER_NETWORK_ID,
  revocationJson,
  signedOf,
  signedWith,
} from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;
const KEY = proofKeyOf(NETWORK_ID);
const DAVE = identityOf(4);
const AS_MEMBER = { name: "x", role: "member" } as const;

function proofOf(value: unknown, key = KEY): string {
  return encodeBase64Url(sealBox(key, encodeUtf8(JSON.stringify(value))));
}

function showing(chain: Chain): string {
  return proofOf(signedOf(chain));
}

function refusal(judge: Membership, id: PeerId, proof: string | undefined): string {
  return assertThrows(() => judge.judge(id, proof), TrustError).code;
}

function code(action: () => unknown): string {
  return assertThrows(action, TrustError).code;
}

/** Takes what `from` has to tell, as a session between the two would. */
function tell(to: Membership, from: Membership, clock = new ManualClock()): void {
  for (const each of from.roster.certificates()) {
    to.roster.learnCertificate(each.signed, clock.wallMs());
  }
  for (const each of from.roster.revocations()) to.roster.learnRevocation(each.signed);
}

Deno.test("Membership.prove() shows the chain to whoever knows the network", PURE, () => {
  const proof = member(undefined, MEMBER_BY_ADMIN).prove();
  const box = Uint8Array.fromBase64(proof, { alphabet: "base64url" });
  const plaintext = openBox(KEY, box);
  assert(plaintext);
  assertEquals(JSON.parse(decodeUtf8(plaintext)), signedOf(MEMBER_BY_ADMIN));
  assertEquals(openBox(proofKeyOf(OTHER_NETWORK_ID), box), undefined);
  assert(!proof.includes(NETWORK_ID));
});

Deno.test("Membership.prove() fits its limit with the longest names there are", PURE, () => {
  const name = "网".repeat(32);
  const bob = certificate({ node_id: BOB.id, role: "admin", name });
  const carol = certificate({ issuer: BOB.id, name });
  const proof = member(undefined, [carol, bob]).prove();
  assert(proof.length <= MAX_PROOF_LENGTH, `${proof.length}`);
  assertEquals(founder().judge(CAROL.id, proof), { kind: "member", role: "member", name });
});

Deno.test("Membership.judge() accepts members of each kind by what they show", PURE, () => {
  assertEquals(founder().judge(BOB.id, admin().prove()), {
    kind: "member",
    role: "admin",
    name: "bob",
  });
  const carol = { kind: "member", role: "member", name: "carol" } as const;
  assertEquals(founder().judge(CAROL.id, member().prove()), carol);
  assertEquals(founder().judge(CAROL.id, member(undefined, MEMBER_BY_ADMIN).prove()), carol);
  assertEquals(member().judge(ALICE.id, founder().prove()).kind, "member");
});

Deno.test("Membership.judge() remembers whom it has seen", PURE, () => {
  const judge = founder();
  assert(!judge.isMember(CAROL.id));
  judge.judge(CAROL.id, showing(MEMBER_BY_ADMIN));
  assert(judge.isMember(CAROL.id) && judge.isMember(BOB.id));
  assertEquals(judge.memberIds(), [ALICE.id, BOB.id, CAROL.id]);
});

Deno.test("Membership.judge() says why somebody does not belong", PURE, () => {
  const endMs = WALL_MS - 1;
  const cases: readonly (readonly [string, string | undefined, string])[] = [
    ["no proof", undefined, "not_a_member"],
    ["garbage", "%%%", "foreign_network"],
    ["nothing", "", "foreign_network"],
    ["another network's key", proofOf([], proofKeyOf(OTHER_NETWORK_ID)), "foreign_network"],
    ["too long", "A".repeat(MAX_PROOF_LENGTH + 1), "foreign_network"],
    [
      "another network's certificate",
      showing([
        certificate({ network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID }),
      ]),
      "foreign_network",
    ],
    ["no certificate", proofOf([]), "bad_certificate"],
    ["no list", proofOf({ 0: certificateJson() }), "bad_certificate"],
    [
      "three of them",
      proofOf([...signedOf(MEMBER_BY_ADMIN), ...signedOf(FOUNDER_CHAIN)]),
      "bad_certificate",
    ],
    ["another's", showing(ADMIN_CHAIN), "bad_certificate"],
    ["its issuer's first", proofOf(signedOf(MEMBER_BY_ADMIN).toReversed()), "bad_certificate"],
    ["half of it", proofOf([MEMBER_BY_ADMIN[0].signed]), "bad_certificate"],
    ["expired", showing([certificate({ issued: 0, not_after: endMs })]), "certificate_expired"],
  ];
  for (const [label, proof, expected] of cases) {
    assertEquals(refusal(founder(), CAROL.id, proof), expected, label);
  }
  const notJson = encodeBase64Url(sealBox(KEY, Uint8Array.of(0xff, 0xfe)));
  assertEquals(refusal(founder(), CAROL.id, notJson), "bad_certificate");
});

Deno.test("Membership.judge() keeps no admin that a member brings along", PURE, () => {
  // Carol is a member; she made Mallory an admin by herself, and hopes that we keep both.
  const forged = readCertificate(
    signedWith(new Uint8Array(32), {
      ...certificateJson(),
      node_id: MALLORY.id,
      role: "admin",
      issued: WALL_MS + 1,
    }),
  );
  const judge = founder();
  assertEquals(refusal(judge, CAROL.id, showing([MEMBER_CHAIN[0], forged])), "bad_certificate");
  assertEquals(judge.roster.get(MALLORY.id), undefined);
  assert(!judge.isMember(MALLORY.id));
  const bySham = revocationJson({ node_id: BOB.id, issuer: MALLORY.id });
  assertEquals(judge.roster.learnRevocation(bySham), undefined);
});

Deno.test("Membership.judge() refuses a recorded proof from another key", PURE, () => {
  assertEquals(refusal(founder(), MALLORY.id, member().prove()), "bad_certificate");
});

Deno.test("Membership.judge() refuses the revoked, and a replay of their proofs", PURE, () => {
  const judge = founder();
  const proof = member().prove();
  judge.judge(CAROL.id, proof);
  judge.revoke(CAROL.id);
  assertEquals(refusal(judge, CAROL.id, proof), "revoked");
  assertEquals(refusal(judge, CAROL.id, showing(MEMBER_BY_ADMIN)), "revoked");
});

Deno.test("Membership.judge() accepts who was certified anew and does not know it", PURE, () => {
  const judge = founder();
  const proof = showing(MEMBER_BY_ADMIN);
  judge.judge(CAROL.id, proof);
  judge.revoke(BOB.id);
  assertEquals(judge.judge(CAROL.id, proof).kind, "member");
  assertEquals(refusal(judge, BOB.id, showing(ADMIN_CHAIN)), "revoked");
  assertEquals(refusal(judge, CAROL.id, undefined), "not_a_member", "it must show something");
});

Deno.test("Membership.judge() takes anybody into an open village, and knows members", PURE, () => {
  const open = membershipOf(ALICE, FOUNDER_CHAIN, { isOpen: true, isFounder: true });
  assertEquals(open.judge(MALLORY.id, undefined), { kind: "open" });
  assertEquals(open.judge(MALLORY.id, "garbage"), { kind: "open" });
  assertEquals(open.judge(CAROL.id, member().prove()).kind, "member");
  assert(!open.isMember(MALLORY.id));
});

Deno.test("Membership.judge() works on a board without a clock", PURE, () => {
  const board = member(new ManualClock(0));
  assertEquals(board.judge(BOB.id, admin().prove()).kind, "member");
  board.roster.learnRevocation(revocationJson({ node_id: BOB.id }));
  assertEquals(refusal(board, BOB.id, admin().prove()), "revoked");
});

Deno.test("Membership.certify() makes members by an admin, and all by the founder", PURE, () => {
  const subject = { id: DAVE.id, name: "dave", role: "member" } as const;
  const byFounder = founder().certify(subject);
  assertEquals([byFounder.length, byFounder[0].issuer], [1, NETWORK_ID]);
  const byAdmin = admin().certify(subject);
  assertEquals(byAdmin.map((each) => each?.issuer), [BOB.id, NETWORK_ID]);
  for (const chain of [byFounder, byAdmin]) {
    const dave = membershipOf(DAVE, chain);
    assertEquals(member().judge(DAVE.id, dave.prove()), {
      kind: "member",
      role: "member",
      name: "dave",
    });
    assertEquals(chain[0].issuedAtMs, WALL_MS);
    assertEquals(chain[0].notAfterMs, WALL_MS + LIFETIME_MS);
  }
  const [asAdmin] = founder().certify({ ...subject, role: "admin" });
  assertEquals(asAdmin.role, "admin");
  assertEquals(code(() => admin().certify({ ...subject, role: "admin" })), "not_authorized");
  assertEquals(code(() => member().certify(subject)), "not_authorized");
  assertEquals(code(() => member().checkMayCertify("member")), "not_authorized");
});

Deno.test("Membership.certify() gives nothing that outlives the admin's own", PURE, () => {
  const clock = new ManualClock();
  const bob = admin(clock);
  clock.jumpWall(100 * DAY_MS);
  const [leaf] = bob.certify({ id: DAVE.id, ...AS_MEMBER });
  assertEquals(leaf.notAfterMs, WALL_MS + LIFETIME_MS);
});

Deno.test("Membership.certify() is not for an admin that expired or was revoked", PURE, () => {
  const clock = new ManualClock();
  const bob = admin(clock);
  clock.jumpWall(LIFETIME_MS + 1);
  assertEquals(code(() => bob.certify({ id: DAVE.id, ...AS_MEMBER })), "not_authorized");
  const removed = admin();
  removed.roster.learnRevocation(revocationJson({ node_id: BOB.id }));
  assert(removed.isRevoked);
  assertEquals(code(() => removed.certify({ id: DAVE.id, ...AS_MEMBER })), "not_authorized");
});

Deno.test("Membership.certify() is newer than what was held, whatever its clock", PURE, () => {
  const behind = new ManualClock(WALL_MS - DAY_MS);
  const judge = founder(behind);
  judge.roster.keep(MEMBER_BY_ADMIN);
  const [leaf] = judge.certify({ id: CAROL.id, ...AS_MEMBER });
  assertEquals(leaf.issuedAtMs, WALL_MS + 1);
  assertEquals(judge.roster.get(CAROL.id), leaf);
});

Deno.test("Membership.certify() lets back in who was revoked", PURE, () => {
  for (const revoker of [founder(), admin()]) {
    revoker.roster.keep(MEMBER_CHAIN);
    revoker.revoke(CAROL.id);
    assert(!revoker.isMember(CAROL.id) && revoker.wasRemoved(CAROL.id));
    const chain = revoker.certify({ id: CAROL.id, ...AS_MEMBER });
    assert(revoker.isMember(CAROL.id) && !revoker.wasRemoved(CAROL.id));
    const other = member();
    tell(other, revoker);
    assertEquals(other.judge(CAROL.id, showing(chain)).kind, "member");
  }
});

Deno.test("Membership.certifyWhereDue() signs nothing twice before its time", PURE, () => {
  const clock = new ManualClock();
  const bob = admin(clock);
  const subject = { id: DAVE.id, name: "dave", role: "member" } as const;
  const chain = bob.certifyWhereDue(subject);
  clock.jumpWall(LIFETIME_MS / 3 - 1);
  assertEquals(bob.certifyWhereDue(subject), chain);
  clock.jumpWall(1);
  const renewed = bob.certifyWhereDue(subject);
  assertEquals(renewed[0].issuedAtMs, WALL_MS + LIFETIME_MS / 3);
  assertEquals(bob.certifyWhereDue({ ...subject, name: "dora" })[0].name, "dora");
  bob.revoke(DAVE.id);
  assert(bob.certifyWhereDue(subject)[0].issuedAtMs > renewed[0].issuedAtMs);
});

Deno.test("Membership.certifyWhereDue() by one that ends sooner shortens nothing", PURE, () => {
  const clock = new ManualClock();
  const bob = admin(clock);
  const notAfterMs = WALL_MS + LIFETIME_MS + DAY_MS;
  const chain: Chain = [certificate({ not_after: notAfterMs })];
  bob.roster.keep(chain);
  clock.jumpWall(LIFETIME_MS - DAY_MS);
  assertEquals(bob.certifyWhereDue({ id: CAROL.id, name: "carol", role: "member" }), chain);
});

Deno.test("Membership.isRenewalDue() after a third of the certificate's life", PURE, () => {
  const clock = new ManualClock();
  const carol = member(clock);
  clock.jumpWall(LIFETIME_MS / 3 - 1);
  assert(!carol.isRenewalDue);
  clock.jumpWall(1);
  assert(carol.isRenewalDue);
  clock.jumpWall(-LIFETIME_MS);
  assert(!carol.isRenewalDue, "a board without a clock asks nobody");
});

Deno.test("Membership.adopt() takes a newer certificate of ours and shows it", PURE, () => {
  const carol = member();
  const chain: Chain = [certificate({ issued: WALL_MS + 1, issuer: BOB.id }), ADMIN_CHAIN[0]];
  assert(carol.adopt(chain));
  assertEquals([carol.certificate, carol.chain], [chain[0], chain]);
  assertEquals(founder().judge(CAROL.id, carol.prove()).kind, "member");
  assert(founder().roster.get(BOB.id) === undefined);
  assert(!carol.adopt(chain), "again it is not newer");
  assert(!carol.adopt(MEMBER_CHAIN));
  assert(!carol.adopt([certificate({ node_id: BOB.id, issued: WALL_MS + 2 })]), "another's");
  assertEquals(carol.chain, chain);
});

Deno.test("Membership.adopt() refuses what does not hold", PURE, () => {
  const carol = member();
  const forged = { ...certificateJson({ issued: WALL_MS + 1 }), role: "admin" };
  assertEquals(code(() => carol.adopt([readCertificate(forged)])), "bad_certificate");
  const byMallory = certificate({ issued: WALL_MS + 1, issuer: MALLORY.id });
  assertEquals(code(() => carol.adopt([byMallory])), "bad_certificate");
  assertEquals(carol.chain, MEMBER_CHAIN);
});

Deno.test("Membership.adopt() lets no other admin make us a member", PURE, () => {
  const alice = membershipOf(ALICE, FOUNDER_CHAIN);
  const byBob = certificate({ node_id: ALICE.id, issuer: BOB.id, issued: WALL_MS + 1 });
  assert(!alice.adopt([byBob, ADMIN_CHAIN[0]]));
  assertEquals(alice.certificate.role, "admin");
  assert(alice.adopt([certificate({ node_id: ALICE.id, issued: WALL_MS + 1 })]));
  assertEquals(alice.certificate.role, "member");
});

Deno.test("Membership.revoke() is for the founder, and for admins with members", PURE, () => {
  const cases: readonly (readonly [Membership, PeerId, string | undefined])[] = [
    [founder(), CAROL.id, undefined],
    [founder(), BOB.id, undefined],
    [founder(), MALLORY.id, undefined],
    [founder(), ALICE.id, "not_authorized"],
    [admin(), CAROL.id, undefined],
    [admin(), ALICE.id, "not_authorized"],
    [admin(), BOB.id, "not_authorized"],
    [member(), DAVE.id, "not_authorized"],
    [member(), CAROL.id, "not_authorized"],
  ];
  for (const [who, target, expected] of cases) {
    tell(who, member());
    if (expected) assertEquals(code(() => who.revoke(target)), expected);
    else assert(!isAccepted(who.revoke(target).revocation.signed, target));
  }
});

Deno.test("Membership.revoke() says so when there is nothing more to revoke", PURE, () => {
  const alice = founder();
  alice.revoke(CAROL.id);
  assertThrows(() => alice.revoke(CAROL.id), RangeError, "revoked already");
});

Deno.test(
  "Membership.revoke() strikes a certificate that is dated ahead of our clock",
  PURE,
  () => {
    const alice = founder(new ManualClock(WALL_MS - DAY_MS));
    alice.roster.keep(MEMBER_CHAIN);
    const { revocation } = alice.revoke(CAROL.id);
    assertEquals(revocation.atMs, WALL_MS);
    assert(!alice.isMember(CAROL.id));
  },
);

Deno.test("Membership.revoke() of an admin keeps whom it had let in, and nobody else", PURE, () => {
  const clock = new ManualClock();
  const alice = founder(clock);
  const bob = admin(clock);
  const dave = bob.certify({ id: DAVE.id, name: "dave", role: "member" });
  const gone = bob.certify({ id: identityOf(5).id, name: "gone", role: "member" });
  const lapsed: Chain = [
    certificate({ node_id: identityOf(6).id, issuer: BOB.id, not_after: WALL_MS + 1 }),
    ADMIN_CHAIN[0],
  ];
  for (const chain of [dave, gone, lapsed, MEMBER_CHAIN]) alice.roster.keep(chain);
  bob.roster.keep(gone);
  alice.roster.learnRevocation(bob.revoke(identityOf(5).id).revocation.signed);
  clock.jumpWall(2);

  const { revocation, renewed } = alice.revoke(BOB.id);
  assertEquals(renewed.map(({ id, name, issuer }) => [id, name, issuer]), [
    [DAVE.id, "dave", NETWORK_ID],
  ]);
  assert(alice.isMember(DAVE.id) && alice.isMember(CAROL.id));
  for (const id of [BOB.id, identityOf(5).id, identityOf(6).id]) assert(!alice.isMember(id));

  // Whoever hears the certificates and the revocation keeps them all, in this order or on two days.
  const carol = member(clock);
  carol.roster.keep(dave);
  carol.roster.learnRevocation(revocation.signed);
  assert(!carol.isMember(DAVE.id));
  renewed.forEach(({ signed }) => carol.roster.learnCertificate(signed, clock.wallMs()));
  assert(carol.isMember(DAVE.id));
  // Dave was offline; what he shows is dead, and the certificate that the others hold is his.
  assertEquals(carol.judge(DAVE.id, membershipOf(DAVE, dave).prove()).kind, "member");
  const daves = membershipOf(DAVE, dave, { clock });
  const [own] = renewed;
  assert(own && daves.roster.learnCertificate(own.signed, clock.wallMs()));
  assert(daves.adopt([own]));
  assert(!daves.isRevoked);
  // What Bob signed for anybody else is dead.
  const rogue: Certificate = certificate({ node_id: MALLORY.id, issuer: BOB.id });
  assertEquals(refusal(carol, MALLORY.id, showing([rogue, ADMIN_CHAIN[0]])), "revoked");
});

Deno.test("Membership.resign() is our own word, which ends our membership", PURE, () => {
  const carol = member();
  const judge = founder();
  judge.judge(CAROL.id, carol.prove());
  assert(judge.roster.learnRevocation(carol.resign().signed));
  assertEquals(refusal(judge, CAROL.id, carol.prove()), "revoked");
  const ahead = certificate({ issued: WALL_MS + DAY_MS });
  assertEquals(member(undefined, [ahead]).resign().atMs, WALL_MS + DAY_MS);
});

Deno.test("parseChain() reads one certificate or two", PURE, () => {
  assertEquals(parseChain(signedOf(MEMBER_CHAIN)), MEMBER_CHAIN);
  assertEquals(parseChain(signedOf(MEMBER_BY_ADMIN)), MEMBER_BY_ADMIN);
  const [leaf] = signedOf(MEMBER_CHAIN);
  for (const value of [[], [leaf, leaf, leaf], leaf, null, "x", [null], [leaf, undefined]]) {
    assertEquals(code(() => parseChain(value)), "bad_certificate");
  }
});

/** Whether somebody who knows Alice, Bob and Carol still takes `target` for a member once it hears this. */
function isAccepted(revocation: unknown, target: PeerId): boolean {
  const judge = membershipOf(DAVE, [certificate({ node_id: DAVE.id })]);
  for (const chain of [FOUNDER_CHAIN, ADMIN_CHAIN, MEMBER_CHAIN]) judge.roster.keep(chain);
  assert(judge.roster.learnRevocation(revocation));
  return judge.isMember(target);
}
