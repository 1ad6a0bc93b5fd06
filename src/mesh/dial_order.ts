/**
 * In which order the dial plan dials what is due.
 *
 * Peers that vanished just now go first, then given addresses, then those where we have been before and news
 * of members, then other news, the latest first, and last the rest of what failed. What others make up
 * therefore costs the targets that we know nothing but a place behind them.
 */

import type { DialReason } from "./dial_pace.ts";
import type { DialPath } from "./dial_paths.ts";
import type { DialEntry } from "./dial_targets.ts";

/** A reason to dial an entry at one of its addresses. */
export interface Candidate {
  readonly entry: DialEntry;
  readonly path: DialPath;
  readonly reason: DialReason;
  /** Lower goes first. */
  readonly rank: number;
}

const KNOWN_RANK = 2;
const NEWS_RANK = 3;
/** Of whom we do not know, and have tried before. */
const STALE_RANK = 4;

/** Whether an entry is more than hearsay. */
export function isKnown({ isProven, isMember }: DialEntry): boolean {
  return isProven || isMember;
}

/** The reasons for dialling an entry, of which one is enough: whom we met and hear of has two. */
export function candidatesOf(entry: DialEntry, path: DialPath): readonly Candidate[] {
  if (entry.isUrgent) return [{ entry, path, reason: "urgent", rank: 0 }];
  if (entry.target.kind === "given") return [{ entry, path, reason: "given", rank: 1 }];
  const redial: Candidate = isKnown(entry)
    ? { entry, path, reason: "redial", rank: KNOWN_RANK }
    : { entry, path, reason: "news", rank: STALE_RANK };
  if (!entry.isFresh) return [redial];
  const news: Candidate = entry.isMember
    ? { entry, path, reason: "member", rank: KNOWN_RANK }
    : { entry, path, reason: "news", rank: NEWS_RANK };
  return entry.isProven ? [redial, news] : [news];
}

/** What fell due first goes first, of those at one moment the near ones; but the latest news before older. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  const byTime = a.rank === NEWS_RANK
    ? b.entry.heardMs - a.entry.heardMs
    : a.path.dueMs - b.path.dueMs;
  return byTime || Number(b.path.isLan) - Number(a.path.isLan);
}
