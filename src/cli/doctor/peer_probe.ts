/**
 * What is known of a peer while no agent runs here: from the files, and from a dial of the doctor's own.
 *
 * The dial is under this device's identity, for anybody else would be turned away; with no agent there is no session
 * that it could displace. Where it succeeds it ends with a goodbye at once.
 */

import { type Clock, pause } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { parsePeerId, type PeerId, shortId } from "../../base/peer_id.ts";
import {
  DEFAULT_PORT,
  type DiagnosisView,
  emptyDiagnosis,
  MAX_PROBES,
  PING_MS,
  PROBE_MS,
  type ProbeView,
  type StandingView,
} from "../../control/diagnosis.ts";
import { type Address, formatAddress, parseAddress } from "../../net/address.ts";
import { tcpDialer } from "../../net/tcp.ts";
import { newCaller } from "../../node/caller.ts";
import { identityFromSeed } from "../../node/identity.ts";
import type { LocalNode } from "../../node/local_node.ts";
import { Node } from "../../node/node.ts";
import type { DialOutcome } from "../../node/node_events.ts";
import { KEY_BYTES, type Primitives, randomBytes } from "../../noise/primitives.ts";
import type { Membership } from "../../trust/membership.ts";
import type { Belongings } from "./examine_state.ts";
import { tryLegacy } from "./try_port.ts";

export interface PeerProbeOptions {
  readonly belongings: Belongings;
  readonly primitives: Primitives;
  readonly clock: Clock;
}

/** Finds out about `text` as the agent's own diagnosis does, as far as that goes without one. */
export async function diagnoseAlone(
  text: string,
  options: PeerProbeOptions,
): Promise<DiagnosisView> {
  const { membership, identity, known } = options.belongings;
  const ids = matching(text, options.belongings);
  const base = emptyDiagnosis(ownStanding(membership, options.clock.wallMs()));
  if (ids.length > 1) return { ...base, subject: "ambiguous", matches: ids.length };
  const [id] = ids;
  const address = id === undefined ? parseAddress(text, DEFAULT_PORT) : undefined;
  if (id === undefined) {
    if (!address || !/[.:]/.test(text)) return base;
    return {
      ...base,
      subject: "address",
      matches: 1,
      probes: await probeAll([address], undefined, options),
    };
  }
  if (id === identity?.id) return { ...base, subject: "this_device", matches: 1 };
  const standing = standingOf(id, options.belongings);
  const addresses = known.find((peer) => peer.id === id)?.addresses.slice(0, MAX_PROBES) ?? [];
  return {
    ...base,
    subject: "peer",
    matches: 1,
    node_id: id,
    short_id: shortId(id),
    name: membership?.roster.get(id)?.name ?? null,
    standing,
    session_wanted: true,
    probes: standing === "revoked" ? [] : await probeAll(addresses, id, options),
  };
}

function matching(text: string, { identity, membership, known }: Belongings): readonly PeerId[] {
  if (text === "") return [];
  const certificates = membership?.roster.certificates() ?? [];
  const ids = [
    ...(identity ? [identity.id] : []),
    ...certificates.map(({ id }) => id),
    ...(membership?.roster.revocations() ?? []).map(({ id }) => id),
    ...known.map(({ id }) => id),
  ];
  const named = certificates.filter(({ name }) => name === text).map(({ id }) => id);
  return [...new Set([...named, ...ids.filter((id) => id.startsWith(text))])];
}

function standingOf(id: PeerId, { membership }: Belongings): StandingView {
  if (!membership) return "anybody";
  if (membership.isMember(id)) return "member";
  if (membership.wasRemoved(id)) return "revoked";
  return membership.roster.get(id) ? "certificate_expired" : "stranger";
}

function ownStanding(membership: Membership | undefined, wallMs: number): StandingView {
  if (!membership) return "anybody";
  if (membership.isRevoked) return "revoked";
  return membership.certificate.notAfterMs < wallMs ? "certificate_expired" : "member";
}

/** Dials all of `addresses` at once. */
async function probeAll(
  addresses: readonly Address[],
  expected: PeerId | undefined,
  options: PeerProbeOptions,
): Promise<readonly ProbeView[]> {
  const endings = new Map<PeerId, string>();
  const node = new Node({
    local: localNode(options),
    dialer: tcpDialer,
    clock: options.clock,
    log: () => {},
    onEvent: (event) => {
      if (event.type === "session_closed") endings.set(event.id, event.code);
    },
  });
  const { clock } = options;
  try {
    return await Promise.all(
      addresses.map((address) => probe({ node, clock, endings, expected }, address)),
    );
  } finally {
    await node.close();
  }
}

interface Prober {
  readonly node: Node;
  readonly clock: Clock;
  /** Why sessions ended. */
  readonly endings: ReadonlyMap<PeerId, string>;
  readonly expected: PeerId | undefined;
}

async function probe(prober: Prober, address: Address): Promise<ProbeView> {
  const { node, clock, expected } = prober;
  const end = new AbortController();
  const outcome = await Promise.race<DialOutcome>([
    node.dial(address, { approach: "seal", ...(expected && { expected }) })
      .then((dialled) => confirm(prober, dialled)),
    pause(clock, PROBE_MS, end.signal).then(() => ({ type: "failed", code: "timeout" })),
  ]);
  end.abort();
  const shown = { address: formatAddress(address), node_id: null, code: null, reason: null };
  if (outcome.type !== "failed") return { ...shown, outcome: outcome.type, node_id: outcome.id };
  const failed = {
    ...shown,
    outcome: "failed",
    code: outcome.code,
    reason: outcome.reason ?? null,
  } as const;
  // An old node knows nothing of handshakes.
  const isSilent = !expected &&
    ["ended_by_peer", "handshake_timeout", "timeout"].includes(outcome.code);
  const legacy = isSilent ? await tryLegacy(address, clock) : undefined;
  if (legacy?.kind !== "answered" || parsePeerId(legacy.id)) return failed;
  return { ...shown, outcome: "answered", node_id: legacy.id };
}

/** Who dials has a session before the other side has judged it: only an answer in it proves that it would last. */
async function confirm(
  { node, clock, endings }: Prober,
  outcome: DialOutcome,
): Promise<DialOutcome> {
  if (outcome.type !== "session") return outcome;
  try {
    const data = { ping_time: clock.wallMs() / 1000 };
    await node.ask(outcome.id, "PING", data, { timeoutMs: PING_MS });
    return outcome;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const code = endings.get(outcome.id) ??
      (node.isConnected(outcome.id) ? "idle" : "ended_by_peer");
    return { type: "failed", code, reason: error.message };
  }
}

function localNode({ belongings, primitives, clock }: PeerProbeOptions): LocalNode {
  const { membership } = belongings;
  const identity = belongings.identity ?? identityFromSeed(randomBytes(KEY_BYTES), primitives);
  return newCaller({ identity, primitives, clock, membership });
}
