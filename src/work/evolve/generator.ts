/**
 * The chance of a search: a generator whose state can be kept, so that a search that is restored goes on as if it had
 * never been away. xoshiro128** (D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021):
 * 128 bits of state, enough for searches that draw billions of numbers. Normal numbers by the polar method
 * (G. Marsaglia, T. A. Bray, 1964).
 */

import { Fields } from "../../base/guards.ts";
import type { Random } from "../../base/random.ts";

const U32 = 0x1_0000_0000;
/** 2^-53: doubles get all of their bits. */
const UNIT_53 = 2 ** -53;

/** What a generator needs to go on, as JSON. */
export interface GeneratorState {
  readonly words: readonly number[];
  /** The second number of the last polar pair, unless it was taken. */
  readonly spare: number | null;
}

export class Generator implements Random {
  readonly #words: Uint32Array;
  #spare: number | null = null;

  private constructor(words: Uint32Array) {
    // A state of zeros would stay so.
    if (words.every((word) => word === 0)) words[0] = 1;
    this.#words = words;
  }

  /** A new generator whose seed is drawn from `random`. */
  static from(random: Random): Generator {
    return new Generator(Uint32Array.from({ length: 4 }, () => Math.floor(random.next() * U32)));
  }

  /** Goes on from `state`. Throws {@link FieldError} where it is none. */
  static restore(state: unknown, path: string): Generator {
    const fields = Fields.of(state, path);
    const list = fields.list("words", { maxItems: 4 });
    const words = Fields.of({ ...list }, `${path}.words`);
    const generator = new Generator(
      Uint32Array.from(
        { length: 4 },
        (_, i) => words.integer(String(i), { min: 0, max: U32 - 1 }),
      ),
    );
    generator.#spare = fields.numberOrNull("spare", { min: -64, max: 64 });
    return generator;
  }

  state(): GeneratorState {
    return { words: [...this.#words], spare: this.#spare };
  }

  /** A number in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 0x400_0000 + low) * UNIT_53;
  }

  /** A number of the standard normal distribution. */
  normal(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    for (;;) {
      const x = 2 * this.next() - 1;
      const y = 2 * this.next() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt(-2 * Math.log(square) / square);
      this.#spare = y * scale;
      return x * scale;
    }
  }

  #word(): number {
    const words = this.#words;
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = words;
    const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const mixed2 = s2 ^ s0;
    const mixed3 = s3 ^ s1;
    words[0] = s0 ^ mixed3;
    words[1] = s1 ^ mixed2;
    words[2] = mixed2 ^ (s1 << 9);
    words[3] = rotateLeft(mixed3, 11);
    return scrambled;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
