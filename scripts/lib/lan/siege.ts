/**
 * One member under attack: what it must still be afterwards (PROTOCOL.md section 3).
 */

import type { JsonObject } from "../../../src/base/guards.ts";
import type { AttackPlan, AttackReport } from "./attacker.ts";
import type { Host } from "./host.ts";
import type { Place } from "./network.ts";
import type { View } from "./observer.ts";
import { run, scriptLine } from "./process.ts";

const ATTACK_MS = 60_000;
const DISCOVERIES = 10_000;
const MAX_UNVERIFIED = 1_024;
const MAX_UNVERIFIED_PER_HOST = 16;
const HONEST_S = 1;
/** Where agents serve by default. */
const PORT = 9_000;

export interface SiegeOptions {
  readonly village: readonly Host[];
  readonly victim: Host;
  readonly attacker: Place;
  readonly sources: readonly string[];
  readonly honest: readonly [string, string];
  /** Members' signed discoveries that a stranger has heard. */
  readonly heard: readonly JsonObject[];
}

export interface SiegeReport extends AttackReport {
  readonly unverified: View["unverified"];
  /** How many members' signed discoveries could be replayed. */
  readonly heard: number;
  /** What did not hold, in words. */
  readonly broken: readonly string[];
}

/** Lays siege to a member and looks at what it knows before and after. */
export async function besiege(options: SiegeOptions): Promise<SiegeReport> {
  const { village, victim, attacker, sources, honest, heard } = options;
  const before = await victim.look();
  if (village.some((host) => host !== victim && !victim.peer(host)?.isConnected)) {
    throw new Error(`Cannot lay siege to ${victim.name}: it has not all its sessions to lose`);
  }
  const target = { host: victim.place.host, port: PORT };
  const members = village.filter((host) => host !== victim).map(({ id }) => id);
  const plan: AttackPlan = { target, sources, honest, heard, members };
  const line = scriptLine("attacker.ts", JSON.stringify(plan));
  const output = await run(attacker.namespace, line, { timeoutMs: ATTACK_MS });
  const report = JSON.parse(output) as AttackReport;
  const after = await victim.look();
  const broken = [
    ...changesOf(before, after, sources),
    ...excessesOf(after),
    ...neglectOf(report),
  ];
  return { ...report, unverified: after.unverified, heard: heard.length, broken };
}

/** What became of the authenticated peers that were there before. */
function changesOf(before: View, after: View, sources: readonly string[]): readonly string[] {
  return before.peers.filter(({ isAuthenticated }) => isAuthenticated).flatMap((peer) => {
    const now = after.peers.find(({ id, isAuthenticated }) => isAuthenticated && id === peer.id);
    const name = peer.id.slice(0, 8);
    if (!now) return [`${name} is gone`];
    if (now.connectedUnixMs !== peer.connectedUnixMs) return [`the session of ${name} changed`];
    const isMoved = now.addresses.some((address) => sources.includes(address.split(":")[0] ?? ""));
    return isMoved ? [`${name} was given an attacker's address`] : [];
  });
}

function excessesOf({ unverified: { count, maxPerHost } }: View): readonly string[] {
  return [
    ...(count > MAX_UNVERIFIED ? [`${count} unverified peers`] : []),
    ...(count === 0 ? ["no unverified peer: the attack did not arrive"] : []),
    ...(maxPerHost > MAX_UNVERIFIED_PER_HOST ? [`${maxPerHost} unverified of one address`] : []),
  ];
}

function neglectOf({ sent, honest_during_s, honest_after_s }: AttackReport): readonly string[] {
  const isServed = (seconds: number | null) => seconds !== null && seconds <= HONEST_S;
  return [
    ...(sent < DISCOVERIES ? [`only ${sent} hostile discoveries were sent`] : []),
    ...(honest_during_s.every(isServed) ? [] : ["an honest newcomer was not served meanwhile"]),
    ...(isServed(honest_after_s) ? [] : ["an honest newcomer was not served afterwards"]),
  ];
}
