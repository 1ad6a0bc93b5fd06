/** What members may hand to events: damaged, forged, at random, and too much of it. */

import { assert, assertEquals } from "@std/assert";
import { type Bytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { ByteReaderError } from "../../src/base/byte_reader.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { EVENT_CLASSES, EventError, signEvent } from "../../src/gossip/event.ts";
import {
  decodeEventMessage,
  encodeAnnounce,
  encodeEvent,
  encodeReceipt,
  encodeRequest,
  PRUNE,
  signAnswer,
} from "../../src/gossip/event_message.ts";
import { Events } from "../../src/gossip/events.ts";
import { FilterError, matchesFilter, parseFilter } from "../../src/gossip/filter.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { decodeQuestion, encodeQuestion } from "../../src/gossip/query.ts";
import { fakeSignature } from "../gossip/event_network.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";
import {
  byte,
  fuzzSeed,
  hostileJson,
  mutateBytes,
  mutateObject,
  pollution,
} from "../testing/mutate.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const ROUNDS = 3_000;
const MEMBERS = [ALICE, BOB, CAROL, identityOf(4)].map(({ id }) => id);
const SIGNER = { publicKey: ALICE.signing.publicKey, sign: fakeSignature };

/** Runs `use`; anything thrown but one of `expected` fails the round. */
function onlyThrows(
  label: string,
  expected: readonly (new (...args: never[]) => Error)[],
  use: () => void,
): void {
  try {
    use();
  } catch (error) {
    if (!expected.some((kind) => error instanceof kind)) throw new Error(label, { cause: error });
  }
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomBelow(random, items.length)] as T;
}

/** A message that is as it must be. */
function message(random: Random): Bytes {
  const tag = () => randomBelow(random, 5);
  const id = pick(random, MEMBERS);
  switch (randomBelow(random, 7)) {
    case 0: {
      const announcements = Array.from(
        { length: randomBelow(random, 20) },
        () => ({ tag: tag(), hops: randomBelow(random, 17), isHeld: random.next() < 0.3 }),
      );
      return encodeAnnounce(announcements);
    }
    case 1:
      return encodeRequest([tag(), tag()], random.next() < 0.5);
    case 2:
      return PRUNE;
    case 3:
      return signAnswer({ tag: tag(), responder: id, text: "yes" }, SIGNER, PLAIN_ID_CODEC).message;
    case 4:
      return encodeReceipt(tag(), id, PLAIN_ID_CODEC);
    default:
      return eventMessage(random, id);
  }
}

function eventMessage(random: Random, origin: PeerId): Bytes {
  const kind = pick(random, Object.values(EVENT_CLASSES));
  const question = encodeQuestion({ where: "cpu_cores>=4", deadlineMs: 9_000, data: "x" });
  const content = {
    seq: 1 + randomBelow(random, 1_000),
    class: kind,
    name: kind === EVENT_CLASSES.capabilities ? "" : "a",
    data: kind === EVENT_CLASSES.query ? question : '{"cpu_cores":8}',
  };
  const { bytes } = signEvent(origin, content, SIGNER, PLAIN_ID_CODEC);
  return encodeEvent(bytes, {
    hops: 1 + randomBelow(random, 16),
    ageMs: randomBelow(random, 100_000),
    isDetour: random.next() < 0.3,
  });
}

Deno.test(
  "decodeEventMessage() reads or refuses whatever it is given",
  PURE,
  () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const label = `seed ${SEED}, round ${round}`;
      const whole = message(random);
      const noise = Uint8Array.from({ length: randomBelow(random, 200) }, () => byte(random));
      if (noise.length > 0) noise[0] = 16 + randomBelow(random, 8);
      for (const bytes of [whole, mutateBytes(random, whole), noise]) {
        onlyThrows(label, [EventError, ByteReaderError], () => {
          decodeEventMessage(bytes, PLAIN_ID_CODEC);
        });
      }
    }
  },
);

Deno.test("Events stay bounded and sound whatever neighbours send, in any order", PURE, () => {
  const random = seededRandom(SEED + 1);
  let nowMs = 0;
  let sent = 0;
  let members = 1;
  const heard = new Set<string>();
  const events = new Events({
    id: ALICE.id,
    signer: SIGNER,
    verify: () => random.next() < 0.9,
    random,
    belongs: () => random.next() < 0.95,
    memberCount: () => members,
    boot: () => 1,
    send: () => void sent++,
    onEvent() {},
    onQuery: ({ id, respond }) => {
      assert(!heard.has(id), `seed ${SEED}: a query came twice`);
      heard.add(id);
      if (random.next() < 0.5) respond("yes", nowMs);
    },
    onCapabilities() {},
    capabilities: () => '{"cpu_cores":8}',
  }, 0);
  for (let round = 0; round < ROUNDS; round++) {
    const label = `seed ${SEED}, round ${round}`;
    const from = pick(random, MEMBERS.slice(1));
    nowMs += randomBelow(random, 300);
    members = 1 + randomBelow(random, 100);
    onlyThrows(label, [EventError, ByteReaderError], () => {
      const whole = message(random);
      events.receive(from, random.next() < 0.7 ? whole : mutateBytes(random, whole), nowMs);
    });
    if (random.next() < 0.05) events.addNeighbour(from, nowMs);
    if (random.next() < 0.02) events.removeNeighbour(from, nowMs);
    if (events.deadlineMs <= nowMs) events.tick(nowMs);
    assert(!(events.deadlineMs <= nowMs - 1), label);
  }
  // 3,000 messages of at most 20 tags, and what they are answered with.
  assert(sent < 40 * ROUNDS, `${sent} messages`);
  for (const id of MEMBERS) events.removeNeighbour(id, nowMs);
  // Nothing goes on for ever.
  for (let ticks = 0; events.deadlineMs < Infinity; ticks++) {
    assert(ticks < 10_000, `seed ${SEED}: it never rests`);
    events.tick(Math.max(nowMs, events.deadlineMs));
  }
});

Deno.test("decodeQuestion() reads or refuses any JSON", PURE, () => {
  const random = seededRandom(SEED + 2);
  const whole = { where: "a=1", deadline_ms: 1_000, data: "x" };
  for (let round = 0; round < ROUNDS; round++) {
    const question = decodeQuestion(hostileJson(mutateObject(random, whole)));
    if (question) assert(question.deadlineMs >= 1 && question.deadlineMs <= 300_000);
    const text = mutateBytes(random, encodeUtf8(JSON.stringify(whole)));
    decodeQuestion(new TextDecoder().decode(text));
  }
  assertEquals(pollution(), []);
});

Deno.test("parseFilter() reads or refuses any text, quickly", PURE, () => {
  const random = seededRandom(SEED + 3);
  const parts = [
    "a",
    "cpu_cores",
    "=",
    "!=",
    "<",
    ">=",
    "(",
    ")",
    "not",
    "and",
    "or",
    "4",
    "'x y'",
    '"',
    " ",
    "\u0000",
    "-",
    "1e9",
    "null",
    "__proto__",
  ];
  for (let round = 0; round < ROUNDS; round++) {
    const text = Array.from({ length: randomBelow(random, 40) }, () => pick(random, parts)).join(
      random.next() < 0.5 ? " " : "",
    );
    onlyThrows(`seed ${SEED}, round ${round}: ${text}`, [FilterError], () => {
      const result = matchesFilter(parseFilter(text), { a: 4, cpu_cores: null });
      assertEquals(typeof result, "boolean");
    });
  }
});
