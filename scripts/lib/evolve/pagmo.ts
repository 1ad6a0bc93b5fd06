/**
 * pagmo's CMA-ES beside ours: a small C++ program, compiled on the spot where a compiler and pagmo's headers are there
 * (Debian's `g++` and `libpagmo-dev`), with the same functions, optima, starts and first step sizes.
 */

import type { BbobInstance } from "./bbob_functions.ts";

const SOURCE = new URL("pagmo_cma.cpp", import.meta.url);
/** Tried in this order: compilers that exist, and what pagmo has to be linked with. */
const FLAGS = ["-std=c++17", "-O2", "-I/usr/include/eigen3"];
const LIBRARIES = ["-lpagmo", "-lboost_serialization", "-ltbb", "-pthread"];

export interface PagmoRun {
  readonly instance: BbobInstance;
  readonly seed: number;
  readonly sigma: number;
  /** Evaluations after which it gives up. */
  readonly limit: number;
  readonly target: number;
  /** The space is from minus this to this. */
  readonly bound: number;
}

export class Pagmo implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Compiles it; `undefined` where that cannot be done here. */
  static async build(): Promise<Pagmo | undefined> {
    const directory = await Deno.makeTempDir({ prefix: "hamlet-pagmo-" });
    const pagmo = new Pagmo(directory);
    try {
      const { success } = await new Deno.Command("g++", {
        args: [...FLAGS, SOURCE.pathname, "-o", `${directory}/pagmo_cma`, ...LIBRARIES],
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) return pagmo;
    } catch (error) {
      // No compiler.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await pagmo[Symbol.asyncDispose]();
    return undefined;
  }

  /** The evaluations that it took, `Infinity` where it gave up. */
  async run(run: PagmoRun): Promise<number> {
    const child = new Deno.Command(`${this.#directory}/pagmo_cma`, {
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(textOf(run)));
    await writer.close();
    const { success, stdout } = await child.output();
    const evaluations = Number(new TextDecoder().decode(stdout));
    if (!success || !Number.isInteger(evaluations)) throw new Error("pagmo's program failed");
    return evaluations < 0 ? Infinity : evaluations;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}

function textOf({ instance, seed, sigma, limit, target, bound }: PagmoRun): string {
  const { name, dims, optimum, r, q, start } = instance;
  const numbers = [dims, seed, sigma, limit, target, bound, optimum, r, q, start].flat(2);
  return `${name.split(" ")[1]} ${numbers.join(" ")}\n`;
}
