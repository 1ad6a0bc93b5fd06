/**
 * Chance for jitter, shuffles and simulation. Keys and nonces never come from here: security
 * randomness comes from the system generator, in `noise/primitives.ts`.
 */

/** A source of numbers in [0, 1). */
export interface Random {
  next(): number;
}

/** Unpredictable enough for jitter. */
export const systemRandom: Random = Object.freeze({ next: () => Math.random() });

/**
 * A seeded generator: the same seed gives the same numbers for ever. Mulberry32 (T. Ettinger, 2017,
 * public domain): a 32-bit Weyl sequence with a multiply-xorshift finaliser.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
    },
  };
}

/** A whole number in [0, bound). */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** A new array with the items of `items` in random order (Fisher-Yates). */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const result = items.slice();
  for (let i = result.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1);
    const picked = result[j] as T;
    result[j] = result[i] as T;
    result[i] = picked;
  }
  return result;
}
