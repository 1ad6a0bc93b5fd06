/**
 * The owner's limits on what an agent sends and receives, over all of its sessions (`--max-up`,
 * `--max-down`).
 *
 * Everything counts, and only bulk waits: streams that are not critical. Down, what we hold back is the
 * credit that lets a peer send on, so a limit shows once a stream's first credit is used up. Links that wait
 * are served in turn.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { MAX_BUCKET_BYTES, TokenBucket } from "../base/token_bucket.ts";
import { type FillLimits, UNLIMITED } from "../channel/send_queue.ts";

/** Bytes a second; `undefined` is no limit. */
export interface Bandwidth {
  readonly up?: number | undefined;
  readonly down?: number | undefined;
}

/** What a link may send in its turn while others wait. */
const TURN_BYTES = 16_384;
/** A bucket holds what flows in this time: enough to bridge a timer that fires late. */
const BURST_MS = 100;
const MIN_BURST_BYTES = 1_024;
/** Control traffic that is paid for by bulk: so many seconds' worth. */
const UP_DEBT_S = 10;
/** What credit brings comes long after it was given, and all of it counts. */
const DOWN_DEBT_S = 600;

export class Shaper {
  readonly #clock: Clock;
  readonly #up: TokenBucket | undefined;
  readonly #down: TokenBucket | undefined;
  readonly #turnBytes: number;
  /** Links with something to send, in order; each is woken once. */
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;

  constructor(clock: Clock, { up, down }: Bandwidth) {
    this.#clock = clock;
    this.#up = up === undefined ? undefined : bucket(up, UP_DEBT_S, clock.now());
    this.#down = down === undefined ? undefined : bucket(down, DOWN_DEBT_S, clock.now());
    // Half a burst, so that a timer that fires late finds room for what came meanwhile.
    this.#turnBytes = Math.min(TURN_BYTES, Math.floor(burstOf(up ?? Infinity) / 2));
  }

  /** What may leave in the next record. */
  limits(): FillLimits {
    const up = this.#up;
    const down = this.#down;
    if (!up && !down) return UNLIMITED;
    const nowMs = this.#clock.now();
    const available = up?.available(nowMs) ?? Infinity;
    return {
      bulkBytes: available >= this.#turnBytes ? available : 0,
      mayGrant: (down?.available(nowMs) ?? Infinity) > 0,
    };
  }

  /** Counts bytes that were sent. */
  sent(bytes: number): void {
    this.#up?.take(bytes, this.#clock.now());
  }

  /** Counts bytes that were received. */
  received(bytes: number): void {
    this.#down?.take(bytes, this.#clock.now());
  }

  /** Calls `wake` once there may be room, after those that asked before. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
    if (this.#timer === undefined) this.#arm();
  }

  /** Frees the timer; whoever waits is forgotten. */
  close(): void {
    this.#waiting.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    const nowMs = this.#clock.now();
    const waits = [this.#up?.waitMs(this.#turnBytes, nowMs), this.#down?.waitMs(1, nowMs)]
      .filter((ms) => ms !== undefined && ms > 0) as number[];
    this.#timer = this.#clock.schedule(Math.min(...waits, BURST_MS), () => this.#wakeInTurn());
  }

  /** One may take all there is, and then the others wait on, before those that come back. */
  #wakeInTurn(): void {
    this.#timer = undefined;
    for (const wake of [...this.#waiting]) {
      if (!this.#hasRoom()) break;
      this.#waiting.delete(wake);
      wake();
    }
    if (this.#waiting.size > 0 && this.#timer === undefined) this.#arm();
  }

  /** Whether anything that is limited may flow. */
  #hasRoom(): boolean {
    const { bulkBytes, mayGrant } = this.limits();
    return (this.#up !== undefined && bulkBytes > 0) || (this.#down !== undefined && mayGrant);
  }
}

function bucket(perSecond: number, debtSeconds: number, nowMs: number): TokenBucket {
  const maxDebt = Math.min(perSecond * debtSeconds, MAX_BUCKET_BYTES);
  return new TokenBucket({ perSecond, burst: burstOf(perSecond), maxDebt }, nowMs);
}

function burstOf(perSecond: number): number {
  return Math.max(MIN_BURST_BYTES, Math.ceil(perSecond * BURST_MS / 1_000));
}
