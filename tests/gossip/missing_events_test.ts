import { assertEquals } from "@std/assert";
import type { PeerId } from "../../src/base/peer_id.ts";
import {
  FIRST_GRAFT_WAIT_MS,
  GRAFT_WAIT_MS,
  LATE_WAIT_MS,
  MAX_ANNOUNCERS,
  MAX_MISSING,
  MAX_MISSING_OF_NEIGHBOUR,
  MAX_REQUESTS,
  MissingEvents,
  RETRY_MS,
  STAGGER_MS,
} from "../../src/gossip/missing_events.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const NAMES = new Map([[ALICE.id, "alice"], [BOB.id, "bob"], [CAROL.id, "carol"]]);

/** Missing events of a node whose eager neighbours are `eager`, with chance at its half. */
function newMissing(eager: readonly PeerId[] = []) {
  const links = { eager: new Set(eager), isRooted: eager.length > 0 };
  const missing = new MissingEvents(links, { next: () => 0.5 });
  const ask = (nowMs: number) =>
    [...missing.due(nowMs)].map(([{ tag }, { id }]) => `${tag} ${NAMES.get(id)}`);
  return { missing, links, ask };
}

function announced(tag: number, hops = 1, isHeld = false) {
  return { tag, hops, isHeld };
}

Deno.test(
  "MissingEvents asks at once where there is no tree, and who has the fewest hops",
  PURE,
  () => {
    const { missing, ask } = newMissing();
    missing.hear(ALICE.id, announced(1, 2), 0);
    missing.hear(BOB.id, announced(1, 1), 5);
    missing.hear(CAROL.id, announced(1, 1), 10);
    assertEquals(missing.dueMs, FIRST_GRAFT_WAIT_MS);
    assertEquals(ask(FIRST_GRAFT_WAIT_MS - 1), []);
    assertEquals(ask(FIRST_GRAFT_WAIT_MS), ["1 bob"]);
  },
);

Deno.test("MissingEvents waits for the tree, less long the more it has to pass on", PURE, () => {
  const waitMs = (eager: readonly PeerId[]) => {
    const { missing } = newMissing(eager);
    missing.hear(ALICE.id, announced(1), 0);
    return missing.dueMs;
  };
  assertEquals(waitMs([BOB.id]), GRAFT_WAIT_MS + STAGGER_MS / 2);
  assertEquals(waitMs([BOB.id, CAROL.id]), GRAFT_WAIT_MS + STAGGER_MS / 4);
});

Deno.test("MissingEvents asks an eager neighbour soon for what it announced", PURE, () => {
  const { missing, ask } = newMissing([BOB.id]);
  missing.hear(ALICE.id, announced(1, 0), 0);
  missing.hear(BOB.id, announced(1, 5), 10);
  assertEquals(missing.dueMs, 10 + LATE_WAIT_MS);
  assertEquals(ask(10 + LATE_WAIT_MS), ["1 bob"]);
  assertEquals(missing.take(1)?.isOnTree, true);
});

Deno.test(
  "MissingEvents asks another for what an eager neighbour holds, once it is nearer",
  PURE,
  () => {
    const { missing, ask } = newMissing([BOB.id]);
    missing.hear(BOB.id, announced(1, 7, true), 0);
    missing.hear(ALICE.id, announced(1, 7), 1);
    assertEquals(missing.dueMs, GRAFT_WAIT_MS + STAGGER_MS / 2);
    missing.hear(CAROL.id, announced(1, 6), 2);
    assertEquals(missing.dueMs, 2 + LATE_WAIT_MS);
    assertEquals(ask(2 + LATE_WAIT_MS), ["1 carol"]);
    const taken = missing.take(1);
    assertEquals([taken?.isOnTree, taken?.isDetour], [true, true]);
  },
);

Deno.test(
  "MissingEvents asks one after the other, each in turn, and gives up after eight",
  PURE,
  () => {
    const { missing, ask } = newMissing();
    missing.hear(ALICE.id, announced(1, 1), 0);
    missing.hear(BOB.id, announced(1, 2), 0);
    const asked: string[] = [];
    let nowMs = FIRST_GRAFT_WAIT_MS;
    for (; missing.size > 0; nowMs += RETRY_MS) asked.push(...ask(nowMs));
    assertEquals(asked, Array(MAX_REQUESTS / 2).fill(["1 alice", "1 bob"]).flat());
    assertEquals(missing.dueMs, Infinity);
    missing.hear(ALICE.id, announced(1), nowMs);
    assertEquals(missing.size, 1);
  },
);

Deno.test("MissingEvents asks another at once when the one who was asked is gone", PURE, () => {
  const { missing, ask } = newMissing();
  missing.hear(ALICE.id, announced(1, 1), 0);
  missing.hear(BOB.id, announced(1, 2), 0);
  assertEquals(ask(20), ["1 alice"]);
  missing.remove(CAROL.id, 21);
  assertEquals(ask(21), []);
  missing.remove(ALICE.id, 22);
  assertEquals(missing.dueMs, 22);
  assertEquals(ask(22), ["1 bob"]);
  missing.remove(BOB.id, 23);
  assertEquals([ask(23), missing.size], [[], 0]);
});

Deno.test("MissingEvents.due() sees links change between two events", PURE, () => {
  const { missing, links } = newMissing();
  missing.hear(ALICE.id, announced(1), 0);
  missing.hear(ALICE.id, announced(2), 0);
  const asked: number[] = [];
  for (const [{ tag }] of missing.due(20)) {
    asked.push(tag);
    links.eager.add(ALICE.id);
    links.isRooted = true;
  }
  assertEquals([asked, missing.dueMs], [[1], 20 + RETRY_MS]);
});

Deno.test(
  "MissingEvents takes 256 tags on one neighbour's word, 1,024 in all, and makes room again",
  PURE,
  () => {
    const { missing } = newMissing();
    const hear = (id: PeerId, from: number) => {
      for (let tag = from; tag < from + 300; tag++) missing.hear(id, announced(tag), 0);
    };
    hear(ALICE.id, 0);
    assertEquals(missing.size, MAX_MISSING_OF_NEIGHBOUR);
    missing.take(0);
    missing.hear(ALICE.id, announced(9_999), 0);
    assertEquals(missing.size, MAX_MISSING_OF_NEIGHBOUR);
    for (let n = 1; n <= 4; n++) hear(identityOf(n).id, n * 1_000);
    assertEquals(missing.size, MAX_MISSING);
  },
);

Deno.test("MissingEvents remembers eight announcers of an event, each once", PURE, () => {
  const { missing } = newMissing();
  for (let n = 0; n < 12; n++) {
    for (let twice = 0; twice < 2; twice++) missing.hear(identityOf(n).id, announced(1), 0);
  }
  assertEquals(missing.take(1)?.announcers.length, MAX_ANNOUNCERS);
});
