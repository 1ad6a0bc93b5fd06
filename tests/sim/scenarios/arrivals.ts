/** Members that come, go for a while, and all that at once. */

import { randomBelow } from "../../../src/base/random.ts";
import { ASLEEP, DEAD } from "../beliefs.ts";
import { type Scenario, seconds } from "../scenario.ts";
import { anyOf } from "../topology.ts";
import type { World } from "../world.ts";

const MINUTE_MS = 60_000;

/** All at once, through one member. */
export const JOIN: Scenario = {
  name: "join",
  help: "everybody joins through one seed at the same moment; 20 ms links, 1 % loss",
  nodes: 1_000,
  limits: { join_s: 15 },
  play(run) {
    const world = run.world({ links: { loss: 0.01 } });
    world.join(0);
    for (let index = 1; index < run.nodes; index++) world.join(index, 0);
    const tookMs = world.until(() => world.isOneView, MINUTE_MS, 50);
    run.note(`one view after ${seconds(tookMs)} s`);
    const joinBytes = world.traffic.totalBytes / run.nodes;
    world.run(MINUTE_MS);
    return {
      join_s: seconds(tookMs),
      join_bytes_per_node: Math.round(joinBytes),
      sessions_max: Math.max(...world.nodes.map(({ sessions }) => sessions)),
      false_deaths: world.invariants.falseDeaths.length,
    };
  },
};

/** Lids that are shut and opened again. */
export const SLEEP: Scenario = {
  name: "sleep",
  help: "a fifth of the village announces its sleep, is away for ten minutes and wakes",
  nodes: 50,
  limits: { sleep_deaths: 0, false_deaths: 0, wake_s: 20 },
  play(run) {
    const world = run.world({ links: { loss: 0.01 } });
    world.village(run.nodes);
    world.run(MINUTE_MS);
    const sleepers = Array.from({ length: Math.ceil(run.nodes / 5) }, (_, at) => at * 5);
    let deaths = 0;
    let [asleepMs, wakeMs] = [0, 0];
    for (const isTogether of [true, false]) {
      for (const index of sleepers) {
        world.sleep(index);
        if (!isTogether) world.run(3_000);
      }
      const asleep = () => sleepers.every((index) => isHeldAsleep(world, index));
      asleepMs = Math.max(asleepMs, world.until(asleep, MINUTE_MS));
      world.run(10 * MINUTE_MS);
      deaths += sleepers.filter((index) => world.beliefs.count(DEAD, index) > 0).length;
      for (const index of sleepers) world.wake(index);
      const tookMs = world.until(() => world.isOneView, 5 * MINUTE_MS);
      wakeMs = Math.max(wakeMs, tookMs);
      run.note(`one view ${seconds(tookMs)} s after waking`);
      world.run(2 * MINUTE_MS);
    }
    return {
      sleep_deaths: deaths,
      asleep_s: seconds(asleepMs),
      wake_s: seconds(wakeMs),
      false_deaths: world.invariants.falseDeaths.length,
    };
  },
};

/** Everything that can happen to a village. */
export const CHURN: Scenario = {
  name: "churn",
  help: "joins, leaves, crashes, restarts, sleep, slow nodes, skewed clocks; then calm",
  nodes: 60,
  limits: { settle_s: 60 },
  play(run) {
    const world = run.world({
      links: { latencyMs: [1, 60], jitterMs: 10, loss: 0.02 },
      maxDriftPpm: 300,
    });
    const first = Math.ceil(run.nodes * 0.7);
    world.village(first);
    world.node(1).clock.cycle = { runMs: 200, pauseMs: 800 };
    world.run(MINUTE_MS);
    let actions = 0;
    for (const endMs = world.nowMs + 15 * MINUTE_MS; world.nowMs < endMs;) {
      if (stir(world)) actions++;
      world.broadcast(anyOf(world.random, world.up).index);
      world.run(500 + randomBelow(world.random, 8_000));
    }
    for (const node of world.nodes) if (node.isRunning && !node.isPowered) world.wake(node.index);
    const tookMs = world.until(() => world.isOneView, 3 * MINUTE_MS);
    run.note(`${actions} things happened; one view ${seconds(tookMs)} s later`);
    // Long enough for whatever is still wrong to be found out.
    world.run(4 * MINUTE_MS);
    return {
      settle_s: seconds(tookMs),
      actions,
      false_deaths: world.invariants.falseDeaths.length,
    };
  },
};

/** Does something to somebody; `false` when there is nobody to do it to. */
function stir(world: World): boolean {
  const { random, nodes, up } = world;
  // The first stays: whoever joins asks it.
  const others = up.filter(({ index }) => index > 0);
  const down = nodes.filter(({ isRunning, index }) => !isRunning && index > 0);
  const asleep = nodes.filter(({ isRunning, isPowered }) => isRunning && !isPowered);
  const dice = random.next();
  if (dice < 0.35 && down.length > 0) world.join(anyOf(random, down).index, 0);
  else if (dice < 0.5 && asleep.length > 0) world.wake(anyOf(random, asleep).index);
  else if (others.length < nodes.length / 2) return false;
  else {
    const { index } = anyOf(random, others);
    if (dice < 0.6) world.leave(index);
    else if (dice < 0.7) world.sleep(index);
    else if (dice < 0.85) world.crash(index, "process");
    else world.crash(index, "power");
  }
  return true;
}

/** Whether all that are awake hold `index` asleep. */
function isHeldAsleep({ beliefs, up }: World, subject: number): boolean {
  return up.every(({ index }) => beliefs.of(index, subject) === ASLEEP);
}
