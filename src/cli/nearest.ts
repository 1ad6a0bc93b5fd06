/**
 * The nearest word to a mistyped one.
 */

/** Further apart than this share of the longer word, a suggestion would only confuse. */
const MAX_DISTANCE_SHARE = 0.5;

/** The one of `words` closest to `typed`, unless none is close. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const word of words) {
    const distance = editDistance(typed, word);
    const limit = Math.max(typed.length, word.length) * MAX_DISTANCE_SHARE;
    if (distance < bestDistance && distance <= limit) [best, bestDistance] = [word, distance];
  }
  return best;
}

/** Levenshtein's distance, one row at a time (Wagner and Fischer, 1974). */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const substitution = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(substitution, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
