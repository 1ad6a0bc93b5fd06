/** Old nodes that an agent was told to dial: asked, registered, asked again. And whom a plan names to a node. */

import { assertEquals } from "@std/assert";
import { Recruiter, type RecruiterOptions } from "../../src/agent/recruiter.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { silentLog } from "../../src/base/log.ts";
import { DialPlan } from "../../src/mesh/dial_plan.ts";
import type { Address } from "../../src/net/address.ts";
import type { ByteStream } from "../../src/net/stream.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { AgentVillage, linesOf } from "../testing/agents.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";
import { Village } from "../testing/village.ts";

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
    if (count === null) return stream.close();
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

/** A plan, and Alice's and Bob's nodes, of which Alice's dials what it says. */
function planned(says: Partial<Pick<RecruiterOptions, "wants" | "knows">> = {}) {
  const village = new Village();
  const [alice, bob] = [village.add(ALICE, A), village.add(BOB, "10.0.0.2")];
  const { clock, random } = village;
  const plan = new DialPlan(random);
  const recruiter = new Recruiter({
    plan,
    node: alice.node,
    clock,
    log: silentLog,
    wants: () => true,
    knows: () => false,
    onSettled: () => {},
    ...says,
  });
  const close = async () => {
    await village.until(recruiter.close());
    await village.close();
  };
  return { village, clock, alice, bob, plan, close };
}

for (const approach of ["ask_then_seal", "seal"] as const) {
  Deno.test(`Recruiter dials a found address by ${approach}`, PURE, async () => {
    const { clock, alice, bob, plan, close } = planned();
    plan.findAddress(bob.address, clock.now(), { approach });
    await clock.run(1_000, 25);
    assertEquals([alice.node.connected, bob.node.connected], [[BOB.id], [ALICE.id]]);
    assertEquals(bob.node.counters.discoveries, approach === "seal" ? 0 : 1, "said in the clear");
    assertEquals(plan.size, 0, "its owner is known now");
    await close();
  });
}

Deno.test("Recruiter does not ask twice who is in session with us", PURE, async () => {
  const { village, clock, alice, bob, plan, close } = planned();
  await village.until(bob.node.dial(alice.address, { approach: "seal" }));
  for (let n = 0; n < 60; n++) {
    plan.findAddress(bob.address, clock.now(), { approach: "ask_then_seal" });
    await clock.run(1_000, 250);
  }
  assertEquals([alice.node.counters.dials, alice.node.counters.sessionsOpened], [1, 1]);
  assertEquals(plan.size, 0);
  await close();
});

Deno.test("Recruiter does not ask its own found address again", PURE, async () => {
  const { clock, alice, plan, close } = planned();
  for (let n = 0; n < 60; n++) {
    plan.findAddress(alice.address, clock.now(), { approach: "seal" });
    await clock.run(1_000, 250);
  }
  assertEquals([alice.node.counters.dials, alice.node.connected, plan.size], [1, [], 0]);
  await close();
});

Deno.test("Recruiter dials a given address again soon after its peer left", PURE, async () => {
  const { village, clock, alice, bob, plan, close } = planned();
  await village.until(bob.node.dial(alice.address, { approach: "seal" }));
  plan.wantAddress(bob.address, clock.now());
  await clock.run(10_000, 250);
  assertEquals(alice.node.counters.dials, 1, "it answered in JSON and is in session");
  bob.node.disconnect(ALICE.id, "goodbye");
  await clock.run(2_000, 250);
  assertEquals([alice.node.counters.dials, alice.node.connected], [2, [BOB.id]]);
  await close();
});

Deno.test(
  "Recruiter leaves a given address alone whose peer lives and has let us go",
  PURE,
  async () => {
    let lives = true;
    const { clock, alice, bob, plan, close } = planned({ wants: () => false, knows: () => lives });
    plan.wantAddress(bob.address, clock.now());
    await clock.run(1_000, 25);
    assertEquals(alice.node.connected, [BOB.id], "whose address it is, nobody knows before");
    bob.node.disconnect(ALICE.id, "surplus");
    await clock.run(60_000, 125);
    assertEquals(alice.node.connected, []);
    lives = false;
    await clock.run(2_000, 25);
    assertEquals(alice.node.connected, [BOB.id], "what the owner named is not given up");
    await close();
  },
);

Deno.test("Recruiter dials known peers some 250 ms apart", PURE, async () => {
  const { clock, alice, plan, close } = planned();
  for (const [n, { id }] of [CAROL, identityOf(1), identityOf(2)].entries()) {
    plan.wantPeer(id, [{ host: `10.0.1.${n}`, port: 9000 }], 0, { isMet: true });
  }
  const dials: number[] = [];
  for (let n = 0; n < 40; n++) {
    await clock.run(25, 25);
    dials.push(alice.node.counters.dials);
  }
  const begunMs = [1, 2, 3].map((count) => 25 * (dials.indexOf(count) + 1));
  assertEquals(begunMs, [125, 375, 625]);
  assertEquals(alice.node.counters.dials, 3);
  await close();
});
