/**
 * Routes: to whom a participant sends. A ring by ticket among the living, which everybody derives alike, makes sure
 * that all news reaches everybody; a random link more makes it fast (small worlds: Watts, Strogatz, 1998).
 */

import type { PeerId } from "../../base/peer_id.ts";
import { type Random, randomBelow } from "../../base/random.ts";

/** The neighbours of `self` in a ring of `sorted`, which need not contain it twice; none when alone. */
export function ringNeighbours(self: PeerId, sorted: readonly PeerId[]): readonly PeerId[] {
  const at = sorted.indexOf(self);
  if (at < 0 || sorted.length < 2) return sorted.filter((id) => id !== self).slice(0, 2);
  const before = sorted[(at + sorted.length - 1) % sorted.length] as PeerId;
  const after = sorted[(at + 1) % sorted.length] as PeerId;
  return before === after ? [after] : [before, after];
}

/** Up to `count` of `ids` at random, none of `except`. */
export function randomLinks(
  ids: readonly PeerId[],
  count: number,
  random: Random,
  except: readonly PeerId[],
): readonly PeerId[] {
  const left = ids.filter((id) => !except.includes(id));
  const chosen: PeerId[] = [];
  while (chosen.length < count && left.length > 0) {
    const [id] = left.splice(randomBelow(random, left.length), 1);
    if (id !== undefined) chosen.push(id);
  }
  return chosen;
}
