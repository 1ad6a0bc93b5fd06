/**
 * One village from its first process to the notice of a death, and what it sent meanwhile.
 */

import { pause, systemClock } from "../../src/base/clock.ts";
import { rounded } from "../../scripts/lib/statistics.ts";
import { createNamespace } from "../../scripts/lib/lan/network.ts";
import type { Contender } from "./serf_contender.ts";
import { confirmWhole } from "./serf_look.ts";
import { installMeter, readMeter, type Traffic, trafficBetween } from "./serf_meter.ts";
import { FIRST_PORT, Village } from "./serf_village.ts";

/** What one village did. Traffic is what one agent sends, on average, and so also what it receives. */
export interface VillageFigures {
  /** From the start of the first process until every agent lists all as alive. */
  readonly view_ms: number;
  /** The same from when the last process was ready; 0 if the view was full by then. */
  readonly view_after_ready_ms: number;
  /** Until then, from the start of the first process. */
  readonly view_messages_per_agent: number;
  /** From a kill -9 until every survivor calls the agent dead, and until the first does. */
  readonly kill_ms: number;
  readonly kill_first_ms: number;
  /** At rest. */
  readonly packets_per_agent_s: number;
  readonly messages_per_agent_s: number;
  readonly bytes_per_agent_s: number;
  readonly payload_bytes_per_agent_s: number;
  /** From the start of the first process until the view has been full for {@link SETTLE_MS}. */
  readonly join_packets_per_agent: number;
  readonly join_messages_per_agent: number;
  readonly join_bytes_per_agent: number;
  readonly join_messages_per_agent_s: number;
  readonly join_bytes_per_agent_s: number;
  /** From the kill until all have noticed, per survivor. */
  readonly kill_messages_per_agent: number;
}

export interface VillageTask {
  readonly contender: Contender;
  /** The name of a network namespace that does not exist yet. */
  readonly namespace: string;
  readonly count: number;
  /** How long the traffic at rest is counted. */
  readonly idleMs: number;
}

/** Until the last news of a join has been passed on. */
const SETTLE_MS = 5_000;
const NOTICE_LIMIT_MS = 120_000;

/** Founds a village, measures it and takes it down. Throws when it does not come to a full view. */
export async function measureVillage(task: VillageTask): Promise<VillageFigures> {
  const { contender, namespace, count, idleMs } = task;
  await createNamespace(namespace);
  await installMeter(namespace, { first: FIRST_PORT, last: FIRST_PORT + count - 1 });
  const village = new Village({ contender, namespace, count });
  try {
    const beforeStart = await readMeter(namespace);
    const startMs = systemClock.now();
    await village.start();
    const viewMs = await village.until("a full view", () => village.isWhole);
    const view = trafficBetween(beforeStart, await readMeter(namespace));
    const readyMs = Math.max(...village.agents.map((agent) => agent.readyMs ?? Infinity));
    await pause(systemClock, SETTLE_MS);
    const atRest = await readMeter(namespace);
    const join = { ...trafficBetween(beforeStart, atRest), ms: atRest.ms - startMs };

    await pause(systemClock, idleMs);
    const idle = trafficBetween(atRest, await readMeter(namespace));
    await confirmWhole(contender, namespace, village.agents);
    if (!village.isWhole) throw new Error("Cannot measure a kill: one was missed before it");

    return {
      view_ms: Math.round(viewMs - startMs),
      view_after_ready_ms: Math.round(Math.max(0, viewMs - readyMs)),
      view_messages_per_agent: rounded(view.messages / count, 1),
      ...await measureKill(village, namespace),
      ...idleFigures(idle, count),
      ...joinFigures(join, count),
    };
  } finally {
    await village.close();
  }
}

async function measureKill(village: Village, namespace: string) {
  const victim = village.agents.at(-1);
  if (!victim) throw new TypeError("Cannot kill: the village is empty");
  const before = await readMeter(namespace);
  const killedMs = village.kill(victim);
  const firstMs = village.until(
    "the first notice of a death",
    () => village.ready.some(({ view }) => view.get(victim.id) === "dead"),
    NOTICE_LIMIT_MS,
  );
  const noticedMs = village.until(
    "a death to be noticed by all",
    () => village.isDeclaredDead(victim),
    NOTICE_LIMIT_MS,
  );
  const [first, noticed] = await Promise.all([firstMs, noticedMs]);
  const { messages } = trafficBetween(before, await readMeter(namespace));
  return {
    kill_ms: Math.round(noticed - killedMs),
    kill_first_ms: Math.round(first - killedMs),
    kill_messages_per_agent: rounded(messages / village.ready.length, 1),
  };
}

function idleFigures({ ms, packets, messages, bytes, payloadBytes }: Traffic, count: number) {
  const rate = (sum: number) => rounded(sum / count / (ms / 1000), 2);
  return {
    packets_per_agent_s: rate(packets),
    messages_per_agent_s: rate(messages),
    bytes_per_agent_s: rate(bytes),
    payload_bytes_per_agent_s: rate(payloadBytes),
  };
}

function joinFigures({ ms, packets, messages, bytes }: Traffic, count: number) {
  const each = (sum: number) => rounded(sum / count, 1);
  return {
    join_packets_per_agent: each(packets),
    join_messages_per_agent: each(messages),
    join_bytes_per_agent: Math.round(bytes / count),
    join_messages_per_agent_s: rounded(messages / count / (ms / 1000), 2),
    join_bytes_per_agent_s: Math.round(bytes / count / (ms / 1000)),
  };
}
