import { assert, assertEquals } from "@std/assert";
import { ManualClock, settle } from "../../src/base/clock.ts";
import { type AskResult, LegacyNode } from "../../src/demo/legacy_node.ts";
import { readLegacyEvent } from "../../src/demo/legacy_process.ts";
import { concat, cut, framed, framedJson, framesIn, HOST, readAll, withServer } from "./sockets.ts";

const REPLY = {
  type: "PEER_DISCOVERY_RESPONSE",
  sender_id: "new-node",
  node_id: "new-node",
  listen_port: 9000,
  capabilities: { cpu_cores: 8 },
  status: "active",
  protocol_version: "1.0",
};

async function withNode<T>(
  use: (node: LegacyNode, clock: ManualClock) => Promise<T>,
): Promise<T> {
  const clock = new ManualClock();
  const node = new LegacyNode({ id: "old-node", port: 0, clock });
  try {
    return await use(node, clock);
  } finally {
    await node.close();
    assertEquals(clock.pending, 0);
  }
}

/** What an old node makes of a server that says `answer`. */
function askOnce(answer: Uint8Array): Promise<AskResult> {
  return withNode((node) => withServer(answer, (port) => node.ask(HOST, port)));
}

/** All that the server side of an old node says to `frames`. */
function tell(...frames: Uint8Array[]): Promise<{ replies: unknown[]; peers: string[] }> {
  return withNode(async (node) => {
    using connection = await Deno.connect({ hostname: HOST, port: node.port });
    for (const frame of frames) await connection.write(frame);
    await connection.closeWrite();
    const replies = framesIn(await readAll(connection));
    return { replies, peers: [...node.peers.keys()] };
  });
}

function request(more: Readonly<Record<string, unknown>> = {}): Uint8Array {
  return framedJson({
    type: "PEER_DISCOVERY",
    sender_id: "new-node",
    sender_port: 9000,
    timestamp: 1_750_000_000,
    capabilities: {},
    ...more,
  });
}

Deno.test("LegacyNode.ask() sends the documented request", async () => {
  await withNode((node) =>
    withServer(framedJson(REPLY), async (port, requests) => {
      await node.ask(HOST, port);
      assertEquals(await requests[0], {
        type: "PEER_DISCOVERY",
        sender_id: "old-node",
        sender_port: node.port,
        timestamp: 1_750_000_000,
        capabilities: {
          device_id: "old-node",
          cpu_cores: 1,
          ram_mb: 1024,
          battery_percent: null,
          network_type: "unknown",
          device_type: "unknown",
          performance_tier: "medium",
          thermal_state: "normal",
          can_evolve: true,
          evolution_capacity: 1,
          available_for_evolution: true,
        },
      });
    })
  );
});

Deno.test("LegacyNode.ask() registers sender_id with defaults for what is not said", async () => {
  const result = await askOnce(framedJson(REPLY));
  assert("peer" in result);
  assertEquals(result.peer.id, "new-node");
  assertEquals(result.peer.capabilities["cpu_cores"], 8);
  assertEquals(result.peer.capabilities["ram_mb"], 1024);
  assertEquals(result.peer.capabilities["device_id"], "new-node");
});

Deno.test("LegacyNode.ask() makes of each reply what the deployed client makes of it", async () => {
  const { sender_id: _, ...nodeIdOnly } = REPLY;
  const { capabilities: __, ...silent } = REPLY;
  const cases: readonly (readonly [claim: string, answer: Uint8Array, expected: string])[] = [
    ["both ids", framedJson(REPLY), "new-node"],
    ["an error that carries sender_id", framedJson({ ...REPLY, type: "ERROR" }), "new-node"],
    ["no capabilities", framedJson(silent), "new-node"],
    ["node_id alone", framedJson(nodeIdOnly), "no_sender_id"],
    ["null capabilities", framedJson({ ...REPLY, capabilities: null }), "bad_capabilities"],
    ["listed capabilities", framedJson({ ...REPLY, capabilities: [] }), "bad_capabilities"],
    ["a list", framedJson([REPLY]), "not_an_object"],
    ["not JSON", framed("hello"), "not_an_object"],
    ["invalid UTF-8", framed(Uint8Array.of(0x7b, 0xff, 0x7d)), "not_an_object"],
    ["an empty frame", framed(""), "not_an_object"],
    ["a frame before the reply", concat(framedJson({}), framedJson(REPLY)), "no_sender_id"],
    ["a header in two parts", framedJson(REPLY).subarray(0, 3), "short_header"],
    ["a body in two parts", framedJson(REPLY).subarray(0, 40), "short_body"],
    ["a byte before the reply", concat(Uint8Array.of(0x20), framedJson(REPLY)), "short_body"],
  ];
  for (const [claim, answer, expected] of cases) {
    const result = await askOnce(answer);
    assertEquals("peer" in result ? result.peer.id : result.failure, expected, claim);
  }
});

Deno.test("LegacyNode.ask() gives up after 2 s of silence", async () => {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  await withNode(async (node, clock) => {
    const asked = node.ask(HOST, listener.addr.port);
    using connection = await listener.accept();
    // The request has come, so it waits for the header as soon as a timer is set.
    assert(await connection.read(new Uint8Array(4)) === 4);
    while (clock.pending === 0) await settle();
    clock.advance(1_999);
    await settle();
    assertEquals(clock.pending, 1);
    clock.advance(1);
    assertEquals(await asked, { failure: "timeout" });
  });
});

Deno.test("LegacyNode.ask() says when nobody listens", async () => {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr;
  listener.close();
  assertEquals(await withNode((node) => node.ask(HOST, port)), { failure: "refused" });
});

Deno.test("LegacyNode.ask() takes a new connection for each request", async () => {
  await withNode((node) =>
    withServer(framedJson(REPLY), async (port, requests) => {
      await node.ask(HOST, port);
      // The server has seen the end of the first one.
      await requests[0];
      await node.ask(HOST, port);
      assertEquals(requests.length, 2);
    })
  );
});

Deno.test("LegacyNode answers a request with node_id alone and registers who asks", async () => {
  await withNode(async (node) => {
    using connection = await Deno.connect({ hostname: HOST, port: node.port });
    await connection.write(request({ capabilities: { ram_mb: 8192 }, protocols: ["json/1.1"] }));
    await connection.closeWrite();
    const [reply] = framesIn(await readAll(connection)) as Record<string, unknown>[];
    assertEquals({ ...reply, capabilities: {} }, {
      type: "PEER_DISCOVERY_RESPONSE",
      node_id: "old-node",
      listen_port: node.port,
      capabilities: {},
      status: "active",
      protocol_version: "1.0",
    });
    const peer = node.peers.get("new-node");
    assertEquals([peer?.host, peer?.port], [HOST, 9000]);
    assertEquals(peer?.capabilities["ram_mb"], 8192);
    assertEquals(peer?.capabilities["performance_tier"], "medium");
  });
});

Deno.test("LegacyNode makes of each frame what the deployed server makes of it", async () => {
  const binary = framed(Uint8Array.of(0xf8, 1, 2));
  const cases: readonly (readonly [string, Uint8Array[], replies: number, peers: number])[] = [
    ["one request", [request()], 1, 1],
    ["two requests", [request(), request()], 2, 1],
    ["a request in three parts", cut(request(), 2, 30), 1, 1],
    ["another type of message", [framedJson({ type: "HEARTBEAT", sender_id: "x" })], 0, 0],
    ["another type, then a request", [framedJson({ type: "HEARTBEAT" }), request()], 1, 1],
    ["null capabilities", [request({ capabilities: null })], 0, 0],
    ["listed capabilities", [request({ capabilities: [] })], 0, 0],
    ["no sender_id", [request({ sender_id: undefined })], 1, 0],
    ["a binary frame loses the next", [binary, request()], 0, 0],
    ["a binary frame loses the next alone", [binary, request(), request()], 1, 1],
    ["a list loses the next", [framedJson([1]), request(), request()], 1, 1],
    ["an empty frame ends it", [framed(""), request()], 0, 0],
    ["a length above the cap ends it", [Uint8Array.of(0, 0x10, 0, 1), request()], 0, 0],
  ];
  for (const [claim, frames, replies, peers] of cases) {
    const outcome = await tell(...frames);
    assertEquals([outcome.replies.length, outcome.peers.length], [replies, peers], claim);
  }
});

Deno.test("LegacyNode.close() drops the connections that are open", async () => {
  await withNode(async (node) => {
    using connection = await Deno.connect({ hostname: HOST, port: node.port });
    await connection.write(request());
    assert(await connection.read(new Uint8Array(4)) === 4);
    await node.close();
    await readAll(connection);
  });
});

Deno.test("LegacyNode tells of a peer once for each way it came", async () => {
  const told: string[] = [];
  const clock = new ManualClock();
  const onRegistered = (peer: { id: string }, via: string) => void told.push(`${peer.id} ${via}`);
  const a = new LegacyNode({ port: 0, clock, onRegistered });
  await withServer(framedJson(REPLY), async (port) => {
    await a.ask(HOST, port);
    await a.ask(HOST, port);
  });
  using connection = await Deno.connect({ hostname: HOST, port: a.port });
  await connection.write(concat(request(), request()));
  await connection.closeWrite();
  await readAll(connection);
  await a.close();
  assertEquals(told, ["new-node reply", "new-node request"]);
  assertEquals(a.id, `legacy-${a.port}`);
});

Deno.test("readLegacyEvent() reads the printed events and nothing else", {
  permissions: "none",
}, () => {
  const events = [
    { event: "ready", id: "legacy-9001", port: 9001 },
    { event: "registered", id: "new-node", via: "reply" },
    { event: "registered", id: "new-node", via: "request" },
    { event: "unanswered", reason: "no_sender_id" },
  ];
  for (const event of events) assertEquals<unknown>(readLegacyEvent(JSON.stringify(event)), event);
  for (
    const line of [
      "",
      "error: no such file",
      "[]",
      "{}",
      '{"event":"ready","id":"x","port":0}',
      '{"event":"registered","id":"x","via":"rumour"}',
      '{"event":"gone"}',
    ]
  ) assertEquals(readLegacyEvent(line), undefined, line);
});
