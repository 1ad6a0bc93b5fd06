import { assert, assertEquals, assertThrows } from "@std/assert";
import { ByteReaderError } from "../../src/base/byte_reader.ts";
import { EventError } from "../../src/gossip/event.ts";
import { EVENT_BURST } from "../../src/gossip/event_memory.ts";
import { encodeNack, encodeRumour, encodeRumours, KINDS } from "../../src/gossip/message.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { Hamlet, hamletOf } from "./hamlet.ts";
import { idOf, PURE, recordOf } from "./people.ts";

Deno.test("Gossip: ten that join through one know each other and hold all sessions", PURE, () => {
  const hamlet = hamletOf(10);
  for (let n = 1; n <= 10; n++) {
    assertEquals(hamlet.opinions(n), ["alive"]);
    const { members, neighbours } = hamlet.resident(n).gossip;
    assertEquals([members.living, neighbours.size], [10, 9]);
  }
  const sums = [...hamlet.residents.values()].map(({ gossip }) => gossip.members.sums);
  for (const each of sums) assertEquals(each, sums[0]);
});

Deno.test("Gossip: the same seed gives the same run, message for message", PURE, () => {
  const [one, two, other] = [hamletOf(8, 5), hamletOf(8, 5), hamletOf(8, 6)];
  assert(one.tape.length > 100);
  assertEquals(one.tape, two.tape);
  assert(one.tape.join() !== other.tape.join());
});

Deno.test("Gossip: a crash is known to all in ten seconds, and nobody else is missed", PURE, () => {
  const hamlet = hamletOf(10);
  hamlet.crash(4);
  hamlet.run(10_000);
  assertEquals(hamlet.opinions(4), ["dead"]);
  for (const { n, changes } of hamlet.residents.values()) {
    if (n === 4) continue;
    const deaths = changes.filter((change) => change.includes("dead"));
    assertEquals(deaths, ["4 dead"]);
  }
});

Deno.test("Gossip: who is restarted speaks above its former life", PURE, () => {
  const hamlet = hamletOf(6);
  hamlet.crash(3);
  hamlet.run(10_000);
  hamlet.start(3, 1);
  assertEquals(hamlet.resident(3).gossip.own.incarnation, 0);
  hamlet.run(2_000);
  assertEquals(hamlet.opinions(3), ["alive"]);
  const { incarnation } = hamlet.resident(3).gossip.own;
  assert(incarnation > 0);
  for (const { gossip } of hamlet.residents.values()) {
    assertEquals(gossip.members.record(idOf(3))?.incarnation, incarnation);
  }
});

Deno.test("Gossip: who is restarted before it was missed is never missed", PURE, () => {
  const hamlet = hamletOf(6);
  hamlet.crash(3);
  hamlet.start(3, 1);
  hamlet.run(20_000);
  assertEquals(hamlet.opinions(3), ["alive"]);
  for (const { changes } of hamlet.residents.values()) assert(!changes.includes("3 dead"));
});

Deno.test("Gossip: who leaves has left, and is neither missed nor dialled", PURE, () => {
  const hamlet = hamletOf(6);
  hamlet.resident(2).gossip.leave(hamlet.nowMs);
  hamlet.run(5);
  for (const other of [...hamlet.resident(2).links]) hamlet.part(2, other, "goodbye");
  hamlet.resident(2).isUp = false;
  for (const { dialled } of hamlet.residents.values()) dialled.length = 0;
  hamlet.run(30_000);
  assertEquals(hamlet.opinions(2), ["left"]);
  for (const { changes, dialled } of hamlet.residents.values()) {
    assert(!changes.includes("2 dead") && !changes.includes("2 suspect"));
    assert(!dialled.includes(idOf(2)));
  }
});

Deno.test("Gossip: announced sleep is no failure, and who wakes is back at once", PURE, () => {
  const hamlet = hamletOf(6);
  hamlet.resident(5).gossip.sleep(hamlet.nowMs);
  hamlet.run(5);
  hamlet.isReachable = (a, b) => a !== 5 && b !== 5;
  hamlet.run(120_000, (n) => n !== 5);
  assertEquals(hamlet.opinions(5), ["asleep"]);
  hamlet.isReachable = () => true;
  hamlet.resident(5).gossip.wake(hamlet.nowMs);
  hamlet.run(2_000);
  assertEquals(hamlet.opinions(5), ["alive"]);
  for (const { changes } of hamlet.residents.values()) {
    assert(!changes.some((change) => change.endsWith("dead")), `${changes}`);
  }
});

Deno.test("Gossip: a device that stood still blames nobody for what it did not hear", PURE, () => {
  const hamlet = hamletOf(6);
  const sleeper = hamlet.resident(6);
  hamlet.run(60_000, (n) => n !== 6);
  sleeper.changes.length = 0;
  hamlet.run(20_000);
  assert(!sleeper.changes.some((change) => change.endsWith("dead")), `${sleeper.changes}`);
});

Deno.test("Gossip: a village that was split is one again after it heals", PURE, () => {
  const hamlet = hamletOf(8);
  hamlet.isReachable = (a, b) => a % 2 === b % 2;
  hamlet.run(60_000);
  assertEquals([hamlet.view(1, 2), hamlet.view(2, 1), hamlet.view(1, 3)], [
    "dead",
    "dead",
    "alive",
  ]);
  hamlet.isReachable = () => true;
  hamlet.run(20_000);
  for (let n = 1; n <= 8; n++) assertEquals(hamlet.opinions(n), ["alive"]);
});

Deno.test(
  "Gossip: who crashes with the only one that had a session with it is found out",
  PURE,
  () => {
    const hamlet = hamletOf(5);
    hamlet.isReachable = (a, b) => !(a === 9 && b !== 5) && !(b === 9 && a !== 5);
    hamlet.start(9, 5);
    hamlet.run(3_000);
    assertEquals(hamlet.opinions(9), ["alive"]);
    hamlet.crash(9);
    hamlet.crash(5);
    hamlet.run(180_000);
    assertEquals(hamlet.opinions(9), ["dead"]);
  },
);

Deno.test("Gossip: a session that ends in an orderly way is not a lost one", PURE, () => {
  const hamlet = hamletOf(4);
  const one = hamlet.resident(1);
  one.gossip.receive(idOf(2), Uint8Array.of(KINDS.part), hamlet.nowMs);
  assertEquals(one.gossip.neighbours.get(idOf(2))?.isParting, true);
  one.dialled.length = 0;
  hamlet.part(1, 2, "lost");
  assertEquals(one.dialled, [], "nobody is asked for it, nor dialled at once");
  hamlet.part(1, 3, "surplus");
  assertEquals(one.dialled, []);
  hamlet.part(1, 4, "lost");
  assertEquals(one.dialled, [idOf(4)]);
});

Deno.test("Gossip.disconnected() of no neighbour is nothing", PURE, () => {
  const { gossip, dialled } = new Hamlet().start(1);
  gossip.disconnected(idOf(2), "lost", 0);
  assertEquals([gossip.neighbours.size, dialled], [0, []]);
});

Deno.test("Gossip does not hear whom it has no session with", PURE, () => {
  const { gossip } = new Hamlet().start(1);
  const news = encodeRumours([
    encodeRumour({ kind: "record", record: recordOf(2) }, PLAIN_ID_CODEC),
  ]);
  gossip.receive(idOf(2), news, 0);
  assertEquals(gossip.members.size, 1);
  gossip.connected(idOf(2), 0, false);
  gossip.receive(idOf(2), news, 0);
  assertEquals(gossip.members.size, 2);
});

Deno.test("Gossip notes that a neighbour spoke, whatever it said", PURE, () => {
  const { gossip } = new Hamlet().start(1);
  gossip.connected(idOf(2), 0, false);
  gossip.receive(idOf(2), encodeNack(1), 777);
  assertEquals(gossip.neighbours.get(idOf(2))?.heardMs, 777);
});

Deno.test("Gossip: a village of few forms for as long as first words take", PURE, () => {
  const { gossip } = new Hamlet().start(1);
  gossip.connected(idOf(2), 0, false);
  const news = { kind: "record", record: recordOf(2) } as const;
  gossip.receive(idOf(2), encodeRumours([encodeRumour(news, PLAIN_ID_CODEC)]), 200);
  gossip.receive(idOf(2), encodeNack(1), 300);
  assert(gossip.isForming(300));
  assert(gossip.isForming(1_099) && !gossip.isForming(1_100), "four times 200 ms");
});

Deno.test(
  "Gossip refuses an empty message, a kind that is not known, and garbage after",
  PURE,
  () => {
    const { gossip } = new Hamlet().start(1);
    gossip.connected(idOf(2), 0, false);
    for (const bytes of [[], [0], [12], [15], [KINDS.part, 0]]) {
      assertThrows(() => gossip.receive(idOf(2), Uint8Array.from(bytes), 0), ByteReaderError);
    }
    assertEquals(gossip.neighbours.get(idOf(2))?.isParting, false);
  },
);

Deno.test("Gossip.broadcast() reaches everybody once", PURE, () => {
  const hamlet = hamletOf(10);
  hamlet.resident(3).gossip.broadcast("greeting", "hello", hamlet.nowMs);
  hamlet.run(5_000);
  for (const { heard } of hamlet.residents.values()) assertEquals(heard, ["hello"]);
});

Deno.test("Gossip.deadlineMs never stands still", PURE, () => {
  const hamlet = hamletOf(3);
  const { gossip } = hamlet.resident(2);
  for (let turn = 0, ms = hamlet.nowMs; turn < 2_000; turn++) {
    ms = Math.max(ms, gossip.deadlineMs);
    gossip.tick(ms);
    assert(gossip.deadlineMs > ms, `${gossip.deadlineMs}`);
  }
});

Deno.test("Gossip.forget() drops a member from everything that is told", PURE, () => {
  const hamlet = hamletOf(3);
  const { gossip } = hamlet.resident(1);
  gossip.forget(idOf(3));
  assertEquals([gossip.members.stateOf(idOf(3)), gossip.members.size], [undefined, 2]);
});

Deno.test(
  "Gossip: what a restarted member tells before it met anybody reaches all, once",
  PURE,
  () => {
    const hamlet = hamletOf(5);
    // Others remember events of its former life with higher numbers than a new one would begin with.
    for (const data of ["one", "two", "three"]) {
      hamlet.resident(3).gossip.broadcast("note", data, hamlet.nowMs);
      hamlet.run(500);
    }
    hamlet.crash(3);
    hamlet.run(12_000);
    const restarted = hamlet.start(3);
    restarted.gossip.broadcast("note", "early", hamlet.nowMs);
    assertEquals(restarted.heard, ["early"], "at once where it was told");
    hamlet.run(1_000);
    hamlet.connect(3, 1);
    hamlet.run(20_000);
    for (const { heard, n } of hamlet.residents.values()) {
      assertEquals(heard.filter((data) => data === "early").length, 1, `${n}`);
    }
  },
);

Deno.test("Gossip.broadcast() says at once what cannot be told, met anybody or not", PURE, () => {
  const alone = new Hamlet().start(1);
  assertThrows(() => alone.gossip.broadcast("no name", "", 0), TypeError);
  assertThrows(() => alone.gossip.broadcast("note", "x".repeat(4_097), 0), RangeError);
  for (let i = 0; i < EVENT_BURST / 2; i++) alone.gossip.broadcast("note", `${i}`, 0);
  assertThrows(() => alone.gossip.broadcast("note", "100", 0), EventError, "too many");
});

Deno.test("Gossip tells all that it held, before what is told next", PURE, () => {
  const hamlet = new Hamlet();
  const first = hamlet.start(1);
  for (let i = 0; i < EVENT_BURST / 2; i++) first.gossip.broadcast("note", `${i}`, 0);
  hamlet.start(2, 1);
  hamlet.run(1_999);
  first.gossip.broadcast("note", "last", hamlet.nowMs + 1);
  hamlet.run(10_000);
  const expected = [...Array(EVENT_BURST / 2).keys()].map(String);
  assertEquals(hamlet.resident(2).heard.length, expected.length + 1);
  assertEquals(new Set(hamlet.resident(2).heard), new Set([...expected, "last"]));
});

Deno.test(
  "Gossip takes the repetition of a record along with probes, and tells a new one at once",
  PURE,
  () => {
    const hamlet = hamletOf(4);
    for (const { gossip, n } of hamlet.residents.values()) gossip.setCapabilities(`{"n":${n}}`);
    hamlet.run(40_000);
    const sent = () => hamlet.tape.filter((line) => / 10[0-9a-f]{6}/.test(line)).length;
    assertEquals(hamlet.resident(2).gossip.capabilitiesOf(idOf(3)), '{"n":3}');
    const before = sent();
    hamlet.resident(3).gossip.setCapabilities('{"n":33}');
    hamlet.run(10);
    assertEquals(sent() - before, 3, "each of the others hears of it from its origin");
    assertEquals(hamlet.resident(2).gossip.capabilitiesOf(idOf(3)), '{"n":33}');
  },
);
