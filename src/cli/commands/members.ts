/** `hamlet members` */

import { systemClock } from "../../base/clock.ts";
import { ControlClient } from "../../control/client.ts";
import type { MembersView, MemberView } from "../../control/network_views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { formatAge, formatDuration } from "../quantities.ts";
import { cell, renderFittingTable } from "../table.ts";
import { terminalColumns } from "../terminal.ts";
import { EXIT } from "../usage_error.ts";
import { everySecond, showText } from "../watch.ts";

const COLUMNS = [
  { heading: "NODE" },
  { heading: "NAME" },
  { heading: "ROLE", canGo: true },
  { heading: "STATE" },
  { heading: "SINCE", isNumber: true },
  { heading: "SESSION" },
  { heading: "INC", isNumber: true, canGo: true },
  { heading: "ADDRESS" },
  { heading: "CERTIFICATE", isNumber: true, canGo: true },
  { heading: "INVITED BY", canGo: true },
];
/** What certificates say, which nobody but this device may have in an open village. */
const CERTIFIED: readonly string[] = ["ROLE", "CERTIFICATE", "INVITED BY"];
const STATES = ["alive", "suspect", "asleep", "dead", "left", "unknown"] as const;

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const isJson = flags.has("json");
  if (isJson && flags.has("watch")) {
    await watchChanges(() => client.members(), write);
    return EXIT.ok;
  }
  await showText(flags.has("watch"), async () => {
    const view = await client.members();
    return isJson
      ? JSON.stringify(view, null, 2) + "\n"
      : renderMembers(view, systemClock.wallMs(), terminalColumns());
  }, write);
  return EXIT.ok;
}

/** Writes a line of JSON for each member, and again whenever one is not as it was. */
async function watchChanges(
  look: () => Promise<MembersView>,
  write: (text: string) => void,
): Promise<void> {
  let before: readonly MemberView[] = [];
  await everySecond(async () => {
    const { members } = await look();
    for (const member of changedMembers(before, members)) write(JSON.stringify(member) + "\n");
    before = members;
  });
}

/** Who of `now` is not as before, time passing apart; who is not there any more is `unknown`. */
export function changedMembers(
  before: readonly MemberView[],
  now: readonly MemberView[],
): readonly MemberView[] {
  const said = new Map(before.map((member) => [member.node_id, gistOf(member)]));
  const present = new Set(now.map(({ node_id }) => node_id));
  return [
    ...now.filter((member) => said.get(member.node_id) !== gistOf(member)),
    ...before.filter(({ node_id }) => !present.has(node_id)).map((member): MemberView => ({
      ...member,
      state: "unknown",
      state_since_s: null,
      incarnation: null,
      connected: false,
    })),
  ];
}

function gistOf(member: MemberView): string {
  const { state_since_s: _, last_seen_s: __, ...gist } = member;
  return JSON.stringify(gist);
}

/** The table, in lines of `width` characters if they can be, and a line that counts. */
export function renderMembers(
  { network, members, revoked }: MembersView,
  wallMs: number,
  width = Infinity,
): string {
  const names = new Map(members.map(({ node_id, name }) => [node_id, name]));
  const hasCertificates = !network.open || members.filter(({ role }) => role).length > 1;
  const isShown = COLUMNS.map(({ heading }) => hasCertificates || !CERTIFIED.includes(heading));
  const columns = COLUMNS.filter((_, index) => isShown[index]);
  const rows = members.map((member) =>
    cellsOf(member, names, wallMs).filter((_, index) => isShown[index])
  );
  const sessions = members.filter((member) => member.connected && !member.this_device).length;
  const removed = revoked.length > 0 ? `, ${revoked.length} removed` : "";
  const count = `${members.length} member${members.length === 1 ? "" : "s"}`;
  return renderFittingTable(columns, rows, width) +
    `\n${network.open ? "open village" : network.name}: ${count} (${countStates(members)}), ` +
    `${sessions} session${sessions === 1 ? "" : "s"}${removed}\n` +
    (members.length === 1 ? `\n${hintFor(network.open)}\n` : "");
}

function countStates(members: readonly MemberView[]): string {
  return STATES.map((state) => [members.filter((each) => each.state === state).length, state])
    .filter(([count]) => count !== 0).map((pair) => pair.join(" ")).join(", ");
}

function hintFor(isOpen: boolean): string {
  return isOpen
    ? "To bring another device in, on it: hamlet up --open --peer HOST:PORT"
    : "To let another device in: hamlet invite";
}

function cellsOf(
  member: MemberView,
  names: ReadonlyMap<string, string | null>,
  wallMs: number,
): readonly string[] {
  const { state_since_s: since, expires_unix_ms: expires } = member;
  return [
    member.short_id,
    cell(member.name),
    cell(member.role),
    member.state,
    since === null ? "-" : formatAge(since),
    sessionOf(member),
    cell(member.incarnation),
    member.addresses[0] ?? "-",
    expires === null ? "-" : formatDuration((expires - wallMs) / 1000),
    inviterOf(member, names),
  ];
}

function inviterOf(
  { role, invited_by: inviter }: MemberView,
  names: ReadonlyMap<string, string | null>,
): string {
  if (role === null) return "-";
  return inviter === null ? "founder" : names.get(inviter) ?? inviter.slice(0, 8);
}

function sessionOf({ this_device, connected, last_seen_s }: MemberView): string {
  if (this_device) return "this device";
  if (connected) return "open";
  return last_seen_s === null ? "-" : `${formatAge(last_seen_s)} ago`;
}
