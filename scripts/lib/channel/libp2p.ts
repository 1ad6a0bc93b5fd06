/**
 * js-libp2p (TCP, Noise, Yamux) as a contender, in two processes of its own package: see `bench/peers/`.
 */

import { LineProcess } from "../line_process.ts";

const FOLDER = `${import.meta.dirname}/../../../bench/peers`;
const CONFIG = `${FOLDER}/deno.json`;

export class Libp2pContender {
  readonly #far: LineProcess;
  readonly #near: LineProcess;

  private constructor(far: LineProcess, near: LineProcess) {
    this.#far = far;
    this.#near = near;
  }

  /** Starts both; rejects where its packages cannot be had. */
  static async start(): Promise<Libp2pContender> {
    const far = LineProcess.start(`${FOLDER}/libp2p_far.ts`, { config: CONFIG });
    try {
      const { address } = JSON.parse(await far.line());
      const args = [String(address)];
      const near = LineProcess.start(`${FOLDER}/libp2p_near.ts`, { config: CONFIG, args });
      await near.ask("pid");
      return new Libp2pContender(far, near);
    } catch (error) {
      await far.close();
      throw error;
    }
  }

  get pids(): readonly number[] {
    return [this.#far.pid, this.#near.pid];
  }

  /** One round of 64 MiB on one stream, megabytes a second. */
  async push(): Promise<number> {
    return JSON.parse(await this.#near.ask("push")).MBps;
  }

  /** Round trips of 64 bytes on an open stream, microseconds each. */
  async echoStream(count: number): Promise<readonly number[]> {
    return JSON.parse(await this.#near.ask(`echo ${count}`)).us;
  }

  /** Requests on streams of their own, microseconds each. */
  async request(count: number): Promise<readonly number[]> {
    return JSON.parse(await this.#near.ask(`request ${count}`)).us;
  }

  /** Requests a second with `inFlight` at once. */
  async requests(count: number, inFlight: number): Promise<number> {
    return JSON.parse(await this.#near.ask(`requests ${count} ${inFlight}`)).per_s;
  }

  async close(): Promise<void> {
    await this.#near.close();
    await this.#far.close();
  }
}
