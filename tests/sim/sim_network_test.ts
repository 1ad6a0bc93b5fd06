import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { FakeProtocol } from "./fake_protocol.ts";
import type { DutyCycle } from "./local_clock.ts";
import { World } from "./world.ts";
import type { WorldOptions } from "./world_options.ts";

/** 20 ms each way and nothing by chance, so that the test can do the sums. */
const EXACT = { latencyMs: [20, 20], jitterMs: 0 } as const;

interface Stage {
  readonly world: World;
  /** The protocol that runs on a node. */
  readonly fake: (index: number) => FakeProtocol;
}

/** A world of nodes that run and say nothing by themselves for an hour. */
function stage(nodes: number, options: Partial<WorldOptions> = {}, periodMs = 7_200_000): Stage {
  const fakes = new Map<string, FakeProtocol>();
  const world = new World({
    seed: 1,
    nodes,
    links: EXACT,
    create: (given, nowMs) => {
      const fake = new FakeProtocol(given, nowMs, periodMs);
      if (periodMs > 1e6) fake.deadlineMs = nowMs + periodMs;
      fakes.set(given.id, fake);
      return fake;
    },
    ...options,
  });
  for (let index = 0; index < nodes; index++) world.join(index);
  const fake = (index: number) => {
    const found = fakes.get(world.node(index).id);
    if (!found) throw new Error(`node ${index} never ran`);
    return found;
  };
  return { world, fake };
}

function notes({ world, fake }: Stage): readonly string[] {
  return world.nodes.map(({ index }) => fake(index).notes.join(" "));
}

Deno.test("SimNetwork.dial() opens a session in two round trips, told to both ends", () => {
  const it = stage(2);
  it.fake(0).dial(it.world.node(1).id, it.world.node(1).address.host);
  it.world.run(59);
  assertEquals(notes(it), ["", ""]);
  it.world.run(1);
  assertEquals(notes(it), ["", "accepted"]);
  it.world.run(19);
  assertEquals(notes(it), ["", "accepted"]);
  it.world.run(1);
  assertEquals(notes(it), ["dialled", "accepted"]);
});

Deno.test("SimNetwork.dial() is refused at once by a host without a process, and late by silence", () => {
  for (const [kind, failsMs] of [["process", 40], ["power", 3_000]] as const) {
    const it = stage(2);
    it.world.crash(1, kind);
    it.fake(0).dial(it.world.node(1).id, it.world.node(1).address.host);
    it.world.run(failsMs - 1);
    assertEquals(it.fake(0).notes, [], kind);
    it.world.run(1);
    assertEquals(it.fake(0).notes, ["failed"], kind);
  }
});

Deno.test("SimNetwork.dial() fails where the id does not live at the address", () => {
  const it = stage(3);
  it.fake(0).dial(it.world.node(1).id, it.world.node(2).address.host);
  it.fake(0).dial(it.world.node(1).id, "10.9.9.9");
  it.world.run(4_000);
  assertEquals(notes(it), ["failed", "", ""]);
});

Deno.test("SimNetwork makes one session of two crossed dials", () => {
  for (const laterMs of [0, 10, 30, 50, 70]) {
    const it = stage(2);
    it.fake(0).dial(it.world.node(1).id, it.world.node(1).address.host);
    it.world.run(laterMs);
    it.fake(1).dial(it.world.node(0).id, it.world.node(0).address.host);
    it.world.run(10_000);
    assertEquals(notes(it), ["dialled", "accepted"], `${laterMs} ms later`);
    assertEquals(it.world.network.opened, 1);
  }
});

Deno.test("SimNetwork.send() takes the latency of its link and never lets a message overtake another", () => {
  const world = new World({
    seed: 3,
    nodes: 2,
    links: { latencyMs: [5, 40], jitterMs: 50 },
    create: (given, nowMs) => new FakeProtocol(given, nowMs, 1),
  });
  const arrivals: number[][] = [[], []];
  let lastMs = 0;
  for (const index of [0, 1]) world.join(index);
  world.connectAll();
  for (let ms = 0; ms < 500; ms++) {
    world.run(1);
    for (const { index, protocol } of world.nodes) {
      if (protocol instanceof FakeProtocol) arrivals[index]?.push(protocol.highest);
    }
    lastMs = world.nowMs;
  }
  for (const highest of arrivals) assertEquals(highest, [...highest].sort((a, b) => a - b));
  assertEquals(lastMs, 500);
  assert(world.traffic.delivered > 1_500);
});

Deno.test("SimNetwork loses the share of messages that it is told to", () => {
  const { world } = stage(20, { links: { ...EXACT, loss: 0.05 } }, 100);
  world.connectAll();
  world.run(100_000);
  const { dropped, totalMessages } = world.traffic;
  assertAlmostEquals(dropped / totalMessages, 0.05, 0.003);
});

Deno.test("SimNode.crash() is told to the other end by its host, or not at all for 25 s", () => {
  for (const [kind, toldMs] of [["process", 20], ["power", 25_000]] as const) {
    const it = stage(2);
    it.world.connectAll();
    it.world.crash(1, kind);
    it.world.run(toldMs - 1);
    assertEquals(it.fake(0).notes, ["accepted"], kind);
    it.world.run(1);
    assertEquals(it.fake(0).notes, ["accepted", "lost"], kind);
  }
});

Deno.test("SimNode.start() after a power cut takes the place of the session that others still hold", () => {
  const it = stage(2);
  it.world.connectAll();
  it.world.crash(1, "power");
  it.world.run(5_000);
  it.world.restart(1);
  it.fake(1).dial(it.world.node(0).id, it.world.node(0).address.host);
  it.world.run(60_000);
  assertEquals(notes(it), ["accepted lost accepted", "dialled"]);
});

Deno.test("World.partition() silences sessions, which outlive 24 s of it and not 25", () => {
  for (const [ms, expected] of [[24_999, ""], [25_001, " lost"]] as const) {
    const it = stage(3);
    it.world.connectAll();
    it.world.partition([0, 1], [2]);
    it.world.run(ms);
    it.world.heal();
    it.world.run(60_000);
    assertEquals(notes(it), [
      `accepted accepted${expected}`,
      `dialled accepted${expected}`,
      `dialled dialled${expected}${expected}`,
    ]);
    assertEquals(it.world.node(0).sessions, expected ? 1 : 2);
  }
});

Deno.test("World.partition() lets nothing through, dials included", () => {
  const it = stage(2, {}, 100);
  it.world.partition([0], [1]);
  it.fake(0).dial(it.world.node(1).id, it.world.node(1).address.host);
  it.world.run(2_999);
  assertEquals(it.fake(0).notes, []);
  it.world.run(1);
  assertEquals(it.fake(0).notes, ["failed"]);
  it.world.heal();
  it.fake(0).dial(it.world.node(1).id, it.world.node(1).address.host);
  it.world.run(80);
  assertEquals(notes(it), ["failed dialled", "accepted"]);
});

Deno.test("SimNode.hangUp() ends a session for both, the other end as surplus, after what was sent", () => {
  const it = stage(2);
  it.world.connectAll();
  it.fake(0).hangUp(it.world.node(1).id);
  it.world.run(0);
  assertEquals(notes(it), ["accepted surplus", "dialled"]);
  it.world.run(20);
  assertEquals(notes(it), ["accepted surplus", "dialled surplus"]);
});

Deno.test("SimNode.leave() says goodbye", () => {
  const it = stage(2);
  it.world.connectAll();
  it.world.leave(0);
  it.world.run(20);
  assertEquals(notes(it), ["accepted leaves", "dialled goodbye"]);
});

Deno.test("SimNode.sleep() stops the node's time, and peers hear nothing of it", () => {
  const it = stage(2, {}, 1_000);
  it.world.connectAll();
  it.world.run(10_000);
  const beforeMs = it.world.node(1).localMs;
  it.world.sleep(1);
  it.world.run(20_000);
  it.world.wake(1);
  assertAlmostEquals(it.world.node(1).localMs, beforeMs, 1e-6);
  assertEquals(notes(it), ["accepted", "dialled sleeps wakes"]);
  it.world.sleep(1);
  it.world.run(25_000);
  assertEquals(notes(it), ["accepted lost", "dialled sleeps wakes sleeps"]);
  it.world.wake(1);
  // The first thing it says finds nobody who knows the session.
  it.world.run(2_000);
  assertEquals(notes(it), ["accepted lost", "dialled sleeps wakes sleeps wakes lost"]);
});

Deno.test("SimNode with a duty cycle runs only in its turns, and handles the rest in order", () => {
  const cycle: DutyCycle = { runMs: 200, pauseMs: 800 };
  const world = new World({
    seed: 1,
    nodes: 2,
    links: EXACT,
    create: (given, nowMs) => new FakeProtocol(given, nowMs, 100),
  });
  const sends: number[] = [];
  world.join(0);
  world.join(1);
  world.connectAll();
  world.node(1).clock.cycle = cycle;
  let before = 0;
  for (let ms = 1; ms <= 10_000; ms++) {
    world.run(1);
    const sent = world.traffic.sentMessages[1] ?? 0;
    if (sent > before) sends.push(ms % 1_000);
    before = sent;
  }
  assert(sends.length > 20);
  for (const at of sends) assert(at <= 201, `sent ${at} ms into its cycle`);
  // It asks at 0 and 100 ms of each cycle; 100 asks reached it, and were answered.
  assertAlmostEquals(world.traffic.sentMessages[0] ?? 0, 100 + 20, 2);
  assertAlmostEquals(world.traffic.sentMessages[1] ?? 0, 20 + 100, 3);
});

Deno.test("SimNode.clock.set() lets a node's time go at its own rate", () => {
  const it = stage(1);
  it.world.node(0).clock.set(5_000, 200);
  it.world.run(1_000_000);
  assertAlmostEquals(it.world.node(0).localMs, 5_000 + 1_000_000 + 200, 1e-6);
  it.world.node(0).clock.jump(7_000);
  assertAlmostEquals(it.world.node(0).localMs, 12_000 + 1_000_000 + 200, 1e-6);
});

Deno.test("SimNode ticks once for each deadline, on a skewed clock too", () => {
  const ticks: number[] = [];
  const world = new World({
    seed: 1,
    nodes: 1,
    maxDriftPpm: 300,
    create: (given, nowMs) => {
      const fake = new FakeProtocol(given, nowMs, 1_000);
      const tick = fake.tick.bind(fake);
      fake.tick = (atMs) => {
        assert(atMs >= fake.deadlineMs);
        ticks.push(atMs);
        tick(atMs);
      };
      return fake;
    },
  });
  world.join(0);
  world.run(100_500);
  assert(ticks.length === 100 || ticks.length === 101);
  for (const [at, ms] of ticks.entries()) {
    if (at > 0) assertAlmostEquals(ms - (ticks[at - 1] ?? 0), 1_000, 1e-3);
  }
});

Deno.test("SimNetwork.dial() lets nothing that the target sends at once overtake its answer", () => {
  const it = stage(2);
  for (const index of [0, 1]) {
    const fake = it.fake(index);
    const { connected, receive } = fake;
    fake.connected = (id, nowMs, isDialer) => {
      connected.call(fake, id, nowMs, isDialer);
      fake.ask(id);
    };
    fake.receive = (from, message) => {
      receive.call(fake, from, message);
      fake.notes.push("heard");
    };
  }
  it.fake(0).dial(it.world.node(1).id, it.world.node(1).address.host);
  it.world.run(1_000);
  assertEquals(it.fake(0).notes, ["dialled", "heard", "heard"]);
  assertEquals(it.fake(1).notes, ["accepted", "heard", "heard"]);
});
