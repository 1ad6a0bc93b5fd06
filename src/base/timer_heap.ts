/**
 * What falls due, in order of its time: a binary heap. Of entries due at one time the one that was pushed first
 * comes first. A dropped entry stays where it is until it would come up, or half of all are such.
 */

/** An entry of the heap. */
export interface HeapEntry<T> {
  readonly dueMs: number;
  readonly order: number;
  /** `undefined` once it was taken or dropped. */
  value: T | undefined;
}

/** So few are not worth sweeping. */
const MIN_SWEPT = 64;

export class TimerHeap<T> {
  #heap: HeapEntry<T>[] = [];
  #order = 0;
  #size = 0;

  /** Entries that were neither taken nor dropped. */
  get size(): number {
    return this.#size;
  }

  /** When the next entry falls due; Infinity without one. */
  get nextMs(): number {
    return this.#peek()?.dueMs ?? Infinity;
  }

  push(dueMs: number, value: T): HeapEntry<T> {
    const entry = { dueMs, order: this.#order++, value };
    this.#rise(this.#heap.length, entry);
    this.#size++;
    return entry;
  }

  /** Takes the entry that falls due next. */
  pop(): T | undefined {
    const entry = this.#peek();
    if (!entry) return undefined;
    const { value } = entry;
    entry.value = undefined;
    this.#size--;
    this.#popRoot();
    return value;
  }

  /** Drops an entry; harmless once it was taken or dropped. */
  drop(entry: HeapEntry<T>): void {
    if (entry.value === undefined) return;
    entry.value = undefined;
    this.#size--;
    if (this.#heap.length > MIN_SWEPT && this.#size < this.#heap.length / 2) this.#sweep();
  }

  #peek(): HeapEntry<T> | undefined {
    for (;;) {
      const [root] = this.#heap;
      if (!root || root.value !== undefined) return root;
      this.#popRoot();
    }
  }

  #popRoot(): void {
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) this.#sink(last);
  }

  #sweep(): void {
    // A sorted array is a heap.
    this.#heap = this.#heap.filter(({ value }) => value !== undefined)
      .sort((a, b) => isBefore(a, b) ? -1 : 1);
  }

  #rise(from: number, entry: HeapEntry<T>): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (!parent || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  /** Puts `entry` where it belongs, from the root down. */
  #sink(entry: HeapEntry<T>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let child = heap[down];
      const sibling = heap[down + 1];
      if (child && sibling && isBefore(sibling, child)) {
        child = sibling;
        down++;
      }
      if (!child || !isBefore(child, entry)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = entry;
  }
}

function isBefore<T>(a: HeapEntry<T>, b: HeapEntry<T>): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
