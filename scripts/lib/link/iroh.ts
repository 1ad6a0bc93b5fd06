/**
 * iroh's connections as what our dials are compared with, in two processes of its own package: see `bench/peers/`.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { LineProcess } from "../line_process.ts";
import { ROUND_DIALS } from "./dials.ts";

const FOLDER = `${import.meta.dirname}/../../../bench/peers`;
const CONFIG = `${FOLDER}/deno.json`;

export class IrohDialers {
  readonly #far: LineProcess;
  readonly #near: LineProcess;

  private constructor(far: LineProcess, near: LineProcess) {
    this.#far = far;
    this.#near = near;
  }

  /** Starts both processes; rejects where the package cannot be had. */
  static async start(): Promise<IrohDialers> {
    await fetchPackage();
    const round = String(ROUND_DIALS);
    const far = LineProcess.start(`${FOLDER}/iroh_far.ts`, { config: CONFIG, args: [round] });
    try {
      const args = [await far.line(), round];
      const near = LineProcess.start(`${FOLDER}/iroh_near.ts`, { config: CONFIG, args });
      await near.line();
      return new IrohDialers(far, near);
    } catch (error) {
      await far.close();
      throw error;
    }
  }

  /** Makes {@link ROUND_DIALS} connections, ready on both sides; returns how many a second. */
  async round(): Promise<number> {
    const startedMs = systemClock.now();
    await Promise.all([this.#near.ask("dial"), this.#far.line()]);
    return ROUND_DIALS / (systemClock.now() - startedMs) * 1000;
  }

  async close(): Promise<void> {
    await this.#near.close();
    await this.#far.close();
  }
}

/** What is only required is not fetched by itself. */
async function fetchPackage(): Promise<void> {
  const { imports } = JSON.parse(await Deno.readTextFile(CONFIG));
  const command = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", `--config=${CONFIG}`, imports.iroh],
  });
  const { success } = await command.output();
  if (!success) throw new Error(`Cannot compare with iroh: ${imports.iroh} cannot be had`);
}
