/**
 * What is to happen, in order of its time: a binary heap in three parallel arrays, so that an entry costs no
 * allocation but the occurrence itself. Among equal times the one that was pushed first comes first, which is
 * what makes two runs of one seed the same.
 */

/** Something that happens at its time. */
export interface Occurrence {
  happen(nowMs: number): void;
}

const FIRST_CAPACITY = 1024;

export class EventQueue {
  #times = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);
  readonly #entries: (Occurrence | undefined)[] = [];
  #order = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** When the next entry is due; Infinity when there is none. */
  get nextMs(): number {
    return this.#size === 0 ? Infinity : this.#times[0] as number;
  }

  push(timeMs: number, entry: Occurrence): void {
    if (this.#size === this.#times.length) this.#grow();
    const times = this.#times;
    let at = this.#size++;
    // The newest order is the highest, so only an earlier time lets it rise.
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((times[parent] as number) <= timeMs) break;
      this.#move(parent, at);
      at = parent;
    }
    times[at] = timeMs;
    this.#orders[at] = this.#order++;
    this.#entries[at] = entry;
  }

  /** Takes the entry that is due next. */
  pop(): Occurrence | undefined {
    if (this.#size === 0) return undefined;
    const first = this.#entries[0];
    const last = --this.#size;
    const timeMs = this.#times[last] as number;
    const order = this.#orders[last] as number;
    const entry = this.#entries[last];
    this.#entries[last] = undefined;
    if (last > 0) this.#sink(timeMs, order, entry);
    return first;
  }

  /** Puts an entry where it belongs, from the top down. */
  #sink(timeMs: number, order: number, entry: Occurrence | undefined): void {
    const times = this.#times;
    const size = this.#size;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#isBefore(child + 1, child)) child++;
      const childMs = times[child] as number;
      if (timeMs < childMs || (timeMs === childMs && order < (this.#orders[child] as number))) {
        break;
      }
      this.#move(child, at);
      at = child;
    }
    times[at] = timeMs;
    this.#orders[at] = order;
    this.#entries[at] = entry;
  }

  #isBefore(a: number, b: number): boolean {
    const [aMs, bMs] = [this.#times[a] as number, this.#times[b] as number];
    return aMs < bMs || (aMs === bMs && (this.#orders[a] as number) < (this.#orders[b] as number));
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#orders[to] = this.#orders[from] as number;
    this.#entries[to] = this.#entries[from];
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    const [times, orders] = [new Float64Array(capacity), new Float64Array(capacity)];
    times.set(this.#times);
    orders.set(this.#orders);
    this.#times = times;
    this.#orders = orders;
  }
}

/** The world's own time, and all that is to happen in it. */
export class Timeline {
  readonly #queue = new EventQueue();
  #nowMs = 0;
  /** Occurrences so far. */
  happened = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  get pending(): number {
    return this.#queue.size;
  }

  /** Lets `occurrence` happen at `timeMs`, or now if that is past. */
  at(timeMs: number, occurrence: Occurrence): void {
    this.#queue.push(timeMs < this.#nowMs ? this.#nowMs : timeMs, occurrence);
  }

  /** As {@link at}, for what is too rare to need a class of its own. */
  call(timeMs: number, action: (nowMs: number) => void): void {
    this.at(timeMs, { happen: action });
  }

  /** Lets all happen that is due until `untilMs`, that included; the time is then `untilMs`. */
  runUntil(untilMs: number): void {
    const queue = this.#queue;
    for (let nextMs = queue.nextMs; nextMs <= untilMs; nextMs = queue.nextMs) {
      this.#nowMs = nextMs;
      this.happened++;
      queue.pop()?.happen(nextMs);
    }
    if (untilMs > this.#nowMs) this.#nowMs = untilMs;
  }
}
