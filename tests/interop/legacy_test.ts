/**
 * Old nodes (JSON 1.0, unsigned): they must register us, we must register them, and `--legacy` decides who
 * may. First with doubles written here, then with one in the language of the deployed nodes.
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import { fileURLToPath } from "node:url";
import { AgentProcess, eventually, hamlet, programArgs } from "./agent_process.ts";
import { discover, PROTOCOLS } from "./counterpart.ts";
import { createIdentity } from "./counterpart_identity.ts";
import { type JsonMessage, LOOPBACK, Port, textOf, Wire } from "./counterpart_wire.ts";

const PYTHON_PEER = fileURLToPath(new URL("./legacy_peer.py", import.meta.url));
/** The slow test outlives the 120 s after which a silent old node expires. */
const RUNS_SLOW_TESTS = Deno.env.get("HAMLET_SLOW_TESTS") === "1";
const REPLY_LIMIT_BYTES = 1_200;

const REQUEST: JsonMessage = Object.freeze({
  type: "PEER_DISCOVERY",
  sender_id: "old-node",
  sender_port: 9003,
  timestamp: 1_755_000_000.25,
  capabilities: { cpu_cores: 4, ram_mb: 8192, network_type: "wifi", device_type: "phone" },
});

/** One question as a stock client asks it: one `recv` for the header, one for the body. */
async function askOnce(port: number, request: JsonMessage): Promise<JsonMessage> {
  using wire = await Wire.connect(port);
  await wire.writeFrame(JSON.stringify(request));
  const header = await wire.receive(4, 2_000);
  assertEquals(header?.length, 4, "the header must come by one recv");
  const length = new DataView((header ?? new Uint8Array(4)).buffer).getUint32(0);
  const body = await wire.receive(length, 2_000);
  assertEquals(body?.length, length, "the body must come by one recv");
  assert(4 + length < REPLY_LIMIT_BYTES, `${length} bytes are too many for one segment`);
  return JSON.parse(textOf(body ?? new Uint8Array(0)));
}

/** What a stock server says: `node_id` alone. */
function stockReply(id: string, port: number): string {
  return JSON.stringify({
    type: "PEER_DISCOVERY_RESPONSE",
    node_id: id,
    listen_port: port,
    capabilities: { cpu_cores: 2, ram_mb: 4096 },
    status: "active",
    protocol_version: "1.0",
  });
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

Deno.test("hamlet up and stock old nodes find each other", async (t) => {
  using server = new Port();
  await using agent = await AgentProcess.start({
    args: ["--log-level", "debug", "--peer", `${LOOPBACK}:${server.port}`],
  });
  const agentId = await agent.id();

  await t.step("a stock client registers us", async () => {
    const reply = await askOnce(agent.port, REQUEST);
    assertEquals(reply["type"], "PEER_DISCOVERY_RESPONSE");
    assertEquals([reply["sender_id"], reply["node_id"]], [agentId, agentId]);
    assertEquals(reply["listen_port"], agent.port);
    assertEquals(reply["protocol_version"], "1.0");
    assert(isObject(reply["capabilities"]));
    const { device_id, cpu_cores, ram_mb } = reply["capabilities"] as JsonMessage;
    assertEquals(device_id, agentId);
    assert(Number(cpu_cores) >= 1 && Number(ram_mb) >= 1);
  });

  await t.step("the largest request of an old node gets a reply that is as short", async () => {
    const longest = { ...REQUEST, sender_id: "n".repeat(128), nonce: "A".repeat(22) };
    assert((await askOnce(agent.port, longest))["signature"], "a nonce is signed back");
  });

  await t.step("it appears in hamlet peers --json as unverified", async () => {
    const { code, stdout } = await hamlet(["peers", "--json", "--state", agent.stateDir]);
    assertEquals(code, 0);
    const { peers } = JSON.parse(stdout) as { peers: JsonMessage[] };
    const entry = peers.find(({ node_id }) => node_id === "old-node");
    assertEquals([entry?.["trust"], entry?.["connected"]], ["unverified", false]);
    assertEquals(entry?.["addresses"], [`${LOOPBACK}:9003`]);
    assertEquals((entry?.["capabilities"] as JsonMessage)["cpu_cores"], 4);
  });

  await t.step("it is never a candidate for work", async () => {
    const { stdout } = await hamlet(["candidates", "--json", "--state", agent.stateDir]);
    const view = JSON.parse(stdout) as { candidates: JsonMessage[]; left_out: JsonMessage[] };
    assertFalse(view.candidates.some(({ node_id }) => node_id === "old-node"));
    const left = view.left_out.find(({ node_id }) => node_id === "old-node");
    assertEquals(left?.["reason"], "unverified");
  });

  await t.step("a request without sender_id is answered and registers nobody", async () => {
    const before = (await agent.peers()).length;
    await askOnce(agent.port, { type: "PEER_DISCOVERY" });
    assertEquals((await agent.peers()).length, before);
  });

  await t.step("absent capabilities mean their defaults", async () => {
    await askOnce(agent.port, { ...REQUEST, sender_id: "terse", capabilities: {} });
    const { capabilities } = await agent.untilPeer("terse");
    assertEquals(
      ["cpu_cores", "ram_mb", "battery_percent", "network_type", "device_type"].map((key) =>
        capabilities[key]
      ),
      [1, 1024, null, "unknown", "unknown"],
    );
    assertEquals(
      ["performance_tier", "thermal_state", "can_evolve", "evolution_capacity"].map((key) =>
        capabilities[key]
      ),
      ["medium", "normal", true, 1],
    );
  });

  await t.step("a stock server that fails at first is asked again and registered", async () => {
    (await server.accept()).close();
    using wire = await server.accept();
    const question = await wire.expectJson();
    assertEquals(question["type"], "PEER_DISCOVERY");
    assertEquals(typeof question["sender_id"], "string");
    assert(isObject(question["capabilities"]));
    await wire.writeFrame(stockReply("stock-server", server.port));
    // An old node loses whatever comes after: nothing may.
    assertEquals((await wire.readAll()).length, 0);
    const entry = await agent.untilPeer("stock-server");
    assertEquals(entry.trust, "unverified");
    assertEquals(entry.addresses, [`${LOOPBACK}:${server.port}`]);
    assertEquals(entry.capabilities["ram_mb"], 4096);
  });

  await t.step({
    name: RUNS_SLOW_TESTS
      ? "a stock server is asked again before it expires, and stays"
      : "skipped, for it takes 150 s (set HAMLET_SLOW_TESTS=1): a stock server stays registered",
    ignore: !RUNS_SLOW_TESTS,
    fn: async () => {
      const startedMs = performance.now();
      let asked = 0;
      while (performance.now() - startedMs < 140_000) {
        using wire = await server.accept(60_000);
        await wire.expectJson();
        assert(await agent.peer("stock-server"), "it expired while it was alive");
        await wire.writeFrame(stockReply("stock-server", server.port));
        asked++;
      }
      assert(asked >= 3, `asked ${asked} times`);
      assertEquals(await agent.peer("old-node"), undefined, "a silent one must expire");
    },
  });
});

Deno.test("hamlet up --legacy decides who may use unsigned discovery", async (t) => {
  await t.step("off: nobody; signed discovery goes on", async () => {
    using server = new Port();
    await using agent = await AgentProcess.start({
      args: ["--legacy", "off", "--peer", `${LOOPBACK}:${server.port}`],
    });
    const answer = await askOnce(agent.port, REQUEST);
    assertEquals([answer["type"], answer["code"]], ["ERROR", "legacy_disabled"]);
    assertFalse("sender_id" in answer);
    using wire = await server.accept();
    await wire.expectJson();
    await wire.writeFrame(stockReply("stock-server", server.port));
    await wire.readAll();
    assertEquals(await agent.peers(), []);
    using signed = await Wire.connect(agent.port);
    const identity = createIdentity();
    await discover(signed, identity, { protocols: PROTOCOLS.slice(0, 2) });
    assertEquals((await agent.untilPeer(identity.id)).trust, "authenticated");
  });

  // A network of its own, where an address of the public internet is ours.
  const hasNetwork = await canHaveOwnNetwork();
  for (const [policy, wanted] of [["lan", "legacy_disabled"], ["any", "registered"]] as const) {
    await t.step({
      name: hasNetwork
        ? `${policy}: from a public address it is ${wanted}`
        : `skipped, for it needs a network namespace: --legacy ${policy} from a public address`,
      ignore: !hasNetwork,
      fn: async () => {
        const stateDir = await Deno.makeTempDir({ prefix: "hamlet-interop-" });
        try {
          const outcome = await askFromPublicAddress(policy, stateDir);
          assertEquals(outcome, wanted);
        } finally {
          await Deno.remove(stateDir, { recursive: true });
        }
      },
    });
  }
});

const hasPython = await succeeds("python3", ["--version"]);

Deno.test({
  name: hasPython
    ? "hamlet up and Python old nodes find each other"
    : "skipped, for there is no python3: hamlet up and Python old nodes find each other",
  ignore: !hasPython,
  fn: async (t) => {
    const server = new Deno.Command("python3", {
      args: [PYTHON_PEER, "server"],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const heard: JsonMessage[] = [];
    const listening = collectLines(server.stdout, heard);
    try {
      const { port } = await eventually("the server", () => heard[0]) as { port: number };
      await using agent = await AgentProcess.start({ args: ["--peer", `${LOOPBACK}:${port}`] });
      const agentId = await agent.id();

      await t.step("the client registers us", async () => {
        const { peers, length } = await runPythonClient(agent.port) as {
          peers: Record<string, JsonMessage>;
          length: number;
        };
        assertEquals(Object.keys(peers), [agentId]);
        assertEquals(peers[agentId]?.["listen_port"], agent.port);
        assert(length < REPLY_LIMIT_BYTES);
      });

      await t.step("we register the client", async () => {
        const entry = await agent.untilPeer(
          "python-legacy-client",
          ({ addresses }) => addresses.length > 0,
        );
        assertEquals(entry.trust, "unverified");
      });

      await t.step("we register the server, and no frame was lost on it", async () => {
        await eventually("a question", () => heard.length > 1);
        await agent.untilPeer("python-legacy-server");
        const frames = heard.slice(1);
        assert(frames.every(({ kind, sender }) => kind === "PEER_DISCOVERY" && sender === agentId));
      });

      await t.step("an error is registered by nobody", async () => {
        await using strict = await AgentProcess.start({ args: ["--legacy", "off"] });
        const { peers, reply } = await runPythonClient(strict.port);
        assertEquals(peers, {});
        assertEquals((reply as JsonMessage)["code"], "legacy_disabled");
      });
    } finally {
      await server.stdin.close();
      server.kill("SIGKILL");
      await server.status;
      await listening;
    }
  },
});

async function collectLines(stream: ReadableStream<Uint8Array>, into: JsonMessage[]) {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + part).split("\n");
    text = lines.pop() ?? "";
    into.push(...lines.filter(Boolean).map((line) => JSON.parse(line)));
  }
}

async function runPythonClient(port: number, host = LOOPBACK): Promise<JsonMessage> {
  const { stdout, success } = await new Deno.Command("python3", {
    args: [PYTHON_PEER, "client", host, String(port)],
    stderr: "inherit",
  }).output();
  assert(success);
  return JSON.parse(textOf(stdout).trim().split("\n").at(-1) ?? "");
}

async function canHaveOwnNetwork(): Promise<boolean> {
  if (Deno.build.os !== "linux" || !hasPython) return false;
  return await succeeds("unshare", ["-n", "sh", "-c", "ip link set lo up"]);
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" });
  return await child.output().then(({ success }) => success, () => false);
}

/** Runs an agent and a Python client in a network where 203.0.113.7 (RFC 5737) is local. */
async function askFromPublicAddress(policy: string, stateDir: string): Promise<string> {
  const address = "203.0.113.7";
  const flags = [
    "up",
    "--listen",
    "0.0.0.0",
    "--port",
    "9000",
    "--legacy",
    policy,
    "--state",
    stateDir,
  ];
  const script = `
    ip link set lo up && ip addr add ${address}/32 dev lo || exit 9
    "$@" 2>/dev/null & agent=$!
    until [ -e "$STATE/control.json" ] || ! kill -0 $agent; do sleep 0.05; done
    python3 "$PEER" client ${address} 9000
    kill $agent; wait $agent`;
  const { stdout } = await new Deno.Command("unshare", {
    args: ["-n", "sh", "-c", script, "sh", Deno.execPath(), ...programArgs(flags)],
    env: { STATE: stateDir, PEER: PYTHON_PEER },
    stderr: "inherit",
  }).output();
  const { peers, reply } = JSON.parse(textOf(stdout).trim()) as {
    peers: JsonMessage;
    reply: JsonMessage;
  };
  return Object.keys(peers).length > 0 ? "registered" : String(reply["code"]);
}
