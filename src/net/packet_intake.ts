/**
 * How many datagrams are read: so many a second in all, and of one source a fifth of that, so that a neighbour who
 * floods the link drowns himself first. Sources can be forged: then all share what there is.
 */

import { TokenBucket } from "../base/token_bucket.ts";

/** Packets a second, and at once. */
export interface IntakeLimits {
  readonly perSecond: number;
  readonly burst: number;
}

/** Of the whole, the part that one source may have. */
const SHARE = 5;
/** Sources remembered; past it the one unused for longest starts anew. */
const MAX_SOURCES = 256;

export class PacketIntake {
  readonly #limits: IntakeLimits;
  readonly #all: TokenBucket;
  /** In order of last use. */
  readonly #sources = new Map<string, TokenBucket>();

  constructor(limits: IntakeLimits, nowMs: number) {
    this.#limits = limits;
    this.#all = new TokenBucket(limits, nowMs);
  }

  /** Sources remembered. */
  get sources(): number {
    return this.#sources.size;
  }

  /** Whether a packet from `source` is to be read; one that is not costs the others nothing. */
  admits(source: string, nowMs: number): boolean {
    const bucket = this.#bucketOf(source, nowMs);
    if (bucket.available(nowMs) === 0 || this.#all.available(nowMs) === 0) return false;
    bucket.take(1, nowMs);
    this.#all.take(1, nowMs);
    return true;
  }

  #bucketOf(source: string, nowMs: number): TokenBucket {
    const { perSecond, burst } = this.#limits;
    const limits = { perSecond: Math.ceil(perSecond / SHARE), burst: Math.ceil(burst / SHARE) };
    const bucket = this.#sources.get(source) ?? new TokenBucket(limits, nowMs);
    this.#sources.delete(source);
    this.#sources.set(source, bucket);
    if (this.#sources.size > MAX_SOURCES) {
      const [oldest] = this.#sources.keys();
      if (oldest !== undefined) this.#sources.delete(oldest);
    }
    return bucket;
  }
}
