/** Agents in a village: finding one another, telling, losing and finding again. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { MESSAGE_TYPES, type MessageType } from "../../src/node/envelope.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { AgentVillage, IDLE, linesOf, type Resident } from "../testing/agents.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";
import type { Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const B = "10.0.0.2";

async function pair() {
  const village = new AgentVillage();
  const a = await village.add(ALICE, A);
  const b = await village.add(BOB, B, { peers: [a.address] });
  await village.pass(500);
  assertEquals([a.agent.node.connected, b.agent.node.connected], [[BOB.id], [ALICE.id]]);
  return { village, a, b };
}

/** An agent and a bare node with a session to it. */
async function withNode(identity = BOB) {
  const village = new AgentVillage();
  const a = await village.add(ALICE, A);
  const node = village.village.add(identity, B);
  await village.village.until(node.node.dial(a.address, { approach: "seal" }));
  await village.pass(100);
  return { village, a, node };
}

function received({ events }: Villager, type: MessageType) {
  return events.flatMap((event) =>
    event.type === "envelope" && event.envelope.type === type ? [event.envelope] : []
  );
}

Deno.test("Agent finds a whole village through one address", PURE, async () => {
  const village = new AgentVillage();
  const first = await village.add(identityOf(0), "10.0.1.0");
  const residents = [first];
  for (let n = 1; n < 6; n++) {
    residents.push(await village.add(identityOf(n), `10.0.1.${n}`, { peers: [first.address] }));
  }
  await village.pass(4_000);
  const everyone = residents.map(({ id }) => id).sort();
  for (const { agent, id } of residents) {
    const others = everyone.filter((each) => each !== id);
    assertEquals([...agent.node.connected].sort(), others);
    const { candidates, leftOut } = agent.selectForEvolution();
    assertEquals(candidates.map(({ peer }) => peer.id as string).sort(), others);
    assertEquals(leftOut, []);
    assertEquals(agent.node.guests, 0);
  }
  assertEquals(village.openConnections, 15, "one for each of the pairs");
  const dialsBefore = residents.map(({ dials }) => dials.length);
  await village.pass(60_000, 500);
  assertEquals(residents.map(({ dials }) => dials.length), dialsBefore, "and nobody dials again");
  await village.close();
});

Deno.test(
  "Agent tells the others of a change of 10 points at the next measurement",
  PURE,
  async () => {
    const { village, a, b } = await pair();
    const seen = () => b.agent.registry.get(a.id)?.capabilities.cpuPercent;
    assertEquals(seen(), 10);
    a.reading = { ...IDLE, cpuPercent: 20 };
    await village.pass(9_000, 250);
    assertEquals(seen(), 10, "not measured yet");
    await village.pass(1_500, 250);
    assertEquals(seen(), 20);
    assertEquals(a.agent.capabilities.cpuPercent, 20);
    await village.close();
  },
);

Deno.test("Agent sends RESOURCE_STATUS every 30 s and at once on a change", PURE, async () => {
  const { village, a, node } = await withNode();
  const statuses = () => received(node, "RESOURCE_STATUS");
  await village.clock.run(29_500 - village.clock.now(), 250);
  assertEquals(statuses().length, 0);
  await village.pass(1_000, 250);
  assertEquals(statuses().length, 1);
  a.reading = { ...IDLE, cpuPercent: 19.9 };
  await village.pass(20_000, 250);
  assertEquals(statuses().length, 1, "9.9 points are not worth it");
  a.reading = { ...IDLE, cpuPercent: 20 };
  await village.pass(5_000, 250);
  assertEquals(statuses().length, 1);
  await village.pass(5_000, 250);
  assertEquals(statuses().length, 2, "10 points are, and the 30 s are over too");
  a.reading = IDLE;
  await village.pass(10_000, 250);
  assertEquals(statuses().length, 3, "10 s after the last one");
  const capabilities = statuses().at(-1)?.data["capabilities"] as Record<string, unknown>;
  assertEquals([capabilities["cpu_percent"], capabilities["device_id"]], [10, ALICE.id]);
  await village.close();
});

Deno.test("Agent redials who vanished, every few seconds, and takes it back", PURE, async () => {
  const { village, a, b } = await pair();
  const vanishedMs = village.clock.now();
  const before = a.dials.length;
  await village.crash(b);
  await village.pass(40_000, 50);
  const dials = a.dials.slice(before);
  assert(dials.every(({ to }) => to === `${B}:9000`));
  // The crash itself lasts until its host can be refused again; after that each dial fails at once.
  const gaps = dials.slice(1).map(({ atMs }, index) => atMs - (dials[index]?.atMs ?? 0));
  assert((dials[0]?.atMs ?? Infinity) - vanishedMs <= 1_250, "looked for at once");
  // The dial plan backs off; the village dials its dead every 2.5 to 7.5 s, and looks once a second.
  assert(gaps.every((gap) => gap >= 1_000 && gap <= 8_500), `${gaps}`);
  assertEquals(linesOf(a, "peer not reached").length, dials.length);
  assertEquals(a.agent.registry.get(b.id)?.trust, "authenticated");
  assertEquals(a.agent.selectForEvolution().leftOut.map(({ reason }) => reason), ["not_connected"]);

  const again = await village.add(BOB, B);
  await village.pass(61_000, 250);
  assertEquals([a.agent.node.connected, again.agent.node.connected], [[BOB.id], [ALICE.id]]);
  assertEquals(again.dials.length, 0, "it was found, it did not search");
  await village.close();
});

Deno.test("Agent does not redial who said goodbye", PURE, async () => {
  const { village, a, b } = await pair();
  const before = a.dials.length;
  await village.village.until(b.agent.close());
  await village.pass(120_000, 1_000);
  assertEquals(a.dials.length, before);
  assertEquals(linesOf(a, "peer disconnected").map(({ code }) => code), ["goodbye"]);
  assertEquals(a.agent.registry.get(b.id)?.trust, "authenticated", "known all the same");
  await village.close();
});

Deno.test("Agent dials a given address for ever, even after a goodbye", PURE, async () => {
  const { village, a, b } = await pair();
  await village.village.until(a.agent.close());
  await village.pass(5_000);
  const again = await village.add(ALICE, A);
  await village.pass(20_000, 250);
  assertEquals(again.agent.node.connected, [b.id]);
  await village.close();
});

Deno.test("Agent warns once of an address that does not answer", PURE, async () => {
  const village = new AgentVillage();
  const a = await village.add(ALICE, A, { peers: [{ host: B, port: 9000 }] });
  await village.pass(10_000, 250);
  const levels = a.lines.filter(({ event }) => event === "peer not reached").map(({ level }) =>
    level
  );
  assertEquals(levels.slice(0, 3), ["warn", "debug", "debug"]);
  assertEquals(linesOf(a, "peer not reached")[0], {
    address: `${B}:9000`,
    peer: undefined,
    code: "refused",
    reason: `Cannot connect to ${B}:9000: nobody listens there`,
    next: "dialled again",
  });
  await village.close();
});

Deno.test("Agent dials an address once that turns out to be its own", PURE, async () => {
  const village = new AgentVillage();
  const a = await village.add(ALICE, A, { peers: [{ host: A, port: 9000 }] });
  await village.pass(30_000, 500);
  assertEquals(a.dials.length, 1);
  assertEquals(linesOf(a, "peer not reached").map(({ code }) => code), ["self_connection"]);
  assertEquals(a.agent.registry.size, 0);
  await village.close();
});

Deno.test(
  "Agent dials the peers of earlier runs at its start, itself not among them",
  PURE,
  async () => {
    const village = new AgentVillage();
    const a = await village.add(ALICE, A);
    const b = await village.add(BOB, B, {
      known: [
        { id: BOB.id, addresses: [{ host: "10.0.0.9", port: 9000 }] },
        { id: ALICE.id, addresses: [{ host: "10.0.0.8", port: 9000 }, a.address] },
      ],
    });
    await village.pass(1_000);
    assertEquals(
      b.dials.map(({ to }) => to),
      ["10.0.0.8:9000", `${A}:9000`],
      "each address in turn",
    );
    assertEquals(b.agent.node.connected, [ALICE.id]);
    await village.close();
  },
);

Deno.test("Agent does not take another peer for a known one", PURE, async () => {
  const village = new AgentVillage();
  const a = await village.add(ALICE, A);
  const known = [{ id: CAROL.id, addresses: [a.address] }];
  const b = await village.add(BOB, B, { known });
  await village.pass(1_000);
  assertEquals([b.agent.node.connected, b.agent.registry.size], [[], 0]);
  assertEquals(linesOf(b, "peer not reached")[0]?.["code"], "identity_mismatch");
  await village.close();
});

Deno.test("Agent forgets an unverified peer after 120 s of silence", PURE, async () => {
  const village = new AgentVillage();
  const a = await village.add(ALICE, A);
  await ask(village, a, "python-node");
  const startMs = village.clock.now();
  assertEquals(a.agent.registry.get("python-node")?.addresses, [{ host: "10.0.0.66", port: 9001 }]);
  assertEquals(a.agent.selectForEvolution().leftOut.map(({ reason }) => reason), ["unverified"]);
  await village.clock.run(startMs + 119_000 - village.clock.now(), 1_000);
  assertEquals(a.agent.registry.size, 1);
  await village.pass(7_000, 500);
  assertEquals(a.agent.registry.size, 0);
  assertEquals(linesOf(a, "peer expired"), [{ peer: "python-n" }]);
  assertEquals(a.dials.length, 0, "nobody dials an old node that nobody named");
  await village.close();
});

Deno.test("Agent answers what it does not understand with an ERROR", PURE, async () => {
  const { village, a, node } = await withNode();
  const understood = new Set<MessageType>([
    "PING",
    "PONG",
    "ACK",
    "ERROR",
    "HEARTBEAT",
    "RESOURCE_STATUS",
    "PEER_INTRODUCTION",
    "PEER_ANNOUNCEMENT",
    "PEER_GOODBYE",
    "NETWORK_STATE",
  ]);
  for (const type of MESSAGE_TYPES.filter((each) => !understood.has(each))) {
    const { messageId } = node.node.send(a.id, type, {});
    await village.pass(10, 10);
    const error = received(node, "ERROR").at(-1);
    assertEquals([error?.correlationId, error?.data], [messageId, {
      code: "unsupported_type",
      message: `Cannot handle ${type}: it is not understood yet`,
    }]);
  }
  const errors = received(node, "ERROR").length;
  for (const type of ["ERROR", "HEARTBEAT", "RESOURCE_STATUS", "ACK", "PING"] as const) {
    node.node.send(a.id, type, {});
  }
  await village.pass(100);
  assertEquals(received(node, "ERROR").length, errors);
  assertEquals(node.node.connected, [a.id]);
  await village.close();
});

Deno.test("Agent lets a late PONG pass", PURE, async () => {
  const { village, a, node } = await withNode();
  node.node.send(a.id, "PONG", { pong_time: 0 }, { correlationId: "long ago" });
  await village.pass(100);
  assertEquals(received(node, "ERROR"), []);
  await village.close();
});

Deno.test("Agent refuses a status that is malformed and keeps the session", PURE, async () => {
  const { village, a, node } = await withNode();
  const before = a.agent.registry.get(node.id);
  for (const capabilities of [[], null, 1, { cpu_cores: 0 }, { battery_percent: 101 }]) {
    node.node.send(a.id, "RESOURCE_STATUS", { capabilities });
  }
  await village.pass(100);
  assertEquals(linesOf(a, "message refused").length, 5);
  assertEquals(a.agent.registry.get(node.id)?.capabilities, before?.capabilities);
  node.node.send(a.id, "HEARTBEAT", {
    capabilities: { cpu_cores: 2, current_evolution_load: 0.9 },
  });
  await village.pass(100);
  const after = a.agent.registry.get(node.id)?.capabilities;
  assertEquals([after?.cpuCores, after?.evolutionLoad], [2, 0.9]);
  assertEquals(node.node.connected, [a.id]);
  await village.close();
});

Deno.test("Agent.ping() measures the round trip and notes it", PURE, async () => {
  const { village, a, b } = await pair();
  assertEquals(await a.agent.ping(b.id), 0, "a perfect wire");
  const peer = a.agent.registry.get(b.id);
  assertEquals(peer?.latencyMs, 0);
  const error = await assertRejects(() => a.agent.ping(CAROL.id), RequestError);
  assertEquals(error.code, "not_connected");
  await village.close();
});

Deno.test("Agent.close() is idempotent and leaves no timer", PURE, async () => {
  const { village, a, b } = await pair();
  await village.village.until(Promise.all([a.agent.close(), a.agent.close(), b.agent.close()]));
  await village.village.until(a.agent.close());
  await village.pass(5_000);
  assertEquals(village.clock.pending, 0);
  assertEquals(village.openConnections, 0);
});

Deno.test("Agent says when it is short of resources", PURE, async () => {
  const village = new AgentVillage();
  const a = await village.add(ALICE, A, {
    measure: () => Promise.resolve({ ...IDLE, memoryPercent: 91 }),
  });
  assertEquals(a.agent.capabilities.availableForEvolution, false);
  const reply = await ask(village, a, "python-node");
  assertEquals([reply["status"], reply["node_id"]], ["resource_constrained", ALICE.id]);
  await village.close();
});

/** Asks as an old node that listens on port 9001; resolves with the reply. */
async function ask(
  { village }: AgentVillage,
  { address }: Resident,
  id: string,
): Promise<Record<string, unknown>> {
  const dialer = village.network.dialerFrom("10.0.0.66");
  const stream = await village.until(dialer.dial(address, { timeoutMs: 1_000 }));
  const request = { type: "PEER_DISCOVERY", sender_id: id, sender_port: 9001, capabilities: {} };
  await stream.write(encodeFrame(encodeUtf8(JSON.stringify(request))));
  const buffer = new Uint8Array(8_192);
  const count = await village.until(stream.read(buffer));
  stream.close();
  return JSON.parse(new TextDecoder().decode(buffer.subarray(4, count ?? 0)));
}
