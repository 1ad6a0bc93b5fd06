/** The control API on real loopback: client and server, and what neither lets through. */

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { ControlClient, ControlClientError } from "../../src/control/client.ts";
import { writeEndpoint } from "../../src/control/endpoint_file.ts";
import { candidatesView, peerViews } from "../../src/control/views.ts";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import { withDirectory } from "../store/temp.ts";
import { ALICE, BOB } from "../testing/identities.ts";
import { type Controlled, fakeId, withServer } from "./village.ts";

const LOOPBACK = { permissions: { net: true, read: true, write: true } } as const;
const MAX_BODY = 16_384;

/** Runs `use` with a client that found its agent by the note. */
async function withClient(
  use: (client: ControlClient, controlled: Controlled) => Promise<void>,
): Promise<void> {
  await withServer((controlled) =>
    withDirectory(async (stateDir) => {
      const { url, token } = controlled.server;
      await writeEndpoint(stateDir, { url, token, pid: Deno.pid, listenPort: 9000 });
      await use(await ControlClient.open(stateDir), controlled);
    })
  );
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => call, ControlClientError);
  return error.code;
}

/** Status and error code of a request with the right token. */
async function request({ server }: Controlled, route: string, init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${server.token}`, ...init.headers };
  const response = await fetch(`${server.url}${route}`, { ...init, headers });
  const body = await response.json();
  return [response.status, body.error?.code];
}

/** The answer to a request as it is written, to its end. */
async function raw({ server }: Controlled, lines: readonly string[]): Promise<string> {
  const { port } = new URL(server.url);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  await connection.write(new TextEncoder().encode([...lines, "", ""].join("\r\n")));
  return await new Response(connection.readable).text();
}

Deno.test("ControlServer answers status, peers and candidates", LOOPBACK, async () => {
  await withClient(async (client, { alice, village }) => {
    const status = await client.status();
    assertEquals([status.node_id, status.pid, status.peers.connected], [ALICE.id, Deno.pid, 1]);
    assertEquals(await client.peers(), peerViews(alice.agent, village.clock));
    assertEquals(await client.candidates(), candidatesView(alice.agent));
  });
});

Deno.test("ControlServer pings by id and by any prefix that is unique", LOOPBACK, async () => {
  await withClient(async (client, { alice }) => {
    const expected = { node_id: BOB.id, short_id: BOB.id.slice(0, 8), rtt_ms: 0 };
    for (const length of [1, 8, 51, 52]) {
      assertEquals(await client.ping(BOB.id.slice(0, length)), expected);
    }
    assertEquals(alice.agent.registry.get(BOB.id)?.latencyMs, 0);
  });
});

Deno.test("ControlServer says which peer it cannot ping and why", LOOPBACK, async () => {
  await withClient(async (client, { alice, village }) => {
    const { registry } = alice.agent;
    const nowMs = village.clock.now();
    const news = { address: undefined, capabilities: DEFAULT_CAPABILITIES, host: "10.0.0.9" };
    registry.learnUnverified({ ...news, id: "1-python-node" }, nowMs);
    for (const id of ["twin2", "twin3"]) registry.learn({ id: fakeId(id) }, nowMs);
    const cases = [
      ["9", "unknown_peer"],
      [`${BOB.id}a`, "unknown_peer"],
      [BOB.id.toUpperCase(), "unknown_peer"],
      ["1-python", "unverified_peer"],
      ["twin", "ambiguous_peer"],
      ["twin2", "not_connected"],
      ["", "invalid_field"],
      ["a".repeat(129), "invalid_field"],
      ["a\nb", "invalid_field"],
    ] as const;
    for (const [peer, code] of cases) assertEquals(await codeOf(client.ping(peer)), code, peer);
    const error = await assertRejects(() => client.ping("twin"), ControlClientError);
    assertEquals(
      error.message,
      "Cannot tell which peer twin is: 2 ids start with it; give more of it",
    );
  });
});

Deno.test("ControlServer asks its owner to stop", LOOPBACK, async () => {
  await withClient(async (client, { village, stops }) => {
    assertEquals(await client.stop(), { stopping: true });
    assertEquals(stops(), 0, "the answer leaves first");
    village.clock.advance(0);
    assertEquals(stops(), 1);
  });
});

Deno.test("ControlServer serves nobody without its token", LOOPBACK, async () => {
  await withServer(async (controlled) => {
    const { server, village, stops } = controlled;
    assertMatch(server.token, /^[\w-]{43}$/);
    const wrong: readonly (string | undefined)[] = [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      server.token,
      `bearer ${server.token}`,
      `Bearer ${server.token}x`,
      `Bearer ${server.token.slice(0, -1)}`,
      `Bearer ${"A".repeat(43)}`,
      `Basic ${server.token}`,
    ];
    for (const authorization of wrong) {
      for (const [method, route] of [["GET", "status"], ["POST", "stop"], ["GET", "none"]]) {
        const response = await fetch(`${server.url}/v1/${route}`, {
          method: method ?? "",
          headers: authorization === undefined ? {} : { authorization },
        });
        const { error } = await response.json();
        assertEquals([response.status, error.code], [401, "unauthorized"], authorization);
      }
    }
    village.clock.advance(1_000);
    assertEquals(stops(), 0);
  });
});

Deno.test("ControlServer gives each run another token", LOOPBACK, async () => {
  await withServer((one) =>
    withServer((two) => {
      assertNotEquals(one.server.token, two.server.token);
      return Promise.resolve();
    })
  );
});

Deno.test("ControlServer serves no other host name than loopback's address", LOOPBACK, async () => {
  await withServer(async (controlled) => {
    const { token, url } = controlled.server;
    const { port } = new URL(url);
    const end = [`Authorization: Bearer ${token}`, "Connection: close"];
    const ask = (...hosts: readonly string[]) =>
      raw(controlled, ["GET /v1/status HTTP/1.1", ...hosts, ...end]);
    assertMatch(await ask(`Host: 127.0.0.1:${port}`), /^HTTP\/1\.1 200 /);
    for (
      const host of ["localhost", `localhost:${port}`, "evil.example", "127.0.0.1.evil.example"]
    ) {
      assertMatch(await ask(`Host: ${host}`), /^HTTP\/1\.1 401 /, host);
    }
    for (const host of ["[", "%", "a b", "127.0.0.1@evil.example"]) {
      assertMatch(await ask(`Host: ${host}`), /^HTTP\/1\.1 (4\d\d|502) /, host);
    }
  });
});

Deno.test(
  "ControlServer takes bodies up to 16,384 bytes and no longer ones",
  LOOPBACK,
  async () => {
    await withServer(async (controlled) => {
      const padded = (length: number) => JSON.stringify({ peer: "9" }).padEnd(length);
      const post = (body: string) => request(controlled, "/v1/ping", { method: "POST", body });
      assertEquals(await post(padded(MAX_BODY)), [404, "unknown_peer"]);
      assertEquals(await post(padded(MAX_BODY + 1)), [413, "too_large"]);
      assertEquals(await post("x".repeat(1_000_000)), [413, "too_large"]);
    });
  },
);

Deno.test("ControlServer refuses bodies that are not what it asks for", LOOPBACK, async () => {
  await withServer(async (controlled) => {
    const cases = [
      ["", "malformed_json"],
      ["{", "malformed_json"],
      ["\xff", "malformed_json"],
      ["null", "invalid_field"],
      ["[]", "invalid_field"],
      ["{}", "missing_field"],
      ['{"peer":1}', "invalid_field"],
      ['{"peer":null}', "invalid_field"],
      ['{"peer":{"__proto__":1}}', "invalid_field"],
    ] as const;
    for (const [body, code] of cases) {
      const outcome = await request(controlled, "/v1/ping", { method: "POST", body });
      assertEquals(outcome, [400, code], body);
    }
  });
});

Deno.test("ControlServer knows its routes and no others", LOOPBACK, async () => {
  await withServer(async (controlled) => {
    const unknown = [
      ["GET", "/"],
      ["GET", "/v1"],
      ["GET", "/v1/"],
      ["GET", "/v1/status/"],
      ["GET", "/v2/status"],
      ["GET", "/v1/stop"],
      ["GET", "/v1/ping"],
      ["POST", "/v1/status"],
      ["DELETE", "/v1/peers"],
      ["GET", "//v1/status"],
    ] as const;
    for (const [method, route] of unknown) {
      assertEquals(await request(controlled, route, { method }), [404, "unknown_route"], route);
    }
    assertEquals(await request(controlled, "/v1/status?a=b"), [200, undefined]);
  });
});

Deno.test("ControlServer lets nothing be cached", LOOPBACK, async () => {
  await withServer(async ({ server }) => {
    const response = await fetch(`${server.url}/v1/status`);
    await response.body?.cancel();
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(response.headers.get("access-control-allow-origin"), null);
  });
});

Deno.test("ControlClient says that nobody runs once the agent is gone", LOOPBACK, async () => {
  await withDirectory(async (stateDir) => {
    assertEquals(await codeOf(ControlClient.open(stateDir)), "not_running");
    await withServer(async ({ server: { url, token } }) => {
      await writeEndpoint(stateDir, { url, token, pid: 1, listenPort: 9000 });
      await (await ControlClient.open(stateDir)).status();
    });
    const client = await ControlClient.open(stateDir);
    const error = await assertRejects(() => client.status(), ControlClientError);
    assertEquals(error.code, "not_running");
    assert(error.message.includes("hamlet up"), error.message);
  });
});

Deno.test(
  "ControlClient takes a stranger on its agent's port for no agent",
  LOOPBACK,
  async () => {
    const stranger = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("<html>"),
    );
    try {
      await withDirectory(async (stateDir) => {
        const url = `http://127.0.0.1:${stranger.addr.port}`;
        await writeEndpoint(stateDir, { url, token: "x", pid: 1, listenPort: 9000 });
        const client = await ControlClient.open(stateDir);
        assertEquals(await codeOf(client.status()), "not_running");
      });
    } finally {
      await stranger.shutdown();
    }
  },
);
