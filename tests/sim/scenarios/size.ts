/** How it all fares as the village grows. */

import { ALIVE } from "../beliefs.ts";
import { type Scenario, seconds } from "../scenario.ts";
import { shuffled } from "../../../src/base/random.ts";
import {
  EVEN_MEMBERS,
  MIN_RECORD_GAP_MS,
  RECORD_LIFETIME_MS,
  recordScale,
} from "../../../src/gossip/capability_book.ts";
import { EVENT_KINDS } from "../../../src/gossip/event_message.ts";
import type { SimNode } from "../sim_node.ts";
import { simCapabilities } from "../sim_identity.ts";
import { anyOf } from "../topology.ts";
import type { World } from "../world.ts";

/** A round: how often news are passed on. */
const ROUND_MS = 200;
const MINUTE_MS = 60_000;
/** Sizes of the growth table, up to the nodes of the run. */
const SIZES = [100, 250, 500, 1_000, 2_500, 5_000];
const NEWCOMERS = 3;
const EVENTS = 10;

export const GROWTH: Scenario = {
  name: "growth",
  help: "from 100 to 5,000 members: rounds until all know a newcomer, bytes a member and second",
  nodes: 5_000,
  limits: {},
  play(run) {
    const metrics: Record<string, number> = {};
    for (const size of SIZES.filter((size) => size <= run.nodes)) {
      const { rounds, bytes } = measureSize(
        run.world({ nodes: size + NEWCOMERS, capabilities: null }),
        size,
      );
      metrics[`rounds_${size}`] = rounds;
      metrics[`bytes_per_node_s_${size}`] = bytes;
      run.note(`${size} members: ${rounds} rounds, ${bytes} bytes a member and second`);
    }
    return metrics;
  },
};

function measureSize(world: World, size: number): { rounds: number; bytes: number } {
  world.village(size);
  // Members send their first record some time after their start, in large villages a long one.
  for (const node of world.up) {
    node.clock.jump(MIN_RECORD_GAP_MS * (1 + recordScale(size)));
    node.act(() => {});
  }
  const speakers = shuffled(world.random, world.up).values();
  speakSteadily(world, speakers, 30_000);
  world.traffic.reset();
  speakSteadily(world, speakers, MINUTE_MS);
  const bytes = Math.round(world.traffic.totalBytes / size / (MINUTE_MS / 1_000));
  let worstMs = 0;
  for (let newcomer = size; newcomer < size + NEWCOMERS; newcomer++) {
    world.join(newcomer, anyOf(world.random, world.up).index);
    const tookMs = world.until(
      () => world.beliefs.count(ALIVE, newcomer) === world.up.length - 1,
      2 * MINUTE_MS,
    );
    worstMs = Math.max(worstMs, tookMs);
    world.run(5_000);
  }
  return { rounds: Math.ceil(worstMs / ROUND_MS), bytes };
}

/**
 * A village that has long been there repeats its capability records one by one, at a rate that does not depend on
 * its size; one that has just begun would send them all first and then none. So here one after the other begins.
 */
function speakSteadily(world: World, speakers: Iterator<SimNode>, ms: number): void {
  const gapMs = RECORD_LIFETIME_MS / 3 / EVEN_MEMBERS;
  for (let passedMs = 0; passedMs < ms; passedMs += gapMs) {
    const { value, done } = speakers.next();
    if (!done) {
      value.act(() => world.gossip(value.index).setCapabilities(simCapabilities(value.index)));
    }
    world.run(gapMs);
  }
}

export const BROADCAST: Scenario = {
  name: "broadcast",
  help: "events from random members, one after another, first on links that carried none before",
  nodes: 1_000,
  limits: { unreached: 0, copies: 1.5, hops_max: 8 },
  play(run) {
    // Without capability records, whose copies look the same on the wire.
    const world = run.world({ links: { loss: 0.01 }, capabilities: null });
    world.village(run.nodes);
    world.run(MINUTE_MS);
    let [unreached, copies, hops, lastMs] = [0, 0, 0, 0];
    for (let event = 0; event < EVENTS; event++) {
      world.traffic.reset();
      const broadcast = world.broadcast(anyOf(world.random, world.up).index, "x".repeat(200));
      world.run(MINUTE_MS);
      const sent = (world.traffic.kindMessages[EVENT_KINDS.event] ?? 0) / (run.nodes - 1);
      run.note(`event ${event}: ${sent} copies, ${broadcast.maxHops} hops`);
      unreached += run.nodes - broadcast.reached;
      copies = Math.max(copies, sent);
      hops = Math.max(hops, broadcast.maxHops);
      lastMs = Math.max(lastMs, broadcast.lastMs - broadcast.sentMs);
    }
    world.run(2 * MINUTE_MS);
    return { unreached, copies, hops_max: hops, last_s: seconds(lastMs) };
  },
};

export const SCALE: Scenario = {
  name: "scale",
  help: "5,000 members for 60 simulated seconds, with crashes and joins among them",
  nodes: 5_000,
  limits: { wall_s: 600, rss_mb: 8_192 },
  play(run) {
    const startMs = performance.now();
    const world = run.world({ links: { loss: 0.01 } });
    const spare = 20;
    world.village(run.nodes - spare);
    let rssMb = 0;
    for (let second = 0; second < 60; second++) {
      if (second % 5 === 0) world.join(run.nodes - spare + second / 5, 0);
      if (second % 6 === 0) world.crash(100 + second, second % 12 === 0 ? "process" : "power");
      world.run(1_000);
      rssMb = Math.max(rssMb, Deno.memoryUsage().rss / 1e6);
      if (second % 10 === 9) run.note(`${second + 1} s; ${Math.round(rssMb)} MB`);
    }
    return {
      wall_s: Math.round((performance.now() - startMs) / 100) / 10,
      rss_mb: Math.round(rssMb),
      one_view: world.isOneView ? 1 : 0,
      false_deaths: world.invariants.falseDeaths.length,
      messages: world.traffic.delivered,
    };
  },
};
