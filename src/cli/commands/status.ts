/** `hamlet status` */

import { ControlClient } from "../../control/client.ts";
import type { StatusView } from "../../control/views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { formatBitRate, formatBytes, formatDuration } from "../quantities.ts";
import { cell } from "../table.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const status = await client.status();
  write(flags.has("json") ? JSON.stringify(status, null, 2) + "\n" : renderStatus(status));
  return EXIT.ok;
}

/** One fact a line. */
export function renderStatus(status: StatusView): string {
  const { peers, connections, envelopes, capabilities, memory, crypto } = status;
  const rejected = Object.entries(status.rejected).map(([code, count]) => `${code} ${count}`);
  const facts: readonly (readonly [string, string])[] = [
    ["node", `${status.short_id}  (${status.node_id})`],
    ["version", `${status.version}, up ${formatDuration(status.uptime_s)}, process ${status.pid}`],
    ["listening", `${status.listen}, reachable at ${status.addresses.join(", ")}`],
    ["network", membership(status)],
    ["discovery", discovery(status)],
    ["old nodes", `unsigned discovery: ${status.legacy}`],
    ["cryptography", `records ${crypto.aead}, X25519 ${crypto.x25519}, Ed25519 ${crypto.ed25519}`],
    ...(crypto.refused ? [["", `native refused: ${crypto.refused}`] as const] : []),
    [
      "peers",
      `${peers.connected} connected, ${peers.authenticated} authenticated, ` +
      `${peers.unverified} unverified`,
    ],
    ["gossip", gossip(status)],
    ["", gossipTraffic(status)],
    [
      "connections",
      `${connections.accepted} accepted, ${connections.dialled} dialled, ${connections.guests} ` +
      `unauthenticated now, ${connections.evicted} evicted, ${status.streams} streams`,
    ],
    ["limits", limitsOf(status)],
    ["inbox", status.inbox ?? "off: no files are taken"],
    ["discoveries", String(status.discoveries)],
    ["strangers", limited(status)],
    [
      "messages",
      `${envelopes.received} received, ${envelopes.sent} sent, ${envelopes.dropped} dropped`,
    ],
    ["rejected", rejected.length > 0 ? rejected.join(", ") : "nothing"],
    ["memory", `${memory.rss_mb} MB resident, ${memory.heap_mb} MB heap`],
    ["device", device(capabilities)],
    ["state", status.state_dir],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

function membership({ open, network }: StatusView): string {
  const loud = "OPEN: any machine that reaches this port takes part, member or not";
  if (!network) return loud;
  const { name, role, founder, members, revoked } = network;
  const place = revoked
    ? "this device was REMOVED from it"
    : `${members} member${members === 1 ? "" : "s"}, this device is ${
      founder ? "its founder" : role
    }`;
  return `${name}: ${place}${open ? `; ${loud}` : ""}`;
}

function discovery({ discovery: scouts, dials }: StatusView): string {
  const dialling = `${dials.targets} to dial, ${dials.last_10_s} dials in 10 s`;
  if (!scouts) return dialling;
  const { mdns, dht, sweep } = scouts;
  return [
    `mDNS ${mdns.state}${mdns.reason ? ` (${mdns.reason})` : ""}`,
    dht.state === "off"
      ? "DHT off"
      : `DHT ${dht.state} (${dht.nodes} nodes, ${dht.announced} know us, ${dht.found} found)`,
    sweep.state === "off"
      ? "sweep off"
      : `sweep ${sweep.state} (${sweep.probed} tried, ${sweep.found} found)`,
    dialling,
  ].join(", ");
}

/** How the village is, as this device sees it. */
function gossip({ gossip: { state, members, sessions, health_multiplier: health } }: StatusView) {
  const counts = Object.entries(members).filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  const self = state === "asleep" ? "this device counts as ASLEEP (back with: hamlet wake), " : "";
  return `${self}members ${counts.join(", ")}; ${sessions.kept} of ${sessions.wanted} sessions; ` +
    `health multiplier ${health}${health === 0 ? "" : " (0 when all is well)"}`;
}

function gossipTraffic({ gossip: { messages, bytes, events, queued } }: StatusView): string {
  return `${messages.sent} messages sent (${formatBytes(bytes.sent)}), ` +
    `${messages.received} received (${formatBytes(bytes.received)}); ` +
    `${events.told} events told, ${events.duplicates} duplicates, ${queued} queued`;
}

/** What strangers were refused, and who had to make room. */
function limited({ limits, limited: counts }: StatusView): string {
  const evicted = counts.unverified_evicted + counts.unverified_evicted_of_address;
  return [
    `${counts.requests_allowed} requests taken, ${counts.requests_refused} refused, ` +
    `${counts.requests_dropped} ignored (${limits.requests_per_s}/s from one address)`,
    `${evicted} old nodes made room, ${counts.unverified_expired} expired ` +
    `(at most ${limits.max_unverified}, ${limits.max_unverified_per_address} of one address)`,
    `${counts.names_refused} false names, ${counts.replays_refused} replays`,
  ].join("; ");
}

function device(capabilities: StatusView["capabilities"]): string {
  const ramGb = (Number(capabilities["ram_mb"]) / 1024).toFixed(1);
  return [
    `${cell(capabilities["device_type"])} device`,
    `${cell(capabilities["cpu_cores"])} cores (${cell(capabilities["cpu_percent"], " %")} used)`,
    `${ramGb} GB (${cell(capabilities["memory_percent"], " %")} used)`,
    `battery ${cell(capabilities["battery_percent"], " %")}`,
    `heat ${cell(capabilities["thermal_state"])}`,
    `network ${cell(capabilities["network_type"])}`,
    `tier ${cell(capabilities["performance_tier"])}`,
    `capacity ${cell(capabilities["evolution_capacity"])}`,
  ].join(", ");
}

function limitsOf({ limits }: StatusView): string {
  const rate = (bps: number | null) => bps === null ? "unlimited" : formatBitRate(bps);
  return `up ${rate(limits.max_up_bps)}, down ${rate(limits.max_down_bps)}, ` +
    `${limits.max_connections} connections, files of ${formatBytes(limits.max_file_bytes)}`;
}
