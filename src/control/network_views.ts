/**
 * What the control API shows of the network: whom it has, what was invited, joined and revoked.
 */

import type { Agent } from "../agent/agent.ts";
import type { Joined } from "../agent/joining.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { formatAddress } from "../net/address.ts";
import type { Certificate, Role } from "../trust/certificate.ts";
import type { Membership, Network } from "../trust/membership.ts";
import { type MemberStateView, memberStateView } from "./gossip_views.ts";
import type { MemberHistory } from "./member_history.ts";

/** From those that are here to those that are not. */
const STATE_ORDER: readonly MemberStateView["state"][] = Object.freeze([
  "alive",
  "suspect",
  "asleep",
  "unknown",
  "dead",
  "left",
]);

export interface NetworkView {
  readonly id: string;
  readonly name: string;
  /** This device's. */
  readonly role: Role;
  /** Whether this device holds the authority's key. */
  readonly founder: boolean;
  /** Whether any authenticated key may take part. */
  readonly open: boolean;
  readonly members: number;
  readonly certificate_expires_unix_ms: number;
  /** Whether this device was removed. */
  readonly revoked: boolean;
}

/** A member by its certificate, or, in an open village, one that only gossip knows: without a name and a role. */
export interface MemberView extends MemberStateView {
  readonly node_id: string;
  readonly short_id: string;
  readonly name: string | null;
  readonly role: Role | null;
  readonly this_device: boolean;
  /** Whether we have a session with it. */
  readonly connected: boolean;
  /** Seconds since it was last heard; `null` if never since this agent's start. */
  readonly last_seen_s: number | null;
  readonly addresses: readonly string[];
  readonly issued_unix_ms: number | null;
  readonly expires_unix_ms: number | null;
  /** The admin that let it in; `null` is the network's founder, or nobody. */
  readonly invited_by: string | null;
}

export interface MembersView {
  readonly network: NetworkView;
  readonly members: readonly MemberView[];
  readonly revoked: readonly { node_id: string; short_id: string; revoked_unix_ms: number }[];
}

export interface InviteView {
  readonly token: string;
  readonly role: Role;
  readonly expires_unix_ms: number;
  readonly network: string;
}

export interface JoinView {
  readonly network: { readonly id: string; readonly name: string };
  readonly role: Role;
  readonly node_id: string;
  /** Members known at once. */
  readonly members: number;
}

export interface RevokeView {
  readonly node_id: string;
  readonly short_id: string;
  readonly name: string | null;
  /** Those it had let in, who stay. */
  readonly kept: readonly { node_id: string; short_id: string; name: string }[];
}

export function networkView(membership: Membership): NetworkView {
  const { network, certificate, isFounder, isOpen, isRevoked } = membership;
  return {
    id: network.id,
    name: network.name,
    role: certificate.role,
    founder: isFounder,
    open: isOpen,
    members: membership.memberIds().length,
    certificate_expires_unix_ms: certificate.notAfterMs,
    revoked: isRevoked,
  };
}

/** What {@link membersView} looks at. */
export interface Roll {
  readonly agent: Agent;
  readonly membership: Membership;
  readonly history: MemberHistory;
  readonly nowMs: number;
}

/** Every member: this device first, then the connected, then others by state, then by name. */
export function membersView(roll: Roll): MembersView {
  const { agent, membership } = roll;
  const { roster } = membership;
  const certified = new Set(membership.memberIds());
  const known = Array.from(agent.villager.gossip.members.records(), ({ id }) => id)
    .filter((id) => membership.isOpen && !certified.has(id));
  const members = [
    ...[...certified].flatMap((id) => roster.get(id) ?? []).map((each) =>
      memberView(roll, each.id, each)
    ),
    ...known.map((id) => memberView(roll, id, undefined)),
  ];
  return {
    network: networkView(membership),
    members: members.sort((a, b) =>
      rankOf(a) - rankOf(b) || compareNames(a.name, b.name) || (a.node_id < b.node_id ? -1 : 1)
    ),
    revoked: roster.revocations().filter(({ id }) => !membership.isMember(id)).map((each) => ({
      node_id: each.id,
      short_id: shortId(each.id),
      revoked_unix_ms: each.atMs,
    })),
  };
}

export function joinView({ stored, roster }: Joined): JoinView {
  const { network, chain } = stored;
  return {
    network: nameOfNetwork(network),
    role: chain[0].role,
    node_id: chain[0].id,
    members: roster.certificates().length,
  };
}

export function revokeView(target: Certificate | PeerId, kept: readonly Certificate[]): RevokeView {
  const id = typeof target === "string" ? target : target.id;
  return {
    node_id: id,
    short_id: shortId(id),
    name: typeof target === "string" ? null : target.name,
    kept: kept.map(({ id, name }) => ({ node_id: id, short_id: shortId(id), name })),
  };
}

function nameOfNetwork({ id, name }: Network) {
  return { id, name };
}

function memberView(
  { agent, history, nowMs }: Roll,
  id: PeerId,
  certificate: Certificate | undefined,
): MemberView {
  const peer = agent.registry.get(id);
  const isConnected = agent.node.isConnected(id);
  const heardMs = Math.max(agent.node.lastReceivedMs(id) ?? 0, peer?.lastSeenMs ?? 0);
  const isSelf = id === agent.identity.id;
  const { addresses = [] } = peer ?? agent.villager.gossip.members.record(id) ?? {};
  return {
    node_id: id,
    short_id: shortId(id),
    name: certificate?.name ?? null,
    role: certificate?.role ?? null,
    this_device: isSelf,
    ...memberStateView(agent, id, history, nowMs),
    connected: isConnected || isSelf,
    last_seen_s: isSelf ? 0 : peer || isConnected ? Math.round((nowMs - heardMs) / 100) / 10 : null,
    addresses: (isSelf ? agent.addresses : addresses).map(formatAddress),
    issued_unix_ms: certificate?.issuedAtMs ?? null,
    expires_unix_ms: certificate?.notAfterMs ?? null,
    invited_by: !certificate || certificate.issuer === certificate.network
      ? null
      : certificate.issuer,
  };
}

function rankOf({ this_device, connected, state }: MemberView): number {
  return this_device ? -2 : connected ? -1 : STATE_ORDER.indexOf(state);
}

/** Whoever has no name comes last. */
function compareNames(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a.localeCompare(b);
}
