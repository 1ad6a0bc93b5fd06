/**
 * The candidates that were asked for and not told of yet. Workers vanish, so what was handed out may never come back:
 * only so many numbers are kept, and the oldest are forgotten first.
 */

/** Numbers of all genomes under way together: 8 MB. */
const MAX_NUMBERS = 1_000_000;
/** However large a genome is, so many may be under way. */
const MIN_CANDIDATES = 1_024;

/** What is under way, by id; `T` is what the search remembers of a candidate. */
export class UnderWay<T> {
  readonly #limit: number;
  readonly #candidates = new Map<number, T>();
  /** Those that a restored search hands out again, oldest first. */
  #again: number[] = [];
  #nextId: number;

  constructor(dims: number, nextId = 1) {
    this.#limit = underWayLimit(dims);
    this.#nextId = nextId;
  }

  get size(): number {
    return this.#candidates.size;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** Puts a new candidate under way. */
  add(candidate: T): number {
    const id = this.#nextId++;
    this.#candidates.set(id, candidate);
    if (this.#candidates.size > this.#limit) {
      const [oldest] = this.#candidates.keys();
      this.#candidates.delete(oldest as number);
    }
    return id;
  }

  /** Puts back one that was under way when the search was kept; {@link takeAgain} hands it out. */
  restore(id: number, candidate: T): void {
    this.#candidates.set(id, candidate);
    this.#again.push(id);
  }

  /** The next that has to be handed out again. */
  takeAgain(): { readonly id: number; readonly candidate: T } | undefined {
    for (;;) {
      const id = this.#again.shift();
      if (id === undefined) return undefined;
      const candidate = this.#candidates.get(id);
      if (candidate !== undefined) return { id, candidate };
    }
  }

  /** Takes out what was told of; `undefined` for ids that are unknown, forgotten or told before. */
  take(id: number): T | undefined {
    const candidate = this.#candidates.get(id);
    this.#candidates.delete(id);
    return candidate;
  }

  /** How many under way are such. */
  count(isSuch: (candidate: T) => boolean): number {
    let count = 0;
    for (const candidate of this.#candidates.values()) if (isSuch(candidate)) count++;
    return count;
  }

  entries(): IterableIterator<[number, T]> {
    return this.#candidates.entries();
  }
}

/** How many candidates of `dims` numbers may be under way. */
function underWayLimit(dims: number): number {
  return Math.max(MIN_CANDIDATES, Math.floor(MAX_NUMBERS / dims));
}
