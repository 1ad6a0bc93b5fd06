/**
 * Places that are to be left alone for a while, whatever is heard of them: bounded, so that whoever makes up
 * places gains nothing but our forgetting the one shunned first.
 */

/** Places remembered. */
const MAX_SHUNNED = 1_024;

export class ShunList {
  readonly #untilMs = new Map<string, number>();

  get size(): number {
    return this.#untilMs.size;
  }

  /** Shuns `key` until `untilMs`. */
  add(key: string, untilMs: number): void {
    this.#untilMs.delete(key);
    this.#untilMs.set(key, untilMs);
    if (this.#untilMs.size <= MAX_SHUNNED) return;
    const [first] = this.#untilMs.keys();
    if (first !== undefined) this.#untilMs.delete(first);
  }

  /** Whether `key` is shunned at `nowMs`. */
  has(key: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined || nowMs < untilMs) return untilMs !== undefined;
    this.#untilMs.delete(key);
    return false;
  }

  clear(): void {
    this.#untilMs.clear();
  }
}
