/** Peer exchange between an agent and bare nodes that say what the test wants. */

import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/base/guards.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { MAX_RECORDS_SENT, readRecord, signRecord } from "../../src/mesh/peer_record.ts";
import { AgentVillage, linesOf } from "../testing/agents.ts";
import { ALICE, BOB, CAROL, identityOf, PRIMITIVES } from "../testing/identities.ts";
import type { Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const B = "10.0.0.2";
const C = "10.0.0.3";
const BOB_AT = { host: B, port: 9000 };
const CAROL_AT = { host: C, port: 9000 };

/** Alice is an agent; Bob is a bare node with a session to her. */
async function aliceAndBob() {
  const village = new AgentVillage();
  const alice = await village.add(ALICE, A);
  const bob = village.village.add(BOB, B);
  await village.village.until(bob.node.dial(alice.address, { approach: "seal" }));
  await village.pass(100);
  const say = async (data: JsonObject, type: "PEER_INTRODUCTION" | "PEER_ANNOUNCEMENT") => {
    bob.node.send(ALICE.id, type, data);
    await village.pass(500);
  };
  return {
    village,
    alice,
    bob,
    introduce: (data: JsonObject) => say(data, "PEER_INTRODUCTION"),
    say,
  };
}

function recordOf(identity = CAROL, wallMs: number, addresses = [CAROL_AT]): JsonObject {
  return signRecord(identity.id, addresses, identity.signing, wallMs).signed;
}

/** The data of the last introduction that `villager` was sent. */
function introduction({ events }: Villager): JsonObject {
  const last = events.findLast((event) =>
    event.type === "envelope" && event.envelope.type === "PEER_INTRODUCTION"
  );
  assert(last?.type === "envelope");
  return last.envelope.data;
}

function idsIn(data: JsonObject): readonly unknown[] {
  return (data["peers"] as readonly JsonObject[]).map((record) => record["node_id"]);
}

Deno.test("Exchange introduces itself by a record that anyone can check", PURE, async () => {
  const { village, bob } = await aliceAndBob();
  const { record, peers } = introduction(bob);
  const read = readRecord(record, PRIMITIVES.verify, village.clock.wallMs());
  assertEquals([read?.id, read?.addresses], [ALICE.id, [{ host: A, port: 9000 }]]);
  assertEquals(peers, []);
  await village.close();
});

Deno.test("Exchange dials who a record of somebody else names", PURE, async () => {
  const { village, alice, introduce } = await aliceAndBob();
  const carol = village.village.add(CAROL, C);
  await introduce({ peers: [recordOf(CAROL, village.clock.wallMs())] });
  assertEquals([...alice.agent.node.connected].sort(), [BOB.id, CAROL.id].sort());
  assertEquals(carol.node.connected, [ALICE.id]);
  await village.close();
});

Deno.test("Exchange takes an announcement as it takes an introduction", PURE, async () => {
  const { village, alice, say } = await aliceAndBob();
  village.village.add(CAROL, C);
  await say({ peers: [recordOf(CAROL, village.clock.wallMs())] }, "PEER_ANNOUNCEMENT");
  assert(alice.agent.node.isConnected(CAROL.id));
  await village.close();
});

Deno.test(
  "Exchange refuses an own record that is forged, foreign, expired or no record",
  PURE,
  async () => {
    const { village, alice, bob, introduce } = await aliceAndBob();
    const nowMs = village.clock.wallMs();
    const own = recordOf(BOB, nowMs, [BOB_AT]);
    const bad: readonly unknown[] = [
      { ...own, addresses: [`${C}:9000`] },
      { ...own, signature: recordOf(CAROL, nowMs)["signature"] },
      recordOf(CAROL, nowMs),
      recordOf(ALICE, nowMs),
      recordOf(BOB, nowMs - 3_600_001, [BOB_AT]),
      recordOf(BOB, nowMs + 400_000, [BOB_AT]),
      {},
      [],
      null,
      "record",
    ];
    for (const record of bad) {
      await introduce({ record, peers: [recordOf(identityOf(1), nowMs, [{ host: C, port: 1 }])] });
    }
    assertEquals(linesOf(alice, "message refused").length, bad.length);
    assertEquals(alice.dials, [], "nor is a word of the rest believed");
    assertEquals(bob.node.connected, [ALICE.id], "the session stays");
    await introduce({ record: own });
    assertEquals(linesOf(alice, "message refused").length, bad.length, "the honest one is taken");
    await village.close();
  },
);

Deno.test("Exchange passes over single bad records of others", PURE, async () => {
  const { village, alice, introduce } = await aliceAndBob();
  village.village.add(CAROL, C);
  const good = recordOf(CAROL, village.clock.wallMs());
  await introduce({
    peers: [null, {}, 7, { ...good, seq: 1 }, { ...good, node_id: BOB.id }, good],
  });
  assertEquals(linesOf(alice, "message refused"), []);
  assertEquals(alice.dials.map(({ to }) => to), [`${C}:9000`]);
  assert(alice.agent.node.isConnected(CAROL.id));
  await village.close();
});

Deno.test("Exchange refuses lists that are too long or no lists", PURE, async () => {
  const { village, alice, bob, introduce } = await aliceAndBob();
  await introduce({ peers: Array.from({ length: MAX_RECORDS_SENT }, () => null) });
  assertEquals(linesOf(alice, "message refused"), []);
  const tooLong = Array.from({ length: MAX_RECORDS_SENT + 1 }, () => null);
  for (const peers of [tooLong, {}, null, "peers"]) await introduce({ peers });
  assertEquals(linesOf(alice, "message refused").length, 4);
  assertEquals(bob.node.connected, [ALICE.id]);
  await village.close();
});

Deno.test("Exchange never dials itself, whatever it is told of itself", PURE, async () => {
  const { village, alice, introduce } = await aliceAndBob();
  await introduce({ peers: [recordOf(ALICE, village.clock.wallMs(), [CAROL_AT])] });
  assertEquals(alice.dials, []);
  await village.close();
});

Deno.test(
  "Exchange dials a record once, and again when a newer one names another place",
  PURE,
  async () => {
    const { village, alice, introduce } = await aliceAndBob();
    village.village.add(CAROL, C);
    const wallMs = village.clock.wallMs();
    const old = recordOf(CAROL, wallMs, [{ host: "10.0.0.9", port: 9000 }]);
    await introduce({ peers: [old, old] });
    assertEquals(alice.dials.map(({ to }) => to), ["10.0.0.9:9000"]);
    await introduce({ peers: [recordOf(CAROL, wallMs + 1), old] });
    assertEquals(alice.dials.map(({ to }) => to), ["10.0.0.9:9000", `${C}:9000`]);
    assert(alice.agent.node.isConnected(CAROL.id));
    await village.close();
  },
);

Deno.test("Exchange drops addresses that mean nothing where they came from", PURE, async () => {
  const { village, alice, introduce } = await aliceAndBob();
  const loopback = [{ host: "127.0.0.1", port: 9000 }, { host: "0.0.0.0", port: 9000 }];
  await introduce({ peers: [recordOf(CAROL, village.clock.wallMs(), loopback)] });
  assertEquals(alice.dials, []);
  await village.close();
});

Deno.test(
  "Exchange sends a newcomer the 48 newest records, its own not among them",
  PURE,
  async () => {
    const { village, introduce } = await aliceAndBob();
    const carol = village.village.add(CAROL, C);
    const wallMs = village.clock.wallMs();
    const fillers = Array.from({ length: 100 }, (_, n) => identityOf(n));
    const records = fillers.map((identity) =>
      recordOf(identity, wallMs, [{ host: "127.0.0.1", port: 1 }])
    );
    for (let n = 0; n < 100; n += 40) await introduce({ peers: records.slice(n, n + 40) });
    await introduce({ peers: [recordOf(CAROL, wallMs)] });
    await village.pass(500);
    assertEquals(carol.node.connected, [ALICE.id]);
    const newest = fillers.slice(-MAX_RECORDS_SENT).reverse().map(({ id }) => id);
    assertEquals(idsIn(introduction(carol)), newest);
    await village.close();
  },
);

Deno.test("Exchange renews its record every 20 minutes and tells whom it knows", PURE, async () => {
  const { village, alice, bob } = await aliceAndBob();
  await village.clock.run(1_199_000 - village.clock.now(), 5_000);
  const announced = () =>
    bob.events.flatMap((event) =>
      event.type === "envelope" && event.envelope.type === "PEER_ANNOUNCEMENT"
        ? [event.envelope.data["record"] as JsonObject]
        : []
    );
  // A bare node says nothing of itself, so that its session ends in silence: it comes back.
  await village.village.until(bob.node.dial(alice.address, { approach: "seal" }));
  assertEquals(announced(), []);
  await village.pass(2_000, 100);
  const [renewed] = announced();
  assertEquals(renewed?.["seq"], village.clock.wallMs() - village.clock.now() + 1_200_000);
  assertEquals(readRecord(renewed, PRIMITIVES.verify, village.clock.wallMs())?.id, ALICE.id);
  await village.close();
});

Deno.test(
  "Exchange still introduces itself when a member has fed it the longest records",
  PURE,
  async () => {
    const { village, alice, introduce } = await aliceAndBob();
    const carol = village.village.add(CAROL, C);
    const wallMs = village.clock.wallMs();
    for (let n = 0; n < MAX_RECORDS_SENT; n += 16) {
      await introduce({ peers: Array.from({ length: 16 }, (_, i) => wideRecord(n + i, wallMs)) });
    }
    await village.village.until(carol.node.dial(alice.address, { approach: "seal" }));
    await village.pass(200);
    assertEquals(linesOf(alice, "internal error"), []);
    assertEquals(carol.node.connected, [ALICE.id]);
    await village.close();
  },
);

/** A validly signed record of the most bytes that `readRecord` takes. */
function wideRecord(n: number, wallMs: number): JsonObject {
  const { id, signing } = identityOf(n);
  const wide = Array.from({ length: 8 }, () => ({ host: "漢".repeat(75), port: 9000 }));
  return signRecord(id as PeerId, wide, signing, wallMs).signed;
}
