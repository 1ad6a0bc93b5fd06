/** `hamlet peers` */

import { ControlClient } from "../../control/client.ts";
import type { PeerView } from "../../control/views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { cell, renderTable } from "../table.ts";
import { EXIT } from "../usage_error.ts";
import { showText } from "../watch.ts";

const COLUMNS = [
  { heading: "PEER" },
  { heading: "NAME" },
  { heading: "STATE" },
  { heading: "ADDRESS" },
  { heading: "SEEN", isNumber: true },
  { heading: "RTT ms", isNumber: true },
  { heading: "CORES", isNumber: true },
  { heading: "RAM GB", isNumber: true },
  { heading: "CPU %", isNumber: true },
  { heading: "BATTERY", isNumber: true },
  { heading: "HEAT" },
  { heading: "DEVICE" },
  { heading: "TIER" },
];

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  await showText(flags.has("watch"), async () => {
    const peers = await client.peers();
    return flags.has("json") ? JSON.stringify({ peers }, null, 2) + "\n" : renderPeers(peers);
  }, write);
  return EXIT.ok;
}

/** The table, and a line that counts. */
export function renderPeers(peers: readonly PeerView[]): string {
  if (peers.length === 0) {
    return "No peers yet. To let another device in: hamlet invite\n";
  }
  const connected = peers.filter((peer) => peer.connected).length;
  return renderTable(COLUMNS, peers.map(row)) +
    `\n${peers.length} known, ${connected} connected\n`;
}

function row(peer: PeerView): readonly string[] {
  const { capabilities } = peer;
  const state = peer.trust === "unverified" ? "unverified" : peer.connected ? "connected" : "away";
  return [
    peer.short_id,
    cell(peer.name),
    state,
    peer.addresses[0] ?? "-",
    since(peer.last_seen_s),
    cell(peer.latency_ms),
    cell(capabilities["cpu_cores"]),
    (Number(capabilities["ram_mb"]) / 1024).toFixed(1),
    cell(capabilities["cpu_percent"]),
    cell(capabilities["battery_percent"], "%"),
    cell(capabilities["thermal_state"]),
    cell(capabilities["device_type"]),
    cell(capabilities["performance_tier"]),
  ];
}

/** Seconds, minutes or hours, whichever is short. */
function since(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  return `${Math.round(seconds / 3_600)}h`;
}
