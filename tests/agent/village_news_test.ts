import { assertEquals } from "@std/assert";
import { VillageNews } from "../../src/agent/village_news.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { DEFAULT_CAPABILITIES, writeBriefly } from "../../src/discovery/capabilities.ts";
import { MemberTable } from "../../src/gossip/member_table.ts";
import { Registry } from "../../src/mesh/registry.ts";
import { selectForEvolution } from "../../src/mesh/selection.ts";
import { idOf, recordOf } from "../gossip/people.ts";
import { ALICE, LAPTOP } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const BOB = idOf(2);

function bench() {
  const registry = new Registry(ALICE.id);
  const table = new MemberTable();
  const logged: string[] = [];
  const log = (_: string, event: string) => void logged.push(event);
  const news = new VillageNews({ registry, members: () => table, nowMs: () => 5, log });
  const candidates = (): PeerId[] =>
    selectForEvolution(registry.peers()).candidates.map(({ peer }) => peer.id as PeerId);
  return { registry, table, logged, news, candidates };
}

Deno.test("VillageNews makes a member a candidate that nobody here has met", PURE, () => {
  const { registry, table, news, candidates } = bench();
  table.accept(recordOf(2), 0);
  const record = JSON.stringify(writeBriefly(LAPTOP));
  news.take({ type: "capabilities", id: BOB, record });
  assertEquals(candidates(), [BOB]);
  assertEquals(registry.get(BOB)?.capabilities, LAPTOP);
  assertEquals(registry.get(BOB)?.addresses, table.record(BOB)?.addresses);
  news.take({ type: "member", member: { id: BOB, incarnation: 0, change: "suspect" } });
  assertEquals(candidates(), []);
  news.take({ type: "member", member: { id: BOB, incarnation: 1, change: "alive" } });
  assertEquals(candidates(), [BOB]);
  news.take({ type: "capabilities", id: BOB, record: undefined });
  assertEquals(candidates(), [], "it has not said so for too long");
});

Deno.test("VillageNews takes an empty record for the defaults, and refuses liars", PURE, () => {
  const { registry, table, logged, news } = bench();
  table.accept(recordOf(2), 0);
  news.take({ type: "capabilities", id: BOB, record: "{}" });
  assertEquals(registry.get(BOB)?.capabilities, DEFAULT_CAPABILITIES);
  for (const record of ['{"cpu_cores":1e308}', '{"ram_mb":"x"}', '{"battery_percent":-1}']) {
    news.take({ type: "capabilities", id: BOB, record });
  }
  assertEquals(registry.get(BOB)?.capabilities, DEFAULT_CAPABILITIES);
  assertEquals(logged, Array(3).fill("record refused"));
});

Deno.test("VillageNews gives no work to one that the village does not hold for alive", PURE, () => {
  const { news, candidates } = bench();
  news.take({ type: "capabilities", id: BOB, record: "{}" });
  assertEquals(candidates(), []);
});
