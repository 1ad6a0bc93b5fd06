import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { ByteReaderError } from "../../src/base/byte_reader.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { EVENT_CLASSES, type EventContent, EventError, signEvent } from "../../src/gossip/event.ts";
import { encodeEvent, EVENT_KINDS } from "../../src/gossip/event_message.ts";
import { Events, type EventsOptions, type ReceivedQuery } from "../../src/gossip/events.ts";
import { FilterError } from "../../src/gossip/filter.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import type { Identity } from "../../src/node/identity.ts";
import { ALICE, BOB, CAROL, PRIMITIVES } from "../testing/identities.ts";
import { EventNetwork, type Inhabitant } from "./event_network.ts";
import { idOf } from "./people.ts";

const PURE = { permissions: "none" } as const;
const HOUR_MS = 3_600_000;

/** Alice's events with real signatures, and what she hears and sends. */
function newAlice(changes: Partial<EventsOptions> = {}, nowMs = 0) {
  const heard: string[] = [];
  const queries: ReceivedQuery[] = [];
  const sent: [PeerId, Bytes][] = [];
  const events = new Events({
    id: ALICE.id,
    signer: ALICE.signing,
    verify: PRIMITIVES.verify,
    random: seededRandom(1),
    belongs: () => true,
    memberCount: () => 100,
    boot: () => 1,
    send: (to, message) => void sent.push([to, message]),
    onEvent: ({ name, data }) => void heard.push(`${name} ${data}`),
    onQuery: (query) => void queries.push(query),
    onCapabilities: (_, record) => void heard.push(`record ${record}`),
    capabilities: () => '{"cpu_cores":8}',
    ...changes,
  }, nowMs);
  events.addNeighbour(BOB.id, nowMs);
  return { events, heard, queries, sent };
}

/** A message with an event of `identity`. */
function told(identity: Identity, content: Partial<EventContent> = {}, ageMs = 0): Bytes {
  const { named } = EVENT_CLASSES;
  const whole = { seq: 1, class: named, name: "a", data: "b", ...content };
  const { bytes } = signEvent(identity.id, whole, identity.signing, PLAIN_ID_CODEC);
  return encodeEvent(bytes, { hops: 1, ageMs, isDetour: false });
}

function record(identity: Identity, seq: number, data: string, ageMs = 0): Bytes {
  return told(identity, { seq, class: EVENT_CLASSES.capabilities, name: "", data }, ageMs);
}

function pick(network: EventNetwork, n: number): Inhabitant {
  return network.nodes[n] as Inhabitant;
}

/** Copies a member of an event that `origin` broadcasts, and the most hops; fails unless all hear it once. */
function broadcast(network: EventNetwork, origin: Inhabitant, text: string, withinMs = 4_000) {
  network.forgetTraffic();
  network.act(origin, (events) => events.broadcast("e", text, network.nowMs));
  network.run(withinMs);
  assertEquals(network.reach(`e ${text}`), network.nodes.length, text);
  return {
    copies: network.traffic.copies / (network.nodes.length - 1),
    hops: network.traffic.maxHops,
  };
}

Deno.test(
  "broadcast() reaches 1,000 members by at most 1.5 copies and 8 hops, the first time too",
  PURE,
  () => {
    for (let seed = 1; seed <= 3; seed++) {
      const network = new EventNetwork({ seed, nodes: 1_000, dials: 12, loss: 0.01 });
      const random = seededRandom(seed + 100);
      for (let round = 0; round < 5; round++) {
        const origin = pick(network, randomBelow(random, 1_000));
        const { copies, hops } = broadcast(network, origin, `${seed}.${round}`);
        assert(copies <= 1.1, `seed ${seed}, event ${round}: ${copies} copies`);
        assert(hops <= 8, `seed ${seed}, event ${round}: ${hops} hops`);
      }
    }
  },
);

Deno.test("broadcast() keeps to one copy while every member's record is under way", PURE, () => {
  const network = new EventNetwork({ seed: 5, nodes: 200, dials: 10, loss: 0.02, jitterMs: 20 });
  for (const node of network.nodes) {
    network.act(node, (events) => events.setCapabilities(`{"n":${node.index}}`));
  }
  // The last of them is sent 2 s + 5 s * 200 / 32 after the first session.
  for (let round = 0; round < 6; round++) {
    const { copies, hops } = broadcast(network, pick(network, 31 * round), `${round}`, 6_000);
    assert(copies <= 1.5 && hops <= 8, `event ${round}: ${copies} copies, ${hops} hops`);
  }
  network.run(10_000);
  const known = network.nodes.map(({ records }) => records.size);
  assert(Math.min(...known) >= 195, `${Math.min(...known)} of 199 records`);
});

Deno.test(
  "broadcast() reaches everybody once although a tenth of the members changed",
  PURE,
  () => {
    const network = new EventNetwork({ seed: 6, nodes: 300, dials: 10, loss: 0.01 });
    const random = seededRandom(6);
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 30; n++) {
        const node = pick(network, randomBelow(random, 300));
        for (const other of [...node.links]) network.unlink(node, other);
        network.dialSome(node);
      }
      const { copies, hops } = broadcast(network, pick(network, round), `${round}`);
      assert(copies <= 1.5 && hops <= 8, `event ${round}: ${copies} copies, ${hops} hops`);
    }
  },
);

Deno.test(
  "broadcast() reaches both of two, and 20 of 20, although every tenth message is lost",
  PURE,
  () => {
    for (const nodes of [2, 3, 20]) {
      const network = new EventNetwork({ seed: nodes, nodes, dials: 20, loss: 0.1 });
      for (let round = 0; round < 20; round++) {
        broadcast(
          network,
          pick(network, 0),
          `${round}`,
          30_000,
        );
      }
    }
  },
);

Deno.test("broadcast() reaches a long line of members, each knowing the next alone", PURE, () => {
  const network = new EventNetwork({ seed: 8, nodes: 60, dials: 0 });
  for (let n = 1; n < 60; n++) network.link(pick(network, n - 1), pick(network, n));
  for (const [round, n] of [0, 59, 30].entries()) {
    broadcast(network, pick(network, n), `${round}`, 60_000);
  }
});

Deno.test("no event is lost after a partition heals, however much was said", PURE, () => {
  const network = new EventNetwork({ seed: 9, nodes: 60, dials: 8, loss: 0.02 });
  const isLeft = ({ index }: Inhabitant) => index < 30;
  const cut = network.nodes.flatMap((node) =>
    [...node.links].filter((other) => isLeft(node) && !isLeft(other)).map((other) =>
      [node, other] as const
    )
  );
  for (const [a, b] of cut) network.unlink(a, b);
  const texts: string[] = [];
  for (let round = 0; round < 100; round++) {
    for (const n of [3, 40]) {
      texts.push(`e ${n}.${round}`);
      network.act(
        pick(network, n),
        (events) => events.broadcast("e", `${n}.${round}`, network.nowMs),
      );
    }
    network.run(3_000);
  }
  network.run(20_000);
  for (const text of texts) assertEquals(network.reach(text), 30, text);
  for (const [a, b] of cut) network.link(a, b);
  network.run(20_000);
  for (const text of texts) assertEquals(network.reach(text), 60, text);
});

Deno.test("Events of an idle village say nothing", PURE, () => {
  const network = new EventNetwork({ seed: 10, nodes: 40, dials: 5 });
  broadcast(network, pick(network, 0), "x", 60_000);
  network.forgetTraffic();
  network.run(HOUR_MS);
  assertEquals(network.traffic.messages, 0);
  assertEquals(pick(network, 1).events.deadlineMs, Infinity);
});

Deno.test("a run is the same for the same seed, message for message", PURE, () => {
  const run = () => {
    const network = new EventNetwork({ seed: 11, nodes: 100, dials: 6, loss: 0.05, jitterMs: 30 });
    for (let round = 0; round < 3; round++) {
      broadcast(network, pick(network, round), `${round}`, 30_000);
    }
    return network.traffic;
  };
  assertEquals(run(), run());
});

Deno.test(
  "query() hears every member that matches once, the asker too, until the deadline",
  PURE,
  () => {
    const network = new EventNetwork({ seed: 12, nodes: 200, dials: 6, loss: 0.03, jitterMs: 10 });
    for (const node of network.nodes) {
      node.capabilities = `{"cpu_cores":${node.index % 8}}`;
      node.onQuery = ({ name, data, respond }) =>
        assert(respond(`${name} ${data} ${node.index}`, network.nowMs));
    }
    const asker = pick(network, 7);
    const answers = new Map<PeerId, string>();
    let ended = 0;
    network.act(asker, (events) =>
      events.query({
        name: "who",
        where: "cpu_cores>=4",
        data: "there?",
        deadlineMs: 20_000,
        onAnswer: (id, text) => {
          assert(!answers.has(id));
          answers.set(id, text);
        },
        onEnd: () => void ended++,
      }, network.nowMs));
    network.run(19_000);
    assertEquals([answers.size, ended], [100, 0]);
    for (const { id, index } of network.nodes) {
      assertEquals(answers.get(id), index % 8 >= 4 ? `who there? ${index}` : undefined);
    }
    network.run(1_000);
    assertEquals(ended, 1);
    network.run(600_000);
    for (const node of network.nodes) assertEquals(node.events.deadlineMs, Infinity);
  },
);

Deno.test("query() goes round a neighbour that is gone, and ends when it is stopped", PURE, () => {
  const network = new EventNetwork({ seed: 13, nodes: 40, dials: 5 });
  const asker = pick(network, 0);
  const held: ReceivedQuery[] = [];
  for (const node of network.nodes) node.onQuery = (query) => void held.push(query);
  const answers = new Set<PeerId>();
  let ended = 0;
  const query = {
    name: "who",
    where: "",
    data: "",
    deadlineMs: 60_000,
    onAnswer: (id: PeerId) => void answers.add(id),
    onEnd: () => void ended++,
  };
  const handle = asker.events.query(query, network.nowMs);
  network.schedule(asker);
  network.run(5_000);
  assertEquals(held.length, 40);
  // Everybody loses the neighbour that told it, but for one other.
  for (const node of network.nodes) {
    const [first] = node.links;
    if (first && node.links.size > 2 && first.links.size > 2) network.unlink(node, first);
  }
  for (const { respond } of held) respond("yes", network.nowMs);
  for (const node of network.nodes) network.schedule(node);
  network.run(30_000);
  assertEquals(answers.size, 40);
  handle.stop();
  assertEquals(ended, 1);
});

Deno.test("query() refuses a filter, a name and a deadline that are none", PURE, () => {
  const { events, sent } = newAlice();
  const query = { name: "q", where: "", data: "", deadlineMs: 1, onAnswer() {}, onEnd() {} };
  assertThrows(() => events.query({ ...query, where: "cpu_cores" }, 0), FilterError);
  assertThrows(() => events.query({ ...query, name: "" }, 0), TypeError);
  assertThrows(() => events.query({ ...query, deadlineMs: 0 }, 0), RangeError);
  assertEquals(sent, []);
});

Deno.test(
  "broadcast() tells its own member, numbers on, and is refused when it is too fast",
  PURE,
  () => {
    const { events, heard, sent } = newAlice();
    events.broadcast("a", "b", 0);
    assertEquals(heard, ["a b"]);
    assertThrows(() => events.broadcast("a b", "", 0), TypeError);
    assertThrows(() => events.broadcast("a", "x".repeat(4_097), 0), RangeError);
    const error = assertThrows(() => {
      for (let n = 0; n < 200; n++) events.broadcast("a", "b", 0);
    }, EventError);
    assertEquals([error.code, heard.length], ["too_fast", 192]);
    events.broadcast("a", "c", 100);
    assertEquals(sent.filter(([, message]) => message[0] === EVENT_KINDS.event).length, 193);
  },
);

Deno.test("receive() tells an event once, whoever sends it and however late", PURE, () => {
  const { events, heard } = newAlice();
  events.addNeighbour(CAROL.id, 0);
  const message = told(BOB);
  events.receive(BOB.id, message, 0);
  events.receive(CAROL.id, message, 1);
  // 5,000 tags later it is known by its number alone.
  for (let seq = 2; seq < 9_000; seq++) events.receive(BOB.id, told(CAROL, { seq }), 200 * seq);
  heard.length = 0;
  events.receive(CAROL.id, message, 3_600_000);
  assertEquals([heard, events.counters.duplicates], [[], 2]);
});

Deno.test(
  "receive() ignores whom it does not believe, without harm to who is believed",
  PURE,
  () => {
    const revoked = new Set([CAROL.id]);
    const { events, heard } = newAlice({ belongs: (id) => !revoked.has(id) });
    events.receive(BOB.id, told(CAROL), 0);
    const forged = told(BOB);
    forged[60] = (forged[60] as number) ^ 1;
    const other = signEvent(
      BOB.id,
      { seq: 1, class: EVENT_CLASSES.named, name: "a", data: "forged" },
      CAROL.signing,
      PLAIN_ID_CODEC,
    );
    events.receive(BOB.id, encodeEvent(other.bytes, { hops: 1, ageMs: 0, isDetour: false }), 0);
    assertEquals([heard, events.counters.unbelievable], [[], 2]);
    events.receive(BOB.id, told(BOB), 0);
    assertEquals(heard, ["a b"]);
  },
);

Deno.test("receive() throws at what is malformed", PURE, () => {
  const { events } = newAlice();
  assertThrows(() => events.receive(BOB.id, new Uint8Array(0), 0), ByteReaderError);
  assertThrows(() => events.receive(BOB.id, told(BOB).slice(0, -1), 0), ByteReaderError);
  assertThrows(() => events.receive(BOB.id, new Uint8Array([31]), 0), EventError);
});

Deno.test("receive() drops what a member sends too fast, and passes none of it on", PURE, () => {
  const { events, heard, sent } = newAlice();
  events.addNeighbour(CAROL.id, 0);
  // Carol's link is eager from her first event on.
  events.receive(CAROL.id, told(CAROL), 0);
  sent.length = 0;
  for (let seq = 1; seq <= 400; seq++) events.receive(BOB.id, told(BOB, { seq }), 0);
  assertEquals([heard.length - 1, events.counters.tooFast, sent.length], [256, 144, 256]);
  events.receive(BOB.id, told(BOB, { seq: 500 }), 100);
  assertEquals(heard.length - 1, 257);
});

Deno.test("an event from before a node's start is passed on to others, and not told", PURE, () => {
  const { events, heard, sent } = newAlice({}, 1_000_000);
  events.receive(BOB.id, told(BOB, { seq: 1 }, 5_000), 1_004_000);
  assertEquals([heard, events.counters.news], [[], 1]);
  events.tick(1_004_100);
  events.addNeighbour(CAROL.id, 1_004_100);
  assertEquals(sent.filter(([to]) => to === CAROL.id).length, 1);
  events.receive(BOB.id, told(BOB, { seq: 2 }, 4_000), 1_004_200);
  assertEquals(heard, ["a b"]);
});

Deno.test("a node that has forgotten its former life numbers on behind it", PURE, () => {
  const { events, heard, sent } = newAlice();
  events.receive(BOB.id, told(ALICE, { seq: 2 ** 40, data: "once" }), 0);
  assertEquals(heard, []);
  sent.length = 0;
  events.broadcast("a", "now", 0);
  const seqs = sent.filter(([, message]) => message[0] === EVENT_KINDS.event)
    .map(([, message]) =>
      new DataView(message.buffer).getUint16(36) * 2 ** 32 +
      new DataView(message.buffer).getUint32(38)
    );
  assertEquals(seqs, [2 ** 40 + 1]);
});

Deno.test("capability records spread, change, and age out with their owner", PURE, () => {
  const network = new EventNetwork({ seed: 14, nodes: 40, dials: 5, loss: 0.01 });
  const owner = pick(network, 3);
  network.act(owner, (events) => events.setCapabilities('{"a":1}'));
  network.run(15_000);
  const known = () => network.nodes.map(({ events }) => events.capabilitiesOf(owner.id));
  assertEquals(known(), Array(40).fill('{"a":1}'));
  network.run(300_000);
  assertEquals(known(), Array(40).fill('{"a":1}'));
  network.act(owner, (events) => events.setCapabilities('{"a":2}'));
  network.run(60_000);
  assertEquals(known(), Array(40).fill('{"a":2}'));
  for (const other of [...owner.links]) network.unlink(owner, other);
  // 90 s * 40 / 32, and 10 s of slack.
  network.run(125_000);
  assertEquals(known().filter((text) => text !== undefined), ['{"a":2}']);
  assertEquals(pick(network, 0).records.get(owner.id), undefined);
});

Deno.test(
  "learnCapabilities() takes what capabilityRecordOf() gives, with its age",
  PURE,
  () => {
    const { events } = newAlice();
    events.receive(BOB.id, record(BOB, 1, '{"n":"bob"}'), 0);
    events.receive(BOB.id, record(CAROL, 1, '{"n":"carol"}', 50_000), 0);
    const copies = [BOB, CAROL].flatMap(({ id }) => events.capabilityRecordOf(id, 10_000) ?? []);
    assertEquals([copies.length, events.capabilityRecordOf(ALICE.id, 10_000)], [2, undefined]);
    const { events: other, heard, sent } = newAlice();
    for (const bytes of copies) other.learnCapabilities(bytes, 500_000);
    for (const bytes of copies) other.learnCapabilities(bytes, 500_000);
    assertEquals(heard, ['record {"n":"bob"}', 'record {"n":"carol"}']);
    assertEquals([other.capabilitiesOf(CAROL.id), sent.length], ['{"n":"carol"}', 0]);
    // Of 100 members a record lives 281.25 s: Carol's has had 60 s of it.
    assertEquals(other.deadlineMs, 500_000 + 281_250 - 60_000);
  },
);

Deno.test(
  "learnCapabilities() refuses what is no record, and ignores whom it does not believe",
  PURE,
  () => {
    const { events, heard } = newAlice({ belongs: (id) => id !== CAROL.id });
    assertThrows(() => events.learnCapabilities(told(BOB), 0), EventError);
    assertThrows(
      () => events.learnCapabilities(record(BOB, 1, "{}").slice(0, -1), 0),
      ByteReaderError,
    );
    events.learnCapabilities(record(CAROL, 1, "{}"), 0);
    events.learnCapabilities(record(BOB, 1, "[]"), 0);
    events.learnCapabilities(record(ALICE, 1, "{}"), 0);
    const known = [ALICE, BOB, CAROL].flatMap(({ id }) => events.capabilityRecordOf(id, 0) ?? []);
    assertEquals([heard, known], [[], []]);
  },
);

Deno.test("Events: a death does not make a tree of a full mesh", PURE, () => {
  const { event, announce } = EVENT_KINDS;
  const cases = [
    ["suspected", { alive: 3, lost: false, kinds: [event, event] }],
    ["lost in this second", { alive: 4, lost: true, kinds: [event, event] }],
    ["without a session", { alive: 4, lost: false, kinds: [event, announce] }],
  ] as const;
  for (const [title, { alive, lost, kinds }] of cases) {
    const { events, sent } = newAlice({ memberCount: () => 4, aliveCount: () => alive });
    events.addNeighbour(CAROL.id, 0);
    if (lost) {
      events.addNeighbour(idOf(7), 0);
      events.removeNeighbour(idOf(7), 9_001);
    }
    events.broadcast("a", "b", 10_000);
    events.tick(10_020);
    assertEquals(sent.slice(0, 2).map(([, [kind]]) => kind), [...kinds], title);
  }
});
