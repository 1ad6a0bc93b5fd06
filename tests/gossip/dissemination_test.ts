import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { ByteReader } from "../../src/base/byte_reader.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import {
  Dissemination,
  PIGGYBACK_BYTES,
  RUMOUR_FANOUT,
  RUMOUR_MS,
} from "../../src/gossip/dissemination.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { KINDS, MAX_MESSAGE_BYTES, readRumours, type Rumour } from "../../src/gossip/message.ts";
import type { Neighbour } from "../../src/gossip/neighbour.ts";
import { idOf, neighbourOf, PURE, readRecord, recordOf } from "./people.ts";

function setUp(neighbours: number, members = 9) {
  const met = new Map<PeerId, Neighbour>();
  for (let n = 0; n < neighbours; n++) met.set(idOf(100 + n), neighbourOf());
  const sent: [PeerId, Bytes][] = [];
  const spreading = new Dissemination({
    ids: PLAIN_ID_CODEC,
    random: seededRandom(1),
    neighbours: met,
    members: () => members,
    send: (to, message) => void sent.push([to, message]),
  });
  return { met, sent, spreading };
}

function claimOf(n: number): Rumour {
  return { kind: "suspect", id: idOf(n), incarnation: 0, accuser: idOf(99) };
}

function subjects(message: Bytes): PeerId[] {
  const reader = new ByteReader(message);
  assertEquals(reader.u8(), KINDS.rumours);
  const ids: PeerId[] = [];
  readRumours(
    reader,
    { ids: PLAIN_ID_CODEC, readRecord },
    (rumour) => ids.push(rumour.kind === "record" ? rumour.record.id : rumour.id),
  );
  return ids;
}

Deno.test("Dissemination has nothing to do while there is nothing to tell", PURE, () => {
  const { spreading, sent } = setUp(5);
  assertEquals(spreading.deadlineMs, Infinity);
  spreading.tick(1_000_000);
  spreading.met(0);
  assertEquals([spreading.deadlineMs, sent], [Infinity, []]);
  assertEquals(spreading.piggyback(), []);
});

Deno.test(
  "Dissemination waits 10 ms for company, then tells three neighbours every 200 ms",
  PURE,
  () => {
    assertEquals([RUMOUR_MS, RUMOUR_FANOUT], [200, 3]);
    const { spreading, sent } = setUp(9);
    spreading.spread(idOf(1), claimOf(1), 1_000);
    spreading.spread(idOf(2), claimOf(2), 1_005);
    assertEquals(spreading.deadlineMs, 1_010);
    spreading.tick(1_009);
    assertEquals(sent, []);
    spreading.tick(1_010);
    assertEquals(new Set(sent.map(([to]) => to)).size, 3);
    for (const [, message] of sent) assertEquals(subjects(message), [idOf(1), idOf(2)]);
    // Six tellings in a village of nine, and three are made.
    spreading.spread(idOf(3), claimOf(3), 1_020);
    assertEquals([spreading.size, spreading.deadlineMs], [3, 1_210], "not sooner");
    spreading.tick(1_210);
    assertEquals([spreading.size, spreading.deadlineMs], [1, 1_410], "the third is told on");
    spreading.tick(1_410);
    assertEquals([spreading.size, spreading.deadlineMs], [0, Infinity]);
  },
);

Deno.test(
  "Dissemination tells a rumour as often as the village is large, old news twice",
  PURE,
  () => {
    const { spreading, sent } = setUp(9, 1_000);
    spreading.spread(idOf(1), claimOf(1), 0);
    for (let ms = 0; ms < 10_000; ms += 10) spreading.tick(ms);
    // ceil(4 * log10(1,001)) + 2
    assertEquals([sent.length, spreading.size], [15, 0]);
    spreading.spread(idOf(1), claimOf(1), 10_000, true);
    for (let ms = 10_000; ms < 20_000; ms += 10) spreading.tick(ms);
    assertEquals(sent.length, 17);
  },
);

Deno.test("Dissemination does not wake a member that is alone", PURE, () => {
  const { spreading, sent, met } = setUp(0);
  spreading.spread(idOf(1), claimOf(1), 0);
  spreading.tick(10);
  assertEquals([spreading.deadlineMs, spreading.size], [Infinity, 1]);
  met.set(idOf(50), neighbourOf());
  spreading.met(90_000);
  assertEquals(spreading.deadlineMs, 90_010);
  spreading.tick(90_010);
  assertEquals(sent.map(([to]) => to), [idOf(50)]);
});

Deno.test("Dissemination.piggyback() takes 512 bytes, which count as told", PURE, () => {
  assertEquals(PIGGYBACK_BYTES, 512);
  const { spreading, sent } = setUp(1);
  for (let n = 0; n < 20; n++) spreading.spread(idOf(n), claimOf(n), 0);
  // Claims are 69 bytes: seven fit.
  assertEquals(spreading.piggyback().length, 7);
  spreading.tick(10);
  const [first] = sent;
  assert(first);
  assertEquals(subjects(first[1]).slice(0, 13), Array.from({ length: 13 }, (_, n) => idOf(n + 7)));
});

Deno.test("Dissemination keeps its messages at 16 KiB", PURE, () => {
  const { spreading, sent } = setUp(1, 1_000);
  for (let n = 0; n < 2_000; n++) {
    spreading.spread(idOf(n), { kind: "record", record: recordOf(n) }, 0);
  }
  for (let ms = 10; ms < 60_000; ms += 200) spreading.tick(ms);
  assert(sent.every(([, { length }]) => length <= MAX_MESSAGE_BYTES));
  assertEquals(spreading.size, 0);
});

Deno.test("Dissemination.spread() replaces older news, and drop() ends them", PURE, () => {
  const { spreading, sent } = setUp(1);
  spreading.spread(idOf(1), claimOf(1), 0);
  spreading.spread(idOf(1), { kind: "record", record: recordOf(1) }, 0);
  spreading.spread(idOf(2), claimOf(2), 0);
  spreading.drop(idOf(2));
  assertEquals(spreading.size, 1);
  spreading.tick(10);
  assertEquals(sent.map(([, message]) => subjects(message)), [[idOf(1)]]);
});
