/** `hamlet ping` */

import { pause, systemClock } from "../../base/clock.ts";
import { ControlClient } from "../../control/client.ts";
import type { PingView } from "../../control/views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { wholeNumber } from "../flags.ts";
import { EXIT } from "../usage_error.ts";

const DEFAULT_COUNT = "4";
const PERIOD_MS = 250;

export async function run({ flags, write }: CommandContext): Promise<number> {
  const count = wholeNumber("--count", flags.text("count") ?? DEFAULT_COUNT, {
    min: 1,
    max: 10_000,
  });
  const [peer = ""] = flags.positional;
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const pings: PingView[] = [];
  for (let index = 0; index < count; index++) {
    if (index > 0) await pause(systemClock, PERIOD_MS);
    const ping = await client.ping(peer);
    pings.push(ping);
    if (!flags.has("json")) write(`${ping.short_id}: ${ping.rtt_ms.toFixed(2)} ms\n`);
  }
  write(flags.has("json") ? summaryJson(pings) : summaryLine(pings));
  return EXIT.ok;
}

function statistics(pings: readonly PingView[]) {
  const sorted = pings.map(({ rtt_ms }) => rtt_ms).sort((a, b) => a - b);
  return {
    min_ms: sorted[0] ?? NaN,
    p50_ms: sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN,
    max_ms: sorted.at(-1) ?? NaN,
  };
}

function summaryJson(pings: readonly PingView[]): string {
  const summary = {
    node_id: pings[0]?.node_id,
    rtt_ms: pings.map(({ rtt_ms }) => rtt_ms),
    ...statistics(pings),
  };
  return JSON.stringify(summary, null, 2) + "\n";
}

function summaryLine(pings: readonly PingView[]): string {
  const { min_ms, p50_ms, max_ms } = statistics(pings);
  return `${pings.length} round trips: min ${min_ms.toFixed(2)}, median ${p50_ms.toFixed(2)}, ` +
    `max ${max_ms.toFixed(2)} ms\n`;
}
