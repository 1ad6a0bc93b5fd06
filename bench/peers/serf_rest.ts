/**
 * A village of hamlet's agents at rest: what one of them says to its peers and hears from them.
 */

import { pause, systemClock } from "../../src/base/clock.ts";
import { createNamespace } from "../../scripts/lib/lan/network.ts";
import { rounded } from "../../scripts/lib/statistics.ts";
import { hamletContender } from "./serf_contender.ts";
import { installMeter, readMeter, trafficBetween } from "./serf_meter.ts";
import { readSockets, type SocketBytes } from "./serf_sockets.ts";
import { FIRST_PORT, Village } from "./serf_village.ts";

/** Per second. */
export interface RestFigures {
  /** What the busiest agent sends and receives, without headers. */
  readonly idle_bytes_per_s: number;
  readonly idle_sent_bytes_per_s: number;
  readonly idle_received_bytes_per_s: number;
  /** What an average one sends and receives, with IP and TCP headers. */
  readonly idle_wire_bytes_per_s: number;
  /** Packets with payload that an average one sends and receives. */
  readonly idle_messages_per_s: number;
}

export interface RestTask {
  /** The name of a network namespace that does not exist yet. */
  readonly namespace: string;
  /** How many peers each agent has. */
  readonly peers: number;
  readonly idleMs: number;
}

/** Until the last news of a join has been passed on. */
const SETTLE_MS = 10_000;
/** The meter alone counts connections that are opened or closed meanwhile. */
const MAX_DISAGREEMENT = 0.05;

/** Founds a village, counts and takes it down. Throws when two ways of counting disagree. */
export async function measureRest({ namespace, peers, idleMs }: RestTask): Promise<RestFigures> {
  const count = peers + 1;
  const ports = { first: FIRST_PORT, last: FIRST_PORT + peers };
  await createNamespace(namespace);
  await installMeter(namespace, ports);
  const village = new Village({ contender: hamletContender, namespace, count });
  try {
    await village.start();
    await village.until("a full view", () => village.isWhole);
    await pause(systemClock, SETTLE_MS);
    const meterBefore = await readMeter(namespace);
    const socketsBefore = await readSockets(namespace, ports);
    await pause(systemClock, idleMs);
    const traffic = trafficBetween(meterBefore, await readMeter(namespace));
    const socketsAfter = await readSockets(namespace, ports);

    const each = village.agents.map((agent) => {
      const pid = village.pidOf(agent) ?? NaN;
      return bytesBetween(socketsBefore.get(pid), socketsAfter.get(pid));
    });
    requireAgreement(each, traffic.payloadBytes);
    const [busiest = NOTHING] = each.toSorted((a, b) => sumOf(b) - sumOf(a));
    const rate = (sum: number) => rounded(sum / (traffic.ms / 1000), 1);
    return {
      idle_bytes_per_s: rate(sumOf(busiest)),
      idle_sent_bytes_per_s: rate(busiest.sent),
      idle_received_bytes_per_s: rate(busiest.received),
      // Whatever one sends another receives.
      idle_wire_bytes_per_s: rate(2 * traffic.bytes / count),
      idle_messages_per_s: rate(2 * traffic.messages / count),
    };
  } finally {
    await village.close();
  }
}

const NOTHING: SocketBytes = Object.freeze({ sent: 0, received: 0 });

function bytesBetween(before = NOTHING, after = NOTHING): SocketBytes {
  return { sent: after.sent - before.sent, received: after.received - before.received };
}

function sumOf({ sent, received }: SocketBytes): number {
  return sent + received;
}

function requireAgreement(each: readonly SocketBytes[], payloadBytes: number): void {
  const sent = each.reduce((sum, bytes) => sum + bytes.sent, 0);
  if (Math.abs(sent - payloadBytes) <= MAX_DISAGREEMENT * payloadBytes) return;
  throw new Error(
    `Cannot tell the traffic at rest: sockets sent ${sent} bytes, packets carried ${payloadBytes}`,
  );
}
