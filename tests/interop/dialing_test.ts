/** The agent as the side that dials: independent responders, other agents, and itself. */

import { assert, assertEquals } from "@std/assert";
import { AgentProcess, eventually } from "./agent_process.ts";
import {
  F8,
  helloHeader,
  initiate,
  peerRecord,
  PROTOCOLS,
  respond,
  type Session,
  signedReply,
} from "./counterpart.ts";
import { createIdentity, type Identity, isSignedBy } from "./counterpart_identity.ts";
import { type JsonMessage, Port, Wire } from "./counterpart_wire.ts";

/** Reads the agent's question and checks that it is a 1.1 request that old nodes understand too. */
async function readQuestion(wire: Wire, agentId: string): Promise<JsonMessage> {
  const question = await wire.expectJson();
  assertEquals(question["type"], "PEER_DISCOVERY");
  assertEquals(question["sender_id"], agentId);
  assertEquals(question["protocols"], PROTOCOLS);
  assert(Number.isInteger(question["sender_port"]));
  assert(Math.abs(Number(question["timestamp"]) - Date.now() / 1000) < 300);
  const { capabilities } = question;
  assert(typeof capabilities === "object" && capabilities !== null && !Array.isArray(capabilities));
  assert(isSignedBy(agentId, question));
  return question;
}

/** Tells the agent, through a session of somebody else, where `identity` is. */
async function tellOf(agent: AgentProcess, identity: Identity, port: Port): Promise<Session> {
  const broker = await initiate(await Wire.connect(agent.port), createIdentity());
  await broker.send("PEER_INTRODUCTION", {
    peers: [peerRecord(identity, [`127.0.0.1:${port.port}`])],
  });
  return broker;
}

Deno.test("hamlet up dials an independent node", async (t) => {
  using given = new Port();
  await using agent = await AgentProcess.start({
    args: ["--log-level", "debug", "--peer", `127.0.0.1:${given.port}`],
  });
  const agentId = await agent.id();
  const identity = createIdentity();

  await t.step("given an address it asks in JSON, then seals on the same connection", async () => {
    using wire = await given.accept();
    const question = await readQuestion(wire, agentId);
    await wire.writeFrame(
      JSON.stringify(signedReply(identity, question, { listen_port: given.port })),
    );
    const session = await respond(wire, identity, await wire.expectFrame());
    assertEquals(session.peerId, agentId);
    await session.untilType("PEER_INTRODUCTION");
    await session.ping();
    const peer = await agent.untilPeer(identity.id, ({ connected }) => connected);
    assertEquals(peer.trust, "authenticated");
    assertEquals(peer.addresses, [`127.0.0.1:${given.port}`]);
  });

  await t.step(
    "a session that vanished is dialled again, sealed at once or through JSON",
    async () => {
      using wire = await given.accept();
      const first = await wire.expectFrame();
      if (first[0] === F8) {
        using session = await respond(wire, identity, first);
        await session.ping();
      } else {
        await wire.writeFrame(
          JSON.stringify(signedReply(identity, JSON.parse(new TextDecoder().decode(first)))),
        );
        using session = await respond(wire, identity, await wire.expectFrame());
        await session.ping();
      }
      // This session and its port end here: nobody answers there any more.
      given.close();
    },
  );

  await t.step("a peer that it heard of by a signed record is sealed at once", async () => {
    const other = createIdentity();
    using port = new Port();
    using _broker = await tellOf(agent, other, port);
    using wire = await port.accept();
    const first = await wire.expectFrame();
    assertEquals([...first.subarray(0, 5)], [...helloHeader(1, 1)]);
    using session = await respond(wire, other, first);
    await session.ping();
    await agent.untilPeer(other.id, ({ connected }) => connected);
  });

  await t.step(
    "records that are forged, expired or without their owner are not believed",
    async () => {
      const signer = createIdentity();
      using port = new Port();
      using broker = await initiate(await Wire.connect(agent.port), createIdentity());
      const at = [`127.0.0.1:${port.port}`];
      const good = peerRecord(signer, at);
      const past = Date.now() - 7_200_000;
      await broker.send("PEER_INTRODUCTION", {
        peers: [
          { ...good, addresses: ["127.0.0.1:1"] },
          { ...good, node_id: createIdentity().id },
          { ...good, signature: undefined },
          peerRecord(signer, at, { seq: past, expires: past + 3_600_000 }),
          peerRecord(signer, at, { expires: Date.now() + 999_999_999 }),
          peerRecord(signer, at, { type: "PEER_DISCOVERY" }),
          null,
          [],
        ],
      });
      await broker.ping();
      const before = await dials(agent);
      // The honest record in the same session still counts, and is the only dial.
      const honest = createIdentity();
      await broker.send("PEER_INTRODUCTION", { peers: [peerRecord(honest, at)] });
      using wire = await port.accept();
      using session = await respond(wire, honest, await wire.expectFrame());
      assertEquals(session.peerId, agentId);
      assert(await dials(agent) > before);
      assertEquals(await agent.peer(signer.id), undefined);
    },
  );

  await t.step("a record of the sender that is not its own is refused", async () => {
    using broker = await initiate(await Wire.connect(agent.port), createIdentity());
    await broker.send("PEER_INTRODUCTION", { record: peerRecord(createIdentity(), []) });
    await broker.ping();
    await eventually(
      "a warning",
      () => agent.events.some(({ event }) => event === "message refused"),
    );
  });

  await t.step("whoever answers in a peer's place gets no session", async () => {
    const wanted = createIdentity();
    const impostor = createIdentity();
    using port = new Port();
    using _broker = await tellOf(agent, wanted, port);
    using wire = await port.accept();
    const before = await agent.rejected("identity_mismatch");
    const refused = await respond(wire, impostor, await wire.expectFrame()).catch((error) => error);
    assert(refused instanceof Error, "the agent must not finish this handshake");
    assertEquals(await agent.rejected("identity_mismatch"), before + 1);
    assertEquals(await agent.peer(impostor.id), undefined);
  });

  await t.step("a bent answer to its handshake gives no session", async () => {
    const wanted = createIdentity();
    using port = new Port();
    using _broker = await tellOf(agent, wanted, port);
    using wire = await port.accept();
    const before = await agent.rejected("bad_tag");
    const tamper = (bytes: Uint8Array<ArrayBuffer>) => {
      bytes[60] = (bytes[60] ?? 0) ^ 1;
      return bytes;
    };
    const refused = await respond(wire, wanted, await wire.expectFrame(), { tamper })
      .catch((error) => error);
    assert(refused instanceof Error, "the agent must not finish this handshake");
    assertEquals(await agent.rejected("bad_tag"), before + 1);
  });

  await t.step("a refusal for its version ends the dial, and both ranges are logged", async () => {
    using port = new Port();
    using _broker = await tellOf(agent, createIdentity(), port);
    using wire = await port.accept();
    await wire.expectFrame();
    await wire.writeFrame(Uint8Array.of(F8, 0, 1, 5, 9));
    assertEquals(await wire.readAll(), new Uint8Array(0));
    await eventually(
      "a log line naming 1..1 and 5..9",
      () => agent.log.split("\n").some((line) => line.includes("1..1") && line.includes("5..9")),
      2_000,
    );
  });

  await t.step("nothing went wrong that the agent did not expect", () => {
    assertEquals(agent.events.filter(({ level }) => level === "error"), []);
    assertEquals(agent.events.filter(({ text }) => text !== undefined), []);
  });
});

Deno.test("hamlet up believes no reply that is not its peer's", async (t) => {
  const cases: readonly [
    string,
    string,
    (identity: Identity, question: JsonMessage) => JsonMessage,
  ][] = [
    [
      "bad_signature",
      "a recorded reply, signed for another question",
      (identity) => signedReply(identity, { nonce: "AAAAAAAAAAAAAAAAAAAAAA" }),
    ],
    ["bad_signature", "a reply changed on the way", (identity, question) => ({
      ...signedReply(identity, question),
      listen_port: 6666,
    })],
    [
      "identity_mismatch",
      "a reply under another name",
      (identity, question) =>
        signedReply(identity, question, {
          node_id: createIdentity().id,
          sender_id: undefined,
        }),
    ],
    [
      "identity_mismatch",
      "two names that differ",
      (identity, question) => signedReply(identity, question, { sender_id: createIdentity().id }),
    ],
    ["refused_by_peer", "an error", () => ({ type: "ERROR", code: "x", message: "y" })],
    [
      "invalid_field",
      "capabilities that are a list",
      (identity, question) => signedReply(identity, question, { capabilities: [] }),
    ],
  ];
  const ports = cases.map(() => new Port());
  try {
    const peers = ports.flatMap(({ port }) => ["--peer", `127.0.0.1:${port}`]);
    await using agent = await AgentProcess.start({ args: ["--log-level", "debug", ...peers] });
    const agentId = await agent.id();
    for (const [index, [code, name, answer]] of cases.entries()) {
      await t.step(`${name}: ${code}`, async () => {
        const identity = createIdentity();
        using wire = await ports[index]?.accept();
        if (!wire) throw new Error("no port");
        const question = await readQuestion(wire, agentId);
        const before = await agent.rejected(code);
        await wire.writeFrame(JSON.stringify(answer(identity, question)));
        assertEquals(await wire.readAll(), new Uint8Array(0));
        assertEquals(await agent.rejected(code), before + 1);
        assertEquals((await agent.peers()).length, 0);
      });
    }
  } finally {
    for (const port of ports) port.close();
  }
});

Deno.test("hamlet up finds a peer that was killed and started again", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "hamlet-interop-" });
  try {
    let killed = await AgentProcess.start({ stateDir });
    const { port } = killed;
    const id = await killed.id();
    // It is also given an address that leads back to itself.
    using mirror = new Port();
    await using agent = await AgentProcess.start({
      args: ["--peer", `127.0.0.1:${port}`, "--peer", `127.0.0.1:${mirror.port}`],
    });
    await agent.untilPeer(id, ({ connected }) => connected);
    const reflection = reflect(await mirror.accept(), agent.port);
    killed.signal("SIGKILL");
    await killed.exited();
    await killed[Symbol.asyncDispose]();
    await agent.untilPeer(id, ({ connected }) => !connected);
    killed = await AgentProcess.start({ stateDir, port: ["--port", String(port)] });
    try {
      assertEquals(await killed.id(), id);
      await agent.untilPeer(id, ({ connected }) => connected);
      await killed.untilPeer(await agent.id(), ({ connected }) => connected);
    } finally {
      await killed[Symbol.asyncDispose]();
    }
    await reflection;
    assertEquals(await agent.rejected("self_connection"), 1);
    assertEquals(await agent.peer(await agent.id()), undefined);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

/** Passes everything between `wire` and `port` until both have ended. */
async function reflect(wire: Wire, port: number): Promise<void> {
  using _near = wire;
  using far = await Wire.connect(port);
  const pass = async (from: Wire, to: Wire) => {
    for (;;) {
      const bytes = await from.receive(65_536);
      if (!bytes) break;
      await to.write(bytes);
    }
    await to.closeWrite().catch(() => {/* it has ended too */});
  };
  await Promise.all([pass(wire, far), pass(far, wire)]);
}

async function dials(agent: AgentProcess): Promise<number> {
  const { connections } = await agent.status() as { connections: { dialled: number } };
  return connections.dialled;
}
