/**
 * What the control API shows of gossip: the village as this device sees it.
 */

import type { Agent } from "../agent/agent.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { RecordStatus } from "../gossip/member_record.ts";
import type { MemberState } from "../gossip/member_table.ts";
import { wantedDegree } from "../gossip/neighbourhood.ts";
import type { MemberHistory } from "./member_history.ts";

export interface GossipView {
  /** What this device says of itself. */
  readonly state: RecordStatus;
  /** Everybody, this device included. */
  readonly members: Readonly<Record<MemberState, number>>;
  readonly sessions: { readonly wanted: number; readonly kept: number };
  /** Lifeguard's: 0 when all is well, up to 8 where this device may itself be the slow one. */
  readonly health_multiplier: number;
  /** Since the start. */
  readonly messages: { readonly sent: number; readonly received: number };
  readonly bytes: { readonly sent: number; readonly received: number };
  /** What neighbours passed on: events, queries and capability records. */
  readonly events: {
    /** News, told and passed on. */
    readonly told: number;
    readonly duplicates: number;
    readonly unbelievable: number;
    readonly too_fast: number;
  };
  /** What waits to be told or answered. */
  readonly queued: number;
}

/** A member as gossip sees it. */
export interface MemberStateView {
  /** `unknown` of whom gossip has not heard. */
  readonly state: MemberState | "unknown";
  /** Since when, seconds; `null` if that was not seen. */
  readonly state_since_s: number | null;
  /** Grows whenever it starts, moves, or takes back that it is gone. */
  readonly incarnation: number | null;
}

export function gossipView({ villager: { gossip }, node: { counters } }: Agent): GossipView {
  const members = { alive: 0, suspect: 0, dead: 0, asleep: 0, left: 0 };
  for (const { id } of gossip.members.records()) members[gossip.members.stateOf(id) ?? "alive"]++;
  // A device that counts as asleep itself keeps its sessions all the same.
  const awake = gossip.members.awake + Number(gossip.own.status === "asleep");
  const { news, duplicates, unbelievable, tooFast } = gossip.eventCounters;
  return {
    state: gossip.own.status,
    members,
    sessions: { wanted: wantedDegree(awake), kept: gossip.neighbours.size },
    health_multiplier: gossip.healthMultiplier,
    messages: { sent: counters.gossipSent, received: counters.gossipReceived },
    bytes: { sent: counters.gossipBytesSent, received: counters.gossipBytesReceived },
    events: { told: news, duplicates, unbelievable, too_fast: tooFast },
    queued: gossip.queued,
  };
}

export function memberStateView(
  { villager: { gossip: { members } } }: Agent,
  id: PeerId,
  history: MemberHistory,
  nowMs: number,
): MemberStateView {
  const sinceMs = history.sinceMs(id);
  return {
    state: members.stateOf(id) ?? "unknown",
    state_since_s: sinceMs === undefined ? null : Math.round((nowMs - sinceMs) / 100) / 10,
    incarnation: members.record(id)?.incarnation ?? null,
  };
}

/** What its people call a member; `null` where no certificate says so. */
export function memberNameOf({ membership }: Agent, id: PeerId): string | null {
  return membership?.isMember(id) ? membership.roster.get(id)?.name ?? null : null;
}
