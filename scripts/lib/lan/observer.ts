/**
 * What one host's agent says of itself, asked from inside its namespace, for the control API is on
 * loopback. A program: `observer.ts STATE_DIR` answers each line of its input with one {@link View}.
 */

import { ControlClient } from "../../../src/control/client.ts";
import type { PeerView } from "../../../src/control/views.ts";

/** One host's agent at one moment. */
export interface View {
  /** The agent's process; `null` where none answers. */
  readonly pid: number | null;
  /** When it was ready, Unix ms. */
  readonly readyUnixMs: number;
  readonly id: string;
  readonly peers: readonly SeenPeer[];
  readonly unverified: {
    readonly count: number;
    /** The most that any address claims. */
    readonly maxPerHost: number;
  };
  /** What it says of multicast: a word. */
  readonly mdns: string | null;
}

/** A peer as the agent lists it; all authenticated ones, and unverified ones while they are few. */
export interface SeenPeer {
  readonly id: string;
  readonly isAuthenticated: boolean;
  readonly isConnected: boolean;
  readonly addresses: readonly string[];
  readonly firstSeenUnixMs: number;
  readonly connectedUnixMs: number | null;
}

const MAX_UNVERIFIED_SHOWN = 32;

export const NO_VIEW: View = Object.freeze({
  pid: null,
  readyUnixMs: 0,
  id: "",
  peers: [],
  unverified: { count: 0, maxPerHost: 0 },
  mdns: null,
});

async function look(stateDir: string): Promise<View> {
  try {
    const control = await ControlClient.open(stateDir);
    // When the note was written is when the agent was ready, however late we look.
    const { mtime } = await Deno.stat(`${stateDir}/control.json`);
    const [status, peers] = await Promise.all([control.status(), control.peers()]);
    const unverified = peers.filter(({ trust }) => trust === "unverified");
    return {
      pid: status.pid,
      readyUnixMs: mtime?.getTime() ?? 0,
      id: status.node_id,
      peers: [
        ...peers.filter(({ trust }) => trust === "authenticated"),
        ...unverified.slice(0, MAX_UNVERIFIED_SHOWN),
      ].map(seen),
      unverified: { count: unverified.length, maxPerHost: mostOfOneHost(unverified) },
      mdns: status.discovery?.mdns.state ?? null,
    };
  } catch {
    // It is not there yet, or not any more.
    return NO_VIEW;
  }
}

function seen(peer: PeerView): SeenPeer {
  return {
    id: peer.node_id,
    isAuthenticated: peer.trust === "authenticated",
    isConnected: peer.connected,
    addresses: peer.addresses,
    firstSeenUnixMs: peer.first_seen_unix_ms,
    connectedUnixMs: peer.connected_unix_ms,
  };
}

function mostOfOneHost(peers: readonly PeerView[]): number {
  const counts = new Map<string, number>();
  for (const { addresses: [first = ""] } of peers) {
    const host = first.slice(0, first.lastIndexOf(":"));
    counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

async function main([stateDir = ""]: readonly string[]): Promise<void> {
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    for (const _ of text.matchAll(/\n/g)) console.log(JSON.stringify(await look(stateDir)));
  }
}

if (import.meta.main) await main(Deno.args);
