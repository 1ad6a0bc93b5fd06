/**
 * What the demo knows of its village at one moment. Every figure and every picture is made from this
 * alone.
 */

/** What one agent says of another node. */
export interface PeerSight {
  readonly id: string;
  readonly isAuthenticated: boolean;
  readonly isConnected: boolean;
  /** Wall time at which the agent registered it, Unix ms. */
  readonly firstSeenUnixMs: number;
  /** Wall time at which the present session opened, Unix ms; `null` without one. */
  readonly connectedUnixMs: number | null;
}

/** One agent process. */
export interface AgentSample {
  /** Its id; `undefined` until it has answered once. */
  readonly id: string | undefined;
  /** Wall time at which it began to listen, Unix ms; `undefined` before. */
  readonly readyUnixMs: number | undefined;
  /** Sealed sessions that it reports. */
  readonly sessions: number;
  readonly rssMb: number | undefined;
  /** Everyone it listed when it was last asked; `undefined` before that. */
  readonly peers: readonly PeerSight[] | undefined;
  /** The ids of its evolution candidates when it was last asked. */
  readonly candidates: readonly string[] | undefined;
  /** Whom it would not choose, and why. */
  readonly leftOut: readonly { readonly id: string; readonly reason: string }[];
  /** Why its process is gone. */
  readonly failure: string | undefined;
}

/** One old node's process. */
export interface LegacySample {
  /** Its id; `undefined` until it listens. */
  readonly id: string | undefined;
  /** The ids that it registered from replies to its requests. */
  readonly registered: readonly string[];
  /** What came of its last request when nothing was registered from it. */
  readonly unanswered: string | undefined;
  readonly failure: string | undefined;
}

/** The village. */
export interface VillageSample {
  /** Since the demo began. */
  readonly elapsedMs: number;
  /** The first one is the only address that the others are given. */
  readonly agents: readonly AgentSample[];
  readonly legacy: readonly LegacySample[];
}
