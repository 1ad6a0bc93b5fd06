/**
 * An evaluator that calls a function of this process: for tests, simulators and comparisons, never for foreign code.
 */

import { describeError } from "../../base/errors.ts";
import type { Genome } from "../evolve/space.ts";
import type { Evaluation, Evaluator } from "./evaluator.ts";

export interface FunctionEvaluatorOptions {
  readonly evaluate: (genome: Genome) => number | Promise<number>;
  readonly slots?: number;
}

export class FunctionEvaluator implements Evaluator {
  readonly slots: number;
  readonly #evaluate: FunctionEvaluatorOptions["evaluate"];
  #going: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  constructor({ evaluate, slots = 1 }: FunctionEvaluatorOptions) {
    this.#evaluate = evaluate;
    this.slots = slots;
  }

  async evaluate(genomes: readonly Genome[]): Promise<readonly Evaluation[]> {
    const evaluations: Evaluation[] = [];
    for (const genome of genomes) {
      await this.#going?.promise;
      evaluations.push(
        this.#isClosed
          ? { isOk: false, code: "stopped", message: "the evaluator was closed" }
          : await this.#one(genome),
      );
    }
    return evaluations;
  }

  pause(): void {
    if (!this.#isClosed) this.#going ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#going?.resolve();
    this.#going = undefined;
  }

  checkpoint(): Promise<unknown> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.resume();
    return Promise.resolve();
  }

  async #one(genome: Genome): Promise<Evaluation> {
    try {
      const fitness = await this.#evaluate(genome);
      if (Number.isFinite(fitness)) return { isOk: true, fitness };
      return { isOk: false, code: "not_a_number", message: "the fitness is not a finite number" };
    } catch (error) {
      return { isOk: false, code: "threw", message: describeError(error) };
    }
  }
}
