/**
 * Which of several operators breeds next: those whose children improved of late, more often. Probability matching
 * (D. E. Goldberg, 1990) as D. Thierens describes it ("An Adaptive Pursuit Strategy for Allocating Operator
 * Probabilities", GECCO 2005, section 2): each keeps a least share, since what is useless now may be useful later.
 */

import type { Random } from "../../base/random.ts";

/** How fast credit follows what happens. */
const RATE = 0.01;
/** The least share of each operator. */
const MIN_SHARE = 0.05;
/** So that operators that are of no use right now are of equally little. */
const MIN_CREDIT = 1e-3;

export class OperatorChoice {
  readonly #credits: number[];

  constructor(operators: number) {
    this.#credits = new Array<number>(operators).fill(1);
  }

  pick(random: Random): number {
    const total = this.#credits.reduce((sum, credit) => sum + credit, 0);
    const free = 1 - MIN_SHARE * this.#credits.length;
    let left = random.next();
    return Math.max(
      0,
      this.#credits.findIndex((credit) => (left -= MIN_SHARE + free * credit / total) < 0),
    );
  }

  credit(operator: number, isBetter: boolean): void {
    const before = this.#credits[operator];
    if (before === undefined) return;
    const after = before + RATE * ((isBetter ? 1 : 0) - before);
    this.#credits[operator] = Math.max(MIN_CREDIT, after);
  }

  forget(): void {
    this.#credits.fill(1);
  }

  state(): readonly number[] {
    return [...this.#credits];
  }

  /** Takes what {@link state} gave; what does not fit is forgotten. */
  restore(credits: readonly number[]): void {
    this.#credits.forEach((_, i) => {
      const credit = credits[i] ?? 1;
      this.#credits[i] = credit >= MIN_CREDIT && credit <= 1 ? credit : 1;
    });
  }
}
