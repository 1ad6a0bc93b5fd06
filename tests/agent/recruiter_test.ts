/** Old nodes that an agent was told to dial: asked, registered, asked again. */

import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import type { Address } from "../../src/net/address.ts";
import type { ByteStream } from "../../src/net/stream.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { AgentVillage, linesOf } from "../testing/agents.ts";
import { ALICE } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const OLD: Address = { host: "10.0.0.50", port: 9001 };

/** An old node: answers each request with unsigned JSON, knows nothing else, and notes when it was asked. */
class OldNode {
  readonly askedAtMs: number[] = [];
  readonly requests: JsonObject[] = [];
  readonly #village: AgentVillage;
  #stop = () => {};

  constructor(village: AgentVillage) {
    this.#village = village;
  }

  start(): void {
    const listener = this.#village.village.network.listen(OLD);
    this.#stop = () => listener.close();
    void (async () => {
      for (let stream = await listener.accept(); stream; stream = await listener.accept()) {
        await this.#answer(stream);
      }
    })();
  }

  stop(): void {
    this.#stop();
  }

  async #answer(stream: ByteStream): Promise<void> {
    const buffer = new Uint8Array(16_384);
    const count = await stream.read(buffer);
    if (count === undefined) return stream.close();
    this.askedAtMs.push(this.#village.clock.now());
    this.requests.push(JSON.parse(decodeUtf8(buffer.slice(4, count))));
    const reply = {
      type: "PEER_DISCOVERY_RESPONSE",
      node_id: "python-node",
      listen_port: OLD.port,
      capabilities: { cpu_cores: 4, ram_mb: 4096 },
      status: "active",
    };
    await stream.write(encodeFrame(encodeUtf8(JSON.stringify(reply))));
    await stream.read(buffer);
    stream.close();
  }
}

async function aliceAndOld() {
  const village = new AgentVillage();
  const old = new OldNode(village);
  old.start();
  const alice = await village.add(ALICE, A, { peers: [OLD] });
  return { village, old, alice };
}

Deno.test("Recruiter asks an old node in JSON and registers its answer", PURE, async () => {
  const { village, old, alice } = await aliceAndOld();
  await village.pass(1_000);
  assertEquals(old.requests.map(({ type, sender_id }) => [type, sender_id]), [
    ["PEER_DISCOVERY", ALICE.id],
  ]);
  const peer = alice.agent.registry.get("python-node");
  assertEquals([peer?.trust, peer?.addresses, peer?.capabilities.cpuCores], [
    "unverified",
    [OLD],
    4,
  ]);
  old.stop();
  await village.close();
});

Deno.test(
  "Recruiter asks an old node again every 45 s, before its entry expires",
  PURE,
  async () => {
    const { village, old, alice } = await aliceAndOld();
    await village.pass(44_500, 250);
    assertEquals(old.askedAtMs.length, 1);
    await village.pass(1_000, 250);
    assertEquals(old.askedAtMs.length, 2);
    await village.pass(145_000, 250);
    const gaps = old.askedAtMs.slice(1).map((atMs, index) => atMs - (old.askedAtMs[index] ?? 0));
    assertEquals(gaps.map((gap) => Math.floor(gap / 500) * 500), [45_000, 45_000, 45_000, 45_000]);
    assertEquals(alice.agent.registry.get("python-node")?.firstSeenMs, old.askedAtMs[0]);
    assertEquals(linesOf(alice, "peer discovered").length, 1);
    assertEquals(linesOf(alice, "peer expired"), []);
    old.stop();
    await village.close();
  },
);

Deno.test("Recruiter finds an old node again that was away", PURE, async () => {
  const { village, old, alice } = await aliceAndOld();
  await village.pass(1_000);
  old.stop();
  await village.pass(180_000, 500);
  assertEquals(alice.agent.registry.size, 0);
  assertEquals(linesOf(alice, "peer expired"), [{ peer: "python-n" }]);
  old.start();
  await village.pass(61_000, 500);
  assertEquals(alice.agent.registry.size, 1);
  assertEquals(linesOf(alice, "peer discovered").length, 2);
  old.stop();
  await village.close();
});

Deno.test(
  "Recruiter does not register an old node where unsigned discovery is off",
  PURE,
  async () => {
    const village = new AgentVillage();
    const old = new OldNode(village);
    old.start();
    const alice = await village.add(ALICE, A, { peers: [OLD], legacy: "off" });
    await village.pass(1_000);
    assertEquals(alice.agent.registry.size, 0);
    assertEquals(linesOf(alice, "peer not reached")[0]?.["code"], "legacy_disabled");
    old.stop();
    await village.close();
  },
);
