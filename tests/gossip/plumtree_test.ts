import { assert, assertEquals } from "@std/assert";
import { type Bytes, encodeHex } from "../../src/base/bytes.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { CALM_WINDOW_MS, FEW, MAX_PUSH_HOPS, REMINDER_MS } from "../../src/gossip/announcer.ts";
import { EVENT_CLASSES, type EventClass, signEvent } from "../../src/gossip/event.ts";
import { EVENT_BURST, type KeptEvent, keptEvent } from "../../src/gossip/event_memory.ts";
import { decodeEventMessage } from "../../src/gossip/event_message.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { GRAFT_WAIT_MS, LATE_WAIT_MS, STAGGER_MS } from "../../src/gossip/missing_events.ts";
import { Plumtree } from "../../src/gossip/plumtree.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";
import { fakeSignature } from "./event_network.ts";

const PURE = { permissions: "none" } as const;
const SIGNER = { publicKey: ALICE.signing.publicKey, sign: fakeSignature };
const LATE_MS = GRAFT_WAIT_MS + STAGGER_MS;
const { named, capabilities } = EVENT_CLASSES;
let seq = 0;

interface Arrival {
  readonly from?: PeerId;
  readonly hops?: number;
  readonly isDetour?: boolean;
  readonly class?: EventClass;
}

/** An event as it is kept; ours unless it is from somebody. */
function event(arrival: Arrival = {}, nowMs = 0): KeptEvent {
  const kind = arrival.class ?? named;
  const name = kind === capabilities ? "" : "a";
  const signed = signEvent(
    ALICE.id,
    { seq: ++seq, class: kind, name, data: "" },
    SIGNER,
    PLAIN_ID_CODEC,
  );
  const { from, isDetour = false, hops = from ? 1 : 0 } = arrival;
  return keptEvent(signed, from, { hops, ageMs: 0, isDetour }, nowMs);
}

/** A tree with these neighbours, and what it says: `to kind detail`. */
function newTree(neighbours: readonly PeerId[] = [], { isFullMesh = false } = {}) {
  const kept = new Map<number, KeptEvent>();
  const said: string[] = [];
  const names = new Map<PeerId, string>([[ALICE.id, "alice"], [BOB.id, "bob"], [
    CAROL.id,
    "carol",
  ]]);
  const send = (to: PeerId, message: Bytes) =>
    void said.push(`${names.get(to) ?? "other"} ${describe(message)}`);
  const tree = new Plumtree({
    send,
    sendLater: send,
    isFullMesh: () => isFullMesh,
    isKnown: (tag) => kept.has(tag),
    find: (tag) => kept.get(tag),
    latest: (count) => [...kept.values()].filter((one) => one.class === named).slice(-count),
  }, seededRandom(1));
  for (const id of neighbours) tree.add(id, 0);
  const take = () => said.splice(0);
  const spread = (one: KeptEvent, nowMs: number) => {
    kept.set(one.tag, one);
    tree.spread(one, nowMs);
    return take();
  };
  return { tree, kept, take, spread };
}

function describe(message: Bytes): string {
  const read = decodeEventMessage(message, PLAIN_ID_CODEC);
  switch (read.kind) {
    case 16: {
      const { hops, isDetour } = read.journey;
      return `event ${hops}${isDetour ? " detour" : ""}`;
    }
    case 17:
      return `announce ${
        read.announcements.map(({ hops, isHeld }) => hops + (isHeld ? "held" : ""))
      }`;
    case 18:
      return `${read.isGraft ? "graft" : "request"} ${read.tags.length}`;
    case 19:
      return "prune";
    default:
      return encodeHex(message);
  }
}

/** With Bob eager and Carol lazy, after a moment in which all is said. */
function newRooted() {
  const made = newTree([BOB.id, CAROL.id]);
  made.spread(event({ from: BOB.id }), 0);
  for (let nowMs = 0; nowMs <= 20_000; nowMs += 10) made.tree.tick(nowMs);
  made.take();
  assertEquals(made.tree.deadlineMs, Infinity);
  return made;
}

Deno.test(
  "Plumtree begins with lazy links; its first event goes to one neighbour, its tag to all",
  PURE,
  () => {
    const { tree, take, spread } = newTree([BOB.id, CAROL.id]);
    assertEquals([tree.eager.size, tree.lazy.size], [0, 2]);
    const [pushed, ...rest] = spread(event(), 100);
    assert(pushed === "bob event 1" || pushed === "carol event 1");
    assertEquals([rest, tree.eager.size, tree.deadlineMs], [[], 1, 100]);
    tree.tick(100);
    assertEquals(take().sort(), ["bob announce 0", "carol announce 0"]);
  },
);

Deno.test(
  "Plumtree pulls its first event along the quickest announcement, which makes a link eager",
  PURE,
  () => {
    const { tree, take, spread } = newTree([BOB.id, CAROL.id]);
    const news = event({ from: BOB.id, hops: 2 });
    tree.receiveAnnounce(BOB.id, [{ tag: news.tag, hops: 1, isHeld: false }], 0);
    tree.tick(20);
    assertEquals([take(), [...tree.eager]], [["bob graft 1"], [BOB.id]]);
    assertEquals(spread(news, 60), []);
    tree.tick(60);
    assertEquals(take(), ["carol announce 2"]);
  },
);

Deno.test(
  "Plumtree sends news along the tree, and its tag both to whom it was sent and to the others",
  PURE,
  () => {
    const { tree, take, spread } = newRooted();
    tree.receiveRequest(ALICE.id, true, [], 30_000);
    assertEquals(tree.eager.size, 1);
    tree.add(ALICE.id, 30_000);
    take();
    tree.receiveRequest(ALICE.id, true, [], 30_000);
    assertEquals(spread(event({ from: BOB.id, hops: 2 }), 30_000), ["alice event 3"]);
    tree.tick(30_020);
    assertEquals(take(), ["alice announce 2", "carol announce 2"]);
  },
);

Deno.test("Plumtree prunes the link by which a second copy came", PURE, () => {
  const { tree, take, spread } = newRooted();
  tree.receiveRequest(CAROL.id, true, [], 30_000);
  const news = event({ from: BOB.id });
  assertEquals(spread(news, 30_000), ["carol event 2"]);
  tree.refuse(news.tag, CAROL.id, false, 30_001);
  assertEquals([take(), [...tree.lazy]], [["carol prune"], [CAROL.id]]);
  tree.refuse(news.tag, BOB.id, false, 30_002);
  assertEquals([take(), [...tree.eager]], [[], [BOB.id]]);
});

Deno.test("Plumtree prunes nothing for a copy that made a detour, here or there", PURE, () => {
  const { tree, take, spread } = newRooted();
  const news = event({ from: BOB.id });
  spread(news, 30_000);
  tree.refuse(news.tag, CAROL.id, true, 30_001);
  const other = event({ from: BOB.id, isDetour: true });
  spread(other, 30_002);
  tree.refuse(other.tag, CAROL.id, false, 30_003);
  assertEquals(take(), []);
});

Deno.test("Plumtree makes a link lazy when the other end prunes it", PURE, () => {
  const { tree, take, spread } = newRooted();
  tree.receivePrune(BOB.id);
  assertEquals(tree.eager.size, 0);
  spread(event({ from: CAROL.id }), 30_000);
  assertEquals([...tree.eager], [CAROL.id]);
  take();
});

Deno.test(
  "Plumtree grafts a neighbour when the tree does not bring what it announced",
  PURE,
  () => {
    const { tree, take, spread } = newRooted();
    const news = event({ from: CAROL.id, hops: 3 });
    tree.receiveAnnounce(CAROL.id, [{ tag: news.tag, hops: 2, isHeld: false }], 30_000);
    tree.tick(30_000 + GRAFT_WAIT_MS - 1);
    assertEquals(take(), []);
    tree.tick(30_000 + LATE_MS);
    assertEquals([take(), tree.eager.size], [["carol graft 1"], 2]);
    assertEquals(spread(news, 32_000), ["bob event 4 detour"]);
  },
);

Deno.test(
  "Plumtree asks without a graft for what it heard of before the tree was mended",
  PURE,
  () => {
    const { tree, take, spread } = newRooted();
    const tags = [event(), event()].map(({ tag }) => tag);
    const announce = (tag: number | undefined, nowMs: number) =>
      tree.receiveAnnounce(CAROL.id, [{ tag: tag ?? 0, hops: 2, isHeld: false }], nowMs);
    announce(tags[0], 30_000);
    // A neighbour upstream mended the tree: what comes by it made a detour.
    spread(event({ from: BOB.id, isDetour: true }), 30_100);
    tree.tick(30_000 + LATE_MS);
    assertEquals(take().filter((line) => line.startsWith("carol re")), ["carol request 1"]);
    assertEquals([...tree.eager], [BOB.id]);
    announce(tags[1], 32_000);
    tree.tick(32_000 + LATE_MS);
    assertEquals(take().filter((line) => line.startsWith("carol gr")), ["carol graft 2"]);
  },
);

Deno.test(
  "Plumtree asks an eager neighbour again on the same link for what was lost there",
  PURE,
  () => {
    const { tree, take, spread } = newRooted();
    const news = event({ from: BOB.id });
    tree.receiveAnnounce(BOB.id, [{ tag: news.tag, hops: 0, isHeld: false }], 30_000);
    tree.receiveAnnounce(CAROL.id, [{ tag: news.tag, hops: 0, isHeld: false }], 30_000);
    tree.tick(30_000 + LATE_WAIT_MS);
    assertEquals(take(), ["bob graft 1"]);
    spread(news, 30_100);
    assertEquals([news.isDetour, [...tree.eager]], [false, [BOB.id]]);
  },
);

Deno.test("Plumtree holds what has come far, and asks who is nearer for what is held", PURE, () => {
  const { tree, take, spread } = newRooted();
  tree.receiveRequest(CAROL.id, true, [], 30_000);
  assertEquals(spread(event({ from: BOB.id, hops: MAX_PUSH_HOPS - 1 }), 30_000), ["carol event 6"]);
  assertEquals(spread(event({ from: BOB.id, hops: MAX_PUSH_HOPS }), 30_000), []);
  tree.tick(30_020);
  assertEquals(take(), ["carol announce 5,6held"]);
  assertEquals(spread(event({ class: capabilities, from: BOB.id, hops: 16 }), 30_030), [
    "carol event 16",
  ]);
  tree.receivePrune(CAROL.id);
  const { tag } = event();
  tree.receiveAnnounce(BOB.id, [{ tag, hops: 6, isHeld: true }], 31_000);
  tree.receiveAnnounce(CAROL.id, [{ tag, hops: 3, isHeld: false }], 31_000);
  take();
  tree.tick(31_000 + LATE_WAIT_MS);
  assertEquals([take(), [...tree.eager]], [["carol request 1"], [BOB.id]]);
});

Deno.test("Plumtree asks at once without the eager neighbour that is gone", PURE, () => {
  const { tree, take } = newRooted();
  tree.receiveRequest(CAROL.id, true, [], 30_000);
  tree.add(ALICE.id, 30_000);
  take();
  tree.remove(BOB.id, 30_000);
  tree.receiveAnnounce(ALICE.id, [{ tag: event().tag, hops: 1, isHeld: false }], 30_001);
  tree.tick(30_021);
  assertEquals(take(), ["alice graft 1"]);
  assertEquals([tree.has(BOB.id), tree.size], [false, 2]);
});

Deno.test("Plumtree announces to nobody what it announced", PURE, () => {
  const { tree, take, spread } = newRooted();
  const news = event({ from: BOB.id });
  spread(news, 30_000);
  tree.receiveAnnounce(CAROL.id, [{ tag: news.tag, hops: 1, isHeld: false }], 30_010);
  tree.tick(30_020);
  assertEquals(take(), []);
});

Deno.test(
  "Plumtree offers a new neighbour what is kept, once more later, and then is silent",
  PURE,
  () => {
    const { tree, take, kept } = newTree();
    for (let n = 0; n < 300; n++) {
      const one = event({}, -60_000);
      kept.set(one.tag, one);
    }
    tree.add(BOB.id, 0);
    const counts = () => take().map((line) => line.split(",").length);
    assertEquals(counts(), [255, 1]);
    assertEquals(tree.deadlineMs, REMINDER_MS);
    tree.tick(REMINDER_MS);
    assertEquals(counts(), [255, 1]);
    assertEquals(tree.deadlineMs, Infinity);
  },
);

Deno.test("Plumtree reminds a few neighbours of an event twice", PURE, () => {
  const others = Array.from({ length: 9 }, (_, n) => identityOf(n).id);
  const { tree, take, spread } = newTree(others);
  spread(event(), 0);
  tree.tick(0);
  assertEquals(take().length, 9);
  const reminders: number[] = [];
  while (tree.deadlineMs < Infinity) {
    tree.tick(tree.deadlineMs);
    reminders.push(take().length);
  }
  assertEquals(reminders, [FEW, FEW]);
});

Deno.test(
  "Plumtree tells a few lazy neighbours of capability records, several in a message",
  PURE,
  () => {
    const others = Array.from({ length: 9 }, (_, n) => identityOf(n).id);
    const { tree, take, spread } = newTree([...others, BOB.id]);
    spread(event({ from: BOB.id }), 0);
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 10) tree.tick(nowMs);
    take();
    for (let n = 0; n < 3; n++) {
      spread(
        event({ from: BOB.id, class: capabilities }, 30_000),
        30_000,
      );
    }
    tree.tick(30_020);
    assertEquals(take(), []);
    tree.tick(30_000 + CALM_WINDOW_MS);
    assertEquals(take(), Array(FEW).fill("other announce 1,1,1"));
    assertEquals(tree.deadlineMs, Infinity);
  },
);

Deno.test("Plumtree sends a neighbour what it asks for at a bounded rate", PURE, () => {
  const { tree, take, spread } = newRooted();
  const news = event({ from: BOB.id });
  spread(news, 30_000);
  for (let round = 0; round < 10; round++) {
    tree.receiveRequest(CAROL.id, false, Array(255).fill(news.tag), 30_000);
  }
  assertEquals(take().filter((line) => line === "carol event 2").length, 2 * EVENT_BURST);
  tree.receiveRequest(CAROL.id, false, Array(255).fill(news.tag), 31_000);
  assertEquals(take().length, 50);
  tree.receiveRequest(BOB.id, false, [news.tag, 12345], 31_000);
  assertEquals(take(), ["bob event 2"]);
});

Deno.test("Plumtree listens to neighbours alone", PURE, () => {
  const { tree, take, spread } = newRooted();
  const news = event({ from: ALICE.id });
  tree.receiveAnnounce(ALICE.id, [{ tag: 1, hops: 1, isHeld: false }], 30_000);
  assertEquals(tree.missing, 0);
  spread(news, 30_000);
  take();
  tree.receiveRequest(ALICE.id, true, [news.tag], 30_000);
  tree.refuse(news.tag, ALICE.id, false, 30_000);
  tree.receivePrune(ALICE.id);
  assertEquals([take(), tree.size], [[], 2]);
});

Deno.test("Plumtree in a full mesh: the origin tells all, and others pass nothing on", PURE, () => {
  const { tree, take, spread } = newTree([BOB.id, CAROL.id], { isFullMesh: true });
  assertEquals(spread(event(), 0), ["bob event 1", "carol event 1"]);
  const news = event({ from: BOB.id });
  assertEquals(spread(news, 0), []);
  tree.refuse(news.tag, CAROL.id, false, 1);
  assertEquals(take(), []);
  assertEquals(tree.deadlineMs, REMINDER_MS);
});
