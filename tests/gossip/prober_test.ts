import { assert, assertEquals } from "@std/assert";
import type { PeerId } from "../../src/base/peer_id.ts";
import { Awareness } from "../../src/gossip/awareness.ts";
import { MemberTable } from "../../src/gossip/member_table.ts";
import type { Neighbour } from "../../src/gossip/neighbour.ts";
import { LAN_PROFILE, type ProbeProfile, WAN_PROFILE } from "../../src/gossip/probe_profile.ts";
import { MAX_ERRANDS, MAX_ERRANDS_OF_ONE } from "../../src/gossip/errands.ts";
import { Prober } from "../../src/gossip/prober.ts";
import { fixedRandom, idOf, neighbourOf, PURE, recordOf } from "./people.ts";

const [A, B, C, D, E, STRANGER] = [1, 2, 3, 4, 5, 99].map(idOf) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
];

/** What a prober did: `ping 1`, `ask 2 about 1`, `ack 3 #7`; members by number. */
class Bench {
  readonly table = new MemberTable();
  readonly awareness = new Awareness();
  readonly neighbours = new Map<PeerId, Neighbour>();
  readonly log: string[] = [];
  readonly failed: [PeerId, number][] = [];
  readonly prober: Prober;
  /** Of the last ping or question. */
  seq = 0;
  profile: ProbeProfile = LAN_PROFILE;
  readonly #names = new Map<PeerId, number>();

  /** `neighbours` are members 1 to so many; the first round begins at 0. */
  constructor(neighbours: number, members = neighbours) {
    for (let n = 1; n <= members; n++) {
      this.table.accept(recordOf(n), 0);
      this.#names.set(idOf(n), n);
    }
    for (let n = 1; n <= neighbours; n++) this.neighbours.set(idOf(n), neighbourOf(-10_000 - n));
    this.prober = new Prober({
      profile: () => this.profile,
      table: this.table,
      awareness: this.awareness,
      // Every shuffle is the same, and the first round begins at once.
      random: fixedRandom(0),
      neighbours: this.neighbours,
      sendPing: (to, seq) => this.#note(`ping ${this.#name(to)}`, seq),
      sendAsk: (to, seq, about) =>
        this.#note(`ask ${this.#name(to)} about ${this.#name(about)}`, seq),
      sendAck: (to, seq) => void this.log.push(`ack ${this.#name(to)} #${seq}`),
      sendNack: (to, seq) => void this.log.push(`nack ${this.#name(to)} #${seq}`),
      dial: (id) => void this.log.push(`dial ${this.#name(id)}`),
      onFailed: (id, nowMs) => void this.failed.push([id, nowMs]),
    }, 0);
  }

  /** What was done since the last look, in alphabetical order. */
  look(): readonly string[] {
    return this.log.splice(0).sort();
  }

  heard(id: PeerId, nowMs: number): void {
    const neighbour = this.neighbours.get(id);
    if (neighbour) neighbour.heardMs = neighbour.probedMs = nowMs;
    this.prober.heard(id);
  }

  #note(what: string, seq: number): void {
    this.log.push(what);
    this.seq = seq;
  }

  #name(id: PeerId): string {
    return `${this.#names.get(id) ?? "?"}`;
  }
}

Deno.test("Prober pings one neighbour a second, the one unheard for longest first", PURE, () => {
  const bench = new Bench(3);
  bench.prober.tick(0);
  assertEquals(bench.look(), ["ping 3"]);
  bench.heard(C, 20);
  bench.prober.tick(999);
  assertEquals(bench.look(), []);
  bench.prober.tick(1_000);
  assertEquals(bench.look(), ["ping 2"]);
  bench.heard(B, 1_020);
  bench.prober.tick(2_000);
  assertEquals(bench.look(), ["ping 1"]);
});

Deno.test("Prober does not ask who was heard within half an interval", PURE, () => {
  const bench = new Bench(1);
  bench.heard(A, -499);
  bench.prober.tick(0);
  assertEquals(bench.look(), []);
  bench.heard(A, 500);
  bench.prober.tick(1_000);
  assertEquals(bench.look(), ["ping 1"], "exactly half");
});

Deno.test("Prober asks nobody that is gone or asleep, or that it does not know", PURE, () => {
  const bench = new Bench(3);
  bench.neighbours.set(STRANGER, neighbourOf(-99_999));
  bench.table.bury(A, 0, 0);
  bench.table.accept(recordOf(2, { incarnation: 1, status: "asleep" }), 0);
  bench.table.accept(recordOf(3, { incarnation: 1, status: "left" }), 0);
  for (let ms = 0; ms < 10_000; ms += 1_000) bench.prober.tick(ms);
  assertEquals(bench.look(), []);
});

Deno.test("Prober goes on asking who is suspected", PURE, () => {
  const bench = new Bench(2);
  bench.table.suspect(A, 0, B, 0);
  bench.heard(B, 0);
  bench.prober.tick(0);
  assertEquals(bench.look(), ["ping 1"]);
});

Deno.test("Prober: an answer in time succeeds, and better health", PURE, () => {
  const bench = new Bench(1);
  bench.awareness.adjust(2);
  bench.prober.tick(0);
  bench.heard(A, 300);
  assertEquals([bench.awareness.multiplier, bench.prober.size, bench.failed], [1, 0, []]);
});

Deno.test("Prober asks three others after 500 ms, and fails after the interval", PURE, () => {
  const bench = new Bench(5);
  [B, C, D, E].forEach((id) => bench.heard(id, 0));
  bench.prober.tick(0);
  assertEquals(bench.look(), ["ping 1"]);
  assertEquals(bench.prober.deadlineMs, 500);
  bench.prober.tick(499);
  assertEquals(bench.look(), []);
  bench.prober.tick(500);
  const asked = bench.look();
  assertEquals([asked.length, new Set(asked).size], [3, 3]);
  assert(asked.every((line) => /^ask [2-5] about 1$/.test(line)));
  bench.prober.tick(999);
  assertEquals(bench.failed, []);
  bench.prober.tick(1_000);
  assertEquals(bench.failed, [[A, 1_000]]);
});

Deno.test("Prober: a late answer succeeds while the period lasts", PURE, () => {
  const bench = new Bench(4);
  bench.prober.tick(0);
  bench.prober.tick(500);
  bench.heard(D, 999);
  for (const ms of [1_000, 1_500]) bench.prober.tick(ms);
  assertEquals([bench.failed, bench.awareness.multiplier], [[], 0]);
});

Deno.test("Prober: a helper's answer succeeds, one that was asked", PURE, () => {
  const bench = new Bench(5);
  [B, C, D, E].forEach((id) => bench.heard(id, 0));
  bench.prober.tick(0);
  bench.prober.acked(B, bench.seq);
  assertEquals(bench.prober.size, 1, "nobody was asked yet");
  bench.prober.tick(500);
  const helpers = [B, C, D, E].filter((_, at) => bench.log.includes(`ask ${at + 2} about 1`));
  const [other] = [B, C, D, E].filter((id) => !helpers.includes(id));
  const [helper] = helpers;
  assert(helper && other);
  bench.prober.acked(other, bench.seq);
  bench.prober.acked(helper, bench.seq + 1);
  assertEquals(bench.prober.size, 1);
  bench.prober.acked(helper, bench.seq);
  assertEquals(bench.prober.size, 0);
  bench.prober.tick(1_000);
  assertEquals(bench.failed, []);
});

Deno.test(
  "Prober: helpers that do not even say that they could not tell point to ourselves",
  PURE,
  () => {
    // Lifeguard section IV-A: the multiplier rises by one for each nack that is missing, of three.
    for (const nacks of [0, 1, 2, 3]) {
      const bench = new Bench(4);
      [B, C, D].forEach((id) => bench.heard(id, 0));
      bench.prober.tick(0);
      bench.prober.tick(500);
      for (const helper of [B, C, D].slice(0, nacks)) {
        bench.prober.nacked(helper, bench.seq, 900);
        bench.prober.nacked(helper, bench.seq, 900);
      }
      assertEquals(bench.failed, [], "there is a session still, and it may answer");
      bench.prober.tick(1_000);
      assertEquals([bench.failed, bench.awareness.multiplier], [[[A, 1_000]], 3 - nacks]);
    }
  },
);

Deno.test("Prober: a failed probe without helpers raises the multiplier by one", PURE, () => {
  const bench = new Bench(1);
  bench.prober.tick(0);
  bench.prober.tick(500);
  bench.prober.tick(1_000);
  assertEquals([bench.failed.length, bench.awareness.multiplier], [1, 1]);
});

Deno.test("Prober of poor health waits longer and asks less often", PURE, () => {
  const bench = new Bench(2);
  bench.heard(B, 0);
  bench.awareness.adjust(2);
  bench.prober.tick(0);
  assertEquals(bench.prober.deadlineMs, 1_500);
  bench.look();
  bench.prober.tick(1_499);
  assertEquals(bench.look(), []);
  bench.prober.tick(1_500);
  assertEquals(bench.look(), ["ask 2 about 1"]);
  bench.prober.tick(2_999);
  assertEquals([bench.failed, bench.look()], [[], []]);
  bench.prober.tick(3_000);
  assertEquals(bench.failed, [[A, 3_000]]);
});

Deno.test("Prober is as patient as the more patient of both", PURE, () => {
  const slow = new Bench(0);
  slow.table.accept(recordOf(1, { pace: "wan" }), 0);
  slow.neighbours.set(A, neighbourOf(-10_000));
  const far = new Bench(1);
  far.profile = WAN_PROFILE;
  for (const bench of [slow, far]) {
    bench.prober.tick(0);
    bench.prober.tick(2_999);
    bench.prober.tick(4_999);
    assertEquals(bench.failed, []);
    bench.prober.tick(5_000);
    assertEquals(bench.failed, [[A, 5_000]]);
  }
});

Deno.test("Prober: a lost session is dialled and others are asked at once", PURE, () => {
  const bench = new Bench(4);
  bench.neighbours.delete(A);
  bench.prober.lost(A, 100);
  assertEquals(bench.look(), ["ask 2 about 1", "ask 3 about 1", "ask 4 about 1", "dial 1"]);
  bench.prober.dialFailed(A, 110);
  bench.prober.nacked(B, bench.seq, 120);
  bench.prober.nacked(C, bench.seq, 130);
  assertEquals(bench.failed, []);
  bench.prober.nacked(D, bench.seq, 140);
  assertEquals(bench.failed, [[A, 140]], "hopeless: nobody is waited for");
  assertEquals(bench.awareness.multiplier, 0);
});

Deno.test("Prober: one helper cannot say three times that it could not tell", PURE, () => {
  const bench = new Bench(4);
  bench.neighbours.delete(A);
  bench.prober.lost(A, 100);
  bench.prober.dialFailed(A, 110);
  for (let time = 0; time < 3; time++) bench.prober.nacked(B, bench.seq, 120);
  bench.prober.nacked(STRANGER, bench.seq, 120);
  assertEquals(bench.failed, []);
});

Deno.test("Prober: with nobody to ask a lost session is hopeless once the dial fails", PURE, () => {
  const bench = new Bench(1);
  bench.neighbours.delete(A);
  bench.prober.lost(A, 100);
  assertEquals([bench.failed, bench.look()], [[], ["dial 1"]]);
  bench.prober.dialFailed(A, 105);
  assertEquals(bench.failed, [[A, 105]]);
});

Deno.test("Prober: a lost session that comes back is no failure", PURE, () => {
  const bench = new Bench(4);
  bench.neighbours.delete(A);
  bench.prober.lost(A, 100);
  bench.prober.nacked(B, bench.seq, 120);
  bench.neighbours.set(A, neighbourOf(150));
  bench.heard(A, 150);
  bench.prober.nacked(C, bench.seq, 160);
  bench.prober.nacked(D, bench.seq, 160);
  bench.prober.dialFailed(A, 170);
  for (const ms of [600, 1_100]) bench.prober.tick(ms);
  assertEquals(bench.failed, []);
});

Deno.test(
  "Prober.lost() takes over the round's probe, and its meaning for our health",
  PURE,
  () => {
    const bench = new Bench(1);
    bench.prober.tick(0);
    bench.neighbours.delete(A);
    bench.prober.lost(A, 10);
    bench.prober.dialFailed(A, 20);
    assertEquals([bench.failed, bench.awareness.multiplier], [[[A, 20]], 1]);
  },
);

Deno.test("Prober.verify() pings a neighbour at once, and once", PURE, () => {
  const bench = new Bench(2, 3);
  bench.prober.verify(A, 0);
  bench.prober.verify(A, 10);
  bench.prober.verify(C, 0);
  assertEquals(bench.look(), ["ping 1"]);
  bench.prober.tick(499);
  assertEquals(bench.look(), ["ping 2"], "the round, for another");
});

Deno.test("Prober.doubt() asks others about a member that could not be dialled", PURE, () => {
  const bench = new Bench(4, 5);
  bench.prober.doubt(E, 100);
  bench.prober.doubt(E, 100);
  const asked = bench.look();
  assertEquals(asked.length, 3);
  assert(asked.every((line) => line.endsWith("about 5")));
  for (const helper of [A, B, C, D]) bench.prober.nacked(helper, bench.seq, 200);
  assertEquals(bench.failed, [[E, 200]]);
  bench.prober.doubt(A, 300);
  assertEquals(bench.look(), [], "a neighbour has its turn");
});

Deno.test("Prober.help() pings a neighbour and passes on its answer", PURE, () => {
  const bench = new Bench(2);
  bench.prober.help(B, 77, A, 0);
  assertEquals(bench.look(), ["ping 1"]);
  bench.heard(A, 50);
  assertEquals(bench.look(), ["ack 2 #77"]);
  assertEquals(bench.prober.size, 0);
});

Deno.test("Prober.help() says that it could not tell at 80 % of the timeout", PURE, () => {
  const bench = new Bench(2);
  bench.heard(B, 0);
  bench.heard(A, 0);
  bench.prober.help(B, 77, A, 0);
  bench.look();
  bench.prober.tick(0);
  assertEquals(bench.prober.deadlineMs, 400);
  bench.prober.tick(399);
  assertEquals(bench.look(), []);
  bench.prober.tick(400);
  assertEquals(bench.look(), ["nack 2 #77"]);
  bench.heard(A, 450);
  assertEquals([bench.look(), bench.prober.size], [[], 0]);
});

Deno.test(
  "Prober.help() dials a member without a session, and answers for it either way",
  PURE,
  () => {
    for (const isThere of [true, false]) {
      const bench = new Bench(1, 2);
      bench.prober.help(A, 5, B, 0);
      assertEquals(bench.look(), ["dial 2"]);
      if (isThere) bench.heard(B, 30);
      else bench.prober.dialFailed(B, 30);
      assertEquals(bench.look(), [isThere ? "ack 1 #5" : "nack 1 #5"]);
    }
  },
);

Deno.test("Prober.help() knows nothing of strangers", PURE, () => {
  const bench = new Bench(1);
  bench.prober.help(A, 5, STRANGER, 0);
  assertEquals([bench.look(), bench.prober.size], [[], 0]);
});

Deno.test(
  "Prober.help() asks again for the same asker only once, under its last number",
  PURE,
  () => {
    const bench = new Bench(3);
    for (let seq = 1; seq <= 1_000; seq++) bench.prober.help(B, seq, A, 0);
    bench.prober.help(C, 7, A, 0);
    assertEquals([bench.look(), bench.prober.size], [["ping 1", "ping 1"], 2]);
    bench.heard(A, 10);
    assertEquals(bench.look(), ["ack 2 #1000", "ack 3 #7"]);
  },
);

Deno.test("Prober.help() runs 32 errands for one, and 256 for all", PURE, () => {
  assertEquals([MAX_ERRANDS_OF_ONE, MAX_ERRANDS], [32, 256]);
  const bench = new Bench(0, 400);
  for (let n = 1; n <= 100; n++) bench.prober.help(STRANGER, n, idOf(n), 0);
  assertEquals(bench.prober.size, 32);
  for (let asker = 0; asker < 10; asker++) {
    for (let n = 1; n <= 32; n++) {
      bench.prober.help(idOf(1_000 + asker), n, idOf(40 * asker + n), 0);
    }
  }
  assertEquals(bench.prober.size, 256);
  assertEquals(bench.look().length, 256);
  bench.prober.tick(400);
  const nacks = bench.look().filter((line) => line.startsWith("nack")).length;
  assertEquals([nacks, bench.prober.size], [256, 0]);
  bench.prober.help(STRANGER, 1, A, 500);
  assertEquals(bench.prober.size, 1);
});

Deno.test("Prober.restart() blames nobody for what was not heard", PURE, () => {
  const bench = new Bench(3);
  bench.prober.tick(0);
  bench.prober.lost(A, 10);
  bench.prober.restart(60_000);
  bench.prober.tick(60_000);
  assertEquals([bench.failed, bench.awareness.multiplier], [[], 0]);
});

Deno.test("Prober.drop() ends a probe without a verdict", PURE, () => {
  const bench = new Bench(1);
  bench.prober.tick(0);
  bench.prober.drop(A);
  bench.neighbours.delete(A);
  bench.prober.tick(1_000);
  assertEquals([bench.failed, bench.awareness.multiplier, bench.prober.size], [[], 0, 0]);
});

Deno.test("Prober probes again and again whoever does not answer", PURE, () => {
  const bench = new Bench(1);
  for (let ms = 0; ms <= 60_000; ms += 100) bench.prober.tick(ms);
  assert(bench.failed.length >= 5);
  // S = 8: the ninth part of once a second, at worst.
  assertEquals(bench.awareness.multiplier, 8);
});

Deno.test(
  "Prober: who looks too late gives the answer time to be read, and blames itself",
  PURE,
  () => {
    const bench = new Bench(1);
    bench.prober.tick(0);
    bench.prober.tick(1_201);
    assertEquals([bench.failed, bench.awareness.multiplier], [[], 1]);
    bench.heard(A, 1_300);
    bench.prober.tick(1_701);
    assertEquals([bench.failed, bench.awareness.multiplier], [[], 0]);
  },
);

Deno.test("Prober: who looks too late once blames the other afterwards", PURE, () => {
  const bench = new Bench(1);
  bench.prober.tick(0);
  bench.prober.tick(1_201);
  bench.prober.tick(1_700);
  assertEquals(bench.failed, []);
  bench.prober.tick(1_701);
  assertEquals(bench.failed, [[A, 1_701]]);
});
