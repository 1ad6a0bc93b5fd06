/**
 * The two processes of somebody else's software that we are compared with: `NAME_far.ts` and `NAME_near.ts` of
 * `bench/peers`, a package of its own.
 */

import { LineProcess } from "./line_process.ts";

const FOLDER = `${import.meta.dirname}/../../bench/peers`;
/** What they run under: its packages are no packages of ours. */
export const PEERS_CONFIG = `${FOLDER}/deno.json`;

export class PeerProcesses {
  readonly far: LineProcess;
  readonly near: LineProcess;

  private constructor(far: LineProcess, near: LineProcess) {
    this.far = far;
    this.near = near;
  }

  /**
   * Starts the far process, and the near one with what `nearArgs` makes of the far one's first line; resolves once
   * `isReady` does. Rejects where their packages cannot be had.
   */
  static async start(name: string, options: {
    readonly farArgs?: readonly string[];
    nearArgs(line: string): readonly string[];
    isReady(near: LineProcess): Promise<unknown>;
  }): Promise<PeerProcesses> {
    const start = (side: string, args: readonly string[] = []) =>
      LineProcess.start(`${FOLDER}/${name}_${side}.ts`, { config: PEERS_CONFIG, args });
    const far = start("far", options.farArgs);
    try {
      const near = start("near", options.nearArgs(await far.line()));
      await options.isReady(near);
      return new PeerProcesses(far, near);
    } catch (error) {
      await far.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.near.close();
    await this.far.close();
  }
}
