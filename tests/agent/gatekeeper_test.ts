/** The gatekeeper among agents: what spreads, who is let in, renewed and put out. */

import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import type { JsonObject } from "../../src/base/guards.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { nameOf } from "../../src/agent/gatekeeper.ts";
import { CERTIFICATE_RENEW } from "../../src/agent/renewal.ts";
import { RequestError } from "../../src/channel/requests.ts";
import type { Identity } from "../../src/node/identity.ts";
import type { Node } from "../../src/node/node.ts";
import { type Chain, TrustError } from "../../src/trust/certificate.ts";
import { InvitationError } from "../../src/trust/invitation.ts";
import { decodeToken } from "../../src/trust/invitation_token.ts";
import { linesOf } from "../testing/agents.ts";
import { ALICE, BOB, CAROL, identityOf, WALL_MS } from "../testing/identities.ts";
import { addressOf, alarms, type Citizen, connected, Realm } from "../testing/realm.ts";
import {
  ADMIN_CHAIN,
  certificate,
  certificateJson,
  DAY_MS,
  LIFETIME_MS,
  MALLORY,
  MEMBER_CHAIN,
  membershipOf,
  NETWORK_ID,
  revocationJson,
} from "../testing/trust.ts";
import type { Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const B = "10.0.0.2";
const C = "10.0.0.3";
const D = "10.0.0.4";
/** Until shortly before the gatekeeper's hourly round; nobody is connected yet, so it may pass in leaps. */
const LULL_MS = 3_590_000;
const DAVE = identityOf(4);
const DAVE_BY_BOB: Chain = [
  certificate({ node_id: DAVE.id, name: "dave", issuer: BOB.id }),
  ADMIN_CHAIN[0],
];

/** Alice who founded it, Bob an admin, Carol a member, all in session with one another. */
async function village() {
  const made = new Realm();
  const alice = await made.founder();
  const bob = await made.add(BOB, B, ADMIN_CHAIN, { peers: addressOf(alice) });
  const carol = await made.add(CAROL, C, MEMBER_CHAIN, { peers: addressOf(alice, bob) });
  await made.pass(1_000);
  assertEquals(connected(carol), [ALICE.id, BOB.id].sort());
  return { realm: made, alice, bob, carol };
}

/** A bare node with this chain, in session with `to`: a member that says what the test wants. */
async function bareMember(
  of: Realm,
  [identity, host]: readonly [Identity, string],
  chain: Chain,
  to: Citizen,
): Promise<Villager> {
  const { village } = of.village;
  const membership = membershipOf(identity, chain, { clock: of.clock });
  const node = village.add(identity, host, { membership });
  await village.until(node.node.dial(to.address, { approach: "seal", expected: to.id }));
  await of.pass(300);
  return node;
}

/** NETWORK_STATEs that a bare node was sent. */
function states({ events }: Villager): readonly JsonObject[] {
  return events.flatMap((event) =>
    event.type === "envelope" && event.envelope.type === "NETWORK_STATE"
      ? [event.envelope.data]
      : []
  );
}

function nodesIn(data: readonly JsonObject[], key: "certificates" | "revocations") {
  return data.flatMap((state) => state[key] as readonly JsonObject[])
    .map((each) => each["node_id"]);
}

async function code(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise, Error);
  const isOurs = error instanceof TrustError || error instanceof InvitationError ||
    error instanceof RequestError;
  assert(isOurs, error.stack);
  return error.code;
}

function renew(node: Node, from: PeerId): Promise<unknown> {
  return node.request(from, CERTIFICATE_RENEW, {}, { deadlineMs: 2_000 });
}

Deno.test("Gatekeeper tells each member of all the others", PURE, async () => {
  const { realm, alice, bob, carol } = await village();
  for (const { membership } of [alice, bob, carol]) {
    assertEquals([...membership.memberIds()].sort(), [ALICE.id, BOB.id, CAROL.id].sort());
  }
  assertEquals(alarms(alice), []);
  await realm.close();
});

Deno.test("Gatekeeper tells members of those that they never met", PURE, async () => {
  const made = new Realm();
  const alice = await made.founder();
  alice.membership.roster.keep(DAVE_BY_BOB);
  const carol = await made.add(CAROL, C, MEMBER_CHAIN, { peers: addressOf(alice) });
  await made.pass(500);
  assert(carol.membership.isMember(DAVE.id));
  assert(carol.saves.includes("roster"));
  await made.close();
});

Deno.test("Gatekeeper.revoke() reaches every online member within ten seconds", PURE, async () => {
  for (const revoker of ["alice", "bob"] as const) {
    const { realm, ...all } = await village();
    const dave = await realm.add(DAVE, D, DAVE_BY_BOB, {
      peers: addressOf(all.alice, all.bob, all.carol),
    });
    await realm.pass(1_000);
    assertEquals(dave.agent.node.connected.length, 3);
    assertEquals(await all[revoker].agent.gatekeeper.revoke(CAROL.id), []);
    await realm.pass(10_000);
    for (const each of [all.alice, all.bob, dave]) {
      assertFalse(each.membership.isMember(CAROL.id));
      assertFalse(each.agent.node.isConnected(CAROL.id));
      assertEquals(each.agent.node.connected.length, 2, "the others stay");
      assert(each.saves.includes("roster"));
    }
    assertEquals(connected(all.carol), []);
    assertEquals(linesOf(all.carol, "peer disconnected")[0]?.["code"], "revoked");
    await realm.close();
  }
});

Deno.test("Gatekeeper tells an offline member before anybody else speaks to it", PURE, async () => {
  const { realm, alice, carol } = await village();
  await alice.agent.gatekeeper.revoke(CAROL.id);
  await realm.pass(1_000);
  // Dave comes back; he meets Alice, and then Carol tries.
  const dave = await realm.add(DAVE, D, DAVE_BY_BOB, { peers: addressOf(alice) });
  await realm.pass(500);
  assertFalse(dave.membership.isMember(CAROL.id));
  carol.agent.node.dial(dave.address, { approach: "seal", expected: DAVE.id });
  await realm.pass(2_000);
  assertFalse(dave.agent.node.isConnected(CAROL.id));
  assertEquals(dave.agent.node.counters.rejected.get("revoked"), 1);
  await realm.close();
});

Deno.test("Gatekeeper takes no revocation that a member makes up", PURE, async () => {
  const { realm, alice, bob, carol } = await village();
  const dave = await bareMember(realm, [DAVE, D], DAVE_BY_BOB, alice);
  for (const node_id of [ALICE.id, BOB.id, CAROL.id]) {
    const forged = revocationJson({ node_id, issuer: DAVE.id, at: WALL_MS + DAY_MS });
    dave.node.send(ALICE.id, "NETWORK_STATE", { certificates: [], revocations: [forged] });
  }
  await realm.pass(2_000);
  for (const each of [alice, bob, carol]) assertEquals(each.membership.roster.revocations(), []);
  assertEquals(connected(alice), [BOB.id, CAROL.id, DAVE.id].sort());
  await realm.close();
});

Deno.test("Gatekeeper.resign() tells the others, who let it go", PURE, async () => {
  const { realm, alice, bob, carol } = await village();
  carol.agent.gatekeeper.resign();
  await realm.pass(1_000);
  for (const each of [alice, bob]) assertFalse(each.membership.isMember(CAROL.id));
  assertEquals(connected(carol), []);
  assertEquals(linesOf(carol, "this device was removed from its network"), []);
  await realm.close();
});

Deno.test(
  "Gatekeeper.revoke() of an admin keeps whom it let in, online and off",
  PURE,
  async () => {
    const { realm, alice, bob, carol } = await village();
    const dave = await realm.add(DAVE, D, DAVE_BY_BOB, { peers: addressOf(alice, carol) });
    await realm.pass(1_000);
    const offline = identityOf(5);
    const offlineChain: Chain = [
      certificate({ node_id: offline.id, name: "erin", issuer: BOB.id }),
      ADMIN_CHAIN[0],
    ];
    alice.membership.roster.keep(offlineChain);

    const kept = await alice.agent.gatekeeper.revoke(BOB.id);
    assertEquals(kept.map(({ id }) => id).sort(), [DAVE.id, offline.id].sort());
    await realm.pass(2_000);
    assertEquals(connected(dave), [ALICE.id, CAROL.id].sort());
    assertEquals(linesOf(dave, "peer disconnected").length, 1, "Bob's session, and no other");
    assertEquals(dave.membership.certificate.issuer, NETWORK_ID);
    assertFalse(dave.membership.isRevoked);
    assert(dave.saves.includes("network"));
    assertEquals(connected(bob), []);

    const erin = await realm.add(offline, "10.0.0.9", offlineChain, { peers: addressOf(carol) });
    await realm.pass(1_000);
    assert(erin.agent.node.isConnected(CAROL.id), "she comes with what is dead, and is known");
    assertEquals(erin.membership.certificate.issuer, NETWORK_ID);
    await realm.close();
  },
);

Deno.test(
  "Gatekeeper has a revoked member forgotten that has no session with us",
  PURE,
  async () => {
    const { realm, alice, bob, carol } = await village();
    await realm.village.crash(carol);
    const knowsCarol = ({ agent }: Citizen) =>
      agent.villager.gossip.members.record(CAROL.id) !== undefined ||
      agent.registry.get(CAROL.id) !== undefined;
    assertEquals([alice, bob].map(knowsCarol), [true, true]);
    await realm.until(alice.agent.gatekeeper.revoke(CAROL.id));
    await realm.pass(1_000);
    assertEquals([alice, bob].map(knowsCarol), [false, false]);
    await realm.close();
  },
);

Deno.test("Gatekeeper.revoke() of an admin keeps hundreds whom it let in", PURE, async () => {
  const { realm, alice, carol } = await village();
  const dave = await realm.add(DAVE, D, DAVE_BY_BOB, { peers: addressOf(alice, carol) });
  await realm.pass(1_000);
  // Issued later, they come before Dave, and fill two messages.
  for (let n = 10; n < 99; n++) {
    const node_id = identityOf(n).id;
    const leaf = certificate({ node_id, issuer: BOB.id, issued: WALL_MS + 1 });
    for (const each of [alice, carol]) each.membership.roster.keep([leaf, ADMIN_CHAIN[0]]);
  }
  await realm.pass(3_000);
  assertEquals((await alice.agent.gatekeeper.revoke(BOB.id)).length, 90);
  await realm.pass(2_000);
  assertEquals(connected(carol), [ALICE.id, DAVE.id].sort());
  assertEquals(linesOf(carol, "device removed from the network").length, 1, "Bob alone");
  assertEquals(dave.membership.certificate.issuer, NETWORK_ID);
  await realm.close();
});

Deno.test(
  "Gatekeeper tells a member its own certificate, however many there are",
  PURE,
  async () => {
    const made = new Realm();
    const alice = await made.founder();
    const [renewed] = [certificate({ node_id: DAVE.id, name: "dave", issued: WALL_MS + 1 })];
    alice.membership.roster.keep([renewed]);
    for (let n = 10; n < 99; n++) {
      alice.membership.roster.keep([
        certificate({ node_id: identityOf(n).id, issued: WALL_MS + 2 }),
      ]);
    }
    const dave = await made.add(DAVE, D, DAVE_BY_BOB, { peers: addressOf(alice) });
    await made.pass(500);
    assertEquals(dave.membership.certificate, renewed);
    await made.close();
  },
);

Deno.test("Gatekeeper sends the longest certificates there are in one record", PURE, async () => {
  const made = new Realm();
  const alice = await made.founder();
  for (let n = 0; n < 80; n++) {
    alice.membership.roster.keep([
      certificate({ node_id: identityOf(n).id, name: "网".repeat(32), not_after: 1e14 }),
    ]);
  }
  const bob = await bareMember(made, [BOB, B], ADMIN_CHAIN, alice);
  assertEquals(nodesIn(states(bob), "certificates").length, 64);
  assertEquals(alarms(alice), []);
  await made.close();
});

Deno.test("Gatekeeper sends every revocation, in pieces", PURE, async () => {
  const made = new Realm();
  const alice = await made.founder();
  const revoked = Array.from({ length: 99 }, (_, n) => identityOf(n).id);
  for (const node_id of revoked) {
    assert(alice.membership.roster.learnRevocation(revocationJson({ node_id })));
  }
  const bob = await bareMember(made, [BOB, B], ADMIN_CHAIN, alice);
  assertEquals(nodesIn(states(bob), "revocations"), revoked);
  assertEquals(states(bob).map((state) => (state["revocations"] as unknown[]).length), [0, 64, 35]);
  await made.close();
});

Deno.test("Gatekeeper takes 64 entries of a member and no 65th", PURE, async () => {
  const { realm, alice, carol } = await village();
  const bob = await bareMember(realm, [DAVE, D], DAVE_BY_BOB, alice);
  const some = (n: number) =>
    Array.from({ length: n }, (_, i) => certificateJson({ node_id: identityOf(10 + i).id }));
  const before = alice.membership.roster.certificates().length;
  const carolsBefore = carol.membership.roster.certificates().length;
  bob.node.send(ALICE.id, "NETWORK_STATE", { certificates: some(65) });
  bob.node.send(ALICE.id, "NETWORK_STATE", { revocations: Array(65).fill(revocationJson()) });
  await realm.pass(300);
  assertEquals(alice.membership.roster.certificates().length, before);
  assertEquals(linesOf(alice, "message refused").length, 2);
  bob.node.send(ALICE.id, "NETWORK_STATE", { certificates: some(64) });
  await realm.pass(500);
  assertEquals(alice.membership.roster.certificates().length, before + 64);
  assertEquals(carol.membership.roster.certificates().length, carolsBefore + 64, "it goes on");
  await realm.close();
});

Deno.test("Gatekeeper passes news on once, and garbage never", PURE, async () => {
  const { realm, alice } = await village();
  const dave = await bareMember(realm, [DAVE, D], DAVE_BY_BOB, alice);
  const saves = alice.saves.length;
  const sent = states(dave).length;
  const garbage = [null, 1, "x", {}, [], certificateJson({ issuer: MALLORY.id })];
  const known = [certificateJson(), ...alice.membership.roster.certificates()];
  for (let n = 0; n < 20; n++) {
    dave.node.send(ALICE.id, "NETWORK_STATE", {
      certificates: [...garbage, ...known.map((each) => "signed" in each ? each.signed : each)],
      revocations: [...garbage, revocationJson({ issuer: DAVE.id })],
    });
  }
  await realm.pass(1_000);
  assertEquals([alice.saves.length, states(dave).length], [saves, sent]);
  assertEquals(alarms(alice), []);
  await realm.close();
});

Deno.test("Gatekeeper hears nothing from a peer that is no member", PURE, async () => {
  const made = new Realm();
  const alice = await made.founder({ isOpen: true });
  const stranger = made.village.village.add(MALLORY, D);
  await made.until(stranger.node.dial(alice.address, { approach: "seal", expected: ALICE.id }));
  await made.pass(300);
  assert(alice.agent.node.isConnected(MALLORY.id));
  assertEquals(states(stranger), [], "nor does it hear anything");
  stranger.node.send(ALICE.id, "NETWORK_STATE", {
    certificates: [certificateJson()],
    revocations: [revocationJson({ node_id: BOB.id })],
  });
  await made.pass(500);
  assertEquals(alice.membership.roster.certificates().length, 1);
  assertEquals(alice.membership.roster.revocations(), []);
  assertEquals(await code(made.until(renew(stranger.node, ALICE.id))), "not_a_member");
  await made.close();
});

Deno.test(
  "Gatekeeper.invite() gives a token for where we are, and keeps a hash",
  PURE,
  async () => {
    const made = new Realm();
    const alice = await made.founder();
    const given = await alice.agent.gatekeeper.invite({ role: "admin", lifetimeMs: 60_000 });
    const token = decodeToken(given.token);
    assertEquals([token.inviter, token.addresses], [ALICE.id, [alice.address]]);
    assertEquals([given.role, given.expiresAtMs], ["admin", made.clock.wallMs() + 60_000]);
    assertEquals(alice.saves, ["invitations"]);
    assertFalse(JSON.stringify(alice.invitations.encode()).includes(token.secret.toHex()));
    await made.close();
  },
);

Deno.test(
  "Gatekeeper.invite() is for admins, and admins are the founder's to make",
  PURE,
  async () => {
    const { realm, bob, carol } = await village();
    assertEquals(await code(realm.invite(carol)), "not_authorized");
    assertEquals(await code(realm.invite(bob, "admin")), "not_authorized");
    assertEquals(carol.saves.filter((what) => what === "invitations"), []);
    await realm.invite(bob);
    for (let n = 1; n < 64; n++) await realm.invite(bob);
    assertEquals(await code(realm.invite(bob)), "too_many_invitations");
    await realm.close();
  },
);

Deno.test("Gatekeeper.invite() gives no token that is not on the disk", PURE, async () => {
  const made = new Realm();
  const alice = await made.founder();
  alice.disk.isFull = true;
  await assertRejects(() => made.invite(alice), Error, "no space left");
  await made.close();
});

Deno.test("Gatekeeper.revoke() refuses whom we may not, and who is out already", PURE, async () => {
  const { realm, alice, bob, carol } = await village();
  assertEquals(await code(carol.agent.gatekeeper.revoke(BOB.id)), "not_authorized");
  assertEquals(await code(bob.agent.gatekeeper.revoke(ALICE.id)), "not_authorized");
  assertEquals(await code(alice.agent.gatekeeper.revoke(ALICE.id)), "not_authorized");
  await alice.agent.gatekeeper.revoke(CAROL.id);
  await assertRejects(() => alice.agent.gatekeeper.revoke(CAROL.id), RangeError);
  await realm.close();
});

Deno.test("Gatekeeper renews every certificate by who may, without attention", PURE, async () => {
  const made = new Realm();
  const alice = await made.founder();
  const bob = await made.add(BOB, B, ADMIN_CHAIN);
  const carol = await made.add(CAROL, C, MEMBER_CHAIN);
  await made.pass(LULL_MS, 60_000);
  for (const [from, to] of [[bob, alice], [carol, bob], [carol, alice]] as const) {
    await made.until(from.agent.node.dial(to.address, { approach: "seal", expected: to.id }));
  }
  made.clock.jumpWall(LIFETIME_MS / 3);
  await made.pass(15_000, 250);
  for (const { membership, saves } of [alice, bob, carol]) {
    const { certificate: renewed } = membership;
    assert(renewed.issuedAtMs >= WALL_MS + LIFETIME_MS / 3);
    assert(saves.includes("network"));
    for (const other of [alice, bob, carol]) {
      assertEquals(other.membership.roster.get(renewed.id)?.serial, renewed.serial);
    }
  }
  assertEquals(bob.membership.certificate.role, "admin");
  assertEquals(alice.membership.certificate.issuer, NETWORK_ID);
  await made.close();
});

Deno.test("Gatekeeper renews a founder that was away for years as it starts", PURE, async () => {
  const made = new Realm();
  made.clock.jumpWall(3 * LIFETIME_MS);
  const alice = await made.founder();
  assertFalse(alice.membership.isRenewalDue);
  const fresh: Chain = [
    certificate({ node_id: BOB.id, role: "admin", issued: made.clock.wallMs(), not_after: 1e14 }),
  ];
  const bob = await made.add(BOB, B, fresh, { peers: addressOf(alice) });
  await made.pass(500);
  assertEquals(connected(bob), [ALICE.id]);
  await made.close();
});

Deno.test("Gatekeeper survives a disk that is full when a renewal is due", PURE, async () => {
  const made = new Realm();
  const alice = await made.founder();
  alice.disk.isFull = true;
  made.clock.jumpWall(LIFETIME_MS / 2);
  await made.pass(LULL_MS + 30_000, 60_000);
  assertFalse(alice.membership.isRenewalDue);
  await made.close();
});

Deno.test("Gatekeeper signs once for who asks again and again", PURE, async () => {
  const { realm, alice } = await village();
  const dave = await bareMember(realm, [DAVE, D], DAVE_BY_BOB, alice);
  const before = alice.membership.roster.get(DAVE.id);
  const saves = alice.saves.length;
  for (let n = 0; n < 50; n++) await realm.until(renew(dave.node, ALICE.id));
  assertEquals(alice.membership.roster.get(DAVE.id), before);
  assertEquals(alice.saves.length, saves);
  realm.clock.jumpWall(LIFETIME_MS / 3);
  for (let n = 0; n < 50; n++) await realm.until(renew(dave.node, ALICE.id));
  assertEquals(alice.saves.length, saves + 1);
  await realm.close();
});

Deno.test("Gatekeeper renews nobody where that is not its to do", PURE, async () => {
  const { realm, alice, bob } = await village();
  realm.clock.jumpWall(LIFETIME_MS / 3);
  assertEquals(await code(realm.until(renew(alice.agent.node, BOB.id))), "not_authorized");
  assertEquals(await code(realm.until(renew(bob.agent.node, CAROL.id))), "not_authorized");
  await realm.close();
});

Deno.test("Gatekeeper lets no rogue admin make an admin a member", PURE, async () => {
  const made = new Realm();
  const bob = await made.add(BOB, B, ADMIN_CHAIN);
  await made.pass(LULL_MS, 60_000);
  const roguesOwn: Chain = [certificate({ node_id: DAVE.id, role: "admin" })];
  const rogue = await bareMember(made, [DAVE, D], roguesOwn, bob);
  let asked = 0;
  rogue.node.handle(CERTIFICATE_RENEW, () => {
    asked++;
    const issued = made.clock.wallMs();
    const [own] = roguesOwn;
    const leaf = certificateJson({ node_id: BOB.id, issuer: DAVE.id, issued });
    return { data: { certificates: [leaf, own.signed] } };
  });
  made.clock.jumpWall(LIFETIME_MS / 3);
  await made.pass(15_000, 250);
  assert(asked > 0);
  assertEquals(bob.membership.certificate.role, "admin");
  await made.close();
});

Deno.test("Gatekeeper takes no garbage for a renewed certificate", PURE, async () => {
  for (
    const certificates of [undefined, null, [], [{}], [certificateJson({ node_id: BOB.id })]]
  ) {
    const made = new Realm();
    const carol = await made.add(CAROL, C, MEMBER_CHAIN);
    await made.pass(LULL_MS, 60_000);
    let asked = 0;
    const bob = await bareMember(made, [BOB, B], ADMIN_CHAIN, carol);
    bob.node.handle(CERTIFICATE_RENEW, () => {
      asked++;
      return { data: { certificates } };
    });
    made.clock.jumpWall(LIFETIME_MS / 3);
    await made.pass(15_000, 250);
    assertEquals(asked, 1);
    assertEquals(carol.membership.chain, MEMBER_CHAIN);
    assertEquals(linesOf(carol, "internal error"), []);
    await made.close();
  }
});

Deno.test(
  "Gatekeeper ends the session of who has expired, and says which it is",
  PURE,
  async () => {
    const made = new Realm();
    const alice = await made.founder();
    await made.pass(LULL_MS, 60_000);
    const endMs = made.clock.wallMs() + 5_000;
    const short: Chain = [certificate({ not_after: endMs, issued: WALL_MS - DAY_MS })];
    const carol = await bareMember(made, [CAROL, C], short, alice);
    await made.pass(15_000, 250);
    assertFalse(alice.agent.node.isConnected(CAROL.id));
    const closed = carol.events.find((event) => event.type === "session_closed");
    assertEquals(closed?.type === "session_closed" && closed.code, "certificate_expired");
    await made.close();
  },
);

Deno.test("Gatekeeper says loudly that this device was removed", PURE, async () => {
  const made = new Realm();
  const carol = await made.add(CAROL, C, MEMBER_CHAIN);
  const bob = await bareMember(made, [BOB, B], ADMIN_CHAIN, carol);
  bob.node.send(CAROL.id, "NETWORK_STATE", { revocations: [revocationJson()] });
  await made.pass(500);
  assert(carol.membership.isRevoked);
  const [line] = linesOf(carol, "this device was removed from its network");
  assertEquals(line?.["network"], "elm street");
  await made.close();
});

Deno.test("Gatekeeper keeps the founder's session when a sham revocation comes", PURE, async () => {
  const { realm, alice, bob, carol } = await village();
  carol.agent.node.send(BOB.id, "NETWORK_STATE", {
    revocations: [
      revocationJson({ node_id: ALICE.id, issuer: BOB.id }),
      { ...revocationJson({ node_id: ALICE.id }), at: WALL_MS + 1 },
    ],
  });
  await realm.pass(1_000);
  assert(bob.membership.isMember(ALICE.id) && bob.agent.node.isConnected(ALICE.id));
  assertEquals(connected(alice), [BOB.id, CAROL.id].sort());
  await realm.close();
});

Deno.test("nameOf() gives a name that can be printed, whatever was asked for", PURE, () => {
  assertEquals(nameOf("  pi in the attic ", ALICE.id), "pi in the attic");
  assertEquals(nameOf("x".repeat(99), ALICE.id), "x".repeat(32));
  assertEquals(nameOf("a\u0000b\u202ec\nd", ALICE.id), "abcd");
  for (const nothing of ["", "   ", "\n\t\u200b"]) {
    assertEquals(nameOf(nothing, ALICE.id), "25njqamc");
  }
  assertEquals(nameOf("😀".repeat(20), ALICE.id), "😀".repeat(16));
});
