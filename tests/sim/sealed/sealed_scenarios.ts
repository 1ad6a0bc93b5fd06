/** Every scenario of whole agents. */

import { randomBelow } from "../../../src/base/random.ts";
import { type Metrics, seconds } from "../scenario.ts";
import type { SealedScenario } from "./sealed_scenario.ts";
import type { SealedWorld } from "./sealed_world.ts";

const LIMIT_MS = 120_000;
/** Of calm in a run, in which nothing may be told twice, nor sessions come and go. */
const CALM_MS = 10_000;
/** More than a revocation may take. */
const NOTICED_MS = 12_000;
/** Sessions find their places again after a change. */
const SETTLING_MS = 15_000;

export const SEALED_JOIN: SealedScenario = {
  name: "sealed_join",
  help: "whole agents join through one, some crash and come back, one sleeps, one leaves",
  nodes: 40,
  limits: { view_s: 15, woven_s: 30, crash_s: 20, rejoin_s: 15, churn: 5, ...calmLimits() },
  async play({ nodes, world: makeWorld }) {
    const world = makeWorld({ loss: 0.01 });
    await world.startAll(100);
    const startMs = world.nowMs;
    const viewMs = await world.until(() => world.invariants.isOneView, LIMIT_MS);
    await world.until(() => world.invariants.isWoven, LIMIT_MS);
    const wovenMs = world.nowMs - startMs;
    world.broadcast(randomBelow(world.random, nodes));
    await world.run(SETTLING_MS);
    const churned = await churn(world);
    const [killed, cut, sleeper, leaver] = [1, 2, 3, 4] as const;
    world.crash(killed, "process");
    world.crash(cut, "power");
    world.node(sleeper).sleep();
    world.node(leaver).leave();
    world.broadcast(0);
    const crashMs = await world.until(() => world.invariants.isOneView, LIMIT_MS);
    await world.run(20_000);
    world.node(sleeper).wake();
    for (const index of [killed, cut, leaver]) await world.start(index, 0);
    const rejoinMs = await world.until(() => world.invariants.isOneView, LIMIT_MS);
    return {
      view_s: seconds(viewMs),
      woven_s: seconds(wovenMs),
      crash_s: seconds(crashMs),
      rejoin_s: seconds(rejoinMs),
      churn: churned,
      ...await calm(world, killed),
    };
  },
};

export const SEALED_HEAL: SealedScenario = {
  name: "sealed_heal",
  help: "a village of whole agents is split in halves for a minute; events of both reach all",
  nodes: 40,
  limits: { heal_s: 20, late_event_s: 30, ...calmLimits() },
  async play({ nodes, world: makeWorld }) {
    const world = makeWorld({ loss: 0.01 });
    await world.startAll(50);
    await world.until(() => world.invariants.isOneView, LIMIT_MS);
    await world.run(15_000);
    const half = nodes >> 1;
    const all = world.nodes.map(({ index }) => index);
    world.partition(all.slice(0, half), all.slice(half));
    await world.run(45_000);
    const events = [world.broadcast(0), world.broadcast(nodes - 1)];
    await world.run(15_000);
    world.heal();
    const healMs = await world.until(() => world.invariants.isOneView, LIMIT_MS);
    const haveAll = () => world.invariants.isKnown(...events);
    const lateMs = healMs + await world.until(haveAll, LIMIT_MS);
    return {
      heal_s: seconds(healMs),
      late_event_s: seconds(lateMs),
      ...await calm(world, half),
    };
  },
};

export const SEALED_REVOKE: SealedScenario = {
  name: "sealed_revoke",
  help: "a closed village removes two of its own, one of them while it is away",
  nodes: 40,
  limits: { view_s: 30, revoked_s: 10, ...calmLimits() },
  async play({ nodes, world: makeWorld }) {
    const world = makeWorld({ isClosed: true, loss: 0.01 });
    await world.startAll(50);
    const viewMs = await world.until(() => world.invariants.isOneView, LIMIT_MS);
    await world.run(5_000);
    const [here, away, late] = [5, 6, nodes - 1] as const;
    // Who is away when it happens is told of it by whoever it meets first.
    world.crash(late, "power");
    world.crash(away, "power");
    await world.revoke(0, here);
    await world.revoke(0, away);
    const revokedMs = await world.until(() => world.invariants.isRid, LIMIT_MS);
    world.broadcast(1);
    await world.run(NOTICED_MS);
    await world.start(away, 1);
    await world.start(late, 2);
    await world.run(NOTICED_MS);
    world.node(here).leave();
    await world.run(1_000);
    await world.start(here, 3);
    await world.run(NOTICED_MS);
    return {
      view_s: seconds(viewMs),
      revoked_s: seconds(revokedMs),
      ...await calm(world, late),
    };
  },
};

export const SEALED_CLOSED: SealedScenario = {
  name: "sealed_closed",
  help: "a closed village of more than a session's first message has certificates for",
  nodes: 80,
  limits: { view_s: 30, newcomer_s: 15, ...calmLimits() },
  async play({ nodes, world: makeWorld }) {
    const world = makeWorld({ isClosed: true });
    const last = nodes - 1;
    for (const { index } of world.nodes.slice(0, last)) {
      await world.start(index, index === 0 ? undefined : 0);
      await world.run(50);
    }
    const viewMs = await world.until(() => world.invariants.isOneView, LIMIT_MS);
    await world.run(1_000);
    // Not through the founder: through one who has to be asked.
    await world.start(last, 1);
    const newcomerMs = await world.until(() => world.invariants.isOneView, LIMIT_MS);
    return {
      view_s: seconds(viewMs),
      newcomer_s: seconds(newcomerMs),
      ...await calm(world, last),
    };
  },
};

export const SEALED_SCENARIOS: readonly SealedScenario[] = [
  SEALED_JOIN,
  SEALED_HEAL,
  SEALED_REVOKE,
  SEALED_CLOSED,
];

export function sealedScenarioOf(name: string): SealedScenario | undefined {
  return SEALED_SCENARIOS.find((scenario) => scenario.name === name);
}

function calmLimits(): Metrics {
  return { reach_s: 10, settled_s: 30, false_deaths: 0 };
}

/** How a run ends: one more event reaches everybody, once, and all agree. */
async function calm(world: SealedWorld, teller: number): Promise<Metrics> {
  const event = world.broadcast(teller);
  const reachMs = await world.until(() => world.invariants.isKnown(event), LIMIT_MS);
  await world.run(CALM_MS);
  const { invariants } = world;
  const isSettled = () => invariants.isOneView && invariants.isWoven;
  const settledMs = await world.until(isSettled, LIMIT_MS);
  const counts = world.up.filter(({ isRevoked }) => !isRevoked)
    .map(({ agent }) => agent.node.connected.length);
  return {
    reach_s: seconds(reachMs),
    settled_s: seconds(settledMs),
    false_deaths: invariants.falseDeaths,
    least_sessions: Math.min(...counts),
    most_sessions: Math.max(...counts),
  };
}

/** Sessions that begin at each in a minute, while nothing else happens. */
async function churn(world: SealedWorld): Promise<number> {
  const before = world.sessions;
  await world.run(CALM_MS);
  return (world.sessions - before) / world.up.length * 60_000 / CALM_MS;
}
