/** `GET /metrics`: what it says of an agent that met another, to whom, and that no stranger makes a series. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentMetrics } from "../../src/control/metrics.ts";
import { openMetricsToken } from "../../src/control/metrics_token.ts";
import { writeMetrics } from "../../src/control/prometheus_text.ts";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import { StoreError } from "../../src/store/files.ts";
import { withDirectory } from "../store/temp.ts";
import { ALICE, BOB } from "../testing/identities.ts";
import { aliceAndBob, type Controlled, METRICS, withServer } from "./village.ts";
import {
  parsedByPython,
  promtoolComplaints,
  promtoolIsThere,
  pythonParserIsThere,
} from "./foreign_parsers.ts";

const LOOPBACK = { permissions: { net: true, read: true, write: true } } as const;

function metricsOf(
  { alice, setting }: Pick<Controlled, "alice" | "setting">,
): ReadonlyMap<string, number> {
  const text = writeMetrics(agentMetrics(alice.agent, setting, METRICS.process.read()));
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

async function scrape({ server }: Controlled, token: string, init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${token}` };
  return await fetch(`${server.url}/metrics`, { headers, ...init });
}

Deno.test("agentMetrics() counts a session, its handshake, its frames and its bytes", async () => {
  const { village, alice, bob, setting } = await aliceAndBob();
  try {
    const before = metricsOf({ alice, setting });
    const at = (key: string) => before.get(key);
    assertEquals(at("hamlet_sessions"), 1);
    assertEquals(at("hamlet_connections_open"), 1);
    assertEquals(at("hamlet_connections_accepted_total"), 1);
    assertEquals(at('hamlet_handshakes_total{outcome="ok"}'), 1);
    assertEquals(at('hamlet_handshakes_total{outcome="failed"}'), 0);
    assertEquals(at("hamlet_handshake_duration_seconds_count"), 1);
    // Bob asks in JSON, then sends the first and the last frame of the handshake.
    assertEquals(at('hamlet_frames_received_total{path="json"}'), 1);
    assertEquals(at('hamlet_frames_received_total{path="handshake"}'), 2);
    assertEquals(at('hamlet_registry_peers{kind="authenticated"}'), 1);
    assertEquals(at('hamlet_members{state="alive"}'), 2);
    assertEquals(at("hamlet_candidates"), 1);
    await alice.agent.ping(bob.id);
    await village.pass(30_000);
    const after = metricsOf({ alice, setting });
    assertEquals(after.get('hamlet_round_trip_seconds_count{kind="ping"}'), 1);
    for (
      const key of [
        'hamlet_frames_received_total{path="sealed"}',
        "hamlet_receive_bytes_total",
        "hamlet_transmit_bytes_total",
        "hamlet_gossip_probes_total",
        'hamlet_gossip_messages_total{direction="sent"}',
      ]
    ) assert((after.get(key) ?? 0) > (before.get(key) ?? 0), key);
    assert((after.get('hamlet_round_trip_seconds_count{kind="probe"}') ?? 0) > 0);
  } finally {
    await village.close();
  }
});

Deno.test("agentMetrics() counts a member that is gone: probes, suspicion, death", async () => {
  const { village, alice, bob, setting } = await aliceAndBob();
  try {
    village.village.network.unplug(bob.address.host);
    await village.pass(60_000);
    const metrics = metricsOf({ alice, setting });
    const at = (key: string) => metrics.get(key);
    assertEquals(at("hamlet_gossip_suspicions_total"), 1);
    assertEquals(at("hamlet_gossip_deaths_total"), 1);
    assert((at("hamlet_gossip_probes_failed_total") ?? 0) >= 1);
    assertEquals([at('hamlet_members{state="alive"}'), at('hamlet_members{state="dead"}')], [1, 1]);
    assertEquals([at("hamlet_sessions"), at("hamlet_connections_open")], [0, 0]);
    assertEquals([
      at("hamlet_candidates"),
      at('hamlet_candidates_left_out{reason="not_connected"}'),
    ], [
      0,
      1,
    ]);
  } finally {
    await village.close();
  }
});

Deno.test("agentMetrics() tells strangers' names to nobody, and has few series however many come", async () => {
  const { village, alice, setting } = await aliceAndBob();
  try {
    const series = metricsOf({ alice, setting }).size;
    const { registry, node } = alice.agent;
    for (let index = 0; index < 500; index++) {
      registry.learnUnverified({
        id: `evil"} 1\n${index}`,
        host: `10.1.${index >> 8}.${index & 255}`,
        address: undefined,
        capabilities: DEFAULT_CAPABILITIES,
      }, village.clock.now());
      node.counters.rejected.set(`made_up_${index}`, 1);
    }
    node.counters.rejected.set('evil"} 1\n', 5);
    const text = writeMetrics(agentMetrics(alice.agent, setting, METRICS.process.read()));
    for (const secret of ["evil", ALICE.id, BOB.id, ALICE.id.slice(0, 8), "10.0.0.", "10.1."]) {
      assert(!text.includes(secret), secret);
    }
    const metrics = metricsOf({ alice, setting });
    assertEquals(metrics.size, series + 96 + 1);
    assertEquals(metrics.get('hamlet_rejects_total{reason="other"}'), 500 - 96 + 5);
    assertEquals(metrics.get('hamlet_registry_peers{kind="unverified"}'), 500);
    assertEquals(metrics.get('hamlet_candidates_left_out{reason="unverified"}'), 500);
  } finally {
    await village.close();
  }
});

Deno.test("ControlServer gives the metrics to its own token and to theirs", LOOPBACK, async () => {
  await withServer(async (controlled) => {
    for (const token of [controlled.server.token, METRICS.token]) {
      const response = await scrape(controlled, token);
      assertEquals(response.status, 200);
      assertEquals(
        response.headers.get("content-type"),
        "text/plain; version=0.0.4; charset=utf-8",
      );
      const text = await response.text();
      assertMatch(text, /^hamlet_sessions 1$/m);
      assertMatch(text, /^process_resident_memory_bytes 52428800$/m);
      assertMatch(text, /^process_cpu_seconds_total 1\.5$/m);
      assertMatch(text, /^process_open_fds 23$/m);
    }
  });
});

Deno.test("ControlServer opens nothing else to the metrics token", LOOPBACK, async () => {
  await withServer(async (controlled) => {
    const { server, village, stops } = controlled;
    const headers = { authorization: `Bearer ${METRICS.token}` };
    const routes = [
      ["GET", "/v1/status"],
      ["POST", "/v1/stop"],
      ["POST", "/v1/stop?/metrics"],
      ["GET", "/metrics/../v1/status"],
      ["GET", "//metrics"],
      ["GET", "/metrics/"],
    ] as const;
    for (const [method, route] of routes) {
      const response = await fetch(`${server.url}${route}`, { method, headers });
      await response.body?.cancel();
      assertEquals(response.status, 401, route);
    }
    village.clock.advance(1_000);
    assertEquals(stops(), 0);
    for (const token of ["", "n".repeat(43), METRICS.token.slice(1), `${METRICS.token}m`]) {
      const response = await scrape(controlled, token);
      await response.body?.cancel();
      assertEquals(response.status, 401, token);
    }
    const post = await scrape(controlled, METRICS.token, { method: "POST", headers });
    await post.body?.cancel();
    assertEquals(post.status, 404);
  });
});

Deno.test("GET /metrics is read without complaint by Prometheus's own Python parser", {
  ignore: !(await pythonParserIsThere()),
}, async () => {
  await withServer(async (controlled) => {
    const text = await (await scrape(controlled, METRICS.token)).text();
    const families = await parsedByPython(text);
    const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
    const samples = families.flatMap((family) => family.samples);
    assertEquals(samples.length, lines.length, "each line is a sample");
    const types = new Map(families.map(({ name, type }) => [name, type]));
    // The parser names counters without their suffix.
    assertEquals(types.get("hamlet_frames_received"), "counter");
    assertEquals(types.get("hamlet_sessions"), "gauge");
    assertEquals(types.get("hamlet_round_trip_seconds"), "histogram");
    assertEquals(families.filter(({ type }) => type === "unknown"), []);
    const build = samples.find(({ name }) => name === "hamlet_build_info");
    assertEquals([build?.value, build?.labels["version"]], [1, "9.8.7"]);
    const counted = samples.find(({ name, labels }) =>
      name === "hamlet_frames_received_total" && labels["path"] === "handshake"
    );
    assertEquals(counted?.value, 2);
  });
});

Deno.test("GET /metrics is named as promtool wants it", {
  ignore: !(await promtoolIsThere()),
}, async () => {
  await withServer(async (controlled) => {
    const text = await (await scrape(controlled, METRICS.token)).text();
    assertEquals(await promtoolComplaints(text), "");
  });
});

Deno.test("openMetricsToken() makes one token, and keeps it to its owner", LOOPBACK, async () => {
  await withDirectory(async (stateDir) => {
    const [one, two] = await Promise.all([openMetricsToken(stateDir), openMetricsToken(stateDir)]);
    assertMatch(one, /^[\w-]{43}$/);
    assertEquals([two, await openMetricsToken(stateDir)], [one, one]);
    const path = `${stateDir}/metrics.token`;
    assertEquals(await Deno.readTextFile(path), `${one}\n`);
    const { mode } = await Deno.stat(path);
    if (mode !== null) assertEquals(mode & 0o777, 0o600);
  });
});

Deno.test("openMetricsToken() replaces no damaged file", LOOPBACK, async () => {
  await withDirectory(async (stateDir) => {
    const path = `${stateDir}/metrics.token`;
    for (const text of ["", "short\n", `${"a".repeat(43)}\n${"b".repeat(43)}`, "x".repeat(1_000)]) {
      await Deno.writeTextFile(path, text);
      const error = await openMetricsToken(stateDir).catch((error) => error);
      assert(error instanceof StoreError, text);
      assertEquals(await Deno.readTextFile(path), text);
    }
  });
});
