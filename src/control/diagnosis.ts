/**
 * What the agent knows of why a peer is or is not connected: who is meant, what certificates and gossip say of it,
 * how the ways to it did, and what comes of dialling it now. The judgement is the command's.
 *
 * The dial is the agent's own: a second node under the same identity would take the sessions away from it. Where it
 * succeeds the peer is connected from then on.
 */

import type { Agent } from "../agent/agent.ts";
import { type Clock, pause } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import { parsePeerId, type PeerId, shortId } from "../base/peer_id.ts";
import { CRITICAL } from "../channel/scheduler.ts";
import { type Address, formatAddress, parseAddress } from "../net/address.ts";
import type { DialOutcome } from "../node/node_events.ts";
import type { MemberStateView } from "./gossip_views.ts";

/** Whether somebody may take part, as far as certificates known here say. */
export type StandingView =
  | "member"
  /** Any key may take part here. */
  | "anybody"
  | "stranger"
  | "certificate_expired"
  | "revoked";

export interface ProbeView {
  readonly address: string;
  readonly outcome: DialOutcome["type"];
  /** Who answered; `null` where nobody did. */
  readonly node_id: string | null;
  /** Why it failed. */
  readonly code: string | null;
  readonly reason: string | null;
}

export interface PathView {
  readonly address: string;
  /** In a row. */
  readonly failures: number;
  readonly failed_by: string | null;
  readonly next_dial_in_s: number;
}

export interface DiagnosisView {
  readonly subject: "peer" | "address" | "this_device" | "ambiguous" | "unknown";
  /** How many match what was asked for. */
  readonly matches: number;
  readonly node_id: string | null;
  readonly short_id: string | null;
  readonly name: string | null;
  /** Whether it is an old node, which has no sessions. */
  readonly old_node: boolean;
  readonly own_standing: StandingView;
  readonly standing: StandingView;
  readonly state: MemberStateView["state"];
  readonly connected: boolean;
  /** Whether a session with it is kept: in a large village not with everybody. */
  readonly session_wanted: boolean;
  readonly rtt_ms: number | null;
  /** Its clock less ours. */
  readonly clock_offset_ms: number | null;
  readonly paths: readonly PathView[];
  readonly probes: readonly ProbeView[];
}

/** A connected peer's clock beside ours. */
export interface ClockView {
  readonly node_id: string;
  readonly short_id: string;
  /** Its clock less ours, give or take half of `rtt_ms`. */
  readonly offset_ms: number;
  readonly rtt_ms: number;
}

export const MAX_QUERY_LENGTH = 256;
/** Addresses that are dialled, all at once. */
export const MAX_PROBES = 4;
/** A dial that takes longer goes on, unheard. */
export const PROBE_MS = 4_500;
export const PING_MS = 2_000;
const MAX_CLOCKS = 8;
export const DEFAULT_PORT = 9_000;

interface Asked {
  readonly agent: Agent;
  readonly clock: Clock;
}

/** Finds out about `text`: a name, a node id or the beginning of one, or an address. */
export async function diagnose(asked: Asked, text: string): Promise<DiagnosisView> {
  const { agent } = asked;
  const ids = matching(agent, text);
  const [id] = ids;
  if (ids.length > 1) return { ...nobody(asked), subject: "ambiguous", matches: ids.length };
  if (id !== undefined) return await diagnosePeer(asked, id);
  const address = parseAddress(text, DEFAULT_PORT);
  // A word without a dot or a port is a name that nobody has.
  if (address && /[.:]/.test(text)) return await diagnoseAddress(asked, address);
  return nobody(asked);
}

/** The clocks of some connected peers; who does not answer in time is left out. */
export async function compareClocks(asked: Asked): Promise<readonly ClockView[]> {
  const ids = asked.agent.node.connected.slice(0, MAX_CLOCKS);
  const views = await Promise.all(ids.map(async (id) => {
    const found = await askClock(asked, id);
    return found && { node_id: id, short_id: shortId(id), ...found };
  }));
  return views.filter((view) => view !== undefined);
}

async function diagnosePeer(asked: Asked, id: string): Promise<DiagnosisView> {
  const { agent } = asked;
  const known = describe(asked, id);
  const peerId = parsePeerId(id);
  if (known.subject === "this_device" || known.old_node || !peerId) return known;
  if (known.connected) {
    const found = await askClock(asked, peerId);
    return { ...known, rtt_ms: found?.rtt_ms ?? null, clock_offset_ms: found?.offset_ms ?? null };
  }
  const { addresses } = agent.registry.get(id) ?? agent.villager.gossip.members.record(peerId) ??
    { addresses: [] };
  const ways = new Map(
    [...agent.whereabouts.pathsTo(peerId).map(({ address }) => address), ...addresses]
      .map((address) => [formatAddress(address), address]),
  );
  const isIdle = known.standing === "revoked" || !known.session_wanted && known.state === "alive";
  const dialled = isIdle ? [] : [...ways.values()].slice(0, MAX_PROBES);
  const probes = await Promise.all(dialled.map((address) => probe(asked, address, peerId)));
  return { ...describe(asked, id), probes, paths: pathsOf(agent, peerId, [...ways.keys()]) };
}

async function diagnoseAddress(asked: Asked, address: Address): Promise<DiagnosisView> {
  const { agent } = asked;
  const key = formatAddress(address);
  const isOwn = [agent.listenAddress, ...agent.addresses].some((own) => formatAddress(own) === key);
  if (isOwn) return describe(asked, agent.identity.id);
  const there = agent.registry.peers().find((peer) =>
    agent.node.isConnected(peer.id as PeerId) &&
    peer.addresses.some((each) => formatAddress(each) === key)
  );
  if (there) return await diagnosePeer(asked, there.id);
  const found = await probe(asked, address, undefined);
  const known = found.node_id === null ? nobody(asked) : describe(asked, found.node_id);
  return { ...known, subject: "address", matches: 1, probes: [found] };
}

/** What is known of `id` without asking anybody. */
function describe({ agent, clock }: Asked, id: string): DiagnosisView {
  const peerId = parsePeerId(id);
  const peer = agent.registry.get(id);
  const { membership, villager, node } = agent;
  const name = peerId && membership?.roster.get(peerId)?.name;
  return {
    subject: id === agent.identity.id ? "this_device" : "peer",
    matches: 1,
    node_id: id,
    short_id: shortId(id),
    name: name ?? null,
    old_node: peer?.trust === "unverified",
    own_standing: ownStanding(agent, clock),
    standing: peerId ? standingOf(agent, peerId) : "stranger",
    state: peerId && villager.gossip.members.stateOf(peerId) || "unknown",
    connected: peerId !== undefined && node.isConnected(peerId),
    session_wanted: peerId !== undefined && villager.wants(peerId),
    rtt_ms: null,
    clock_offset_ms: null,
    paths: peerId ? pathsOf(agent, peerId, []) : [],
    probes: [],
  };
}

function nobody({ agent, clock }: Asked): DiagnosisView {
  return emptyDiagnosis(ownStanding(agent, clock));
}

/** What is said of somebody that nothing is known of. */
export function emptyDiagnosis(own: StandingView): DiagnosisView {
  return {
    subject: "unknown",
    matches: 0,
    node_id: null,
    short_id: null,
    name: null,
    old_node: false,
    own_standing: own,
    standing: "stranger",
    state: "unknown",
    connected: false,
    session_wanted: false,
    rtt_ms: null,
    clock_offset_ms: null,
    paths: [],
    probes: [],
  };
}

function standingOf({ membership }: Agent, id: PeerId): StandingView {
  if (!membership) return "anybody";
  if (membership.isMember(id)) return "member";
  if (membership.wasRemoved(id)) return "revoked";
  if (membership.isOpen) return "anybody";
  return membership.roster.get(id) ? "certificate_expired" : "stranger";
}

function ownStanding({ membership }: Agent, clock: Clock): StandingView {
  if (!membership) return "anybody";
  if (membership.isRevoked) return "revoked";
  if (membership.certificate.notAfterMs >= clock.wallMs()) return "member";
  return membership.isOpen ? "anybody" : "certificate_expired";
}

/** The ways to a peer; those that the dial plan has not got are dialled when there is news. */
function pathsOf({ whereabouts }: Agent, id: PeerId, more: readonly string[]): PathView[] {
  const planned = whereabouts.pathsTo(id).map((path) => ({
    address: formatAddress(path.address),
    failures: path.failures,
    failed_by: path.failedBy ?? null,
    next_dial_in_s: Math.round(path.dueInMs / 1000),
  }));
  return planned.filter(({ address }) => more.length === 0 || more.includes(address));
}

/** Everybody whom `text` may mean, by whatever is known of them. */
function matching({ registry, membership, villager, identity }: Agent, text: string): string[] {
  if (text === "") return [];
  const certificates = membership?.roster.certificates() ?? [];
  const revoked = membership?.roster.revocations() ?? [];
  const ids = [
    identity.id,
    ...certificates.map(({ id }) => id),
    ...revoked.map(({ id }) => id),
    ...registry.peers().map(({ id }) => id),
    ...Array.from(villager.gossip.members.records(), ({ id }) => id),
  ];
  const named = certificates.filter(({ name }) => name === text).map(({ id }) => id);
  return [...new Set([...named, ...ids.filter((id) => id.startsWith(text))])];
}

async function probe(
  { agent, clock }: Asked,
  address: Address,
  expected: PeerId | undefined,
): Promise<ProbeView> {
  const approach = expected ? "seal" : "ask_then_seal";
  const end = new AbortController();
  const outcome = await Promise.race<DialOutcome>([
    agent.node.dial(address, { approach, ...(expected && { expected }) })
      .then((dialled) => confirm({ agent, clock }, dialled)),
    pause(clock, PROBE_MS, end.signal).then(() => ({ type: "failed", code: "timeout" })),
  ]);
  end.abort();
  return {
    address: formatAddress(address),
    outcome: outcome.type,
    node_id: outcome.type === "failed" ? null : outcome.id,
    code: outcome.type === "failed" ? outcome.code : null,
    reason: outcome.type === "failed" ? outcome.reason ?? null : null,
  };
}

/** Who dials has a session before the other side has judged it: only an answer in it proves that it is to last. */
async function confirm(asked: Asked, outcome: DialOutcome): Promise<DialOutcome> {
  if (outcome.type !== "session") return outcome;
  const answer = await askClock(asked, outcome.id);
  if (answer || asked.agent.node.isConnected(outcome.id)) return outcome;
  return { type: "failed", code: asked.agent.whereabouts.refusalOf(outcome.id) ?? "ended_by_peer" };
}

async function askClock(
  { agent, clock }: Asked,
  id: PeerId,
): Promise<Pick<ClockView, "offset_ms" | "rtt_ms"> | undefined> {
  const [startMs, startWallMs] = [clock.now(), clock.wallMs()];
  try {
    const data = { ping_time: startWallMs / 1000 };
    const { sentAtMs } = await agent.node.ask(id, "PING", data, {
      timeoutMs: PING_MS,
      priority: CRITICAL,
    });
    const rttMs = clock.now() - startMs;
    return {
      offset_ms: Math.round(sentAtMs - (startWallMs + rttMs / 2)),
      rtt_ms: Math.round(rttMs * 1000) / 1000,
    };
  } catch (error) {
    // It has gone meanwhile, or is too busy to answer.
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}
