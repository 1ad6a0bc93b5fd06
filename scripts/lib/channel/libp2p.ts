/**
 * js-libp2p (TCP, Noise, Yamux) as a contender, in two processes of its own package: see `bench/peers/`.
 */

import { PeerProcesses } from "../peer_processes.ts";

export class Libp2pContender {
  readonly #processes: PeerProcesses;

  private constructor(processes: PeerProcesses) {
    this.#processes = processes;
  }

  /** Starts both; rejects where its packages cannot be had. */
  static async start(): Promise<Libp2pContender> {
    const processes = await PeerProcesses.start("libp2p", {
      nearArgs: (line) => [String(JSON.parse(line).address)],
      isReady: (near) => near.ask("pid"),
    });
    return new Libp2pContender(processes);
  }

  get pids(): readonly number[] {
    return [this.#processes.far.pid, this.#processes.near.pid];
  }

  /** One round of 64 MiB on one stream, megabytes a second. */
  async push(): Promise<number> {
    return JSON.parse(await this.#processes.near.ask("push")).MBps;
  }

  /** Round trips of 64 bytes on an open stream, microseconds each. */
  async echoStream(count: number): Promise<readonly number[]> {
    return JSON.parse(await this.#processes.near.ask(`echo ${count}`)).us;
  }

  /** Requests on streams of their own, microseconds each. */
  async request(count: number): Promise<readonly number[]> {
    return JSON.parse(await this.#processes.near.ask(`request ${count}`)).us;
  }

  /** Requests a second with `inFlight` at once. */
  async requests(count: number, inFlight: number): Promise<number> {
    return JSON.parse(await this.#processes.near.ask(`requests ${count} ${inFlight}`)).per_s;
  }

  close(): Promise<void> {
    return this.#processes.close();
  }
}
