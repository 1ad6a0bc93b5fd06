/**
 * One agent of the village as seen from the demo: its process, its control API and what it last said.
 */

import { type Clock, pause } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { Self } from "../base/self.ts";
import type { Address } from "../net/address.ts";
import { ControlClient } from "../control/client.ts";
import { Child, failureOf } from "./child.ts";
import { agentLaunch, LOOPBACK } from "./launch.ts";
import type { AgentSample } from "./sample.ts";

export interface AgentProcessOptions {
  readonly self: Self;
  readonly clock: Clock;
  /** A directory of its own, which need not exist. */
  readonly stateDir: string;
  readonly port?: number;
  readonly peers: readonly Address[];
}

/** How often the note of a starting agent is looked for. */
const READY_POLL_MS = 40;

export class AgentProcess {
  readonly child: Child;
  readonly #options: AgentProcessOptions;
  #control: ControlClient | undefined;
  #sample: AgentSample = {
    id: undefined,
    readyUnixMs: undefined,
    sessions: 0,
    rssMb: undefined,
    peers: undefined,
    candidates: undefined,
    leftOut: [],
    failure: undefined,
  };

  constructor(options: AgentProcessOptions) {
    this.#options = options;
    this.child = new Child(agentLaunch(options.self, options));
  }

  /** What it last said. */
  get sample(): AgentSample {
    const { exit } = this.child;
    return exit ? { ...this.#sample, failure: failureOf(exit) } : this.#sample;
  }

  /** Where its peers reach it, once it is ready. */
  get address(): Address | undefined {
    return this.#control && { host: LOOPBACK, port: this.#control.endpoint.listenPort };
  }

  /** Resolves when it listens, has ended, or `signal` aborts. */
  async settled(signal: AbortSignal): Promise<void> {
    const { clock, stateDir } = this.#options;
    while (!this.#control && !this.child.exit && !signal.aborted) {
      await this.#findControl(stateDir);
      if (!this.#control) await pause(clock, READY_POLL_MS, signal);
    }
  }

  /** Asks how it is; with `wholly`, also for its lists. A failure leaves the last answer. */
  async look(wholly: boolean): Promise<void> {
    const control = this.#control;
    if (!control || this.child.exit) return;
    try {
      const status = await control.status();
      this.#sample = {
        ...this.#sample,
        id: status.node_id,
        sessions: status.peers.connected,
        rssMb: status.memory.rss_mb,
      };
      if (wholly) await this.#lookWholly(control);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // It is ending or overloaded: the next look tells.
    }
  }

  async #lookWholly(control: ControlClient): Promise<void> {
    const [peers, { candidates, left_out }] = await Promise.all([
      control.peers(),
      control.candidates(),
    ]);
    this.#sample = {
      ...this.#sample,
      peers: peers.map((peer) => ({
        id: peer.node_id,
        isAuthenticated: peer.trust === "authenticated",
        isConnected: peer.connected,
        firstSeenUnixMs: peer.first_seen_unix_ms,
        connectedUnixMs: peer.connected_unix_ms,
      })),
      candidates: candidates.map(({ node_id }) => node_id),
      leftOut: left_out.map(({ node_id, reason }) => ({ id: node_id, reason })),
    };
  }

  async #findControl(stateDir: string): Promise<void> {
    try {
      const control = await ControlClient.open(stateDir);
      // When the note was written is when the agent was ready, however late we saw it.
      const { mtime } = await Deno.stat(`${stateDir}/control.json`);
      this.#control = control;
      this.#sample = {
        ...this.#sample,
        readyUnixMs: mtime?.getTime() ?? this.#options.clock.wallMs(),
      };
    } catch {
      // Not there yet.
    }
  }
}
