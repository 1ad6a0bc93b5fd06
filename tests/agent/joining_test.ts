/** Joining with an invitation: what it brings, how often it works, and what goes wrong. */

import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { encodeBase64Url, encodeHex } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { Fields, type JsonObject } from "../../src/base/guards.ts";
import { JOIN } from "../../src/agent/gatekeeper.ts";
import { JoinError } from "../../src/agent/joining.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { signRecord } from "../../src/mesh/peer_record.ts";
import { verifyChain } from "../../src/trust/certificate.ts";
import { InvitationBook, invitationIdOf, invitationKeyOf } from "../../src/trust/invitation.ts";
import { decodeToken, encodeToken } from "../../src/trust/invitation_token.ts";
import { writeNetwork } from "../../src/trust/network_file.ts";
import { linesOf } from "../testing/agents.ts";
import { ALICE, BOB, CAROL, identityOf, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
import { addressOf, alarms, connected, Realm } from "../testing/realm.ts";
import {
  ADMIN_CHAIN,
  certificate,
  certificateJson,
  FOUNDER_CHAIN,
  MALLORY,
  NETWORK,
  NETWORK_ID,
  OTHER_NETWORK_ID,
  revocationJson,
  signedOf,
} from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;
const B = "10.0.0.2";
const C = "10.0.0.3";
const D = "10.0.0.4";
const DAVE = identityOf(4);
const SECRET = new Uint8Array(16).fill(7);

async function founded() {
  const realm = new Realm();
  const alice = await realm.founder();
  return { realm, alice };
}

async function failure(promise: Promise<unknown>): Promise<JoinError> {
  return await assertRejects(() => promise, JoinError);
}

/** A bare node in Alice's place that answers JOIN as the test wants. */
function answering(answer: JsonObject) {
  const realm = new Realm();
  const { village } = realm.village;
  const alice = village.add(ALICE, "10.0.0.1", { invitationKeyOf: () => invitationKeyOf(SECRET) });
  alice.node.handleGuests(JOIN, () => ({ data: answer }));
  const token = encodeToken({ inviter: ALICE.id, secret: SECRET, addresses: [alice.address] });
  return { realm, join: () => realm.join(CAROL, C, token) };
}

function goodAnswer(changes: JsonObject = {}): JsonObject {
  return {
    network: writeNetwork(NETWORK),
    certificates: [certificateJson()],
    roster: signedOf(FOUNDER_CHAIN),
    peers: [],
    ...changes,
  };
}

Deno.test(
  "joinNetwork() brings a certificate, the network's secret and its people",
  PURE,
  async () => {
    const { realm, alice } = await founded();
    const bob = await realm.add(BOB, B, ADMIN_CHAIN, { peers: addressOf(alice) });
    await realm.pass(500);
    const joined = await realm.join(CAROL, C, await realm.invite(alice), { deviceName: "pi" });
    const { network, chain, authoritySeed } = joined.stored;
    assertEquals(network, NETWORK);
    assertEquals(authoritySeed, undefined);
    assertEquals([chain[0].id, chain[0].name, chain[0].role], [CAROL.id, "pi", "member"]);
    verifyChain(chain, NETWORK_ID, { verify: PRIMITIVES.verify, wallMs: WALL_MS });
    assertEquals(
      joined.roster.certificates().map(({ id }) => id).sort(),
      [ALICE.id, BOB.id, CAROL.id].sort(),
    );
    const peers = joined.peers.map(({ id, addresses }) => [id, addresses[0]]);
    assertEquals(
      new Map(peers as [string, unknown][]),
      new Map<string, unknown>([
        [ALICE.id, alice.address],
        [BOB.id, bob.address],
      ]),
    );

    const carol = await realm.settle(CAROL, C, joined);
    await realm.pass(2_000);
    assertEquals(connected(carol), [ALICE.id, BOB.id].sort());
    assert(bob.membership.isMember(CAROL.id));
    assertEquals(linesOf(alice, "device joined").length, 1);
    assertEquals(alarms(alice), []);
    await realm.close();
  },
);

Deno.test("joinNetwork() works with an admin that founded nothing", PURE, async () => {
  const { realm, alice } = await founded();
  const bob = await realm.add(BOB, B, ADMIN_CHAIN, { peers: addressOf(alice) });
  await realm.pass(500);
  const joined = await realm.join(CAROL, C, await realm.invite(bob));
  assertEquals(joined.stored.chain.map((each) => each?.id), [CAROL.id, BOB.id]);
  await realm.pass(1_000);
  assert(alice.membership.isMember(CAROL.id), "the others hear of it");
  const carol = await realm.settle(CAROL, C, joined);
  await realm.pass(2_000);
  assertEquals(connected(carol), [ALICE.id, BOB.id].sort());
  await realm.close();
});

Deno.test("joinNetwork() makes an admin where the invitation says so", PURE, async () => {
  const { realm, alice } = await founded();
  const { stored } = await realm.join(BOB, B, await realm.invite(alice, "admin"));
  assertEquals([stored.chain.length, stored.chain[0].role], [1, "admin"]);
  await realm.close();
});

Deno.test("joinNetwork() lets one of two in that come at the same moment", PURE, async () => {
  const { realm, alice } = await founded();
  const token = await realm.invite(alice);
  const both = await Promise.allSettled([
    realm.join(CAROL, C, token),
    realm.join(DAVE, D, token),
  ]);
  const refused = both.filter((each) => each.status === "rejected");
  assertEquals(refused.length, 1);
  assertEquals((refused[0]?.reason as JoinError).code, "invitation_used");
  const members = [CAROL.id, DAVE.id].filter((id) => alice.membership.isMember(id));
  assertEquals(members.length, 1);
  await realm.close();
});

Deno.test(
  "joinNetwork() works again for the same device, whose answer was lost",
  PURE,
  async () => {
    const { realm, alice } = await founded();
    const token = await realm.invite(alice);
    const first = await realm.join(CAROL, C, token);
    const again = await realm.join(CAROL, C, token);
    assertEquals(again.stored.chain, first.stored.chain, "and signs nothing anew");
    assertEquals((await failure(realm.join(DAVE, D, token))).code, "invitation_used");
    realm.clock.jumpWall(900_001);
    assertEquals((await failure(realm.join(CAROL, C, token))).code, "invitation_used");
    await realm.close();
  },
);

Deno.test(
  "joinNetwork() works after a power cut between the use and the answer",
  PURE,
  async () => {
    const { realm, alice } = await founded();
    const token = await realm.invite(alice);
    const { secret } = decodeToken(token);
    const use = { by: CAROL.id, wasRemoved: false, wallMs: realm.clock.wallMs() };
    alice.invitations.redeem(encodeHex(invitationIdOf(secret)), secret, use);
    const onDisk = alice.invitations.encode();
    await realm.village.crash(alice);
    const invitations = InvitationBook.decode(Fields.of(JSON.parse(JSON.stringify(onDisk))));
    const { membership } = alice;
    await realm.founder({
      trust: { membership, invitations, save: () => Promise.resolve() },
    });
    assertEquals((await failure(realm.join(DAVE, D, token))).code, "invitation_used");
    assertEquals((await realm.join(CAROL, C, token)).stored.chain[0].id, CAROL.id);
    await realm.close();
  },
);

Deno.test("joinNetwork() gives nothing while its use is not on the disk", PURE, async () => {
  const { realm, alice } = await founded();
  const token = await realm.invite(alice);
  alice.disk.isFull = true;
  assertEquals((await failure(realm.join(CAROL, C, token))).code, "internal_error");
  assertFalse(alice.membership.isMember(CAROL.id));
  alice.disk.isFull = false;
  assertEquals((await realm.join(CAROL, C, token)).stored.chain[0].id, CAROL.id);
  await realm.close();
});

Deno.test("joinNetwork() says whether a token is unknown, used or expired", PURE, async () => {
  const { realm, alice } = await founded();
  const addresses = addressOf(alice);
  const forged = encodeToken({ inviter: ALICE.id, secret: SECRET, addresses });
  const { code, message } = await failure(realm.join(CAROL, C, forged));
  assertEquals(code, "invitation_unknown");
  assertEquals(
    message,
    "Cannot join: the inviter does not know this invitation; ask for a new one: hamlet invite",
  );
  const token = await realm.invite(alice);
  realm.clock.jumpWall(900_001);
  assertEquals((await failure(realm.join(CAROL, C, token))).code, "invitation_expired");
  assertEquals(alice.membership.memberIds(), [ALICE.id]);
  await realm.close();
});

Deno.test("joinNetwork() lets nobody back in by the invitation it once came by", PURE, async () => {
  const { realm, alice } = await founded();
  const token = await realm.invite(alice);
  await realm.join(CAROL, C, token);
  await alice.agent.gatekeeper.revoke(CAROL.id);
  assertEquals((await failure(realm.join(CAROL, C, token))).code, "invitation_used");
  assertFalse(alice.membership.isMember(CAROL.id));
  const again = await realm.join(CAROL, C, await realm.invite(alice));
  const carol = await realm.settle(CAROL, C, again);
  await realm.pass(1_000);
  assertEquals(connected(carol), [ALICE.id]);
  await realm.close();
});

Deno.test("joinNetwork() gives a member that lost its files its place again", PURE, async () => {
  const { realm, alice } = await founded();
  const first = await realm.join(CAROL, C, await realm.invite(alice));
  const again = await realm.join(CAROL, C, await realm.invite(alice));
  assertEquals(again.stored.chain, first.stored.chain);
  await realm.close();
});

Deno.test("joinNetwork() tries each address until the inviter itself answers", PURE, async () => {
  const { realm, alice } = await founded();
  realm.village.village.add(MALLORY, "10.0.0.66");
  const { inviter, secret } = decodeToken(await realm.invite(alice));
  const addresses = ["10.0.0.99", "10.0.0.66", "10.0.0.1"].map((host) => ({ host, port: 9000 }));
  const tried: string[] = [];
  const token = encodeToken({ inviter, secret, addresses });
  await realm.join(CAROL, C, token, { onTrying: ({ host }) => tried.push(host) });
  assertEquals(tried, ["10.0.0.99", "10.0.0.66", "10.0.0.1"]);
  await realm.close();
});

Deno.test(
  "joinNetwork() says what became of each address when none is the inviter's",
  PURE,
  async () => {
    const { realm, alice } = await founded();
    realm.village.village.add(MALLORY, "10.0.0.66", {
      invitationKeyOf: () => invitationKeyOf(SECRET),
    });
    const { inviter, secret } = decodeToken(await realm.invite(alice));
    const addresses = ["10.0.0.99", "10.0.0.66"].map((host) => ({ host, port: 9000 }));
    const error = await failure(
      realm.join(CAROL, C, encodeToken({ inviter, secret, addresses })),
    );
    assertEquals(error.code, "not_reached");
    assert(
      error.message.startsWith(
        "Cannot reach the inviter at 10.0.0.99:9000 (refused), 10.0.0.66:9000 (",
      ),
      error.message,
    );
    const nowhere = encodeToken({ inviter, secret, addresses: [] });
    assertEquals((await failure(realm.join(CAROL, C, nowhere))).code, "not_reached");
    await realm.close();
  },
);

Deno.test("joinNetwork() refuses an invitation of this device's own", PURE, async () => {
  const { realm, alice } = await founded();
  const token = await realm.invite(alice);
  assertEquals((await failure(realm.join(ALICE, C, token))).code, "own_invitation");
  await realm.close();
});

Deno.test(
  "joinNetwork() is told when the inviter may not let anybody in any more",
  PURE,
  async () => {
    const realm = new Realm();
    const bob = await realm.add(BOB, B, ADMIN_CHAIN);
    const token = await realm.invite(bob);
    bob.membership.roster.learnRevocation(revocationJson({ node_id: BOB.id }));
    assertEquals((await failure(realm.join(CAROL, C, token))).code, "not_authorized");
    await realm.close();
  },
);

Deno.test("joinNetwork() works on a board without a clock", PURE, async () => {
  const { realm, alice } = await founded();
  const token = await realm.invite(alice);
  const { clock } = realm;
  const board = {
    now: () => clock.now(),
    schedule: (delayMs: number, action: () => void) => clock.schedule(delayMs, action),
    wallMs: () => new ManualClock(0).wallMs(),
  };
  const { stored } = await realm.join(CAROL, C, token, { clock: board });
  assertEquals(stored.chain[0].id, CAROL.id);
  await realm.close();
});

Deno.test("joinNetwork() brings 64 long certificates and 16 long records", PURE, async () => {
  const { realm, alice } = await founded();
  const name = "网".repeat(32);
  for (let n = 0; n < 80; n++) {
    alice.membership.roster.keep([certificate({ node_id: identityOf(n).id, name })]);
  }
  const bob = await realm.add(BOB, B, ADMIN_CHAIN, { peers: addressOf(alice) });
  await realm.pass(500);
  const peers = Array.from({ length: 40 }, (_, n) => {
    const identity = identityOf(n);
    const addresses = Array.from({ length: 8 }, (_, i) => ({
      host: `2001:db8:1111:2222:3333:4444:5555:${1_000 + i}`,
      port: 65_535,
    }));
    return signRecord(identity.id, addresses, identity.signing, realm.clock.wallMs()).signed;
  });
  bob.agent.node.send(ALICE.id, "PEER_INTRODUCTION", { peers });
  await realm.pass(500);
  const joined = await realm.join(CAROL, C, await realm.invite(alice));
  assert(joined.roster.certificates().length >= 64);
  assert(joined.peers.length >= 16, `${joined.peers.length}`);
  assertEquals(linesOf(alice, "internal error"), []);
  await realm.close();
});

Deno.test(
  "joinNetwork() believes the inviter nothing that the network has not signed",
  PURE,
  async () => {
    const foreign = { network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID };
    const answers: readonly (readonly [string, JsonObject])[] = [
      ["nothing", {}],
      ["no network", goodAnswer({ network: undefined })],
      ["no id", goodAnswer({ network: { ...writeNetwork(NETWORK), id: "x" } })],
      ["no secret", goodAnswer({ network: { ...writeNetwork(NETWORK), secret: "AAAA" } })],
      [
        "another's network",
        goodAnswer({ network: { ...writeNetwork(NETWORK), id: OTHER_NETWORK_ID } }),
      ],
      ["no certificate", goodAnswer({ certificates: [] })],
      ["garbage", goodAnswer({ certificates: "x" })],
      ["a forged one", goodAnswer({ certificates: [{ ...certificateJson(), role: "admin" }] })],
      ["a foreign one", goodAnswer({ certificates: [certificateJson(foreign)] })],
      ["another's", goodAnswer({ certificates: [certificateJson({ node_id: BOB.id })] })],
      [
        "an expired one",
        goodAnswer({
          certificates: [certificateJson({ issued: 0, not_after: WALL_MS - 1 })],
        }),
      ],
      ["a member's", goodAnswer({ certificates: [certificateJson({ issuer: BOB.id })] })],
      ["a huge roster", goodAnswer({ roster: Array(65).fill(0) })],
      ["no list of peers", goodAnswer({ peers: {} })],
    ];
    for (const [label, answer] of answers) {
      const { realm, join } = answering(answer);
      assertEquals((await failure(join())).code, "bad_answer", label);
      await realm.close();
    }
  },
);

Deno.test("joinNetwork() passes over records and certificates that are forged", PURE, async () => {
  const record = signRecord(BOB.id, [{ host: B, port: 9000 }], BOB.signing, WALL_MS).signed;
  const { realm, join } = answering(goodAnswer({
    roster: [
      { ...certificateJson({ node_id: BOB.id }), name: "x" },
      null,
      ...signedOf(FOUNDER_CHAIN),
    ],
    peers: [{ ...record, addresses: ["10.6.6.6:1"] }, null, 7, "x"],
  }));
  const { roster, peers } = await join();
  assertEquals(roster.certificates().map(({ id }) => id).sort(), [ALICE.id, CAROL.id].sort());
  assertEquals(peers.map(({ id }) => id), [ALICE.id]);
  await realm.close();
});

Deno.test("joinNetwork() gives up an inviter that does not answer", PURE, async () => {
  const realm = new Realm();
  const { village } = realm.village;
  const alice = village.add(ALICE, "10.0.0.1", { invitationKeyOf: () => invitationKeyOf(SECRET) });
  alice.node.handleGuests(JOIN, () => new Promise(() => {}));
  const token = encodeToken({ inviter: ALICE.id, secret: SECRET, addresses: [alice.address] });
  assertEquals((await failure(realm.join(CAROL, C, token))).code, "timeout");
  await realm.close();
});

Deno.test(
  "Gatekeeper refuses a malformed JOIN, and sees no defect of ours in it",
  PURE,
  async () => {
    const { realm, alice } = await founded();
    const { secret } = decodeToken(await realm.invite(alice));
    const { village } = realm.village;
    const guest = village.add(DAVE, D, {
      psk: invitationKeyOf(secret),
      pskId: invitationIdOf(secret),
    });
    await village.join(guest, { ...guest, id: ALICE.id, address: alice.address });
    const good = encodeBase64Url(secret);
    const cases: readonly (readonly [JsonObject, string])[] = [
      [{}, "missing_field"],
      [{ secret: 7 }, "invalid_field"],
      [{ secret: "" }, "invalid_field"],
      [{ secret: "A".repeat(65) }, "invalid_field"],
      [{ secret: good.slice(1) }, "invalid_field"],
      [{ secret: encodeBase64Url(SECRET) }, "invitation_unknown"],
      [{ secret: good, name: 7 }, "invalid_field"],
      [{ secret: good, name: "x".repeat(257) }, "invalid_field"],
      [{ secret: good, name: "a\u0000b" }, "invalid_field"],
    ];
    for (const [data, expected] of cases) {
      const error = await assertRejects(
        () => realm.until(guest.node.request(ALICE.id, JOIN, data, { deadlineMs: 1_000 })),
        RequestError,
      );
      assertEquals(error.code, expected, JSON.stringify(data));
    }
    assertEquals(linesOf(alice, "internal error"), []);
    assertFalse(alice.membership.isMember(DAVE.id));
    assertEquals(alice.invitations.open(realm.clock.wallMs()), 1, "nothing is used up");
    await realm.close();
  },
);

Deno.test("Gatekeeper does the same for a guest that asks again and again", PURE, async () => {
  const { realm, alice } = await founded();
  const { secret } = decodeToken(await realm.invite(alice));
  const { village } = realm.village;
  const guest = village.add(DAVE, D, {
    psk: invitationKeyOf(secret),
    pskId: invitationIdOf(secret),
  });
  await village.join(guest, { ...guest, id: ALICE.id, address: alice.address });
  const data = { secret: encodeBase64Url(secret), name: "dave" };
  const ask = () => guest.node.request(ALICE.id, JOIN, data, { deadlineMs: 9_000 });
  const replies = await realm.until(Promise.all(Array.from({ length: 60 }, ask)));
  const texts = new Set(replies.map((reply) => JSON.stringify(reply.data["certificates"])));
  assertEquals(texts.size, 1);
  assertEquals(alice.saves.filter((what) => what === "roster").length, 1);
  await realm.close();
});
