/**
 * Juries: who measures a proposed result again. The proposer names the pool it sees, everybody who can be asked;
 * the draw from it follows by hash, so that it does not choose its judges:
 *
 * ```
 * draw = the 7 of the pool with the lowest SHA-256("hamlet jury" | job | proposer | round | prefix)
 * ```
 *
 * Neither the result nor the time goes into the draw: what a proposer may vary freely it could vary until its
 * friends are drawn. What it can do is leave out a third of the participants, whom nobody may have seen alike, and
 * spend its {@link MAX_ROUNDS} rounds (PROTOCOL.md section 10).
 */

import { FieldError } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import { hashTexts } from "./signed_record.ts";
import { type JobCrypto, type JobId, MAX_PARTICIPANTS } from "./spec.ts";

export const MAX_JURORS = 7;
/** Juries that one participant may ask in a job. */
export const MAX_ROUNDS = 16;
/** Characters of a peer id by which a pool names it: 60 bits. */
export const PREFIX_LENGTH = 12;
const PREFIX = /^[a-z2-7]{12}$/;

/** Agreeing votes that make a result accepted: two thirds, of one or two jurors all. */
export function votesNeeded(jurors: number): number {
  return jurors <= 2 ? jurors : Math.ceil(2 * jurors / 3);
}

/**
 * Jurors that a proposal must have to be believed by who sees `others` living participants besides the proposer.
 * Views differ while machines come and go, and whom a proposer distrusts it need not ask: two thirds will do.
 */
export function jurorsRequired(others: number): number {
  return Math.min(MAX_JURORS, Math.ceil(2 * others / 3));
}

export function prefixOf(id: PeerId): string {
  return id.slice(0, PREFIX_LENGTH);
}

/** A pool as text: the prefixes of its members in ascending order, one after another. */
export function writePool(ids: Iterable<PeerId>): string {
  return [...new Set(Array.from(ids, prefixOf))].sort().slice(0, MAX_PARTICIPANTS).join("");
}

/** The prefixes of a pool. Throws {@link FieldError}. */
export function readPool(value: unknown): readonly string[] {
  const isText = typeof value === "string" && value.length % PREFIX_LENGTH === 0 &&
    value.length <= MAX_PARTICIPANTS * PREFIX_LENGTH;
  if (!isText) throw new FieldError("invalid_field", "proposal.pool", "it is no pool");
  const prefixes = Array.from(
    { length: value.length / PREFIX_LENGTH },
    (_, i) => value.slice(i * PREFIX_LENGTH, (i + 1) * PREFIX_LENGTH),
  );
  const isSorted = prefixes.every((prefix, i) =>
    PREFIX.test(prefix) && (i === 0 || (prefixes[i - 1] ?? "") < prefix)
  );
  if (!isSorted) throw new FieldError("invalid_field", "proposal.pool", "its order is wrong");
  return prefixes;
}

export interface Draw {
  readonly job: JobId;
  readonly proposer: PeerId;
  readonly round: number;
  readonly pool: readonly string[];
}

/** The prefixes of the jury, in the order of the draw. */
export function drawJury(
  { job, proposer, round, pool }: Draw,
  crypto: JobCrypto,
): readonly string[] {
  const own = prefixOf(proposer);
  return pool.filter((prefix) => prefix !== own)
    .map((prefix) => ({
      prefix,
      ticket: hashTexts(crypto, "hamlet jury", job, proposer, String(round), prefix),
    }))
    .sort((a, b) => a.ticket < b.ticket ? -1 : 1)
    .slice(0, MAX_JURORS)
    .map(({ prefix }) => prefix);
}
