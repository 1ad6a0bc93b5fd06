/**
 * iroh's connections as what our dials are compared with, in two processes of its own package: see `bench/peers/`.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { PeerProcesses, PEERS_CONFIG } from "../peer_processes.ts";
import { ROUND_DIALS } from "./dials.ts";

export class IrohDialers {
  readonly #processes: PeerProcesses;

  private constructor(processes: PeerProcesses) {
    this.#processes = processes;
  }

  /** Starts both processes; rejects where the package cannot be had. */
  static async start(): Promise<IrohDialers> {
    await fetchPackage();
    const round = String(ROUND_DIALS);
    const processes = await PeerProcesses.start("iroh", {
      farArgs: [round],
      nearArgs: (line) => [line, round],
      isReady: (near) => near.line(),
    });
    return new IrohDialers(processes);
  }

  /** Makes {@link ROUND_DIALS} connections, ready on both sides; returns how many a second. */
  async round(): Promise<number> {
    const startedMs = systemClock.now();
    const { near, far } = this.#processes;
    await Promise.all([near.ask("dial"), far.line()]);
    return ROUND_DIALS / (systemClock.now() - startedMs) * 1000;
  }

  close(): Promise<void> {
    return this.#processes.close();
  }
}

/** What is only required is not fetched by itself. */
async function fetchPackage(): Promise<void> {
  const { imports } = JSON.parse(await Deno.readTextFile(PEERS_CONFIG));
  const command = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", `--config=${PEERS_CONFIG}`, imports.iroh],
  });
  const { success } = await command.output();
  if (!success) throw new Error(`Cannot compare with iroh: ${imports.iroh} cannot be had`);
}
