/** Watchers and queries at the feed itself: what they cost when nobody reads, and when they go. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { settle } from "../../src/base/clock.ts";
import { EventFeed, EventFeedError } from "../../src/control/event_feed.ts";
import { queryResponse } from "../../src/control/query_route.ts";
import type { AgentVillage, Resident } from "../testing/agents.ts";
import { ALICE } from "../testing/identities.ts";
import { aliceAndBob } from "./village.ts";

const PURE = { permissions: "none" } as const;

interface Fed {
  readonly feed: EventFeed;
  readonly village: AgentVillage;
  readonly alice: Resident;
  readonly bob: Resident;
}

/** Runs `use` with a feed of Alice's agent. */
async function withFeed(use: (fed: Fed) => Promise<void> | void): Promise<void> {
  const { village, alice, bob } = await aliceAndBob();
  const feed = new EventFeed({ agent: alice.agent, clock: village.clock });
  try {
    await use({ feed, village, alice, bob });
  } finally {
    feed.close();
    await village.close();
  }
}

async function linesOf(response: Response) {
  const text = await response.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

function queryOf(name: string) {
  return { name, where: "", data: "", deadlineMs: 300_000, onAnswer: () => {}, onEnd: () => {} };
}

Deno.test(
  "EventFeed ends a watcher that has 256 lines to read, and tells it why",
  PURE,
  async () => {
    await withFeed(async ({ feed, village, alice }) => {
      const slow = feed.watch("lights");
      const other = feed.watch("other");
      // One line is with the stream already.
      for (let count = 0; count < 257; count++) {
        alice.agent.villager.broadcast("lights", String(count));
        village.clock.advance(1_000);
      }
      assertEquals(feed.watchers, 2);
      alice.agent.villager.broadcast("lights", "one too many");
      assertEquals(feed.watchers, 1);
      const [first, last, ...more] = await linesOf(slow);
      assertEquals([first.data, more], ["0", []]);
      assertEquals(last, { kind: "ended", code: "too_slow", message: "256 lines were not read" });
      alice.agent.villager.broadcast("other", "");
      feed.close();
      assertEquals((await linesOf(other)).map(({ kind }) => kind), ["event", "ended"]);
    });
  },
);

Deno.test("EventFeed takes 16 watchers, and another once one has gone", PURE, async () => {
  await withFeed(async ({ feed, alice }) => {
    const all = Array.from({ length: 16 }, () => feed.watch(undefined));
    const error = assertThrows(() => feed.watch(undefined), EventFeedError);
    assertEquals([error.code, feed.watchers], ["too_many_watchers", 16]);
    await all[7]?.body?.cancel();
    assertEquals(feed.watchers, 15);
    alice.agent.villager.broadcast("lights", "");
    feed.watch(undefined);
    assertThrows(() => feed.watch(undefined), EventFeedError);
    await Promise.all(all.map(({ body }) => body?.cancel()));
    assertEquals(feed.watchers, 1);
  });
});

Deno.test(
  "EventFeed keeps queries that somebody was told of until they are over",
  PURE,
  async () => {
    await withFeed(async ({ feed, village, alice, bob }) => {
      const { villager } = bob.agent;
      villager.query(queryOf("up"));
      await village.pass(1_000);
      assertEquals(feed.openQueries, 0, "nobody waits for it");
      feed.watch("up");
      villager.query(queryOf("up"));
      villager.query(queryOf("down"));
      await village.pass(1_000);
      assertEquals(feed.openQueries, 1);
      assertThrows(() => feed.answer("000000000001", "x"), EventFeedError);
      await village.pass(300_000, 10_000);
      const { id } = alice.agent.villager.query(queryOf("up"));
      assertEquals([feed.isOpen(id), feed.openQueries], [true, 1], "the old one is forgotten");
      feed.answer(id, "x");
      assertEquals([feed.isOpen(id), feed.openQueries], [false, 0]);
      assertThrows(() => feed.answer(id, "y"), EventFeedError, "answered already");
    });
  },
);

Deno.test("queryResponse() ends its query when its client goes", PURE, async () => {
  await withFeed(async ({ feed, village: { clock }, alice: { agent } }) => {
    for (const how of ["cancel", "abort"] as const) {
      const stop = new AbortController();
      const { signal } = stop;
      let ends = 0;
      signal.removeEventListener = () => void ends++;
      const request = { name: "up", where: "", data: "", deadlineMs: 300_000 };
      const response = queryResponse({ agent, clock, feed, signal }, request);
      await settle();
      assertEquals(ends, 0);
      if (how === "cancel") await response.body?.cancel();
      else {
        stop.abort();
        assertEquals(await linesOf(response), [
          { event: "asked", asked: 1 },
          { event: "done", answers: 0, asked: 1, seconds: 0 },
        ]);
      }
      assertEquals(ends, 1, how);
    }
  });
});

Deno.test("queryResponse() does not wait where nobody else is", PURE, async () => {
  await withFeed(async ({ feed, village, alice: { agent }, bob }) => {
    await village.village.until(bob.agent.close());
    await village.pass(1_000);
    assertEquals(agent.villager.gossip.members.awake, 1);
    const { signal } = new AbortController();
    const request = { name: "up", where: "", data: "", deadlineMs: 300_000 };
    const options = { agent, clock: village.clock, feed, signal };
    assertEquals(await linesOf(queryResponse(options, request)), [
      { event: "asked", asked: 0 },
      { event: "done", answers: 0, asked: 0, seconds: 0 },
    ]);
    assert(agent.identity.id === ALICE.id);
  });
});
