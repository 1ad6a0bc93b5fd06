import { assert, assertEquals } from "@std/assert";
import { candidatesView, peerViews, statusView } from "../../src/control/views.ts";
import { DEFAULT_CAPABILITIES, writeCapabilities } from "../../src/discovery/capabilities.ts";
import { BACKEND } from "../testing/agents.ts";
import { ALICE, BOB, LAPTOP, WALL_MS } from "../testing/identities.ts";
import { aliceAndBob, fakeId } from "./village.ts";

const PURE = { permissions: "none" } as const;

Deno.test("statusView() says everything of an agent, in plain JSON", PURE, async () => {
  const { village, alice, setting } = await aliceAndBob();
  const view = statusView(alice.agent, setting);
  const { memory, pid, envelopes, gossip, ...rest } = view;
  assertEquals(rest, {
    version: "9.8.7",
    node_id: ALICE.id,
    short_id: ALICE.id.slice(0, 8),
    state_dir: "/state",
    uptime_s: 1,
    started_unix_ms: WALL_MS,
    listen: "10.0.0.1:9000",
    addresses: ["10.0.0.1:9000"],
    legacy: "lan",
    open: true,
    network: null,
    crypto: BACKEND.report,
    discovery: null,
    dials: { targets: 1, in_flight: 0, last_10_s: 0 },
    peers: { authenticated: 1, connected: 1, unverified: 0 },
    connections: { guests: 0, accepted: 1, evicted: 0, dialled: 0 },
    streams: 0,
    limits: {
      max_up_bps: null,
      max_down_bps: 8_000,
      max_connections: 100,
      max_file_bytes: 2_000,
      requests_per_s: 20,
      request_burst: 100,
      max_unverified: 1_024,
      max_unverified_per_address: 16,
    },
    limited: {
      requests_allowed: 1,
      requests_refused: 0,
      requests_dropped: 0,
      addresses_tracked: 1,
      unverified_evicted: 0,
      unverified_evicted_of_address: 0,
      unverified_expired: 0,
      unmet_evicted: 0,
      authenticated_evicted: 0,
      names_refused: 0,
      replays_refused: 0,
    },
    inbox: null,
    discoveries: 1,
    sessions_opened: 1,
    rejected: {},
    capabilities: writeCapabilities(alice.agent.capabilities, ALICE.id),
  });
  assertEquals(gossip.members, { alive: 2, suspect: 0, dead: 0, asleep: 0, left: 0 });
  assertEquals([gossip.state, gossip.sessions], ["alive", { wanted: 1, kept: 1 }]);
  assertEquals(pid, Deno.pid);
  assertEquals(envelopes, { received: 1, sent: 1, dropped: 0 });
  assert(memory.rss_mb > 1 && memory.heap_mb > 1);
  assertEquals(Math.round(memory.rss_mb * 10) / 10, memory.rss_mb, "a tenth is enough");
  assertEquals(JSON.parse(JSON.stringify(view)), view);
  await village.close();
});

Deno.test("statusView() counts peers by kind and refusals by code", PURE, async () => {
  const { village, alice, bob, setting } = await aliceAndBob();
  const { registry } = alice.agent;
  const nowMs = village.clock.now();
  registry.learnUnverified({
    id: "old",
    host: "10.0.0.9",
    address: undefined,
    capabilities: DEFAULT_CAPABILITIES,
  }, nowMs);
  registry.learn({ id: fakeId("away") }, nowMs);
  alice.agent.node.counters.rejected.set("bad_signature", 3);
  const view = statusView(alice.agent, setting);
  assertEquals(view.peers, { authenticated: 2, connected: 1, unverified: 1 });
  assertEquals(view.rejected, { bad_signature: 3 });
  await village.village.until(bob.agent.close());
  await village.pass(1_000);
  assertEquals(statusView(alice.agent, setting).peers.connected, 0);
  await village.close();
});

Deno.test("peerViews() shows each peer, in plain JSON", PURE, async () => {
  const { village, alice, bob } = await aliceAndBob();
  await alice.agent.ping(BOB.id);
  const [view, ...more] = peerViews(alice.agent, village.clock);
  const peer = alice.agent.registry.get(BOB.id);
  assert(view && peer?.trust === "authenticated");
  assertEquals(more, []);
  const { first_seen_unix_ms, connected_unix_ms, ...rest } = view;
  assertEquals(rest, {
    node_id: BOB.id,
    short_id: BOB.id.slice(0, 8),
    trust: "authenticated",
    name: null,
    role: null,
    connected: true,
    addresses: ["10.0.0.2:9000"],
    last_seen_s: 0,
    latency_ms: 0,
    capabilities: writeCapabilities(bob.agent.capabilities, BOB.id),
  });
  assertEquals(first_seen_unix_ms, WALL_MS + peer.firstSeenMs);
  assertEquals(connected_unix_ms, WALL_MS + (peer.connectedAtMs ?? NaN));
  assertEquals(JSON.parse(JSON.stringify(view)), view);
  await village.close();
});

Deno.test("peerViews() counts seconds since any word of a session", PURE, async () => {
  const { village, alice } = await aliceAndBob();
  const { clock } = village;
  const seen = () => peerViews(alice.agent, clock)[0]?.last_seen_s;
  await alice.agent.ping(BOB.id);
  assertEquals(seen(), 0, "a PONG is no news for the registry, but it is a word");
  village.village.network.partition(["10.0.0.1"], ["10.0.0.2"]);
  await village.pass(4_260, 10);
  assertEquals(seen(), 4.3);
  await village.close();
});

Deno.test(
  "peerViews() sorts connected first, then the latest heard, then by id",
  PURE,
  async () => {
    const { village, alice } = await aliceAndBob();
    const { registry } = alice.agent;
    const nowMs = village.clock.now();
    const old = { address: undefined, capabilities: DEFAULT_CAPABILITIES };
    registry.learn({ id: fakeId("c") }, nowMs - 500);
    registry.learnUnverified({ ...old, id: "old", host: "10.0.0.9" }, nowMs);
    registry.learn({ id: fakeId("b") }, nowMs - 500);
    registry.learn({ id: fakeId("z"), addresses: [{ host: "::1", port: 1 }] }, nowMs - 200);
    const views = peerViews(alice.agent, village.clock);
    assertEquals(views.map(({ node_id }) => node_id), [
      BOB.id,
      "old",
      fakeId("z"),
      fakeId("b"),
      fakeId("c"),
    ]);
    assertEquals(views.map(({ connected }) => connected), [true, false, false, false, false]);
    assertEquals(views.map(({ trust }) => trust)[1], "unverified");
    assertEquals(views[2]?.addresses, ["[::1]:1"]);
    assertEquals([views[2]?.connected_unix_ms, views[2]?.latency_ms], [null, null]);
    await village.close();
  },
);

Deno.test("peerViews() gives a peer that left no time of connection", PURE, async () => {
  const { village, alice, bob } = await aliceAndBob();
  await village.village.until(bob.agent.close());
  await village.pass(1_000);
  const [view] = peerViews(alice.agent, village.clock);
  assertEquals([view?.connected, view?.connected_unix_ms], [false, null]);
  await village.close();
});

Deno.test("candidatesView() ranks the fit and says why others are left out", PURE, async () => {
  const { village, alice } = await aliceAndBob();
  const { registry } = alice.agent;
  const nowMs = village.clock.now();
  registry.learn({ id: fakeId("laptop"), isConnected: true, capabilities: LAPTOP }, nowMs);
  registry.learn({
    id: fakeId("hot"),
    isConnected: true,
    capabilities: { ...LAPTOP, thermalState: "critical" },
  }, nowMs);
  registry.learn({ id: fakeId("away") }, nowMs);
  const view = candidatesView(alice.agent);
  // Bob: 0.4 x 0.875 + 0.2 + 0.1; the laptop: 0.4 x 0.75 + 0.2 + 0.1 - 0.3 x 0.25.
  assertEquals(view.candidates.map(({ node_id, priority }) => [node_id, priority]), [
    [BOB.id, 0.65],
    [fakeId("laptop"), 0.525],
  ]);
  assertEquals(view.candidates[1]?.capabilities, writeCapabilities(LAPTOP, fakeId("laptop")));
  assertEquals(view.left_out, [
    { node_id: fakeId("hot"), short_id: "hotaaaaa", reason: "too_hot" },
    { node_id: fakeId("away"), short_id: "awayaaaa", reason: "not_connected" },
  ]);
  assertEquals(JSON.parse(JSON.stringify(view)), view);
  await village.close();
});
