/** Sealed sessions that the counterpart dials: PROTOCOL.md sections 3 to 6 against one running agent. */

import { assert, assertEquals, assertFalse } from "@std/assert";
import { connect } from "node:net";
import { AgentProcess, eventually } from "./agent_process.ts";
import {
  discover,
  F8,
  helloHeader,
  initiate,
  muxFrame,
  peerRecord,
  PROTOCOLS,
  respond,
  type Session,
  signedRequest,
} from "./counterpart.ts";
import {
  createIdentity,
  createIdentitySorted,
  type Identity,
  isSignedBy,
} from "./counterpart_identity.ts";
import { generateKeyPair } from "./counterpart_noise.ts";
import {
  type Bytes,
  frame,
  join,
  type JsonMessage,
  LOOPBACK,
  Port,
  Wire,
} from "./counterpart_wire.ts";

/** Says JSON and does not ask to be dialled. */
const JSON_ONLY = { protocols: PROTOCOLS.slice(0, 2) };

async function dialSealed(agent: AgentProcess, identity = createIdentity()): Promise<Session> {
  return await initiate(await Wire.connect(agent.port), identity);
}

/** The agent still serves: a session of its own answers. */
async function proveAlive(agent: AgentProcess): Promise<void> {
  using session = await dialSealed(agent);
  await session.ping();
}

Deno.test("hamlet up serves sealed sessions to an independent node", async (t) => {
  await using agent = await AgentProcess.start({ args: ["--log-level", "debug"] });
  const agentId = await agent.id();

  await t.step("a signed 1.1 client is upgraded on the same connection", async () => {
    const identity = createIdentity();
    using wire = await Wire.connect(agent.port);
    const reply = await discover(wire, identity);
    assertEquals(reply["node_id"], agentId);
    assertEquals(reply["sender_id"], agentId);
    assertEquals(reply["protocol_version"], "1.1");
    assertEquals(reply["protocols"], PROTOCOLS);
    const session = await initiate(wire, identity);
    assertEquals(session.peerId, agentId);
    assertEquals(session.peer["listen"], [`127.0.0.1:${agent.port}`]);
    assert(Array.isArray(session.peer["features"]));
    await session.ping();
    const peer = await agent.untilPeer(identity.id, ({ connected }) => connected);
    assertEquals(peer.trust, "authenticated");
  });

  await t.step("a node may seal at once, without JSON", async () => {
    using session = await dialSealed(agent);
    await session.ping();
  });

  await t.step("several JSON frames may come before the upgrade", async () => {
    const identity = createIdentity();
    using wire = await Wire.connect(agent.port);
    for (let round = 0; round < 3; round++) await discover(wire, identity);
    const session = await initiate(wire, identity);
    await session.ping();
  });

  await t.step("the agent introduces itself with its own signed record", async () => {
    using session = await dialSealed(agent);
    const { data } = await session.untilType("PEER_INTRODUCTION") as { data: JsonMessage };
    const record = data["record"] as JsonMessage;
    assertEquals(record["type"], "PEER_RECORD");
    assertEquals(record["node_id"], agentId);
    assertEquals(record["addresses"], [`127.0.0.1:${agent.port}`]);
    assert(isSignedBy(agentId, record));
    assert(Number(record["expires"]) > Date.now());
    assert(Array.isArray(data["peers"]));
  });

  await t.step("envelopes carry the keys of the older nodes", async () => {
    using session = await dialSealed(agent);
    const id = await session.send("PING");
    const pong = await session.untilAnswer(id);
    assertEquals(Object.keys(pong).sort(), ENVELOPE_KEYS);
    assertEquals(pong["type"], "PONG");
    assertEquals(pong["sender_id"], agentId);
    assertEquals(pong["recipient_id"], session.identity.id);
    assertEquals(pong["requires_ack"], false);
  });

  await t.step("RESOURCE_STATUS changes what the agent knows of us", async () => {
    using session = await dialSealed(agent);
    const { id } = session.identity;
    await session.send("RESOURCE_STATUS", { capabilities: { cpu_cores: 7, ram_mb: 3210 } });
    await session.ping();
    const { capabilities } = await agent.untilPeer(id);
    assertEquals([capabilities["cpu_cores"], capabilities["ram_mb"]], [7, 3210]);
    await session.send("RESOURCE_STATUS", { capabilities: { cpu_cores: 1e308 } });
    await session.ping();
    assertEquals((await agent.untilPeer(id)).capabilities["cpu_cores"], 7);
  });

  await t.step("requires_ack is acknowledged; a duplicate again, but delivered once", async () => {
    using session = await dialSealed(agent);
    // A type that nobody handles yet: each delivery is answered by one ERROR.
    const envelope = session.envelope("RESOURCE_ALLOCATION", {}, { requires_ack: true });
    await session.sendAll([envelope]);
    const first = answersTo(envelope, await session.ping());
    assertEquals(first.map(({ type }) => type).sort(), ["ACK", "ERROR"]);
    await session.sendAll([{ ...envelope, retry_count: 1 }]);
    const second = answersTo(envelope, await session.ping());
    assertEquals(second.map(({ type }) => type), ["ACK"]);
  });

  await t.step("an expired message is dropped, one that has yet to expire is not", async () => {
    using session = await dialSealed(agent);
    const nowSeconds = Date.now() / 1000;
    const expired = session.envelope("RESOURCE_ALLOCATION", {}, {
      expiry_time: nowSeconds - 1,
      requires_ack: true,
    });
    const valid = session.envelope("RESOURCE_ALLOCATION", {}, { expiry_time: nowSeconds + 600 });
    await session.sendAll([expired, valid]);
    const answers = await session.ping();
    assertEquals(answersTo(expired, answers), []);
    assertEquals(answersTo(valid, answers).map(({ type }) => type), ["ERROR"]);
  });

  await t.step("a type that is not understood is answered by an ERROR that names it", async () => {
    using session = await dialSealed(agent);
    const id = await session.send("RESOURCE_ALLOCATION");
    const answer = await session.untilAnswer(id);
    assertEquals(answer["type"], "ERROR");
    assertEquals((answer["data"] as JsonMessage)["code"], "unsupported_type");
  });

  await t.step(
    "envelopes that break the schema are dropped and counted, the session goes on",
    async () => {
      using session = await dialSealed(agent);
      const bad: readonly JsonMessage[] = [
        session.envelope("NO_SUCH_TYPE"),
        session.envelope("PING", {}, { sender_id: createIdentity().id }),
        session.envelope("PING", {}, { message_id: 7 }),
        session.envelope("PING", {}, { priority: 4 }),
        session.envelope("PING", {}, { timestamp: -1 }),
        { type: "PING" },
      ];
      const { envelopes: before } = await agent.status() as { envelopes: { dropped: number } };
      await session.sendAll(bad);
      await session.sendPlaintext(join(muxFrame("{"), muxFrame("[]"), muxFrame("\u{feff}{}")));
      const answers = await session.ping();
      for (const each of bad) assertEquals(answersTo(each, answers), []);
      const { envelopes: after } = await agent.status() as { envelopes: { dropped: number } };
      assertEquals(after.dropped - before.dropped, bad.length + 3);
    },
  );

  await t.step("a message to somebody else is not answered, a broadcast is", async () => {
    using session = await dialSealed(agent);
    const other = await session.send("PING", {}, { recipient_id: createIdentity().id });
    const broadcast = await session.send("PING", {}, { recipient_id: null });
    const answers = (await session.ping()).map((each) => each["correlation_id"]);
    assertFalse(answers.includes(other));
    assert(answers.includes(broadcast));
  });

  await t.step("our fresh key is followed", async () => {
    using session = await dialSealed(agent);
    for (let round = 0; round < 3; round++) {
      await session.rekey();
      await session.ping();
    }
  });

  await t.step("the agent takes a fresh key within 2^16 records", async () => {
    using session = await dialSealed(agent);
    // Answers that can leave together do: one question at a time is one record each.
    for (let sent = 0; sent < 65_536 && session.rekeyed === 0; sent++) {
      await session.sendAll([session.envelope("PING")]);
      await session.untilType("PONG");
    }
    assertEquals(session.rekeyed, 1);
    await session.ping();
  });

  await t.step("a broken promise in a session ends it", async (t) => {
    const cases: readonly [string, string, (session: Session) => Promise<Bytes> | Bytes][] = [
      ["bad_tag", "a flipped bit in a record", (session) => {
        const record = session.seal(muxFrame(JSON.stringify(session.envelope("PING"))));
        return frame(flipped(record, 20));
      }],
      ["bad_tag", "a flipped bit in a tag", (session) => {
        const record = session.seal(muxFrame(JSON.stringify(session.envelope("PING"))));
        return frame(flipped(record, record.length - 1));
      }],
      ["bad_tag", "a record twice", (session) => {
        const record = frame(session.seal(muxFrame(JSON.stringify(session.envelope("PING")))));
        return join(record, record);
      }],
      ["bad_tag", "a record left out", (session) => {
        session.seal(muxFrame("{}"));
        return frame(session.seal(muxFrame("{}")));
      }],
      ["bad_message", "a record without a tag", () => frame(Uint8Array.of(0xf9, 1, 2, 3))],
      [
        "downgrade",
        "JSON in a sealed session",
        (session) => frame(JSON.stringify(signedRequest(session.identity))),
      ],
      [
        "downgrade",
        "a second handshake",
        () => frame(join(helloHeader(1, 1), generateKeyPair().pub)),
      ],
      [
        "unknown_kind",
        "an unknown channel frame",
        (session) => frame(session.seal(muxFrame("{}", 200))),
      ],
      [
        "truncated",
        "a channel frame that is cut short",
        (session) => frame(session.seal(muxFrame("{}").slice(0, 9))),
      ],
      ["length_out_of_bounds", "an empty frame", () => new Uint8Array(4)],
    ];
    for (const [code, name, attack] of cases) {
      await t.step(`${name}: ${code}`, async () => {
        using session = await dialSealed(agent);
        await session.ping();
        const before = await agent.rejected(code);
        await session.wire.write(await attack(session));
        await session.ended();
        assertEquals(await agent.rejected(code), before + 1);
        await agent.untilPeer(session.identity.id, ({ connected }) => !connected);
        await proveAlive(agent);
      });
    }
  });

  await t.step("a bent handshake gives no session", async (t) => {
    const cases: readonly [string, string, (wire: Wire, identity: Identity) => Promise<unknown>][] =
      [
        [
          "bad_tag",
          "a flipped bit in the static key",
          (wire, identity) => initiate(wire, identity, { tamper: (bytes) => flipped(bytes, 10) }),
        ],
        [
          "bad_tag",
          "a flipped bit in the payload",
          (wire, identity) =>
            initiate(wire, identity, { tamper: (bytes) => flipped(bytes, bytes.length - 20) }),
        ],
        [
          "bad_tag",
          "a last message cut short",
          (wire, identity) => initiate(wire, identity, { tamper: (bytes) => bytes.slice(0, -1) }),
        ],
        [
          "identity_mismatch",
          "somebody else's id",
          (wire, identity) =>
            initiate(wire, identity, { introduction: { node_id: createIdentity().id } }),
        ],
        // The key gives the lie away before the name does.
        [
          "identity_mismatch",
          "the agent's own id",
          (wire, identity) => initiate(wire, identity, { introduction: { node_id: agentId } }),
        ],
        [
          "version_mismatch",
          "another version inside than outside",
          (wire, identity) => initiate(wire, identity, { introduction: { version: 2 } }),
        ],
        [
          "bad_payload",
          "an introduction that is out of range",
          (wire, identity) =>
            initiate(wire, identity, { introduction: { capabilities: { cpu_cores: -1 } } }),
        ],
        ["identity_mismatch", "another key than JSON gave on this connection", async (wire) => {
          await discover(wire, createIdentity(), JSON_ONLY);
          await initiate(wire, createIdentity());
        }],
        ["unexpected_frame", "JSON in the middle of a handshake", async (wire, identity) => {
          await wire.writeFrame(join(helloHeader(1, 1), generateKeyPair().pub));
          await wire.expectFrame();
          await wire.writeFrame(JSON.stringify(signedRequest(identity)));
        }],
      ];
    for (const [code, name, attack] of cases) {
      await t.step(`${name}: ${code}`, async () => {
        const identity = createIdentity();
        const before = await agent.rejected(code);
        using wire = await Wire.connect(agent.port);
        await attack(wire, identity);
        assertEquals(await wire.readAll(), new Uint8Array(0));
        assertEquals(await agent.rejected(code), before + 1);
        assertEquals(await agent.peer(identity.id), undefined);
        await proveAlive(agent);
      });
    }
  });

  await t.step("versions that do not meet are refused with the agent's range", async () => {
    using wire = await Wire.connect(agent.port);
    await wire.writeFrame(join(helloHeader(5, 9), generateKeyPair().pub));
    assertEquals([...await wire.expectFrame()], [F8, 0, 1, 1, 1]);
    assertEquals(await wire.readAll(), new Uint8Array(0));
  });

  await t.step("a refusal for versions is logged with both ranges", async () => {
    await eventually(
      "a log line naming 5..9 and 1..1",
      () => agent.log.split("\n").some((line) => line.includes("5..9") && line.includes("1..1")),
      2_000,
    );
  });

  await t.step("a range that includes version 1 is accepted", async () => {
    using session = await initiate(await Wire.connect(agent.port), createIdentity(), {
      versions: [1, 9],
    });
    await session.ping();
  });

  await t.step("the pattern with a shared secret is refused where there is none", async () => {
    using wire = await Wire.connect(agent.port);
    await wire.writeFrame(join(helloHeader(1, 1, 2), generateKeyPair().pub));
    assertEquals([...await wire.expectFrame()], [F8, 0, 2, 1, 1]);
    assertEquals(await wire.readAll(), new Uint8Array(0));
  });

  await t.step("the 65th handshake in flight is told to come back", async () => {
    const wires: Wire[] = [];
    try {
      for (let count = 0; count < 64; count++) {
        const wire = await Wire.connect(agent.port);
        wires.push(wire);
        await wire.writeFrame(join(helloHeader(1, 1), generateKeyPair().pub));
        assertEquals((await wire.expectFrame())[1], 2);
      }
      using late = await Wire.connect(agent.port);
      await late.writeFrame(join(helloHeader(1, 1), generateKeyPair().pub));
      assertEquals([...await late.expectFrame()], [F8, 0, 3, 1, 1]);
      using honest = await Wire.connect(agent.port);
      await discover(honest, createIdentity(), JSON_ONLY);
    } finally {
      for (const wire of wires) wire.close();
    }
    await eventually("the places to be free again", async () => {
      const { connections } = await agent.status() as { connections: { guests: number } };
      return connections.guests === 0;
    });
    await proveAlive(agent);
  });

  await t.step("a replayed signed request does not change its signer's entry", async () => {
    const identity = createIdentity();
    const request = frame(JSON.stringify(
      signedRequest(identity, { ...JSON_ONLY, sender_port: 4242 }),
    ));
    using wire = await Wire.connect(agent.port);
    await wire.write(request);
    await wire.expectFrame();
    const before = await agent.untilPeer(identity.id);
    assertEquals(before.addresses, ["127.0.0.1:4242"]);
    for (const from of ["127.0.0.1", "127.0.0.2"]) await sendFrom(from, agent.port, request);
    const after = await agent.untilPeer(identity.id);
    assertEquals(after.addresses, before.addresses);
    assertEquals(after.connected, false);
  });

  await t.step(
    "a replayed request does not lure the agent away from a peer it has met",
    async () => {
      // A request signed for one node is replayed to another, from another address.
      const identity = createIdentity();
      using port = new Port();
      const introduction = { listen: [`127.0.0.1:${port.port}`] };
      const session = await initiate(await Wire.connect(agent.port), identity, { introduction });
      await session.ping();
      const stolen = signedRequest(identity, { sender_port: port.port });
      await sendFrom("127.0.0.2", agent.port, frame(JSON.stringify(stolen)));
      session.wire.close();
      using redial = await port.accept(6_000);
      const again = await respond(redial, identity, await redial.expectFrame());
      await again.ping();
    },
  );

  await t.step("a peer stays wanted where it was seen, whatever its record says", async () => {
    // Behind an address translator a node does not know its own address.
    const identity = createIdentity();
    using port = new Port();
    const listen = [`127.0.0.9:${port.port}`];
    const session = await initiate(await Wire.connect(agent.port), identity, {
      introduction: { listen },
    });
    await session.send("PEER_INTRODUCTION", { record: peerRecord(identity, listen) });
    await session.ping();
    session.wire.close();
    using redial = await port.accept(6_000);
    const again = await respond(redial, identity, await redial.expectFrame());
    await again.ping();
  });

  await t.step("an unsigned request does not overwrite an authenticated entry", async () => {
    const identity = createIdentity();
    using wire = await Wire.connect(agent.port);
    await discover(wire, identity, { ...JSON_ONLY, sender_port: 4243 });
    const before = await agent.untilPeer(identity.id);
    const forged = {
      type: "PEER_DISCOVERY",
      sender_id: identity.id,
      sender_port: 6666,
      timestamp: Date.now() / 1000,
      capabilities: { cpu_cores: 4096 },
    };
    using attacker = await Wire.connect(agent.port);
    await attacker.writeFrame(JSON.stringify(forged));
    assertEquals((await attacker.expectJson())["type"], "PEER_DISCOVERY_RESPONSE");
    const entries = (await agent.peers()).filter(({ node_id }) => node_id === identity.id);
    assertEquals(entries.length, 1);
    assertEquals(entries[0]?.trust, "authenticated");
    assertEquals(entries[0]?.addresses, before.addresses);
    assertEquals(entries[0]?.capabilities, before.capabilities);
  });

  await t.step("a second session from the same side replaces the first", async () => {
    const identity = createIdentity();
    using first = await dialSealed(agent, identity);
    await first.ping();
    using second = await dialSealed(agent, identity);
    await first.ended();
    await second.ping();
    const entries = (await agent.peers()).filter(({ node_id }) => node_id === identity.id);
    assertEquals(entries.map(({ connected }) => connected), [true]);
  });

  for (const place of ["before", "after"] as const) {
    await t.step(`of two dials that crossed the lower id's wins: ours sorts ${place}`, async () => {
      const identity = createIdentitySorted(place, agentId);
      using port = new Port();
      // Somebody tells the agent where we are, and it dials.
      using broker = await dialSealed(agent);
      const record = peerRecord(identity, [`127.0.0.1:${port.port}`]);
      await broker.send("PEER_INTRODUCTION", { peers: [record] });
      using dialled = await port.accept();
      const first = await dialled.expectFrame();
      // Before it is answered, our own dial goes through.
      using ours = await dialSealed(agent, identity);
      await ours.ping();
      const theirs = await respond(dialled, identity, first);
      const [winner, loser] = place === "before" ? [ours, theirs] : [theirs, ours];
      await loser.ended();
      await winner.ping();
      await agent.untilPeer(identity.id, ({ connected }) => connected);
    });
  }

  await t.step("goodbye ends a session and the wish for another", async () => {
    const identity = createIdentity();
    using port = new Port();
    using session = await initiate(await Wire.connect(agent.port), identity, {
      introduction: { listen: [`127.0.0.1:${port.port}`] },
    });
    await session.send("PEER_GOODBYE", { reason: "shutdown" });
    await session.ended();
    const peer = await agent.untilPeer(identity.id, ({ connected }) => !connected);
    assertEquals(peer.trust, "authenticated");
  });

  await t.step("nothing went wrong that the agent did not expect", () => {
    assertEquals(agent.events.filter(({ level }) => level === "error"), []);
    assertEquals(agent.events.filter(({ text }) => text !== undefined), []);
  });
});

const ENVELOPE_KEYS = [
  "agent_id",
  "correlation_id",
  "data",
  "evolution_id",
  "evolution_type",
  "expiry_time",
  "max_retries",
  "message_id",
  "priority",
  "recipient_id",
  "requires_ack",
  "retry_count",
  "sender_id",
  "timestamp",
  "type",
];

function answersTo(envelope: JsonMessage, answers: readonly JsonMessage[]): readonly JsonMessage[] {
  const id = envelope["message_id"];
  return answers.filter((each) => id !== undefined && each["correlation_id"] === id);
}

function flipped(bytes: Bytes, index: number): Bytes {
  const copy = bytes.slice();
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/**
 * Sends `bytes` from another address of this machine and resolves once they are answered. Where the system
 * has no such address, it is sent from the usual one.
 */
async function sendFrom(host: string, port: number, bytes: Bytes): Promise<void> {
  const localAddress = Deno.build.os === "linux" ? host : LOOPBACK;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host: LOOPBACK, port, localAddress }, () => socket.write(bytes));
  socket.once("data", () => socket.destroy());
  socket.once("error", reject);
  socket.once("close", () => resolve());
  await promise;
}
