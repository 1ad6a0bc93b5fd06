import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { ByteReader, ByteReaderError } from "../../src/base/byte_reader.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Address } from "../../src/net/address.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import type { MemberRecord } from "../../src/gossip/member_record.ts";
import {
  type Claim,
  encodeAsk,
  encodeDigest,
  encodeNack,
  encodeProbe,
  encodeRecords,
  encodeRumour,
  encodeRumours,
  encodeSummary,
  KINDS,
  readRumours,
  type Rumour,
} from "../../src/gossip/message.ts";
import type { Neighbour } from "../../src/gossip/neighbour.ts";
import { LAN_PROFILE, WAN_PROFILE } from "../../src/gossip/probe_profile.ts";
import { Swim } from "../../src/gossip/swim.ts";
import {
  forgedRecord,
  idOf,
  neighbourOf,
  PURE,
  readRecord,
  recordOf,
  signerOf,
  toyVerify,
} from "./people.ts";

const [OWN, A, B, C, D] = [0, 1, 2, 3, 4].map(idOf) as [PeerId, PeerId, PeerId, PeerId, PeerId];
const DAY_MS = 86_400_000;

class Bench {
  readonly neighbours = new Map<PeerId, Neighbour>();
  readonly sent: [to: PeerId, message: Bytes][] = [];
  readonly dialled: PeerId[] = [];
  readonly hungUp: PeerId[] = [];
  readonly changes: string[] = [];
  readonly strangers: PeerId[] = [];
  readonly outsiders = new Set<PeerId>();
  readonly swim: Swim;
  addresses: readonly Address[] = [{ host: "10.0.0.0", port: 9000 }];
  profile = LAN_PROFILE;
  verified = 0;

  constructor(nowMs = 0) {
    this.swim = new Swim({
      id: OWN,
      signer: signerOf(0),
      verify: (...args) => (this.verified++, toyVerify(...args)),
      ids: PLAIN_ID_CODEC,
      readRecord,
      random: seededRandom(1),
      profile: () => this.profile,
      neighbours: this.neighbours,
      addresses: () => this.addresses,
      belongs: (id) => !this.outsiders.has(id),
      onStranger: (id) => void this.strangers.push(id),
      abilityOf: () => undefined,
      onAbility: () => {},
      send: (to, message) => void this.sent.push([to, message]),
      sendLater: (to, message) => void this.sent.push([to, message]),
      dial: ({ id }) => void this.dialled.push(id),
      hangUp: (id) => void this.hungUp.push(id),
      onChange: ({ id, incarnation, change }) => {
        this.changes.push(`${[OWN, A, B, C, D].indexOf(id)} ${change} ${incarnation}`);
      },
    }, nowMs);
    // It starts humble; these tests are about those who have been there for a while.
    this.swim.awareness.adjust(-3);
  }

  /** A session with each of `numbers`, who are known. */
  meet(nowMs: number, ...numbers: readonly number[]): void {
    for (const n of numbers) {
      this.neighbours.set(idOf(n), neighbourOf(nowMs));
      this.swim.connected(idOf(n), nowMs, false);
      this.hear(idOf(n), rumours({ kind: "record", record: recordOf(n) }), nowMs);
    }
  }

  /** A session breaks. */
  lose(id: PeerId, nowMs: number): void {
    this.neighbours.delete(id);
    this.swim.lost(id, nowMs);
  }

  hear(from: PeerId, message: Bytes, nowMs: number): void {
    const neighbour = this.neighbours.get(from);
    if (neighbour) neighbour.heardMs = nowMs;
    this.swim.heard(from);
    const reader = new ByteReader(message);
    this.swim.receive(from, reader.u8(), reader, nowMs);
  }

  /** Lets time pass, a millisecond at a time, in which those that are `speaking` are heard every 100 ms. */
  run(fromMs: number, untilMs: number, ...speaking: readonly PeerId[]): void {
    for (let ms = fromMs; ms <= untilMs; ms++) {
      if (ms % 100 === 0) { for (const id of speaking) this.hear(id, encodeNack(0), ms); }
      this.swim.tick(ms);
    }
  }

  state(id: PeerId) {
    return this.swim.table.stateOf(id);
  }

  /** The messages of `kind` since the last {@link clear}. */
  of(kind: number): readonly [to: PeerId, reader: ByteReader][] {
    return this.sent.filter(([, message]) => message[0] === kind)
      .map(([to, message]) => [to, new ByteReader(message, 1)]);
  }

  /** Every rumour that was sent, by whatever message. */
  told(): readonly Rumour[] {
    const told: Rumour[] = [];
    for (const [, message] of this.sent) {
      const [kind = 0] = message;
      if (kind !== KINDS.rumours && kind > KINDS.ack) continue;
      const reader = new ByteReader(message, kind === KINDS.rumours ? 1 : 7);
      readRumours(reader, { ids: PLAIN_ID_CODEC, readRecord }, (rumour) => told.push(rumour));
    }
    return told;
  }

  /** Whether a record of `id` was told since the last {@link clear}. */
  tellsOf(id: PeerId): boolean {
    return this.told().some((rumour) => rumour.kind === "record" && rumour.record.id === id);
  }

  clear(): void {
    this.sent.length = 0;
    this.dialled.length = 0;
    this.changes.length = 0;
  }
}

function rumours(...all: readonly Rumour[]): Bytes {
  return encodeRumours(all.map((rumour) => encodeRumour(rumour, PLAIN_ID_CODEC)));
}

function news(...records: readonly MemberRecord[]): Bytes {
  return rumours(...records.map((record): Rumour => ({ kind: "record", record })));
}

function claim(kind: Claim["kind"], id: PeerId, incarnation: number, accuser: PeerId): Bytes {
  return rumours({ kind, id, incarnation, accuser });
}

Deno.test("Swim believes itself alive, and nobody else to exist", PURE, () => {
  const { swim } = new Bench();
  assertEquals([swim.table.size, swim.table.living, swim.own.incarnation], [1, 1, 0]);
  assertEquals([...swim.table.records()], [swim.own]);
});

Deno.test("Swim introduces itself in every new session", PURE, () => {
  const bench = new Bench();
  bench.neighbours.set(A, neighbourOf());
  bench.swim.connected(A, 0, true);
  assertEquals(bench.told(), [{ kind: "record", record: bench.swim.own }]);
  assertEquals(bench.of(KINDS.digest).length, 1, "who dials compares");
  bench.clear();
  bench.neighbours.set(B, neighbourOf());
  bench.swim.connected(B, 0, false);
  assertEquals(bench.of(KINDS.digest).length, 0);
});

Deno.test("Swim believes a record that its member signed, and passes it on", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 3);
  assertEquals([bench.state(A), bench.changes], ["alive", ["1 joined 0", "3 joined 0"]]);
  bench.clear();
  const record = recordOf(2, { incarnation: 7 });
  bench.hear(A, news(record), 100);
  assertEquals([bench.state(B), bench.changes], ["alive", ["2 joined 7"]]);
  bench.run(100, 1_000);
  assert(bench.tellsOf(B));
  bench.clear();
  bench.hear(A, news(record), 2_000);
  bench.hear(A, news(recordOf(2, { incarnation: 6 })), 2_000);
  assertEquals([bench.changes, bench.swim.table.record(B)], [[], record]);
});

Deno.test("Swim tells nobody of it while its teller is the only neighbour", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  bench.run(0, 1_000);
  bench.clear();
  bench.hear(A, news(recordOf(2)), 1_000);
  bench.run(1_000, 3_000);
  assertEquals(bench.state(B), "alive");
  assert(!bench.tellsOf(B));
});

Deno.test(
  "Swim tells a newcomer to a small village of all at once, and all of those that come together",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1, 2);
    bench.run(0, 2_000);
    bench.clear();
    bench.meet(2_000, 3, 4);
    const [toC, toD] = bench.of(KINDS.records);
    assertEquals([toC?.[0], toD?.[0]], [C, D]);
    // A and B, whom C has not asked for.
    const lengths = [1, 2].map((n) => 1 + recordOf(n).bytes.length);
    assertEquals(toC?.[1].left, lengths.reduce((sum, length) => sum + length));
    bench.clear();
    bench.swim.tick(2_019);
    assertEquals(bench.of(KINDS.rumours), []);
    bench.swim.tick(2_020);
    const [first] = bench.of(KINDS.rumours).filter(([to]) => to === A);
    assert(first);
    const told = new Set<PeerId>();
    readRumours(first[1], { ids: PLAIN_ID_CODEC, readRecord }, (rumour) => {
      if (rumour.kind === "record") told.add(rumour.record.id);
    });
    assertEquals(told, new Set([C, D]));
  },
);

Deno.test("Swim tells of who joins asleep, and of who falls asleep, wakes or leaves", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  bench.clear();
  for (
    const [incarnation, status] of [[0, "asleep"], [1, "alive"], [2, "asleep"], [
      3,
      "left",
    ]] as const
  ) {
    bench.hear(A, news(recordOf(2, { incarnation, status })), 0);
  }
  assertEquals(bench.changes, ["2 asleep 0", "2 alive 1", "2 asleep 2", "2 left 3"]);
});

Deno.test("Swim refuses forged records before it stores them", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  bench.clear();
  bench.hear(A, news(forgedRecord(2)), 0);
  bench.hear(A, news(forgedRecord(1, { incarnation: 9, status: "left" })), 5_000);
  assertEquals([bench.state(B), bench.state(A), bench.changes], [undefined, "alive", []]);
  bench.run(5_000, 6_000);
  assert(!bench.tellsOf(B));
});

Deno.test(
  "Swim checks one forged record a second of each neighbour's, and others' meanwhile",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1, 2);
    bench.verified = 0;
    for (let ms = 0; ms < 3_000; ms++) bench.hear(A, news(forgedRecord(3)), 10_000 + ms);
    assertEquals(bench.verified, 3);
    bench.hear(B, news(recordOf(3)), 12_500);
    assertEquals(bench.state(C), "alive");
    bench.hear(A, news(recordOf(4)), 14_000);
    assertEquals(bench.state(D), "alive", "it is heard again");
  },
);

Deno.test(
  "Swim refuses records of those who do not belong, unchecked, and tells of them",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1);
    bench.outsiders.add(B);
    bench.verified = 0;
    bench.hear(A, news(recordOf(2)), 0);
    bench.hear(A, encodeRecords([[recordOf(2), false]])[0] ?? new Uint8Array(), 0);
    assertEquals([bench.state(B), bench.strangers, bench.verified], [undefined, [B, B], 0]);
  },
);

Deno.test("Swim.forget() keeps nothing of a member that was expelled", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2);
  bench.lose(B, 100);
  bench.outsiders.add(B);
  bench.swim.forget(B);
  bench.hear(A, news(recordOf(2, { incarnation: 3 })), 100);
  bench.clear();
  bench.run(100, 5_000, A);
  assertEquals([bench.state(B), bench.changes], [undefined, []]);
  assert(!bench.told().some((rumour) => rumour.kind !== "record" && rumour.id === B));
});

Deno.test("Swim.forget() takes back what was about to be announced", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2);
  bench.run(0, 3_000);
  bench.meet(3_000, 3);
  bench.swim.forget(C);
  bench.clear();
  bench.run(3_000, 5_000);
  assert(!bench.tellsOf(C));
});

Deno.test("Swim answers a ping with its number, and with its own degree", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2);
  bench.clear();
  bench.hear(A, encodeProbe("ping", { seq: 0xffff_ffff, degree: 700, rumours: [] }), 0);
  const acks = bench.of(KINDS.ack);
  assertEquals(acks.map(([to, reader]) => [to, reader.u32(), reader.u16()]), [[A, 0xffff_ffff, 2]]);
  assertEquals(bench.neighbours.get(A)?.degree, 700);
});

Deno.test(
  "Swim: a lost session is suspected at once when it is hopeless, and dead in time",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1, 2, 3, 4);
    bench.clear();
    bench.lose(A, 1_000);
    const asks = bench.of(KINDS.ask);
    assertEquals([asks.length, bench.dialled], [3, [A]]);
    bench.swim.dialFailed(A, 1_010);
    for (const [helper, reader] of asks) bench.hear(helper, encodeNack(reader.u32()), 1_020);
    assertEquals([bench.state(A), bench.changes], ["suspect", ["1 suspect 0"]]);
    // Five members: 3 s at the shortest, 18 s alone; B and C confirm: 18 - 15 * log 3 / log 4 = 6.11 s.
    for (const accuser of [B, C]) bench.hear(accuser, claim("suspect", A, 0, accuser), 1_100);
    bench.run(1_100, 1_020 + 6_112, B, C, D);
    assertEquals(bench.state(A), "suspect");
    bench.run(7_133, 7_133, B, C, D);
    assertEquals([bench.state(A), bench.changes], ["dead", ["1 suspect 0", "1 dead 0"]]);
  },
);

Deno.test("Swim: a helper's ack keeps a member whose session was lost", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2, 3);
  bench.clear();
  bench.lose(A, 1_000);
  const [ask] = bench.of(KINDS.ask);
  assert(ask);
  bench.swim.dialFailed(A, 1_010);
  const [helper, reader] = ask;
  bench.hear(helper, encodeProbe("ack", { seq: reader.u32(), degree: 0, rumours: [] }), 1_050);
  bench.run(1_050, 3_000);
  assertEquals(bench.state(A), "alive");
});

Deno.test("Swim: a newer word in the middle of a probe does not end the looking", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2);
  bench.lose(A, 1_000);
  bench.hear(B, news(recordOf(1, { incarnation: 1 })), 1_010);
  bench.clear();
  bench.run(1_010, 2_100);
  assertEquals(bench.changes[0], "1 suspect 1");
});

Deno.test("Swim is not looking for who has gone to sleep, or left", PURE, () => {
  for (const status of ["asleep", "left"] as const) {
    const bench = new Bench();
    bench.meet(0, 1, 2);
    bench.hear(A, news(recordOf(1, { incarnation: 1, status })), 500);
    bench.clear();
    bench.lose(A, 1_000);
    bench.run(1_000, 60_000);
    assertEquals([bench.state(A), bench.dialled.includes(A)], [status, false]);
  }
});

Deno.test("Swim: a refutation ends the suspicion", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2, 3);
  bench.clear();
  bench.hear(B, claim("suspect", A, 0, B), 1_000);
  assertEquals(bench.state(A), "suspect");
  const pings = bench.of(KINDS.ping);
  assertEquals(pings.map(([to]) => to), [A], "it is asked at once");
  assert(bench.told().some((rumour) => rumour.kind === "suspect" && rumour.id === A), "and told");
  bench.hear(C, news(recordOf(1, { incarnation: 1 })), 1_200);
  bench.run(1_200, 30_000);
  assertEquals(bench.changes.slice(0, 2), ["1 suspect 0", "1 alive 1"]);
});

Deno.test("Swim: a member that others hold for dead, and that answers us, stays", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2, 3);
  bench.hear(B, claim("dead", A, 0, B), 1_000);
  bench.run(1_000, 60_000, A, B, C);
  assertEquals([bench.state(A), bench.hungUp], ["suspect", []]);
});

Deno.test("Swim hangs up on a member that it buries", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2);
  bench.clear();
  bench.run(1, 8_000, B);
  assertEquals([bench.state(A), bench.hungUp], ["dead", [A]]);
  assertEquals(bench.changes, ["1 suspect 0", "1 dead 0"]);
});

Deno.test("Swim refutes that it is suspected or dead, above the incarnation accused", PURE, () => {
  for (const kind of ["suspect", "dead"] as const) {
    const bench = new Bench();
    bench.meet(0, 1, 2);
    bench.clear();
    bench.hear(A, claim(kind, OWN, 0, B), 1_000);
    assertEquals([bench.swim.own.incarnation, bench.swim.awareness.multiplier], [1, 1]);
    assertEquals(bench.swim.table.record(OWN), bench.swim.own);
    bench.run(1_000, 1_500);
    const told = bench.told().flatMap((rumour) =>
      rumour.kind === "record" && rumour.record.id === OWN ? rumour.record.incarnation : []
    );
    assert(told.length >= 2 && told.every((incarnation) => incarnation === 1));
  }
});

Deno.test("Swim's ack to the ping that accuses it carries the refutation", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  bench.clear();
  const accusation = encodeRumour(
    { kind: "suspect", id: OWN, incarnation: 0, accuser: A },
    PLAIN_ID_CODEC,
  );
  bench.hear(A, encodeProbe("ping", { seq: 1, degree: 1, rumours: [accusation] }), 1_000);
  assertEquals(bench.of(KINDS.ack).length, 1);
  const own = bench.told().filter((one) => one.kind === "record" && one.record.id === OWN);
  assertEquals(own, [{ kind: "record", record: bench.swim.own }]);
});

Deno.test(
  "Swim: a claim about an incarnation of ours that is not the present one changes nothing",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1);
    for (const incarnation of [1, 2, 0xffff_ffff]) {
      bench.hear(A, claim("dead", OWN, incarnation, A), 1_000);
    }
    assertEquals([bench.swim.own.incarnation, bench.swim.awareness.multiplier], [0, 0]);
  },
);

Deno.test("Swim signs one refutation for a message of a thousand claims", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  const claims = Array.from(
    { length: 900 },
    (_, incarnation): Rumour => ({ kind: "dead", id: OWN, incarnation, accuser: A }),
  );
  bench.hear(A, rumours(...claims), 1_000);
  assertEquals(bench.swim.own.incarnation, 1);
  // The second claim is refuted in its time, whatever it was worth.
  bench.run(1_000, 1_099);
  assertEquals(bench.swim.own.incarnation, 1);
  bench.run(1_100, 5_000);
  assertEquals(bench.swim.own.incarnation, 2);
});

Deno.test("Swim: a restarted member learns of its former life and speaks above it", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  const former = recordOf(0, { incarnation: 41, status: "left" });
  bench.hear(A, news(former), 100);
  assertEquals([bench.swim.own.incarnation, bench.swim.own.status], [42, "alive"]);
  bench.hear(A, news(recordOf(0, { incarnation: 12 })), 200);
  assertEquals(bench.swim.own.incarnation, 42, "an older one is no matter");
  bench.hear(A, news(forgedRecord(0, { incarnation: 99 })), 300);
  assertEquals(bench.swim.own.incarnation, 42, "and one that we never signed neither");
});

Deno.test(
  "Swim: another word of ours of the same incarnation is one of a former life",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1);
    bench.hear(A, news(bench.swim.own), 100);
    assertEquals(bench.swim.own.incarnation, 0);
    bench.hear(A, news(recordOf(0, { addresses: [] })), 200);
    assertEquals(bench.swim.own.incarnation, 1);
  },
);

Deno.test("Swim tells a restarted member what it said before", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2);
  const before = recordOf(1, { incarnation: 9 });
  bench.hear(B, news(before), 100);
  bench.clear();
  bench.hear(B, news(recordOf(1)), 200);
  assertEquals(bench.told(), [], "another's old news are no matter");
  bench.hear(A, news(recordOf(1)), 200);
  assertEquals(bench.told(), [{ kind: "record", record: before }]);
  bench.clear();
  bench.hear(A, news(before), 300);
  assertEquals(bench.told(), []);
});

Deno.test(
  "Swim: one that was taken for dead and says the very same again is compared with",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1, 2);
    bench.neighbours.delete(A);
    bench.hear(B, claim("dead", A, 0, B), 0);
    assertEquals(bench.state(A), "dead");
    bench.clear();
    bench.neighbours.set(A, neighbourOf(1_000));
    bench.swim.connected(A, 1_000, false);
    assertEquals(bench.of(KINDS.digest).map(([to]) => to), [A]);
    // At its end: the answer shows that it knows itself, and is gone for us.
    bench.hear(A, encodeSummary({ bits: 0, part: 0 }, [[recordOf(1), false]]), 1_000);
    const [records] = bench.of(KINDS.records);
    assert(records);
    assertEquals(records[1].u8(), 0, "ourselves");
  },
);

Deno.test("Swim: a comparison in which it is dead makes it refute", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  bench.swim.compare(A, 1_000);
  bench.hear(A, encodeSummary({ bits: 0, part: 0 }, [[bench.swim.own, true]]), 1_010);
  assertEquals(bench.swim.own.incarnation, 1);
  const [dead] = encodeRecords([[bench.swim.own, true]]);
  assert(dead);
  bench.hear(A, dead, 2_000);
  assertEquals(bench.swim.own.incarnation, 2);
});

Deno.test("Swim: neither sleep nor departure of ours is refuted", PURE, () => {
  for (const status of ["asleep", "left"] as const) {
    const bench = new Bench();
    bench.meet(0, 1, 2);
    bench.clear();
    bench.swim.declare(status, 1_000);
    assertEquals(new Set(bench.of(KINDS.rumours).map(([to]) => to)), new Set([A, B]), "at once");
    for (const kind of ["suspect", "dead"] as const) {
      bench.hear(A, claim(kind, OWN, 1, B), 2_000);
    }
    bench.run(2_000, 3_000);
    assertEquals([bench.swim.own.incarnation, bench.swim.own.status], [1, status]);
    assertEquals(bench.state(OWN), status);
  }
});

Deno.test("Swim.review() tells the village only of what has changed", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  bench.clear();
  bench.swim.review(1_000);
  assertEquals([bench.swim.own.incarnation, bench.sent], [0, []]);
  bench.addresses = [{ host: "10.9.9.9", port: 9000 }];
  bench.swim.review(2_000);
  assertEquals(bench.told(), [{ kind: "record", record: bench.swim.own }]);
  assertEquals([bench.swim.own.incarnation, bench.swim.own.addresses], [1, bench.addresses]);
  bench.profile = WAN_PROFILE;
  bench.swim.review(3_000);
  assertEquals([bench.swim.own.incarnation, bench.swim.own.pace], [2, "wan"]);
});

Deno.test(
  "Swim helps: a question about a neighbour, about itself, about nobody it knows",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1, 2);
    bench.clear();
    bench.hear(A, encodeAsk(7, B, PLAIN_ID_CODEC), 0);
    assertEquals(bench.of(KINDS.ping).map(([to]) => to), [B]);
    bench.hear(B, encodeNack(0), 10);
    assertEquals(bench.of(KINDS.ack).map(([to, reader]) => [to, reader.u32()]), [[A, 7]]);
    bench.clear();
    bench.hear(A, encodeAsk(8, OWN, PLAIN_ID_CODEC), 20);
    assertEquals(bench.of(KINDS.ack).map(([to, reader]) => [to, reader.u32()]), [[A, 8]]);
    assertEquals(bench.dialled, [], "it does not dial itself");
    bench.clear();
    bench.hear(A, encodeAsk(9, D, PLAIN_ID_CODEC), 30);
    assertEquals([bench.sent, bench.dialled], [[], []]);
  },
);

Deno.test(
  "Swim: a member that nobody has a session with is missed when none can be had",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1);
    bench.hear(A, news(recordOf(2)), 0);
    let dialledMs = 0;
    for (let ms = 0; ms < 600_000 && !bench.dialled.includes(B); ms += 50) {
      bench.hear(A, encodeNack(0), ms);
      bench.swim.tick(ms);
      dialledMs = ms;
    }
    bench.clear();
    bench.swim.dialFailed(B, dialledMs + 10);
    const [ask] = bench.of(KINDS.ask);
    assert(ask, "the others are asked");
    assertEquals(bench.state(B), "alive");
    bench.hear(ask[0], encodeNack(ask[1].u32()), dialledMs + 20);
    assertEquals(bench.state(B), "suspect");
  },
);

Deno.test("Swim: a dial that failed for another reason is no sign of death", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  bench.hear(A, news(recordOf(2)), 0);
  bench.clear();
  bench.swim.dialFailed(B, 10);
  assertEquals([bench.sent, bench.state(B)], [[], "alive"]);
});

Deno.test("Swim.resume() blames nobody for what it could not hear", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1, 2, 3, 4);
  bench.hear(B, claim("suspect", A, 0, B), 0);
  bench.run(0, 500);
  bench.swim.resume(100_000);
  bench.swim.tick(100_000);
  assertEquals(bench.state(A), "suspect");
  bench.hear(A, news(recordOf(1, { incarnation: 1 })), 100_100);
  bench.run(100_100, 100_500);
  assertEquals(bench.state(A), "alive");
});

Deno.test(
  "Swim reaps the dead and the departed after 24 h, and takes them for new afterwards",
  PURE,
  () => {
    const bench = new Bench();
    bench.meet(0, 1);
    bench.hear(A, news(recordOf(2), recordOf(3)), 0);
    bench.hear(A, claim("dead", B, 0, A), 0);
    bench.hear(A, news(recordOf(3, { incarnation: 1, status: "left" })), 0);
    bench.clear();
    bench.hear(A, news(recordOf(3)), 1_000);
    assertEquals(bench.state(C), "left", "who has left is not revived by an old word");
    bench.swim.tick(DAY_MS);
    assertEquals([bench.state(B), bench.state(C)], [undefined, undefined]);
    assertEquals(bench.changes.filter((change) => change.includes("reaped")), [
      "2 reaped 0",
      "3 reaped 0",
    ]);
  },
);

Deno.test("Swim has nothing but its rounds to do when nothing happens", PURE, () => {
  const bench = new Bench();
  let wakes = 0;
  for (let ms = 0; ms < 600_000; wakes++) {
    bench.swim.tick(ms);
    const { deadlineMs } = bench.swim;
    assert(deadlineMs > ms, `a deadline that stands still, at ${ms}`);
    ms = deadlineMs;
  }
  // Once a second, a comparison each 30 s and a reaping each minute.
  assert(wakes <= 600 + 40 + 10, `${wakes}`);
  assertEquals(bench.sent, []);
});

Deno.test("Swim refuses kinds that are not known, and garbage after", PURE, () => {
  const bench = new Bench();
  bench.meet(0, 1);
  const ask = encodeAsk(1, A, PLAIN_ID_CODEC);
  const messages = [ask, encodeNack(1), encodeDigest({ low: 0, high: 0 }, "same")];
  for (const message of messages) {
    assertThrows(() => bench.hear(A, new Uint8Array([...message, 0]), 0), ByteReaderError);
  }
  for (const kind of [0, 12, 15, 255]) {
    const reader = new ByteReader(new Uint8Array(8));
    assertThrows(() => bench.swim.receive(A, kind, reader, 0), ByteReaderError, "is not known");
  }
  const ping = encodeProbe("ping", { seq: 1, degree: 1, rumours: [] });
  for (const message of [...messages, ping]) {
    for (let length = 1; length < message.length; length++) {
      assertThrows(() => bench.hear(A, message.slice(0, length), 0), ByteReaderError);
    }
  }
});

Deno.test(
  "Swim starts with a local health multiplier of 3, and accuses slowly at first",
  PURE,
  () => {
    const bench = new Bench();
    bench.swim.awareness.adjust(3);
    bench.meet(0, 1, 2, 3);
    bench.clear();
    // The first round comes within a second; four times the timeout later others are asked, not before.
    bench.run(0, 2_000);
    assertEquals(bench.of(KINDS.ask), []);
    bench.run(2_000, 4_000);
    assert(bench.of(KINDS.ask).length > 0);
  },
);
