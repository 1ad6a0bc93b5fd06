/** What a world is made of, and what it throws. */

import type { ProbeProfile } from "../../src/gossip/probe_profile.ts";
import type { CreateProtocol } from "./protocol.ts";
import type { LinkOptions } from "./sim_network.ts";

export interface WorldOptions {
  readonly seed: number;
  /** How many there will ever be. */
  readonly nodes: number;
  readonly links?: Partial<LinkOptions>;
  readonly profile?: ProbeProfile;
  /** Clocks go wrong by up to this, parts per million. */
  readonly maxDriftPpm?: number;
  /** Whether all that is delivered is summed up; it costs some 0.3 us a message. */
  readonly hasDigest?: boolean;
  /** What each says that it can do; `null`: nothing is said of it. */
  readonly capabilities?: ((index: number) => string) | null;
  /** The command that runs this again. */
  readonly replay?: string;
  /** Instead of Gossip. */
  readonly create?: CreateProtocol;
}

/** A run in which something happened that must not. */
export class SimError extends Error {
  override readonly name = "SimError";
}
