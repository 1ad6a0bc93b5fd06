import { assert, assertEquals } from "@std/assert";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import { mergeAddresses } from "../../src/net/address.ts";
import { DEFAULT_REGISTRY, Registry } from "../../src/mesh/registry.ts";
import type { Address } from "../../src/net/address.ts";
import { ALICE, BOB, CAROL, identityOf, LAPTOP } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

function at(host: string, port = 9000): Address {
  return { host, port };
}

function hear(registry: Registry, id: string, host: string, nowMs = 0) {
  const news = { id, host, address: at(host), capabilities: DEFAULT_CAPABILITIES };
  return registry.learnUnverified(news, nowMs);
}

function ids(registry: Registry): readonly string[] {
  return registry.peers().map(({ id }) => id);
}

Deno.test("DEFAULT_REGISTRY holds the protocol's bounds", PURE, () => {
  const { maxUnverified, maxUnverifiedPerHost, unverifiedExpiryMs } = DEFAULT_REGISTRY;
  assertEquals([maxUnverified, maxUnverifiedPerHost, unverifiedExpiryMs], [1_024, 16, 120_000]);
});

Deno.test("Registry never registers its own node", PURE, () => {
  const registry = new Registry(ALICE.id);
  assertEquals(registry.learn({ id: ALICE.id, signedAtMs: 1 }, 0), undefined);
  assertEquals(hear(registry, ALICE.id, "10.0.0.9"), undefined);
  assertEquals(registry.size, 0);
});

Deno.test("Registry.learnUnverified() never touches an authenticated peer", PURE, () => {
  const registry = new Registry(ALICE.id);
  const news = { id: BOB.id, capabilities: LAPTOP, addresses: [at("10.0.0.2")], signedAtMs: 5 };
  const known = registry.learn(news, 1);
  assertEquals(hear(registry, BOB.id, "10.6.6.6", 2), undefined);
  assertEquals(registry.get(BOB.id), known);
  assertEquals(registry.size, 1);
});

Deno.test("Registry.learn() takes a name from who only said it", PURE, () => {
  const registry = new Registry(ALICE.id);
  hear(registry, BOB.id, "10.6.6.6");
  registry.learn({ id: BOB.id, addresses: [at("10.0.0.2")] }, 1);
  assertEquals(registry.size, 1);
  assertEquals(registry.get(BOB.id)?.addresses, [at("10.0.0.2")], "nothing of the claim stays");
});

Deno.test("Registry.learn() changes nothing on a replayed or older signed message", PURE, () => {
  const registry = new Registry(ALICE.id);
  const known = registry.learn({ id: BOB.id, addresses: [at("10.0.0.2")], signedAtMs: 1_000 }, 10);
  for (const signedAtMs of [1_000, 999, 1]) {
    const replay = { id: BOB.id, addresses: [at("10.6.6.6")], capabilities: LAPTOP, signedAtMs };
    assertEquals(registry.learn(replay, 20), undefined);
    assertEquals(registry.get(BOB.id), known);
  }
  assertEquals(registry.learn({ id: BOB.id, signedAtMs: 1_001 }, 30)?.lastSeenMs, 30);
});

Deno.test("Registry.learn() believes a session whatever was signed before", PURE, () => {
  const registry = new Registry(ALICE.id);
  registry.learn({ id: BOB.id, signedAtMs: 1_000 }, 10);
  const news = { id: BOB.id, capabilities: LAPTOP, isConnected: true, latencyMs: 7 };
  const peer = registry.learn(news, 20);
  assertEquals([peer?.capabilities, peer?.isConnected, peer?.latencyMs], [LAPTOP, true, 7]);
  assertEquals(registry.learn({ id: BOB.id, signedAtMs: 1_000 }, 30), undefined, "still a replay");
});

Deno.test("Registry.learn() keeps what the news does not mention", PURE, () => {
  const registry = new Registry(ALICE.id);
  registry.learn({
    id: BOB.id,
    capabilities: LAPTOP,
    addresses: [at("10.0.0.2")],
    latencyMs: 3,
    isConnected: true,
  }, 1);
  const peer = registry.learn({ id: BOB.id }, 9);
  assertEquals(peer?.capabilities, LAPTOP);
  assertEquals([peer?.latencyMs, peer?.isConnected, peer?.lastSeenMs], [3, true, 9]);
  assertEquals(peer?.addresses, [at("10.0.0.2")]);
});

Deno.test(
  "Registry.expire() drops the unverified after 120 s of silence, nobody else",
  PURE,
  () => {
    const registry = new Registry(ALICE.id);
    registry.learn({ id: BOB.id }, 0);
    hear(registry, "early", "10.0.0.3", 0);
    hear(registry, "late", "10.0.0.4", 1_000);
    hear(registry, "renewed", "10.0.0.5", 0);
    hear(registry, "renewed", "10.0.0.5", 60_000);
    assertEquals(registry.expire(120_000), []);
    assertEquals(registry.expire(120_001), ["early"]);
    assertEquals(registry.expire(121_001), ["late"]);
    assertEquals(registry.expire(1e12), ["renewed"]);
    assertEquals(ids(registry), [BOB.id]);
  },
);

Deno.test("Registry keeps at most 16 unverified peers of a host: its own oldest goes", PURE, () => {
  const registry = new Registry(ALICE.id);
  hear(registry, "elsewhere", "10.0.0.3", 0);
  for (let n = 0; n < 16; n++) hear(registry, `n${n}`, "10.0.0.9", 1 + n);
  hear(registry, "n0", "10.0.0.9", 50);
  assertEquals(registry.size, 17);
  hear(registry, "n16", "10.0.0.9", 60);
  assertEquals(registry.size, 17);
  assertEquals(registry.get("n1"), undefined, "n0 was heard again, so n1 is the oldest");
  assert(registry.get("n0") && registry.get("elsewhere"));
});

Deno.test("Registry keeps at most 1,024 unverified peers: the oldest goes", PURE, () => {
  const registry = new Registry(ALICE.id);
  for (let n = 0; n < 1_024; n++) hear(registry, `n${n}`, `10.0.${n >> 4}.1`, n);
  assertEquals(registry.size, 1_024);
  hear(registry, "newest", "10.9.9.9", 2_000);
  assertEquals([registry.size, registry.get("n0")], [1_024, undefined]);
  assert(registry.get("n1") && registry.get("newest"));
});

Deno.test("Registry holds its bounds against 5,000 names from one connection", PURE, () => {
  const registry = new Registry(ALICE.id);
  hear(registry, "victim", "10.0.0.3", 0);
  for (let n = 0; n < 5_000; n++) hear(registry, `liar${n}`, "10.6.6.6", 1);
  assertEquals(registry.size, 17);
  assert(registry.get("victim"));
});

Deno.test("Registry lets no other host overwrite a live unverified entry", PURE, () => {
  const registry = new Registry(ALICE.id);
  hear(registry, "python-node", "10.0.0.3", 0);
  hear(registry, "python-node", "10.6.6.6", 1_000);
  assertEquals(registry.get("python-node")?.addresses, [at("10.0.0.3")]);
});

Deno.test("Registry caps authenticated peers, sparing the connected and the newcomer", PURE, () => {
  const registry = new Registry(ALICE.id, { ...DEFAULT_REGISTRY, maxAuthenticated: 3 });
  const [a, b, c, d, e] = [1, 2, 3, 4, 5].map((n) => identityOf(n).id);
  assert(a && b && c && d && e);
  registry.learn({ id: a, isConnected: true }, 1);
  registry.learn({ id: b }, 2);
  registry.learn({ id: c }, 3);
  registry.learn({ id: b }, 4);
  registry.learn({ id: d }, 5);
  assertEquals(ids(registry), [a, b, d], "c was silent for longest");
  registry.amend(b, { isConnected: true });
  registry.learn({ id: e }, 6);
  assertEquals(ids(registry), [a, b, e]);
});

/** What the counters of `registry` add up to, those at 0 left out. */
function counted(registry: Registry): Record<string, number> {
  return Object.fromEntries(Object.entries(registry.counters).filter(([, count]) => count > 0));
}

/** Signed once, and never met. */
function meetNot(registry: Registry, n: number, host: string, nowMs: number) {
  return registry.learn({ id: identityOf(n).id, host, signedAtMs: 1 }, nowMs);
}

Deno.test("Registry keeps at most 16 of a host that signed and were never met", PURE, () => {
  const registry = new Registry(ALICE.id);
  meetNot(registry, 100, "10.0.0.3", 0);
  for (let n = 0; n < 20; n++) meetNot(registry, n, "10.0.0.9", 1 + n);
  assertEquals(registry.size, 1 + 16);
  assertEquals([0, 3, 4].map((n) => registry.get(identityOf(n).id)?.lastSeenMs), [
    undefined,
    undefined,
    5,
  ]);
  assertEquals(counted(registry), { unmetEvictedOfHost: 4 });
});

Deno.test("Registry keeps at most as many never met as it is told, the met besides", PURE, () => {
  const registry = new Registry(ALICE.id, { ...DEFAULT_REGISTRY, maxUnmet: 3 });
  registry.learn({ id: BOB.id, isConnected: true }, 0);
  for (let n = 0; n < 5; n++) meetNot(registry, n, `10.0.0.${n}`, n);
  assertEquals(ids(registry), [BOB.id, ...[2, 3, 4].map((n) => identityOf(n).id)]);
  assertEquals(counted(registry), { unmetEvicted: 2 });
});

Deno.test("Registry.counters tell which bound evicted an unverified peer", PURE, () => {
  const registry = new Registry(ALICE.id, {
    ...DEFAULT_REGISTRY,
    maxUnverified: 5,
    maxUnverifiedPerHost: 2,
    unverifiedExpiryMs: 1_000,
  });
  for (let n = 0; n < 5; n++) hear(registry, `n${n}`, "10.0.0.9", n);
  assertEquals(counted(registry), { unverifiedEvictedOfHost: 3 });
  for (let n = 5; n < 9; n++) hear(registry, `n${n}`, `10.0.0.${n + 5}`, n);
  assertEquals(counted(registry), { unverifiedEvictedOfHost: 3, unverifiedEvicted: 1 });
  assertEquals(registry.expire(1_007).length, 3, "n4, n5 and n6 spoke at 4, 5 and 6 ms");
  assertEquals(counted(registry), {
    unverifiedEvictedOfHost: 3,
    unverifiedEvicted: 1,
    unverifiedExpired: 3,
  });
});

Deno.test("Registry.counters tell names refused from replays", PURE, () => {
  const registry = new Registry(ALICE.id);
  registry.learn({ id: BOB.id, signedAtMs: 5 }, 0);
  hear(registry, "python-node", "10.0.0.3", 0);
  for (const name of [ALICE.id, BOB.id, "python-node"]) hear(registry, name, "10.6.6.6", 1);
  assertEquals(counted(registry), { namesRefused: 3 });
  for (const signedAtMs of [5, 4]) registry.learn({ id: BOB.id, signedAtMs }, 1);
  assertEquals(counted(registry), { namesRefused: 3, replaysRefused: 2 });
  hear(registry, "python-node", "10.0.0.3", 2);
  registry.learn({ id: BOB.id, signedAtMs: 6 }, 2);
  assertEquals(counted(registry), { namesRefused: 3, replaysRefused: 2 }, "honest news is neither");
});

Deno.test("Registry.counters tell how many authenticated peers its size cost", PURE, () => {
  const registry = new Registry(ALICE.id, { ...DEFAULT_REGISTRY, maxAuthenticated: 3 });
  for (let n = 0; n < 10; n++) registry.learn({ id: identityOf(n).id }, n);
  assertEquals(counted(registry), { authenticatedEvicted: 7 });
});

Deno.test("Registry.amend() changes only what it names, and only whom it knows", PURE, () => {
  const registry = new Registry(ALICE.id);
  registry.learn({ id: BOB.id, isConnected: true }, 5);
  registry.amend(BOB.id, { isConnected: false, latencyMs: 9 });
  registry.amend(CAROL.id, { latencyMs: 1 });
  const peer = registry.get(BOB.id);
  assert(peer?.trust === "authenticated");
  assertEquals([peer.isConnected, peer.latencyMs, peer.lastSeenMs], [false, 9, 5]);
  assertEquals(registry.size, 1);
});

Deno.test("Registry takes names such as __proto__ for names", PURE, () => {
  const registry = new Registry(ALICE.id);
  for (const name of ["__proto__", "constructor", "toString"]) {
    assertEquals(registry.get(name), undefined);
    hear(registry, name, "10.0.0.9");
    assertEquals(registry.get(name)?.id, name);
  }
});

Deno.test("mergeAddresses() puts the newest first, without repeats, at most eight", PURE, () => {
  const old = Array.from({ length: 8 }, (_, n) => at(`10.0.0.${n}`));
  assertEquals(mergeAddresses([at("10.0.0.7"), at("10.1.1.1")], old), [
    at("10.0.0.7"),
    at("10.1.1.1"),
    ...old.slice(0, 6),
  ]);
  assertEquals(mergeAddresses([], []), []);
});
