/** `hamlet members` */

import { systemClock } from "../../base/clock.ts";
import { ControlClient } from "../../control/client.ts";
import type { MembersView, MemberView } from "../../control/network_views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { formatDuration } from "../quantities.ts";
import { renderTable } from "../table.ts";
import { EXIT } from "../usage_error.ts";
import { showText } from "../watch.ts";

const COLUMNS = [
  { heading: "NODE" },
  { heading: "NAME" },
  { heading: "ROLE" },
  { heading: "STATE" },
  { heading: "ADDRESS" },
  { heading: "CERTIFICATE", isNumber: true },
  { heading: "INVITED BY" },
];

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  await showText(flags.has("watch"), async () => {
    const view = await client.members();
    return flags.has("json")
      ? JSON.stringify(view, null, 2) + "\n"
      : renderMembers(view, systemClock.wallMs());
  }, write);
  return EXIT.ok;
}

/** The table, and a line that counts. */
export function renderMembers({ network, members, revoked }: MembersView, wallMs: number): string {
  const names = new Map(members.map(({ node_id, name }) => [node_id, name]));
  const rows = members.map((member) => row(member, names, wallMs));
  const connected = members.filter((member) => member.connected).length;
  const removed = revoked.length > 0 ? `, ${revoked.length} removed` : "";
  const count = `${members.length} member${members.length === 1 ? "" : "s"}`;
  const alone = members.length === 1 ? "\nTo let another device in: hamlet invite\n" : "";
  return renderTable(COLUMNS, rows) +
    `\n${network.name}: ${count}, ${connected} here now${removed}\n${alone}`;
}

function row(
  member: MemberView,
  names: ReadonlyMap<string, string>,
  wallMs: number,
): readonly string[] {
  const { invited_by: inviter } = member;
  return [
    member.short_id,
    member.name,
    member.role,
    stateOf(member),
    member.addresses[0] ?? "-",
    formatDuration((member.expires_unix_ms - wallMs) / 1000),
    inviter === null ? "founder" : names.get(inviter) ?? inviter.slice(0, 8),
  ];
}

function stateOf({ this_device, connected, last_seen_s }: MemberView): string {
  if (this_device) return "this device";
  if (connected) return "connected";
  return last_seen_s === null ? "away" : `away ${formatDuration(last_seen_s)}`;
}
