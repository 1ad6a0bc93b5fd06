import { assert, assertEquals } from "@std/assert";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { EVENT_CLASSES, signEvent } from "../../src/gossip/event.ts";
import {
  DEFAULT_ORIGIN_LIMITS,
  EVENT_BURST,
  keptEvent,
  NO_RATE,
  OriginMemory,
  RecentEvents,
  spend,
  TagMemory,
} from "../../src/gossip/event_memory.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { ALICE, BOB, CAROL } from "../testing/identities.ts";
import { fakeSignature } from "./event_network.ts";

const PURE = { permissions: "none" } as const;
const SIGNER = { publicKey: ALICE.signing.publicKey, sign: fakeSignature };

function kept(seq: number, nowMs: number, data = "", ageMs = 0) {
  const content = { seq, class: EVENT_CLASSES.named, name: "a", data };
  const event = signEvent(ALICE.id, content, SIGNER, PLAIN_ID_CODEC);
  return keptEvent(event, BOB.id, { hops: 1, ageMs, isDetour: false }, nowMs);
}

Deno.test("TagMemory remembers the last 4,096 tags at least and 8,192 at most", PURE, () => {
  const memory = new TagMemory();
  for (let tag = 0; tag < 20_000; tag++) {
    memory.add(tag);
    assert(memory.has(tag) && memory.has(Math.max(0, tag - 4_095)));
  }
  assert(!memory.has(20_000 - 8_193));
  assert(!memory.has(20_000));
});

Deno.test("OriginMemory knows every number once, in any order, as a set would", PURE, () => {
  const random = seededRandom(1);
  const memory = new OriginMemory();
  const naive = new Set<string>();
  for (let round = 0; round < 2_000; round++) {
    const { id } = [ALICE, BOB, CAROL][randomBelow(random, 3)] ?? ALICE;
    // Within 80 of the newest, so that no number is new and below a floor.
    const seq = 1 + Math.floor(round / 20) + randomBelow(random, 80);
    const isSeen = memory.isSeen(id, seq);
    assertEquals(isSeen, naive.has(id + seq), `round ${round}`);
    if (isSeen) continue;
    naive.add(id + seq);
    memory.add(id, seq, round * 1_000);
  }
});

Deno.test(
  "OriginMemory forgets the older half past 256 numbers, and takes all below as seen",
  PURE,
  () => {
    const memory = new OriginMemory();
    for (let n = 1; n <= 256; n++) memory.add(ALICE.id, 2 * n, n * 1_000);
    assertEquals([memory.seqs, memory.isSeen(ALICE.id, 1)], [256, false]);
    memory.add(ALICE.id, 514, 0);
    // 257 numbers: 128 went, the highest of them 256.
    assertEquals(memory.seqs, 129);
    for (const seq of [1, 2, 255, 256, 258, 514]) assert(memory.isSeen(ALICE.id, seq), `${seq}`);
    for (const seq of [257, 259, 515]) assert(!memory.isSeen(ALICE.id, seq), `${seq}`);
  },
);

Deno.test("OriginMemory drops who was silent longest past the limit of origins", PURE, () => {
  const memory = new OriginMemory({ ...DEFAULT_ORIGIN_LIMITS, maxOrigins: 2 });
  memory.add(ALICE.id, 1, 0);
  memory.add(BOB.id, 1, 0);
  memory.add(ALICE.id, 2, 0);
  memory.add(CAROL.id, 1, 0);
  assertEquals([memory.size, memory.seqs], [2, 3]);
  assertEquals(memory.isSeen(BOB.id, 1), false);
  assert(memory.isSeen(ALICE.id, 1) && memory.isSeen(CAROL.id, 1));
});

Deno.test(
  "OriginMemory raises the floor of who was silent longest past the limit of numbers",
  PURE,
  () => {
    const memory = new OriginMemory({ ...DEFAULT_ORIGIN_LIMITS, maxSeqs: 4 });
    for (const seq of [5, 7]) memory.add(ALICE.id, seq, 0);
    for (const seq of [1, 2, 3]) memory.add(BOB.id, seq, 0);
    assertEquals([memory.size, memory.seqs], [2, 3]);
    for (const seq of [1, 5, 6, 7]) assert(memory.isSeen(ALICE.id, seq), `${seq}`);
    assertEquals(memory.isSeen(ALICE.id, 8), false);
  },
);

Deno.test("OriginMemory lets 256 events of an origin pass at once, then ten a second", PURE, () => {
  const memory = new OriginMemory();
  let seq = 0;
  const passing = (count: number, nowMs: number) => {
    let passed = 0;
    for (let i = 0; i < count; i++) passed += Number(memory.add(ALICE.id, ++seq, nowMs));
    return passed;
  };
  assertEquals(passing(300, 0), EVENT_BURST);
  assertEquals(passing(50, 1_000), 10);
  assertEquals(passing(50, 1_050), 0);
  assertEquals(passing(1_000, 1_000_000), EVENT_BURST);
  assert(memory.add(BOB.id, 1, 1_000_000));
});

Deno.test("spend() is a bucket of tokens", PURE, () => {
  const random = seededRandom(2);
  const pace = { everyMs: 100, burst: 5 };
  let [rate, tokens, nowMs] = [NO_RATE, 5, 0];
  for (let round = 0; round < 1_000; round++) {
    const passedMs = 10 * randomBelow(random, 20);
    nowMs += passedMs;
    tokens = Math.min(5, tokens + passedMs / 100);
    const next = spend(rate, pace, nowMs);
    assertEquals(next !== undefined, tokens > 1 - 1e-9, `round ${round}`);
    if (next === undefined) continue;
    rate = next;
    tokens -= 1;
  }
});

Deno.test(
  "RecentEvents keeps the last events within their limits of number, bytes and age",
  PURE,
  () => {
    const limits = { maxEvents: 3, maxBytes: 1_000, maxAgeMs: 5_000 };
    const recent = new RecentEvents(limits);
    const events = [1, 2, 3, 4].map((seq) => kept(seq, seq));
    for (const event of events) recent.add(event, 4);
    assertEquals(recent.latest(9, 4), events.slice(1));
    assertEquals(recent.latest(2, 4), events.slice(2));
    assertEquals(recent.find(events[0]?.tag ?? 0, 4), undefined);
    // An event without data has 107 bytes: with the last of these it is 1,000 in all, then 1,001.
    const fitting = kept(5, 5, "x".repeat(786));
    recent.add(fitting, 5);
    assertEquals([recent.size, recent.bytes, recent.latest(1, 5)], [2, 1_000, [fitting]]);
    const large = kept(6, 5, "x".repeat(787));
    recent.add(large, 5);
    assertEquals([recent.latest(9, 5), recent.bytes], [[large], 894]);
    assertEquals(recent.find(large.tag, 5_005), large);
    assertEquals(recent.find(large.tag, 5_006), undefined);
    assertEquals(recent.latest(9, 5_006), []);
    const next = kept(7, 6_000);
    recent.add(next, 6_000);
    assertEquals([recent.size, recent.bytes], [1, next.bytes.length]);
  },
);

Deno.test(
  "RecentEvents counts age from when an event was sent, not from when it came",
  PURE,
  () => {
    const recent = new RecentEvents({ maxEvents: 3, maxBytes: 1_000, maxAgeMs: 5_000 });
    const event = kept(1, 10_000, "", 4_000);
    recent.add(event, 10_000);
    assertEquals(recent.find(event.tag, 11_000), event);
    assertEquals(recent.find(event.tag, 11_001), undefined);
  },
);

Deno.test("keptEvent() does not keep a large record alive for a small event", PURE, () => {
  const content = { seq: 1, class: EVENT_CLASSES.named, name: "a", data: "" };
  const event = signEvent(ALICE.id, content, SIGNER, PLAIN_ID_CODEC);
  const record = new Uint8Array(65_536);
  record.set(event.bytes, 100);
  const bytes = record.subarray(100, 100 + event.bytes.length);
  const journey = { hops: 1, ageMs: 0, isDetour: false };
  const { bytes: own } = keptEvent({ ...event, bytes }, BOB.id, journey, 0);
  assertEquals(own, event.bytes);
  assertEquals(own.buffer.byteLength, event.bytes.length);
});
