import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { FakeProtocol } from "./fake_protocol.ts";
import { wantedDegree } from "../../src/gossip/neighbourhood.ts";
import { World } from "./world.ts";
import { SimError, type WorldOptions } from "./world_options.ts";

function fakeWorld(options: Partial<WorldOptions> & { readonly nodes: number }): {
  readonly world: World;
  readonly fake: (index: number) => FakeProtocol;
} {
  const world = new World({
    seed: 1,
    replay: "deno task sim --seed 1",
    create: (given, nowMs) => new FakeProtocol(given, nowMs),
    ...options,
  });
  for (const { index } of world.nodes) world.join(index);
  return {
    world,
    fake(index) {
      const { protocol } = world.node(index);
      if (protocol instanceof FakeProtocol) return protocol;
      throw new Error(`node ${index} does not run`);
    },
  };
}

/** A village in which things happen, for half a minute. */
function eventful(seed: number): World {
  const links = { latencyMs: [1, 50], jitterMs: 10, loss: 0.1 } as const;
  const world = new World({ seed, nodes: 40, links, hasDigest: true, maxDriftPpm: 200 });
  world.village(35);
  world.node(3).clock.cycle = { runMs: 200, pauseMs: 800 };
  world.run(5_000);
  world.crash(1);
  world.crash(2, "power");
  for (let index = 35; index < 40; index++) world.join(index, 0);
  world.run(5_000);
  world.partition([], [5, 6, 7]);
  world.run(10_000);
  world.heal();
  world.restart(1);
  world.leave(9);
  world.run(10_000);
  return world;
}

Deno.test("World runs the same for the same seed, byte for byte, and otherwise for another", () => {
  const [first, again, other] = [eventful(7), eventful(7), eventful(8)];
  assertMatch(first.digest, /^[0-9a-f]{64}$/);
  assertEquals(again.digest, first.digest);
  assertEquals(again.traffic.totalBytes, first.traffic.totalBytes);
  assertEquals(again.timeline.happened, first.timeline.happened);
  assertNotEquals(other.digest, first.digest);
});

Deno.test("World.connectAll() gives each its degree and leaves nobody out", () => {
  for (const nodes of [2, 10, 32, 33, 200]) {
    const { world } = fakeWorld({ nodes });
    world.connectAll();
    const least = wantedDegree(nodes);
    for (const node of world.nodes) {
      // One that fills up another's may have a few more.
      assert(node.sessions >= least, `${node.sessions} of ${least}`);
      assert(node.sessions <= least * 1.25 + 3, `${node.sessions} of ${least}`);
    }
  }
  assertEquals([2, 10, 32, 33, 200, 5_000].map(wantedDegree), [1, 9, 31, 16, 23, 37]);
});

Deno.test("World.isOneView is so when those that are up believe one another alive, and nobody else", () => {
  const { world, fake } = fakeWorld({ nodes: 3 });
  const meet = (observer: number, subject: number) =>
    fake(observer).emit("alive", world.node(subject).id, 0);
  for (const [a, b] of [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2]] as const) meet(a, b);
  assertEquals(world.isOneView, false);
  meet(2, 1);
  assertEquals(world.isOneView, true);
  world.crash(2);
  assertEquals(world.isOneView, false);
  fake(0).emit("dead", world.node(2).id, 0);
  assertEquals([world.isOneView, world.believersInDeath(2)], [false, 1]);
  fake(1).emit("dead", world.node(2).id, 0);
  assertEquals([world.isOneView, world.believersInDeath(2)], [true, 2]);
  world.restart(2);
  assertEquals(world.isOneView, false);
});

Deno.test("World.run() names the seed, the time and the command when a protocol throws", () => {
  const { world, fake } = fakeWorld({ nodes: 2 });
  fake(1).tick = () => {
    throw new Error("it broke");
  };
  const error = assertThrows(() => world.run(5_000), SimError);
  assertMatch(
    error.message,
    /^Simulation failed at \d\.\d{3} s: it broke; replay: deno task sim --seed 1$/,
  );
});

Deno.test("World.run() finds a deadline that does not move", () => {
  const { world, fake } = fakeWorld({ nodes: 1 });
  fake(0).tick = () => {};
  assertThrows(() => world.run(5_000), SimError, "is stuck");
});

Deno.test("World fails when an observer's incarnation of a member falls", () => {
  const { world, fake } = fakeWorld({ nodes: 2 });
  fake(0).emit("alive", world.node(1).id, 5);
  assertThrows(
    () => fake(0).emit("alive", world.node(1).id, 4),
    SimError,
    "node 0 tells of incarnation 4 of node 1 after 5",
  );
});

Deno.test("World counts a death that nothing explains, and no other", () => {
  const { world, fake } = fakeWorld({ nodes: 3 });
  const bury = (incarnation: number) => {
    fake(0).emit("alive", world.node(1).id, incarnation);
    fake(0).emit("dead", world.node(1).id, incarnation);
    return world.invariants.falseDeaths.length;
  };
  assertEquals(bury(0), 0, "it has just come up");
  world.run(61_000);
  assertEquals(bury(1), 1);
  world.partition([0], [1, 2]);
  world.run(61_000);
  assertEquals(bury(2), 1, "it cannot be reached");
  world.heal();
  assertEquals(bury(3), 1, "the network has just healed");
  world.run(61_000);
  assertEquals(bury(4), 2);
  world.crash(1);
  assertEquals(bury(5), 2, "it is dead");
});

Deno.test("World fails when somebody stays wrong about a member", () => {
  const { world, fake } = fakeWorld({ nodes: 2 });
  const [a, b] = [world.node(0).id, world.node(1).id];
  fake(0).emit("alive", b, 0);
  fake(1).emit("alive", a, 0);
  world.run(400_000);
  fake(0).emit("dead", b, 0);
  world.run(80_000);
  assertThrows(
    () => world.run(20_000),
    SimError,
    "node 1 is up, and node 0 still believes it dead",
  );
});

Deno.test("World fails when somebody holds a session with a revoked key", () => {
  const { world, fake } = fakeWorld({ nodes: 3 });
  world.connectAll();
  world.revoke(2);
  assertEquals(fake(0).peers.size, 1);
  fake(0).dial(world.node(2).id, world.node(2).address.host);
  world.run(60_000);
  assertEquals(fake(0).notes.at(-1), "failed");
  world.network.openNow(world.node(0), world.node(2));
  assertThrows(() => world.run(10_000), SimError, "holds a session with node 2, revoked");
});

Deno.test("World.broadcast() counts whom an event reaches, and by how many links", () => {
  const world = new World({ seed: 4, nodes: 60, links: { loss: 0.05 } });
  world.village(60);
  world.run(10_000);
  const broadcast = world.broadcast(7, "hello");
  assertEquals(broadcast.reached, 1);
  world.run(30_000);
  assertEquals([broadcast.reached, broadcast.has.indexOf(0)], [60, -1]);
  assert(broadcast.maxHops >= 1 && broadcast.lastMs > broadcast.sentMs + 20);
});

Deno.test("World fails when an event reaches somebody twice, or not everybody", () => {
  const told = (world: World, index: number) => {
    const event = { origin: world.node(0).id, name: "sim", data: "0 " };
    world.onEvent(world.node(index), { type: "event", event });
  };
  const twice = new World({ seed: 4, nodes: 3 });
  twice.village(3);
  twice.broadcast(0);
  assertThrows(() => told(twice, 0), SimError, "node 0 is told of event 0 twice");
  const partly = new World({ seed: 4, nodes: 3, links: { loss: 1 } });
  partly.village(3);
  partly.broadcast(0);
  partly.run(80_000);
  told(partly, 1);
  assertThrows(() => partly.run(20_000), SimError, "node 2 was never told of event 0");
});
