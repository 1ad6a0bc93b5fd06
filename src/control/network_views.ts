/**
 * What the control API shows of the network: whom it has, what was invited, joined and revoked.
 */

import type { Agent } from "../agent/agent.ts";
import type { Joined } from "../agent/joining.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { formatAddress } from "../net/address.ts";
import type { Certificate, Role } from "../trust/certificate.ts";
import type { Membership, Network } from "../trust/membership.ts";

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

export interface MemberView {
  readonly node_id: string;
  readonly short_id: string;
  readonly name: string;
  readonly role: Role;
  readonly this_device: boolean;
  readonly connected: boolean;
  /** Seconds since it was last heard; `null` if never since this agent's start. */
  readonly last_seen_s: number | null;
  readonly addresses: readonly string[];
  readonly issued_unix_ms: number;
  readonly expires_unix_ms: number;
  /** The admin that let it in; `null` is the network's founder. */
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

/** Every member: this device first, then the connected, then by name. */
export function membersView(agent: Agent, membership: Membership, nowMs: number): MembersView {
  const { roster } = membership;
  const members = membership.memberIds().flatMap((id) => roster.get(id) ?? [])
    .map((certificate) => memberView(agent, certificate, nowMs));
  const rank = (member: MemberView) => member.this_device ? 0 : member.connected ? 1 : 2;
  return {
    network: networkView(membership),
    members: members.sort((a, b) =>
      rank(a) - rank(b) || a.name.localeCompare(b.name) || (a.node_id < b.node_id ? -1 : 1)
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

function memberView(agent: Agent, certificate: Certificate, nowMs: number): MemberView {
  const { id, name, role, issuer, network } = certificate;
  const peer = agent.registry.get(id);
  const isConnected = agent.node.isConnected(id);
  const heardMs = Math.max(agent.node.lastReceivedMs(id) ?? 0, peer?.lastSeenMs ?? 0);
  const isSelf = id === agent.identity.id;
  return {
    node_id: id,
    short_id: shortId(id),
    name,
    role,
    this_device: isSelf,
    connected: isConnected || isSelf,
    last_seen_s: isSelf ? 0 : peer || isConnected ? Math.round((nowMs - heardMs) / 100) / 10 : null,
    addresses: (isSelf ? agent.addresses : peer?.addresses ?? []).map(formatAddress),
    issued_unix_ms: certificate.issuedAtMs,
    expires_unix_ms: certificate.notAfterMs,
    invited_by: issuer === network ? null : issuer,
  };
}
