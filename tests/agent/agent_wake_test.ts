/** Agents that slept, and peers that vanished without a word: how soon the village is whole again. */

import { assert, assertEquals } from "@std/assert";
import { ManualClock, scheduleEvery } from "../../src/base/clock.ts";
import type { AgentOptions } from "../../src/agent/agent.ts";
import { AgentVillage, linesOf, type Resident } from "../testing/agents.ts";
import { ALICE, BOB, identityOf } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const B = "10.0.0.2";
const HOUR_MS = 3_600_000;
/** What the owner of a laptop is promised. */
const AWAKE_MS = 10_000;
/** A dead peer is asked after 15 s of silence and has 10 s to answer. */
const NOTICED_MS = 30_000;
const TICK_MS = 10;

/** A village in which Alice's device can sleep: its timers stand still then, the others' do not. */
class SleepyVillage extends AgentVillage {
  readonly sleepy = new ManualClock();
  #isAsleep = false;
  #wokenAtMs = 0;

  constructor() {
    super();
    scheduleEvery(this.clock, TICK_MS, () => {
      if (!this.#isAsleep) this.sleepy.advance(TICK_MS);
    });
  }

  addAlice(options: Partial<AgentOptions> = {}): Promise<Resident> {
    return this.add(ALICE, A, { clock: this.sleepy, ...options });
  }

  /**
   * Sleeps unreachable for `sleptMs`, of which the others are shown the last `livedMs`: enough to give her up.
   * Those who watch for a sleep of their own must live through all of it.
   */
  async sleep(livedMs: number, sleptMs = HOUR_MS): Promise<void> {
    this.#isAsleep = true;
    this.village.network.partition([A]);
    this.clock.jumpWall(sleptMs - livedMs);
    await this.pass(livedMs, 250);
    this.sleepy.jumpWall(sleptMs);
  }

  /** Wakes; the network is there at once, or after a while. */
  async wake(networkAfterMs = 0): Promise<void> {
    this.#isAsleep = false;
    this.#wokenAtMs = this.clock.now();
    await this.pass(networkAfterMs);
    this.village.network.heal();
  }

  /** Lets time pass until `isTrue`; returns how long after waking that was. */
  async sinceWakingUntil(isTrue: () => boolean): Promise<number> {
    const passedMs = () => this.clock.now() - this.#wokenAtMs;
    while (!isTrue() && passedMs() < 60_000) await this.pass(50);
    return passedMs();
  }
}

/** Alice and peers that do not dial by themselves, in sessions that she dialled. */
async function aliceAmong(peers: number) {
  const village = new SleepyVillage();
  const nodes = Array.from(
    { length: peers },
    (_, n) => village.village.add(identityOf(n), `10.0.9.${n}`),
  );
  const alice = await village.addAlice({ peers: nodes.map(({ address }) => address) });
  await village.pass(2_000);
  assertEquals(alice.agent.node.connected.length, peers);
  return { village, alice, nodes };
}

Deno.test("Agent that slept for an hour has all of its peers back within 10 s", PURE, async () => {
  const { village, alice, nodes } = await aliceAmong(12);
  await village.sleep(60_000);
  assert(nodes.every(({ node }) => node.connected.length === 0), "they gave her up");
  assertEquals(alice.agent.node.connected.length, 12, "she does not know it yet");
  await village.wake();
  const isWhole = () => nodes.every(({ node }) => node.isConnected(ALICE.id));
  const tookMs = await village.sinceWakingUntil(isWhole);
  assert(tookMs <= AWAKE_MS, `${tookMs} ms`);
  await village.pass(1_000);
  assertEquals(linesOf(alice, "woke up"), [{ slept_s: HOUR_MS / 1_000 }]);
  await village.close();
});

Deno.test("Agent that wakes before its network has its peers back within 10 s", PURE, async () => {
  const { village, alice, nodes } = await aliceAmong(4);
  await village.sleep(60_000);
  await village.wake(5_000);
  assertEquals(alice.agent.node.connected, [], "it asked and did not believe in silence");
  const isWhole = () => nodes.every(({ node }) => node.isConnected(ALICE.id));
  const tookMs = await village.sinceWakingUntil(isWhole);
  assert(tookMs <= AWAKE_MS, `${tookMs} ms`);
  await village.close();
});

Deno.test("Agent that slept finds peers that were not there before, at once", PURE, async () => {
  const village = new SleepyVillage();
  const alice = await village.addAlice({ peers: [{ host: B, port: 9000 }] });
  // By now it waits for up to a minute between two dials.
  await village.pass(300_000, 250);
  assertEquals(alice.agent.node.connected, []);
  const dialled = alice.dials.length;
  village.village.add(BOB, B);
  await village.sleep(1_000);
  await village.wake();
  const tookMs = await village.sinceWakingUntil(() => alice.agent.node.isConnected(BOB.id));
  assert(tookMs <= 2_000, `${tookMs} ms`);
  assertEquals(alice.dials.length, dialled + 1);
  await village.close();
});

Deno.test(
  "Agent whose peers dropped its links while it slept has them back within 10 s",
  PURE,
  async () => {
    const { village, nodes } = await aliceAmong(4);
    await village.sleep(1_000);
    village.village.network.breakLinks(A);
    await village.wake();
    const isWhole = () => nodes.every(({ node }) => node.isConnected(ALICE.id));
    const tookMs = await village.sinceWakingUntil(isWhole);
    assert(tookMs <= AWAKE_MS, `${tookMs} ms`);
    await village.close();
  },
);

Deno.test("Agents that slept side by side are in session again within 10 s", PURE, async () => {
  const village = new SleepyVillage();
  const alice = await village.addAlice();
  const bob = await village.add(BOB, B, { peers: [alice.address] });
  await village.pass(2_000);
  await village.sleep(120_000, 120_000);
  await village.wake();
  const isWhole = () => [alice, bob].every(({ agent }) => agent.node.connected.length === 1);
  const tookMs = await village.sinceWakingUntil(isWhole);
  assert(tookMs <= AWAKE_MS, `${tookMs} ms`);
  await village.pass(5_000);
  assert(isWhole(), "and they stay");
  await village.close();
});

Deno.test(
  "Agent whose clock was corrected keeps its sessions, for a ping a peer",
  PURE,
  async () => {
    const { village, alice, nodes } = await aliceAmong(3);
    const opened = alice.agent.node.counters.sessionsOpened;
    for (const jumpMs of [HOUR_MS, -HOUR_MS, 24 * HOUR_MS]) {
      village.sleepy.jumpWall(jumpMs);
      await village.pass(10_000);
    }
    assertEquals(linesOf(alice, "woke up").length, 2, "a clock set back is no sleep");
    assertEquals(alice.agent.node.counters.sessionsOpened, opened);
    assertEquals(linesOf(alice, "peer disconnected"), []);
    assert(nodes.every(({ node }) => node.isConnected(ALICE.id)));
    await village.close();
  },
);

Deno.test("Agent that is closed right after waking leaves no timer", PURE, async () => {
  const { village, alice } = await aliceAmong(3);
  await village.sleep(60_000);
  await village.wake(1_500);
  await village.village.until(alice.agent.close());
  await village.pass(10_000);
  assertEquals([village.sleepy.pending, village.openConnections], [0, 0]);
  await village.close();
});

Deno.test(
  "Agent notices within 30 s that 50 peers have vanished without a word",
  PURE,
  async () => {
    const village = new AgentVillage();
    const nodes = Array.from(
      { length: 50 },
      (_, n) => village.village.add(identityOf(n), `10.0.9.${n}`),
    );
    const alice = await village.add(ALICE, A, { peers: nodes.map(({ address }) => address) });
    await village.pass(3_000);
    assertEquals([alice.agent.node.connected.length, village.openConnections], [50, 50]);

    village.village.network.partition(nodes.map(({ address }) => address.host));
    await village.pass(NOTICED_MS, 100);
    assertEquals([alice.agent.node.connected, village.openConnections], [[], 0]);
    assert(nodes.every(({ node }) => node.connected.length === 0), "and they that it has");
    const codes = linesOf(alice, "peer disconnected").map(({ code }) => code);
    assertEquals(codes, Array(50).fill("silent"));

    village.village.network.heal();
    await village.pass(61_000, 250);
    assertEquals(alice.agent.node.connected.length, 50, "all of them were looked for");
    await village.close();
  },
);

Deno.test("Agent lets go of 50 half-open connections of strangers within 30 s", PURE, async () => {
  const village = new AgentVillage();
  const alice = await village.add(ALICE, A);
  const stranger = "10.0.0.66";
  const dialer = village.village.network.dialerFrom(stranger);
  const streams = await village.village.until(Promise.all(
    Array.from({ length: 50 }, () => dialer.dial(alice.address, { timeoutMs: 1_000 })),
  ));
  // Silent, in the middle of a length, in the middle of a frame, in the middle of a handshake.
  const beginnings = [[], [0, 0], [0, 0, 1, 0, 0x7b], [0, 0, 0, 40, 0xf8, 1, 0]];
  for (const [n, stream] of streams.entries()) {
    const bytes = Uint8Array.from(beginnings[n % beginnings.length] ?? []);
    if (bytes.length > 0) await stream.write(bytes);
  }
  await village.pass(100);
  assertEquals(alice.agent.node.guests, 50);
  village.village.network.partition([stranger]);
  await village.pass(NOTICED_MS, 250);
  assertEquals(alice.agent.node.guests, 0);
  for (const stream of streams) stream.close();
  await village.close();
});

Deno.test("Agent whose 50 peers vanish closes with nothing left behind", PURE, async () => {
  const village = new AgentVillage();
  const nodes = Array.from(
    { length: 50 },
    (_, n) => village.village.add(identityOf(n), `10.0.9.${n}`),
  );
  const alice = await village.add(ALICE, A, { peers: nodes.map(({ address }) => address) });
  await village.pass(3_000);
  village.village.network.partition([A]);
  await village.pass(1_000);
  await village.village.until(alice.agent.close());
  assertEquals(village.openConnections, 0);
  await village.close();
  await village.pass(5_000, 100);
  assertEquals(village.clock.pending, 0);
});
