/** Who may take part in a closed network, who may not, and what each of them learns. */

import { assert, assertEquals, assertFalse } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import type { Identity } from "../../src/node/identity.ts";
import type { LocalNodeOptions } from "../../src/node/local_node.ts";
import { isTrustCode, readCertificate } from "../../src/trust/certificate.ts";
import type { Membership } from "../../src/trust/membership.ts";
import { ALICE, BOB, CAROL, identityOf, localNode, WALL_MS } from "../testing/identities.ts";
import { framesIn, Party, pump } from "../testing/pump.ts";
import {
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
  signedWith,
} from "../testing/trust.ts";
import { outcomeWord, sessionEvents, Village, type Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const B = "10.0.0.2";

/** Two nodes, and what becomes of the first's dial to the second. */
async function meet(
  one: readonly [Identity, Membership | undefined],
  other: readonly [Identity, Membership | undefined],
  approach: "seal" | "ask_then_seal" = "seal",
) {
  const village = new Village();
  const a = village.add(one[0], A, optionsOf(one[1]));
  const b = village.add(other[0], B, optionsOf(other[1]));
  const outcome = outcomeWord(await village.join(a, b, approach));
  await village.clock.run(1_500, 50);
  return { village, a, b, outcome };
}

function optionsOf(membership: Membership | undefined): Pick<LocalNodeOptions, "membership"> {
  return { membership };
}

/** What a dial came to, in the end, on both sides. */
async function verdict(
  one: readonly [Identity, Membership | undefined],
  other: readonly [Identity, Membership | undefined],
) {
  const { village, a, b, outcome } = await meet(one, other);
  const seen = { outcome, dialler: sessionEvents(a), listener: sessionEvents(b) };
  assertEquals([...a.alarms, ...b.alarms], []);
  await village.close();
  return seen;
}

function standings({ events }: Villager) {
  return events.flatMap((event) => event.type === "session_opened" ? [event.peer.standing] : []);
}

/** A stranger's or member's side of a conversation with `listener`, to the end. */
function talk(dialler: Party, listener: Party): void {
  pump(dialler, listener);
}

function partyOf(identity: Identity, membership: Membership | undefined, isDialler = false): Party {
  const local = localNode(identity, optionsOf(membership));
  return new Party({ local, ...(isDialler && { approach: "seal" as const }) });
}

/** The ERRORs among what a party was told. */
function errorsTo({ messages }: Party): readonly unknown[] {
  return messages.map((text) => JSON.parse(text)).map(({ type, data }) => ({ type, ...data }));
}

Deno.test("Node opens sessions among members, and says as what they take part", PURE, async () => {
  const carol = { kind: "member", role: "member", name: "carol" };
  const bob = { kind: "member", role: "admin", name: "bob" };
  for (const chain of [MEMBER_CHAIN, MEMBER_BY_ADMIN]) {
    for (const approach of ["seal", "ask_then_seal"] as const) {
      const { village, a, b, outcome } = await meet(
        [CAROL, membershipOf(CAROL, chain)],
        [BOB, membershipOf(BOB, ADMIN_CHAIN)],
        approach,
      );
      assertEquals(outcome, "session");
      assertEquals([a.node.connected, b.node.connected], [[BOB.id], [CAROL.id]]);
      assertEquals([standings(a), standings(b)], [[bob], [carol]]);
      await village.close();
    }
  }
});

Deno.test("Node of one network and node of another refuse each other", PURE, async () => {
  const foreignChain = [
    certificate({
      ...{ network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID },
      ...{ node_id: MALLORY.id, role: "admin" },
    }),
  ] as const;
  for (const isForeignDialling of [true, false]) {
    const foreign = [MALLORY, foreignMember(foreignChain)] as const;
    const ours = [CAROL, member()] as const;
    const pair = isForeignDialling ? [foreign, ours] as const : [ours, foreign] as const;
    assertEquals(await verdict(...pair), {
      outcome: "foreign_network",
      dialler: [],
      listener: [],
    });
  }
});

Deno.test("Node turns a stranger away with a reason, once it has dialled", PURE, async () => {
  assertEquals(await verdict([MALLORY, undefined], [CAROL, member()]), {
    outcome: "session",
    dialler: ["opened", "closed not_a_member"],
    listener: [],
  });
});

Deno.test("Node that dials a stranger tells it nothing", PURE, async () => {
  assertEquals(await verdict([CAROL, member()], [MALLORY, undefined]), {
    outcome: "not_a_member",
    dialler: [],
    listener: [],
  });
});

Deno.test("Node refuses the revoked: that dial, and that are dialled", PURE, async () => {
  const knowing = () => {
    const judge = founder();
    judge.roster.learnRevocation(revocationJson());
    return judge;
  };
  assertEquals(await verdict([CAROL, member()], [ALICE, knowing()]), {
    outcome: "session",
    dialler: ["opened", "closed revoked"],
    listener: [],
  });
  assertEquals(await verdict([ALICE, knowing()], [CAROL, member()]), {
    outcome: "revoked",
    dialler: [],
    listener: [],
  });
});

Deno.test("Node refuses what a revoked admin had signed", PURE, async () => {
  const judge = founder();
  judge.roster.learnRevocation(revocationJson({ node_id: BOB.id }));
  const { listener, dialler } = await verdict([CAROL, member(undefined, MEMBER_BY_ADMIN)], [
    ALICE,
    judge,
  ]);
  assertEquals([dialler, listener], [["opened", "closed revoked"], []]);
});

Deno.test("Node refuses the expired, whose clock may say otherwise", PURE, async () => {
  const short = [certificate({ not_after: WALL_MS - 1, issued: WALL_MS - DAY_MS })] as const;
  const slow = new ManualClock(WALL_MS - 1_000);
  const expired = () => membershipOf(CAROL, short, { clock: slow });
  assertEquals((await verdict([CAROL, expired()], [ALICE, founder()])).dialler, [
    "opened",
    "closed certificate_expired",
  ]);
  assertEquals(await verdict([ALICE, founder()], [CAROL, expired()]), {
    outcome: "certificate_expired",
    dialler: [],
    listener: [],
  });
});

Deno.test("Node on a board without a clock takes part", PURE, async () => {
  const board = () => member(new ManualClock(0));
  for (
    const pair of [
      [[CAROL, board()], [ALICE, founder()]],
      [[ALICE, founder()], [CAROL, board()]],
    ] as const
  ) {
    const { village, a, outcome } = await meet(...pair);
    assertEquals([outcome, a.node.connected.length], ["session", 1]);
    await village.close();
  }
});

Deno.test(
  "Node refuses who shows another's certificate, or one of its own making",
  PURE,
  async () => {
    const seed = new Uint8Array(32);
    const selfMade = readCertificate(
      signedWith(seed, { ...certificateJson(), node_id: MALLORY.id, role: "admin" }),
    );
    const byCarol = certificate({ node_id: MALLORY.id, issuer: CAROL.id });
    for (
      const chain of [MEMBER_CHAIN, [selfMade], [byCarol], [byCarol, MEMBER_CHAIN[0]]] as const
    ) {
      const { dialler, listener } = await verdict([MALLORY, membershipOf(MALLORY, chain)], [
        CAROL,
        member(),
      ]);
      assertEquals([dialler, listener], [["opened", "closed bad_certificate"], []]);
    }
  },
);

Deno.test("Node makes no member of whom a member brings along", PURE, async () => {
  const forged = readCertificate(
    signedWith(new Uint8Array(32), {
      ...certificateJson(),
      ...{ node_id: MALLORY.id, role: "admin", issued: WALL_MS + 1 },
    }),
  );
  const judge = founder();
  const carol = [CAROL, membershipOf(CAROL, [MEMBER_CHAIN[0], forged])] as const;
  assertEquals((await verdict(carol, [ALICE, judge])).dialler, [
    "opened",
    "closed bad_certificate",
  ]);
  const mallory = [MALLORY, membershipOf(MALLORY, [forged])] as const;
  assertEquals((await verdict(mallory, [ALICE, judge])).listener, []);
  assertFalse(judge.isMember(MALLORY.id));
});

Deno.test("Node in an open village takes any key, and says so", PURE, async () => {
  const open = membershipOf(ALICE, FOUNDER_CHAIN, { isOpen: true });
  const { village, a, b, outcome } = await meet([MALLORY, undefined], [ALICE, open]);
  assertEquals([outcome, b.node.connected], ["session", [MALLORY.id]]);
  assertEquals([standings(a), standings(b)], [[{ kind: "open" }], [{ kind: "open" }]]);
  await village.close();
});

Deno.test("Node that is open itself does not open a closed one", PURE, async () => {
  const open = membershipOf(identityOf(1), FOUNDER_CHAIN, { isOpen: true });
  const { listener } = await verdict([identityOf(1), open], [CAROL, member()]);
  assertEquals(listener, []);
});

Deno.test("Conversation gives a stranger exactly one clear error and a close", PURE, () => {
  const stranger = partyOf(MALLORY, undefined, true);
  const carol = partyOf(CAROL, member());
  talk(stranger, carol);
  assertEquals(errorsTo(stranger), [{
    type: "ERROR",
    code: "not_a_member",
    message: "Cannot accept peer: it belongs to no network",
  }]);
  assertEquals([carol.closed, carol.sealed], [["not_a_member"], []]);
  assert(carol.conversation.isClosed);
});

Deno.test("Conversation hears nothing more from who was turned away", PURE, () => {
  const stranger = partyOf(MALLORY, undefined, true);
  const carol = partyOf(CAROL, member());
  carol.feed(stranger.take());
  stranger.feed(carol.take());
  stranger.say(JSON.stringify({ type: "PEER_INTRODUCTION" }));
  carol.feed(stranger.take());
  stranger.say(JSON.stringify({ type: "PING" }));
  talk(stranger, carol);
  assertEquals(carol.messages, []);
  assertEquals(errorsTo(stranger).length, 1);
});

Deno.test("Conversation shows a stranger neither the certificate nor the network", PURE, () => {
  const name = "carols own machine";
  const chain = [certificate({ name, issuer: BOB.id }), ADMIN_CHAIN[0]] as const;
  const stranger = partyOf(MALLORY, undefined, true);
  const carol = partyOf(CAROL, membershipOf(CAROL, chain));
  talk(stranger, carol);
  const seen = JSON.stringify([stranger.sealed, stranger.messages]);
  assert(seen.includes(CAROL.id), "it has proved who it is");
  for (const hidden of [NETWORK_ID, name, BOB.id, ALICE.id, "elm street", "00112233445566ff"]) {
    assertFalse(seen.includes(hidden), hidden);
  }
});

Deno.test("Conversation that dials a stranger does not say who it is", PURE, () => {
  const carol = partyOf(CAROL, member(), true);
  const stranger = partyOf(MALLORY, undefined);
  const first = carol.take();
  assertEquals(framesIn(first).length, 1);
  stranger.feed(first);
  carol.feed(stranger.take());
  assertEquals(carol.take().length, 0, "no third message, which would name it");
  assertEquals(carol.closed, ["not_a_member"]);
  assertEquals([stranger.sealed, carol.sealed], [[], []]);
});

Deno.test("Conversation gives each reason in words that a person can use", PURE, () => {
  const end = Date.UTC(2025, 2, 4);
  const expired = [certificate({ issued: 0, not_after: end })] as const;
  const knowing = founder();
  knowing.roster.learnRevocation(revocationJson());
  const cases = [
    [partyOf(CAROL, membershipOf(CAROL, expired), true), founder(), "valid until 2025-03-04"],
    [partyOf(CAROL, member(), true), knowing, "it was revoked"],
    [partyOf(MALLORY, membershipOf(MALLORY, MEMBER_CHAIN), true), founder(), "is another's"],
  ] as const;
  for (const [dialler, judge, words] of cases) {
    talk(dialler, partyOf(ALICE, judge));
    const [error = ""] = dialler.messages;
    assert(error.includes(words), error);
    assert(isTrustCode(JSON.parse(error).data.code));
  }
});

Deno.test("Node accepts who was certified anew, and has not heard of it", PURE, async () => {
  const alice = founder();
  alice.roster.keep(MEMBER_BY_ADMIN);
  alice.revoke(BOB.id);
  const carol = member(undefined, MEMBER_BY_ADMIN);
  const { village, b, outcome } = await meet([CAROL, carol], [ALICE, alice]);
  assertEquals([outcome, b.node.connected], ["session", [CAROL.id]]);
  await village.close();
});

Deno.test("Node.turnAway() ends a session with its reason, for both", PURE, async () => {
  const { village, a, b } = await meet([CAROL, member()], [ALICE, founder()]);
  b.node.turnAway(CAROL.id, "revoked");
  b.node.turnAway(MALLORY.id, "revoked");
  await village.clock.run(1_000, 10);
  assertEquals(sessionEvents(a), ["opened", "closed revoked"]);
  assertEquals(sessionEvents(b), ["opened", "closed revoked"]);
  await village.close();
});

Deno.test("Node keeps a session on errors that are no verdict", PURE, async () => {
  const { village, a, b } = await meet([CAROL, member()], [ALICE, founder()]);
  for (const code of ["unsupported_type", "x", 7, null]) b.node.send(CAROL.id, "ERROR", { code });
  await village.clock.run(500, 10);
  assertEquals(a.node.connected, [ALICE.id]);
  await village.close();
});

Deno.test("Node counts whom it turned away, and frees the connection", PURE, async () => {
  const village = new Village();
  const carol = village.add(CAROL, B, { membership: member(village.clock) });
  for (let n = 0; n < 20; n++) {
    const stranger = village.add(identityOf(n), `10.0.1.${n}`);
    await village.join(stranger, carol);
  }
  await village.clock.run(2_000, 20);
  assertEquals(carol.node.counters.rejected.get("not_a_member"), 20);
  assertEquals([carol.node.connected, carol.node.guests], [[], 0]);
  assertEquals(carol.events.filter(({ type }) => type !== "peer_discovered"), []);
  await village.close();
});

Deno.test("LocalNode.introduce() fits a handshake frame with all that it may carry", PURE, () => {
  const name = "网".repeat(32);
  const bob = certificate({ node_id: BOB.id, role: "admin", name });
  const membership = membershipOf(CAROL, [certificate({ name, issuer: BOB.id }), bob]);
  const addresses = Array.from({ length: 8 }, (_, n) => ({
    host: `2001:0db8:1111:2222:3333:4444:5555:${6660 + n}`,
    port: 65_535,
  }));
  const dialler = new Party({
    local: localNode(CAROL, { membership, addresses: () => addresses }),
    approach: "seal",
  });
  const listener = new Party({
    local: localNode(BOB, {
      membership: membershipOf(BOB, [bob]),
      addresses: () => addresses,
    }),
  });
  talk(dialler, listener);
  assertEquals([dialler.closed, listener.closed], [[], []]);
  assertEquals(listener.sealed.map(({ standing }) => standing), [
    { kind: "member", role: "member", name },
  ]);
});

Deno.test(
  "Node lets a member's session live past the certificate it began with",
  PURE,
  async () => {
    // Whether it still belongs is the gatekeeper's to say, who can renew it.
    const village = new Village();
    const a = village.add(CAROL, A, { membership: member(village.clock) });
    const b = village.add(ALICE, B, { membership: founder(village.clock) });
    await village.join(a, b);
    village.clock.jumpWall(LIFETIME_MS + 1);
    await village.clock.run(1_000, 50);
    assertEquals([a.node.connected, b.node.connected], [[ALICE.id], [CAROL.id]]);
    assertEquals(outcomeWord(await village.join(a, b)), "certificate_expired");
    await village.close();
  },
);

/** Somebody's membership of the other network. */
function foreignMember(chain: Parameters<typeof membershipOf>[1]): Membership {
  return membershipOf(MALLORY, chain, { networkId: OTHER_NETWORK_ID });
}
