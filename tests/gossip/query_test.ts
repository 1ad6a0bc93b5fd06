import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { type Answer, decodeEventMessage, signAnswer } from "../../src/gossip/event_message.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import {
  ANSWER_RETRY_MS,
  decodeQuestion,
  encodeQuestion,
  isAddressed,
  MAX_ANSWERS_OF_QUERY,
  MAX_QUERIES,
  MAX_WAITING_ANSWERS,
  QueryDesk,
} from "../../src/gossip/query.ts";
import type { Identity } from "../../src/node/identity.ts";
import { ALICE, BOB, CAROL, identityOf, PRIMITIVES } from "../testing/identities.ts";
import { fakeSignature } from "./event_network.ts";

const PURE = { permissions: "none" } as const;
const TAG = 77;
const DAVE = identityOf(4);
const NAMES = new Map([[ALICE.id, "alice"], [BOB.id, "bob"], [CAROL.id, "carol"], [
  DAVE.id,
  "dave",
]]);

function name(id: PeerId): string {
  return NAMES.get(id) ?? "other";
}

/** Alice's desk, and what it sends: `to answer responder` or `to receipt responder`. */
function newDesk(reachable: readonly PeerId[], changes: { readonly isFree?: boolean } = {}) {
  const reach = new Set(reachable);
  const revoked = new Set<PeerId>();
  const said: string[] = [];
  const desk = new QueryDesk({
    id: ALICE.id,
    ids: PLAIN_ID_CODEC,
    signer: ALICE.signing,
    verify: changes.isFree ? () => true : PRIMITIVES.verify,
    belongs: (id) => !revoked.has(id),
    canReach: (id) => reach.has(id),
    neighbours: () => reach,
    send(to, message: Bytes) {
      const read = decodeEventMessage(message, PLAIN_ID_CODEC);
      if (read.kind === 20) said.push(`${name(to)} answer ${name(read.answer.responder)}`);
      if (read.kind === 21) said.push(`${name(to)} receipt ${name(read.responder)}`);
    },
  });
  return { desk, reach, revoked, take: () => said.splice(0) };
}

function route(origin: Identity, neighbours: readonly Identity[], expiresMs = 10_000) {
  return { origin: origin.id, neighbours: neighbours.map(({ id }) => id), expiresMs };
}

function answerOf(identity: Identity, text = "yes", tag = TAG): Answer {
  return signAnswer({ tag, responder: identity.id, text }, identity.signing, PLAIN_ID_CODEC);
}

/** The answer of the `n`-th of many, signed by nobody. */
function cheapAnswer(n: number, tag = TAG): Answer {
  const responder = identityFor(n);
  const signer = { publicKey: ALICE.signing.publicKey, sign: fakeSignature };
  return signAnswer({ tag, responder, text: "" }, signer, PLAIN_ID_CODEC);
}

function identityFor(n: number): PeerId {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, n);
  return PLAIN_ID_CODEC.read(key);
}

/** An asker that notes what it hears. */
function newAsker() {
  const heard: string[] = [];
  return {
    heard,
    onAnswer: (id: PeerId, text: string) => void heard.push(`${name(id)} ${text}`),
    onEnd: () => void heard.push("end"),
  };
}

Deno.test("encodeQuestion() and decodeQuestion() carry a question", PURE, () => {
  const question = { where: "cpu_cores>=4", deadlineMs: 300_000, data: '{"a":1}\n' };
  assertEquals(
    encodeQuestion(question),
    '{"where":"cpu_cores>=4","deadline_ms":300000,"data":"{\\"a\\":1}\\n"}',
  );
  assertEquals(decodeQuestion(encodeQuestion(question)), question);
  for (const deadlineMs of [0, 1.5, NaN, 300_001]) {
    assertThrows(() => encodeQuestion({ ...question, deadlineMs }), RangeError, "deadline");
  }
});

Deno.test("decodeQuestion() is undefined for what is no question", PURE, () => {
  const whole = { where: "", deadline_ms: 1, data: "" };
  const cases: unknown[] = [
    null,
    [],
    { ...whole, where: undefined },
    { ...whole, where: 1 },
    { ...whole, where: "a".repeat(513) },
    { ...whole, data: null },
    { ...whole, deadline_ms: 0 },
    { ...whole, deadline_ms: 300_001 },
    { ...whole, deadline_ms: "5" },
  ];
  assert(decodeQuestion(JSON.stringify(whole)));
  for (const value of cases) assertEquals(decodeQuestion(JSON.stringify(value)), undefined);
  assertEquals(decodeQuestion("{"), undefined);
});

Deno.test(
  "isAddressed() is true for all without a filter, and else for whom it matches",
  PURE,
  () => {
    const question = (where: string) => ({ where, deadlineMs: 1, data: "" });
    assert(isAddressed(question(""), "{}"));
    assert(isAddressed(question("cpu_cores>=4"), '{"cpu_cores":4}'));
    assert(!isAddressed(question("cpu_cores>=4"), '{"cpu_cores":3}'));
    assert(!isAddressed(question("cpu_cores ~ 4"), '{"cpu_cores":4}'));
    assert(!isAddressed(question("cpu_cores=null"), "[]"));
  },
);

Deno.test(
  "QueryDesk delivers answers to our own query, each member's first, until its deadline",
  PURE,
  () => {
    const { desk, take } = newDesk([BOB.id]);
    const asker = newAsker();
    assert(desk.open(TAG, route(ALICE, []), 0, asker));
    assertEquals(desk.deadlineMs, 10_000);
    assert(desk.answer(TAG, "mine", 1));
    desk.receiveAnswer(BOB.id, answerOf(CAROL, "one"), 2);
    desk.receiveAnswer(BOB.id, answerOf(CAROL, "two"), 3);
    assertEquals(take(), ["bob receipt carol", "bob receipt carol"]);
    desk.tick(9_999);
    desk.tick(10_000);
    desk.receiveAnswer(BOB.id, answerOf(DAVE), 10_000);
    assertEquals(asker.heard, ["alice mine", "carol one", "end"]);
    assertEquals([take(), desk.size, desk.deadlineMs], [[], 0, Infinity]);
  },
);

Deno.test(
  "QueryDesk passes an answer on to where the query came from, and says that it does",
  PURE,
  () => {
    const { desk, take } = newDesk([BOB.id, CAROL.id]);
    desk.open(TAG, route(DAVE, [BOB]), 0);
    desk.receiveAnswer(CAROL.id, answerOf(CAROL), 0);
    assertEquals(take(), ["bob answer carol", "carol receipt carol"]);
    desk.receiveReceipt(BOB.id, TAG, CAROL.id);
    assertEquals(desk.waiting, 0);
    desk.tick(9_000);
    assertEquals(take(), []);
  },
);

Deno.test("QueryDesk sends answers to the asker itself where there is a session", PURE, () => {
  const { desk, take } = newDesk([BOB.id, DAVE.id]);
  desk.open(TAG, route(DAVE, [BOB]), 0);
  assert(desk.answer(TAG, "yes", 0));
  assert(!desk.answer(TAG, "again", 0));
  assertEquals(take(), ["dave answer alice"]);
});

Deno.test(
  "QueryDesk sends an answer again, then to the next neighbour, until somebody takes it",
  PURE,
  () => {
    const { desk, reach, take } = newDesk([BOB.id, CAROL.id]);
    desk.open(TAG, route(DAVE, [BOB, CAROL], 60_000), 0);
    desk.answer(TAG, "yes", 0);
    const times: string[] = [];
    for (let nowMs = 0; nowMs <= 8_000; nowMs += ANSWER_RETRY_MS) {
      desk.tick(nowMs);
      for (const line of take()) times.push(`${nowMs} ${line}`);
    }
    assertEquals(times, [
      "0 bob answer alice",
      "500 bob answer alice",
      "1500 carol answer alice",
      "3500 carol answer alice",
      "7500 bob answer alice",
    ]);
    // Whoever was never asked cannot take it over.
    desk.receiveReceipt(DAVE.id, TAG, ALICE.id);
    assertEquals(desk.waiting, 1);
    reach.clear();
    desk.tick(20_000);
    assertEquals([take(), desk.waiting], [[], 1]);
    desk.receiveReceipt(CAROL.id, TAG, ALICE.id);
    assertEquals(desk.waiting, 0);
  },
);

Deno.test(
  "QueryDesk believes members' own answers alone, and gives no receipt for others",
  PURE,
  () => {
    const { desk, revoked, take } = newDesk([BOB.id]);
    desk.open(TAG, route(DAVE, [BOB]), 0);
    revoked.add(CAROL.id);
    desk.receiveAnswer(BOB.id, answerOf(CAROL), 0);
    const forged = signAnswer(
      { tag: TAG, responder: DAVE.id, text: "no" },
      BOB.signing,
      PLAIN_ID_CODEC,
    );
    desk.receiveAnswer(BOB.id, forged, 0);
    desk.receiveAnswer(BOB.id, answerOf(BOB, "yes", TAG + 1), 0);
    assertEquals([take(), desk.waiting], [[], 0]);
  },
);

Deno.test("QueryDesk gives a receipt for an answer to who brought it first alone", PURE, () => {
  const { desk, take } = newDesk([BOB.id, CAROL.id]);
  desk.open(TAG, route(DAVE, [BOB]), 0);
  desk.answer(TAG, "yes", 0);
  desk.receiveAnswer(CAROL.id, answerOf(CAROL), 0);
  take();
  desk.receiveAnswer(CAROL.id, answerOf(CAROL), 1);
  // Both went to Bob: what he sends back has gone in a circle.
  desk.receiveAnswer(BOB.id, answerOf(CAROL), 2);
  desk.receiveAnswer(BOB.id, answerOf(ALICE), 3);
  assertEquals(take(), ["carol receipt carol"]);
});

Deno.test("QueryDesk sends an answer to any neighbour where all who told it are gone", PURE, () => {
  const { desk, reach, take } = newDesk([BOB.id, CAROL.id]);
  desk.open(TAG, route(DAVE, [BOB], 60_000), 0);
  reach.delete(BOB.id);
  desk.answer(TAG, "yes", 0);
  assertEquals(take(), ["carol answer alice"]);
});

Deno.test("QueryDesk.close() ends our query, once", PURE, () => {
  const { desk, take } = newDesk([BOB.id]);
  const asker = newAsker();
  desk.open(TAG, route(ALICE, []), 0, asker);
  desk.close(TAG);
  desk.close(TAG);
  desk.receiveAnswer(BOB.id, answerOf(BOB), 1);
  desk.tick(20_000);
  assertEquals([asker.heard, take()], [["end"], []]);
});

Deno.test("QueryDesk knows 1,024 queries until their deadlines, and then others", PURE, () => {
  const { desk } = newDesk([]);
  for (let tag = 0; tag < MAX_QUERIES; tag++) assert(desk.open(tag, route(BOB, []), 0));
  assert(!desk.hasRoom(9_999));
  assert(!desk.open(MAX_QUERIES, route(BOB, [], 90_000), 9_999));
  assert(desk.open(MAX_QUERIES, route(BOB, [], 90_000), 10_000));
  assertEquals(desk.size, 1);
  assert(!desk.open(1, route(BOB, [], 10_000), 10_000));
});

Deno.test(
  "QueryDesk holds 1,024 answers for others, and leaves the rest with who has them",
  PURE,
  () => {
    const { desk, take } = newDesk([BOB.id], { isFree: true });
    desk.open(TAG, route(DAVE, [BOB]), 0);
    for (let n = 1; n <= MAX_WAITING_ANSWERS + 10; n++) {
      desk.receiveAnswer(
        BOB.id,
        cheapAnswer(n),
        0,
      );
    }
    assertEquals(desk.waiting, MAX_WAITING_ANSWERS);
    assertEquals(take().length, 2 * MAX_WAITING_ANSWERS);
    assert(!desk.answer(TAG, "yes", 0));
    desk.receiveReceipt(BOB.id, TAG, identityFor(1));
    assert(desk.answer(TAG, "yes", 0));
    desk.tick(10_000);
    assertEquals([desk.waiting, desk.size], [0, 0]);
  },
);

Deno.test("QueryDesk takes 16,384 answers to a query and no more", PURE, () => {
  const { desk, take } = newDesk([], { isFree: true });
  let heard = 0;
  const asker = { onAnswer: () => void heard++, onEnd: () => {} };
  desk.open(TAG, route(ALICE, []), 0, asker);
  for (let n = 1; n <= MAX_ANSWERS_OF_QUERY + 5; n++) desk.receiveAnswer(BOB.id, cheapAnswer(n), 0);
  assertEquals([heard, take().length], [MAX_ANSWERS_OF_QUERY, MAX_ANSWERS_OF_QUERY]);
});
