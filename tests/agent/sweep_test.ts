import { assert, assertEquals } from "@std/assert";
import { Sweep, type SweepOptions } from "../../src/agent/sweep.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type Address, formatAddress } from "../../src/net/address.ts";
import { MemoryNetwork } from "../../src/net/memory.ts";
import { type Dialer, NetError } from "../../src/net/stream.ts";

const PURE = { permissions: "none" } as const;
const OWN = "10.0.0.1";
/** 253 hosts, 6 ports. */
const TARGETS = 253 * 6;
/** A cycle's: an eighth, rounded up. */
const SHARE = 190;
const CYCLE_MS = 30_000;
const REST_MS = 600_000;

interface Knock {
  readonly atMs: number;
  readonly to: Address;
  readonly timeoutMs: number;
}

/** A sweep that is watched. */
function sweeping(options: Partial<SweepOptions> = {}) {
  const clock = new ManualClock();
  const random = seededRandom(4);
  const network = new MemoryNetwork(clock, random);
  const inner = options.dialer ?? network.dialerFrom(OWN);
  const knocks: Knock[] = [];
  const inFlight = { now: 0, most: 0 };
  const dialer: Dialer = {
    async dial(to, { timeoutMs }) {
      knocks.push({ atMs: clock.now(), to, timeoutMs });
      inFlight.most = Math.max(inFlight.most, ++inFlight.now);
      try {
        return await inner.dial(to, { timeoutMs });
      } finally {
        inFlight.now--;
      }
    },
  };
  const found: string[] = [];
  const setting = { hosts: [OWN] };
  const sweep = new Sweep({
    clock,
    random,
    log: silentLog,
    interfaces: () => setting.hosts.map((address) => ({ address })),
    isKnown: () => false,
    onFound: (address) => found.push(formatAddress(address)),
    ...options,
    dialer,
  });
  return { clock, network, sweep, knocks, inFlight, found, setting };
}

/**
 * Lets time pass. The network in memory knows only promises, so that turns of the microtask queue are enough
 * between steps, and far quicker than turns of the event loop.
 */
async function run(clock: ManualClock, ms: number, stepMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(Math.min(stepMs, ms - passed));
    for (let turn = 0; turn < 32; turn++) await undefined;
  }
}

/** Passes whole cycles of which the first `busyMs` are spent knocking. */
async function pass(clock: ManualClock, cycles: number, busyMs = 5_000): Promise<void> {
  for (let cycle = 0; cycle < cycles; cycle++) {
    await run(clock, busyMs, 20);
    await run(clock, CYCLE_MS - busyMs, CYCLE_MS - busyMs);
  }
}

async function end(clock: ManualClock, sweep: Sweep): Promise<void> {
  const closed = sweep.close();
  await run(clock, 1_000, 250);
  await closed;
  assertEquals(clock.pending, 0);
}

/** Most of `knocks` in any second that begins with one of them. */
function mostInASecond(knocks: readonly Knock[]): number {
  const counts = knocks.map(({ atMs }) =>
    knocks.filter((other) => other.atMs >= atMs && other.atMs < atMs + 1_000).length
  );
  return Math.max(...counts);
}

Deno.test("Sweep finds who listens on any of the ports within one sweep", PURE, async () => {
  const { clock, network, sweep, found } = sweeping();
  const hosts = ["10.0.0.77:9003", "10.0.0.254:9005", "10.0.0.2:9000"];
  const listeners = [
    network.listen({ host: "10.0.0.77", port: 9003 }),
    network.listen({ host: "10.0.0.254", port: 9005 }),
    network.listen({ host: "10.0.0.2", port: 9000 }),
    network.listen({ host: OWN, port: 9000 }),
    network.listen({ host: "10.0.1.3", port: 9000 }),
    network.listen({ host: "10.0.0.3", port: 9006 }),
  ];
  await pass(clock, 8);
  assertEquals([...found].sort(), [...hosts].sort());
  assertEquals(sweep.status, {
    state: "resting",
    subnets: ["10.0.0.0/24"],
    probed: TARGETS,
    found: 3,
  });
  for (const listener of listeners) listener.close();
  await end(clock, sweep);
});

Deno.test("Sweep says nothing to whoever opens, and hangs up at once", PURE, async () => {
  const { clock, network, sweep, found } = sweeping();
  const listener = network.listen({ host: "10.0.0.9", port: 9000 });
  const accepted = listener.accept();
  await pass(clock, 2);
  assertEquals(found, ["10.0.0.9:9000"], "253 hosts are 190 in the first cycle and 63 in the next");
  const stream = await accepted;
  assertEquals(await stream?.read(new Uint8Array(16)), null);
  stream?.close();
  listener.close();
  await end(clock, sweep);
});

Deno.test(
  "Sweep goes over the range in eight cycles of 30 s, each host and port once",
  PURE,
  async () => {
    const { clock, sweep, knocks } = sweeping();
    for (let cycle = 1; cycle <= 8; cycle++) {
      assertEquals(sweep.status.state, "sweeping");
      await pass(clock, 1);
      const inCycle = knocks.filter(({ atMs }) => Math.floor(atMs / CYCLE_MS) === cycle - 1);
      assertEquals(inCycle.length, cycle < 8 ? SHARE : TARGETS - 7 * SHARE);
    }
    assertEquals(new Set(knocks.map(({ to }) => formatAddress(to))).size, TARGETS);
    assert(knocks.every(({ timeoutMs }) => timeoutMs === 750));
    await end(clock, sweep);
  },
);

Deno.test("Sweep rests for ten minutes once all is swept, and begins again", PURE, async () => {
  const { clock, sweep, knocks } = sweeping();
  await pass(clock, 8);
  assertEquals(sweep.status.state, "resting");
  const lastMs = knocks.at(-1)?.atMs ?? 0;
  await run(clock, lastMs + REST_MS - clock.now(), 10_000);
  assertEquals(knocks.length, TARGETS);
  await run(clock, 2_000, 20);
  assertEquals(sweep.status.state, "sweeping");
  assert(knocks.length > TARGETS);
  assertEquals(sweep.status.probed, knocks.length);
  await end(clock, sweep);
});

Deno.test("Sweep begins at most 50 connects in any second", PURE, async () => {
  const { clock, sweep, knocks } = sweeping();
  await run(clock, 4_000, 1);
  assertEquals(knocks.length, SHARE, "190 at 50 a second take 3.8 s");
  assertEquals(mostInASecond(knocks), 50);
  await end(clock, sweep);
});

Deno.test("Sweep has at most 16 connects in flight where nobody answers", PURE, async () => {
  const { clock, network, sweep, knocks, inFlight } = sweeping();
  network.partition([OWN], []);
  await run(clock, 2_990, 10);
  assertEquals(inFlight.most, 16);
  // Each place is taken again every 750 ms: at 0, 750, 1,500 and 2,250.
  assertEquals(knocks.length, 4 * 16);
  await end(clock, sweep);
});

Deno.test("Sweep takes no cycle before the last one is over", PURE, async () => {
  const { clock, network, sweep, knocks, setting } = sweeping();
  network.partition([OWN], []);
  setting.hosts = [1, 2, 3, 4].map((n) => `10.0.${n}.1`);
  sweep.restart();
  // A share of four subnets is 759 targets: 16 in 750 ms, they need 36 s.
  await run(clock, CYCLE_MS, 10);
  const startMs = clock.now();
  const before = knocks.length;
  await run(clock, 34_000, 10);
  assert(knocks.length - before < 759, `${knocks.length - before}`);
  await run(clock, 5_000, 10);
  const second = knocks.filter(({ atMs }) => atMs >= startMs).length;
  assert(second > 759, `${second}`);
  await end(clock, sweep);
});

Deno.test("Sweep neither dials nor counts what is known already", PURE, async () => {
  const { clock, sweep, knocks } = sweeping({
    isKnown: ({ host, port }) => host === "10.0.0.9" || port !== 9000,
  });
  await pass(clock, 8);
  assertEquals(knocks.length, 252);
  assertEquals(sweep.status.probed, 252);
  assert(knocks.every(({ to }) => to.host !== "10.0.0.9" && to.port === 9000));
  await end(clock, sweep);
});

Deno.test("Sweep.restart() ends a rest and sweeps where we are now", PURE, async () => {
  const { clock, sweep, knocks, setting } = sweeping();
  await pass(clock, 9);
  assertEquals(sweep.status.state, "resting");
  setting.hosts = ["192.168.3.3"];
  sweep.restart();
  await run(clock, 2, 1);
  assertEquals(sweep.status.state, "sweeping");
  assertEquals(sweep.status.subnets, ["192.168.3.0/24"]);
  await run(clock, 5_000, 20);
  const later = knocks.slice(TARGETS);
  assertEquals(later.length, SHARE);
  assert(later.every(({ to }) => to.host.startsWith("192.168.3.") && to.port === 9000));
  await end(clock, sweep);
});

Deno.test(
  "Sweep.restart() in a cycle drops what is left, a hundred of them are no storm",
  PURE,
  async () => {
    const { clock, sweep, knocks, setting } = sweeping();
    await run(clock, 1_000, 20);
    const before = knocks.length;
    setting.hosts = ["192.168.3.3"];
    for (let n = 0; n < 100; n++) {
      sweep.restart();
      await run(clock, 280, 28);
    }
    assertEquals([clock.now(), knocks.length], [29_000, before]);
    await run(clock, 6_000, 20);
    const later = knocks.slice(before);
    assertEquals([later[0]?.atMs, later.length], [CYCLE_MS, SHARE]);
    assert(later.every(({ to }) => to.host.startsWith("192.168.3.")));
    await end(clock, sweep);
  },
);

Deno.test("Sweep without a private network waits for one", PURE, async () => {
  const { clock, sweep, knocks } = sweeping({ interfaces: () => [] });
  await run(clock, REST_MS - 1, 10_000);
  assertEquals(sweep.status, { state: "resting", subnets: [], probed: 0, found: 0 });
  assertEquals(knocks.length, 0);
  await end(clock, sweep);
});

Deno.test("Sweep looks for a network at once when told that there is one", PURE, async () => {
  const { clock, sweep, knocks, setting } = sweeping();
  setting.hosts = [];
  sweep.restart();
  await pass(clock, 1);
  const before = knocks.length;
  assertEquals(sweep.status.state, "resting");
  setting.hosts = ["10.0.7.1"];
  sweep.restart();
  await settle();
  assertEquals(knocks.length, before + 1);
  await end(clock, sweep);
});

Deno.test(
  "Sweep.close() waits for those in flight and tells of nobody any more",
  PURE,
  async () => {
    const doors: ((stream: Awaited<ReturnType<Dialer["dial"]>>) => void)[] = [];
    const { clock, network, sweep, knocks, found } = sweeping({
      dialer: { dial: () => new Promise((resolve) => doors.push(resolve)) },
    });
    await run(clock, 1_000, 20);
    assertEquals(knocks.length, 16);
    const listener = network.listen({ host: "10.0.0.9", port: 9000 });
    let isClosed = false;
    const closed = Promise.all([sweep.close(), sweep.close()]).then(() => isClosed = true);
    assertEquals(sweep.status.state, "off");
    for (const open of doors) {
      await settle();
      assertEquals(isClosed, false);
      const dialled = network.dialerFrom(OWN).dial({ host: "10.0.0.9", port: 9000 }, {
        timeoutMs: 750,
      });
      clock.advance(0);
      open(await dialled);
    }
    await closed;
    assertEquals([found, sweep.status.found, knocks.length], [[], 0, 16]);
    assertEquals(clock.pending, 0);
    for (let n = 0; n < 16; n++) {
      const stream = await listener.accept();
      assertEquals(await stream?.read(new Uint8Array(1)), null, "hung up all the same");
      stream?.close();
    }
    listener.close();
  },
);

Deno.test("Sweep takes every failure of a connect for nobody there", PURE, async () => {
  const codes = ["refused", "timeout", "unreachable", "denied", "closed", "failed"] as const;
  let n = 0;
  const { clock, sweep, knocks, found } = sweeping({
    dialer: {
      dial: () => Promise.reject(new NetError(codes[n++ % 6] ?? "failed", "Cannot connect")),
    },
  });
  await run(clock, 4_000, 20);
  assertEquals([knocks.length, found], [SHARE, []]);
  await end(clock, sweep);
});
