/**
 * Trust: what a participant has seen of the others with its own eyes. Everything that lowers it was measured here;
 * nobody's word about another counts, so nobody can be slandered.
 */

import type { PeerId } from "../../base/peer_id.ts";
import { MAX_PARTICIPANTS } from "./spec.ts";

/** What somebody was seen to do. */
export type Deed =
  /** It proposed a result, and we measured another fitness. */
  | "false_proposal"
  /** It voted, and we measured another fitness. */
  | "false_vote"
  /** It sent a migrant, or signed one, whose fitness we measured otherwise. */
  | "false_migrant"
  /** It signed as its own what we had found. */
  | "copied"
  /** It passed on what its author never signed. */
  | "forged"
  | "true_vote"
  | "true_migrant";

/** LEGACY's default. */
export const FIRST_TRUST = 0.5;
/** At this and below, a peer's migrants are refused and it is asked onto no jury. */
export const LOW_TRUST = 0.3;
/** Honest deeds buy little: one false word still ruins whoever saved up for it. */
const MAX_TRUST = 0.6;

const WORTH: Readonly<Record<Deed, number>> = Object.freeze({
  false_proposal: -0.3,
  false_vote: -0.3,
  false_migrant: -0.15,
  copied: -0.3,
  forged: -0.1,
  true_vote: 0.02,
  true_migrant: 0.01,
});

export class Trust {
  readonly #scores = new Map<PeerId, number>();

  of(id: PeerId): number {
    return this.#scores.get(id) ?? FIRST_TRUST;
  }

  isLow(id: PeerId): boolean {
    return this.of(id) <= LOW_TRUST;
  }

  saw(id: PeerId, deed: Deed): void {
    const score = Math.max(0, Math.min(MAX_TRUST, this.of(id) + WORTH[deed]));
    this.set(id, Math.round(score * 100) / 100);
  }

  /** From a checkpoint. */
  set(id: PeerId, score: number): void {
    if (!this.#scores.has(id) && this.#scores.size >= 2 * MAX_PARTICIPANTS) this.#forgetOne();
    this.#scores.set(id, score);
  }

  entries(): readonly (readonly [PeerId, number])[] {
    return [...this.#scores];
  }

  /** The one in best standing makes room: what it loses is least. */
  #forgetOne(): void {
    let best: PeerId | undefined;
    for (const [id, score] of this.#scores) {
      if (best === undefined || score > this.of(best)) best = id;
    }
    if (best !== undefined) this.#scores.delete(best);
  }
}
