/**
 * Selection: which peers are fit for evolution, in what order, and why the others are not (LEGACY,
 * formulas). Pure, uncapped, stable.
 */

import type { Capabilities } from "../discovery/capabilities.ts";
import type { Peer } from "./peer.ts";

/** Why a peer is left out. The first that applies is given. */
export type Unfitness =
  | "unverified"
  | "not_connected"
  | "cannot_evolve"
  | "not_available"
  | "loaded"
  | "too_hot"
  | "battery_low";

/** A fit peer and its rank. */
export interface Candidate {
  readonly peer: Peer;
  /** 0..1, higher first. */
  readonly priority: number;
}

export interface Selection {
  /** Every fit peer, best first; peers of equal priority keep the order they were given in. */
  readonly candidates: readonly Candidate[];
  readonly leftOut: readonly { readonly peer: Peer; readonly reason: Unfitness }[];
}

/** At this load and above, a peer has enough to do. */
const LOAD_LIMIT = 0.8;
/** At this charge and below, a peer must not be drained further, percent. */
const BATTERY_LIMIT = 20;

/** Sorts `peers` into candidates and the rest. */
export function selectForEvolution(peers: readonly Peer[]): Selection {
  const candidates: Candidate[] = [];
  const leftOut: { peer: Peer; reason: Unfitness }[] = [];
  for (const peer of peers) {
    const reason = unfitness(peer);
    if (reason) leftOut.push({ peer, reason });
    else candidates.push({ peer, priority: evolutionPriority(peer.capabilities, trustOf(peer)) });
  }
  candidates.sort((a, b) => b.priority - a.priority);
  return { candidates, leftOut };
}

/** Why `peer` gets no work now; `undefined` when it may. */
export function unfitness(peer: Peer): Unfitness | undefined {
  if (peer.trust !== "authenticated") return "unverified";
  // With members of a large village a session is begun when there is work.
  if (!peer.isConnected && !peer.isAlive) return "not_connected";
  return incapacity(peer.capabilities);
}

/** What in its capabilities keeps a peer from evolution. */
export function incapacity(capabilities: Capabilities): Unfitness | undefined {
  const { thermalState, batteryPercent } = capabilities;
  if (!capabilities.canEvolve) return "cannot_evolve";
  if (!capabilities.availableForEvolution) return "not_available";
  if (capabilities.evolutionLoad >= LOAD_LIMIT) return "loaded";
  if (thermalState === "throttling" || thermalState === "critical") return "too_hot";
  if (batteryPercent !== null && batteryPercent <= BATTERY_LIMIT) return "battery_low";
  return undefined;
}

/**
 * 0.4 x capacity, + 0.2 above 4 GiB, + 0.1 from 4 cores, - 0.2 below half a battery (an empty one
 * included), - 0.3 x load, + 0.1 x (trust - 0.5), within 0..1.
 */
export function evolutionPriority(capabilities: Capabilities, trustScore: number): number {
  let score = capabilities.evolutionCapacity * 0.4;
  if (capabilities.ramMb > 4096) score += 0.2;
  if (capabilities.cpuCores >= 4) score += 0.1;
  if (capabilities.batteryPercent !== null && capabilities.batteryPercent < 50) score -= 0.2;
  score -= capabilities.evolutionLoad * 0.3;
  score += (trustScore - 0.5) * 0.1;
  return Math.max(0, Math.min(1, score));
}

function trustOf(peer: Peer): number {
  return peer.trust === "authenticated" ? peer.trustScore : 0.5;
}
