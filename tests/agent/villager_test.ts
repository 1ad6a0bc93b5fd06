import { assert, assertEquals, assertThrows } from "@std/assert";
import { profileFor, SURPLUS, Villager } from "../../src/agent/villager.ts";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { CRITICAL, NORMAL, type Priority } from "../../src/channel/scheduler.ts";
import type { GossipEvent } from "../../src/gossip/gossip.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { signMemberRecord } from "../../src/gossip/member_record.ts";
import { encodeProbe, encodeRumour, encodeRumours, KINDS } from "../../src/gossip/message.ts";
import { LAN_PROFILE, WAN_PROFILE } from "../../src/gossip/probe_profile.ts";
import { UNKNOWN_READING } from "../../src/host/reading.ts";
import type { SealedPeer } from "../../src/node/conversation_events.ts";
import type { Identity } from "../../src/node/identity.ts";
import { ALICE, BOB, CAROL, identityOf, PRIMITIVES } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const ADDRESS = { host: "10.0.0.1", port: 9000 };

/** Alice as a villager, and what she asked of her node. */
class Bench {
  readonly clock = new ManualClock();
  readonly sent: { readonly to: PeerId; readonly message: Bytes; readonly priority: Priority }[] =
    [];
  readonly ended: [PeerId, string][] = [];
  readonly dialled: PeerId[] = [];
  readonly events: GossipEvent[] = [];
  readonly warnings: string[] = [];
  readonly connected = new Set<PeerId>();
  reading = UNKNOWN_READING;
  readonly villager: Villager;

  constructor() {
    this.villager = new Villager({
      identity: ALICE,
      node: {
        gossip: (to, message, priority) => void this.sent.push({ to, message, priority }),
        disconnect: (id, code = "") => {
          this.ended.push([id, code]);
          this.connected.delete(id);
        },
        isConnected: (id) => this.connected.has(id),
      },
      clock: this.clock,
      random: seededRandom(1),
      log: (level, event) => void this.warnings.push(`${level} ${event}`),
      membership: undefined,
      verify: PRIMITIVES.verify,
      addresses: () => [ADDRESS],
      reading: () => this.reading,
      dial: (id) => void this.dialled.push(id),
      onEvent: (event) => void this.events.push(event),
      onStranger: () => {},
    });
  }

  /** A session, of somebody who gossips or does not. */
  meet({ id }: Identity, features: readonly string[] = ["gossip/1"]): void {
    this.connected.add(id);
    // Nothing else of the peer is looked at.
    this.villager.meet({ id, features, isDialer: false } as unknown as SealedPeer);
  }

  /** A session, and who it is with says that it lives. */
  befriend(identity: Identity): void {
    this.meet(identity);
    this.villager.receive(identity.id, introduction(identity));
  }

  part({ id }: Identity, code: string): boolean {
    this.connected.delete(id);
    return this.villager.part(id, code);
  }

  kindsTo({ id }: Identity): readonly number[] {
    return this.sent.filter(({ to }) => to === id).map(({ message }) => message[0] ?? 0);
  }
}

function introduction(identity: Identity): Bytes {
  const record = signMemberRecord(
    {
      id: identity.id,
      incarnation: 0,
      status: "alive",
      pace: "lan",
      addresses: [{ host: "10.0.0.2", port: 9000 }],
    },
    identity.signing,
    PLAIN_ID_CODEC,
  );
  return encodeRumours([encodeRumour({ kind: "record", record }, PLAIN_ID_CODEC)]);
}

Deno.test("profileFor() is patient with a device on battery or on a mobile network", PURE, () => {
  for (
    const [reading, profile] of [
      [{}, LAN_PROFILE],
      [{ onMains: true, networkType: "wifi" }, LAN_PROFILE],
      [{ onMains: false, networkType: "wifi" }, WAN_PROFILE],
      [{ onMains: true, networkType: "cellular" }, WAN_PROFILE],
      [{ onMains: null, networkType: "ethernet" }, LAN_PROFILE],
    ] as const
  ) {
    assertEquals(profileFor({ ...UNKNOWN_READING, ...reading }), profile);
  }
  // The issue's own numbers.
  assertEquals([LAN_PROFILE.intervalMs, LAN_PROFILE.timeoutMs], [1_000, 500]);
  assertEquals([WAN_PROFILE.intervalMs, WAN_PROFILE.timeoutMs], [5_000, 3_000]);
});

Deno.test("Villager gossips with who speaks gossip, and with nobody else", PURE, () => {
  const bench = new Bench();
  bench.meet(BOB);
  bench.meet(CAROL, ["files/1"]);
  assertEquals([...bench.villager.gossip.neighbours.keys()], [BOB.id]);
  assertEquals([bench.kindsTo(BOB)[0], bench.kindsTo(CAROL)], [KINDS.rumours, []]);
});

Deno.test("Villager sends probes before all else, and the rest in its turn", PURE, () => {
  const bench = new Bench();
  bench.befriend(BOB);
  const ping = encodeProbe("ping", { seq: 1, degree: 1, rumours: [] });
  bench.villager.receive(BOB.id, ping);
  const priorityOf = (kind: number) =>
    bench.sent.find(({ message }) => message[0] === kind)?.priority;
  assertEquals([priorityOf(KINDS.ack), priorityOf(KINDS.rumours)], [CRITICAL, NORMAL]);
});

Deno.test("Villager wakes by the clock, when gossip has something to do", PURE, () => {
  const bench = new Bench();
  bench.befriend(BOB);
  bench.sent.length = 0;
  for (let ms = 0; ms < 3_000; ms += 10) bench.clock.advance(10);
  assert(bench.kindsTo(BOB).includes(KINDS.ping));
  assertEquals(bench.clock.pending, 1, "one timer, whatever happens");
});

Deno.test("Villager tells its owner and all who watch", PURE, () => {
  const bench = new Bench();
  const watched: GossipEvent[] = [];
  const stop = bench.villager.watch((event) => watched.push(event));
  bench.befriend(BOB);
  assertEquals(watched, bench.events);
  assertEquals(
    watched.map((event) => event.type === "member" ? event.member : undefined),
    [{ id: BOB.id, incarnation: 0, change: "joined" }],
  );
  stop();
  bench.befriend(CAROL);
  assertEquals([watched.length, bench.events.length], [1, 2]);
});

Deno.test(
  "Villager ends the session of who sends what is malformed, and keeps its timer",
  PURE,
  () => {
    for (const tail of [[99], [255, 1, 2]]) {
      const bench = new Bench();
      bench.meet(BOB);
      const good = introduction(BOB);
      bench.villager.receive(BOB.id, concatBytes(good, Uint8Array.from(tail)));
      assertEquals(bench.ended, [[BOB.id, "malformed_gossip"]]);
      assertEquals(bench.warnings, ["warn gossip refused"]);
      assertEquals(bench.clock.pending, 1);
      // The news before the damage are told within the hundredth of a second that they wait.
      bench.meet(CAROL);
      bench.sent.length = 0;
      for (let ms = 0; ms < 20; ms++) bench.clock.advance(1);
      assert(bench.kindsTo(CAROL).includes(KINDS.rumours));
    }
    for (const bytes of [[], [0], [13], [16], [31, 1], [255]]) {
      const bench = new Bench();
      bench.meet(BOB);
      bench.villager.receive(BOB.id, Uint8Array.from(bytes));
      assertEquals(bench.ended, [[BOB.id, "malformed_gossip"]], `${bytes}`);
    }
  },
);

Deno.test("Villager.part() dials again whose session was lost, and no other", PURE, () => {
  for (
    const [code, isMissed] of [
      ["closed", true],
      ["keepalive_timeout", true],
      ["goodbye", false],
      [SURPLUS, false],
      ["revoked", false],
    ] as const
  ) {
    const bench = new Bench();
    bench.befriend(BOB);
    bench.befriend(CAROL);
    assertEquals(bench.part(BOB, code), isMissed, code);
    assertEquals(bench.villager.gossip.neighbours.has(BOB.id), false);
  }
});

Deno.test(
  "Villager.part(): who said that it parts is not dialled again, however the session ends",
  PURE,
  () => {
    const bench = new Bench();
    bench.befriend(BOB);
    bench.villager.receive(BOB.id, Uint8Array.of(KINDS.part));
    assertEquals([bench.part(BOB, "closed"), bench.dialled], [false, []]);
  },
);

Deno.test("Villager dials whom gossip wants, unless there is a session", PURE, () => {
  const bench = new Bench();
  bench.befriend(BOB);
  bench.part(BOB, "closed");
  assertEquals(bench.dialled, [BOB.id]);
  bench.connected.add(CAROL.id);
  bench.villager.receive(CAROL.id, introduction(CAROL));
  for (let ms = 0; ms < 5_000; ms += 50) bench.clock.advance(50);
  assert(!bench.dialled.includes(CAROL.id));
});

Deno.test(
  "Villager.settle() hears of dials that failed, where there is no session after all",
  PURE,
  () => {
    const bench = new Bench();
    bench.befriend(BOB);
    bench.part(BOB, "closed");
    bench.connected.add(BOB.id);
    bench.villager.settle(BOB.id, { type: "failed", code: "refused" });
    assertEquals(bench.villager.gossip.members.stateOf(BOB.id), "alive");
    bench.connected.delete(BOB.id);
    bench.villager.settle(BOB.id, { type: "session", id: BOB.id });
    assertEquals(bench.villager.gossip.members.stateOf(BOB.id), "alive");
    bench.villager.settle(BOB.id, { type: "failed", code: "refused" });
    assertEquals(bench.villager.gossip.members.stateOf(BOB.id), "suspect", "nobody else can tell");
  },
);

Deno.test(
  "Villager.wants() anybody in a village of 32, and in a larger one whom it needs",
  PURE,
  () => {
    const bench = new Bench();
    const others = Array.from({ length: 32 }, (_, n) => identityOf(n));
    for (const other of others.slice(0, 31)) bench.befriend(other);
    assertEquals([bench.villager.isFullMesh, bench.villager.wants(CAROL.id)], [true, false]);
    bench.clock.advance(1_500);
    assert(bench.villager.wants(CAROL.id), "nobody has come for a while");
    const last = others[31];
    assert(last);
    bench.befriend(last);
    assertEquals([bench.villager.isFullMesh, bench.villager.wants(CAROL.id)], [false, false]);
    bench.part(last, "closed");
    assert(bench.villager.wants(last.id), "it was dialled, to see whether it lives");
    bench.villager.settle(last.id, { type: "failed", code: "refused" });
    assert(!bench.villager.wants(last.id));
    for (const other of others.slice(2, 31)) bench.part(other, SURPLUS);
    assert(bench.villager.wants(CAROL.id), "two sessions are too few to be choosy");
  },
);

Deno.test("Villager.sleep() and wake() tell everybody at once", PURE, () => {
  const bench = new Bench();
  bench.befriend(BOB);
  bench.sent.length = 0;
  bench.villager.sleep();
  assertEquals([bench.villager.gossip.own.status, bench.kindsTo(BOB)], ["asleep", [KINDS.rumours]]);
  bench.villager.wake();
  assertEquals([bench.villager.gossip.own.status, bench.kindsTo(BOB).length], ["alive", 2]);
});

Deno.test("Villager.review() tells of another pace", PURE, () => {
  const bench = new Bench();
  bench.befriend(BOB);
  bench.villager.review();
  assertEquals(bench.villager.gossip.own.incarnation, 0);
  bench.reading = { ...UNKNOWN_READING, onMains: false };
  bench.villager.review();
  const { incarnation, pace } = bench.villager.gossip.own;
  assertEquals([incarnation, pace], [1, "wan"]);
});

Deno.test("Villager.close() says that we leave, and nothing more is done", PURE, () => {
  const bench = new Bench();
  bench.befriend(BOB);
  bench.sent.length = 0;
  bench.villager.close();
  assertEquals([bench.villager.gossip.own.status, bench.kindsTo(BOB)], ["left", [KINDS.rumours]]);
  assertEquals(bench.clock.pending, 0);
  bench.villager.close();
  bench.meet(CAROL);
  bench.villager.receive(BOB.id, introduction(BOB));
  bench.villager.broadcast("a", "b");
  const query = { name: "a", data: "", where: "", deadlineMs: 1_000 };
  bench.villager.query({ ...query, onAnswer: () => {}, onEnd: () => {} });
  bench.clock.advance(60_000);
  assertEquals([bench.kindsTo(CAROL), bench.clock.pending], [[], 0]);
});

Deno.test("Villager.receive() does not hide a fault of our own", PURE, () => {
  const bench = new Bench();
  bench.meet(BOB);
  bench.villager.watch(() => {
    throw new TypeError("a listener's fault");
  });
  assertThrows(() => bench.villager.receive(BOB.id, introduction(BOB)), TypeError);
  assertEquals([bench.ended, bench.clock.pending], [[], 1]);
});
