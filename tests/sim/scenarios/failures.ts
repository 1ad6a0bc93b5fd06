/** Members that fail, networks that split, and a long time in which nothing does. */

import { type Metrics, percentile, type Run, type Scenario, seconds } from "../scenario.ts";
import { anyOf } from "../topology.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Crashes of each kind in one run. */
const CRASHES = 10;

export const CRASH: Scenario = {
  name: "crash",
  help: "members crash one by one, their process or the whole machine; when does everybody know?",
  nodes: 50,
  limits: { crash_p99_s: 10, false_deaths: 0 },
  play(run) {
    const world = run.world({ links: { loss: 0.01 } });
    world.village(run.nodes);
    world.run(MINUTE_MS);
    const tookMs: Record<"process" | "power", number[]> = { process: [], power: [] };
    for (let round = 0; round < 2 * CRASHES; round++) {
      const kind = round % 2 === 0 ? "process" : "power";
      const { index } = anyOf(world.random, world.up.filter((node) => node.index > 0));
      world.crash(index, kind);
      const isKnown = () => world.believersInDeath(index) === world.up.length;
      tookMs[kind].push(world.until(isKnown, 2 * MINUTE_MS));
      world.run(30_000 * world.random.next());
      world.join(index, 0);
      world.until(() => world.isOneView, 2 * MINUTE_MS);
      world.run(MINUTE_MS);
    }
    run.note(
      `known after ${seconds(percentile([...tookMs.process, ...tookMs.power], 0.5))} s (median)`,
    );
    return {
      crash_p99_s: seconds(percentile([...tookMs.process, ...tookMs.power], 0.99)),
      crash_process_p50_s: seconds(percentile(tookMs.process, 0.5)),
      crash_power_p50_s: seconds(percentile(tookMs.power, 0.5)),
      false_deaths: world.invariants.falseDeaths.length,
    };
  },
};

export const HEAL: Scenario = {
  name: "heal",
  help: "the network is split in half for five minutes and heals",
  nodes: 100,
  limits: { heal_s: 20 },
  play(run) {
    const world = run.world({ links: { loss: 0.01 } });
    world.village(run.nodes);
    world.run(MINUTE_MS);
    const half = world.nodes.filter(({ index }) => index % 2 === 0).map(({ index }) => index);
    world.partition([], half);
    world.run(5 * MINUTE_MS);
    const before = world.traffic.totalBytes;
    world.heal();
    const healMs = world.until(() => world.isOneView, 5 * MINUTE_MS);
    run.note(`one view ${seconds(healMs)} s after the heal`);
    const healBytes = (world.traffic.totalBytes - before) / run.nodes;
    world.run(4 * MINUTE_MS);
    return {
      heal_s: seconds(healMs),
      heal_bytes_per_node: Math.round(healBytes),
      false_deaths: world.invariants.falseDeaths.length,
    };
  },
};

export const QUIET: Scenario = {
  name: "quiet",
  help: "24 hours, 5 % loss, one node at 20 % of its speed: nobody is declared dead",
  nodes: 100,
  limits: { false_deaths: 0 },
  play: (run) => quiet(run, 24),
};

/** QUIET for fewer hours. */
export const SHORT_QUIET: Scenario = {
  ...QUIET,
  name: "quiet_hour",
  help: "the first hour of quiet",
  play: (run) => quiet(run, 1),
};

function quiet(run: Run, hours: number): Metrics {
  // Without capability records, which would only prove more often that their owners live.
  const world = run.world({ links: { loss: 0.05 }, maxDriftPpm: 100, capabilities: null });
  world.village(run.nodes);
  const slow = run.nodes - 1;
  world.node(slow).clock.cycle = { runMs: 200, pauseMs: 800 };
  const { falseDeaths } = world.invariants;
  const healthyDeaths = () => falseDeaths.filter(({ subject }) => subject !== slow);
  let suspicions = 0;
  world.onNodeEvent = (_, event) => {
    if (event.type === "member" && event.member.change === "suspect") suspicions++;
  };
  for (let hour = 0; hour < hours; hour++) {
    world.run(HOUR_MS);
    run.note(`${hour + 1} h: ${falseDeaths.length} times declared dead in error`);
  }
  const [first] = healthyDeaths();
  return {
    false_deaths: healthyDeaths().length,
    // The slow one's own, which it may deserve.
    slow_deaths: falseDeaths.length - healthyDeaths().length,
    first_false_death_s: first ? seconds(first.atMs) : -1,
    suspicions,
    bytes_per_node_s: world.traffic.totalBytes / run.nodes / (world.nowMs / 1_000),
    messages_per_node_s: world.traffic.totalMessages / run.nodes / (world.nowMs / 1_000),
  };
}
