/** `hamlet peers` */

import { ControlClient } from "../../control/client.ts";
import type { PeerView } from "../../control/views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { formatAge } from "../quantities.ts";
import { cell, renderFittingTable } from "../table.ts";
import { terminalColumns } from "../terminal.ts";
import { EXIT } from "../usage_error.ts";
import { showText } from "../watch.ts";

const COLUMNS = [
  { heading: "PEER" },
  { heading: "NAME" },
  { heading: "STATE" },
  { heading: "ADDRESS" },
  { heading: "SEEN", isNumber: true },
  { heading: "RTT ms", isNumber: true },
  { heading: "CORES", isNumber: true, canGo: true },
  { heading: "RAM GB", isNumber: true, canGo: true },
  { heading: "CPU %", isNumber: true, canGo: true },
  { heading: "BATTERY", isNumber: true, canGo: true },
  { heading: "HEAT", canGo: true },
  { heading: "DEVICE", canGo: true },
  { heading: "TIER", canGo: true },
];

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  await showText(flags.has("watch"), async () => {
    const peers = await client.peers();
    return flags.has("json")
      ? JSON.stringify({ peers }, null, 2) + "\n"
      : renderPeers(peers, terminalColumns());
  }, write);
  return EXIT.ok;
}

/** The table, in lines of `width` characters if they can be, and a line that counts. */
export function renderPeers(peers: readonly PeerView[], width = Infinity): string {
  if (peers.length === 0) {
    return "No peers yet. To let another device in: hamlet invite\n";
  }
  const connected = peers.filter((peer) => peer.connected).length;
  return renderFittingTable(COLUMNS, peers.map(row), width) +
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
    formatAge(peer.last_seen_s),
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
