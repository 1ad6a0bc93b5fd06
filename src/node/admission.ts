/**
 * How many connections strangers may hold before they authenticate (PROTOCOL.md section 1): 512 in all, 128
 * per address. Past a cap the oldest idle one goes, so that a newcomer is always heard.
 */

export interface AdmissionOptions {
  readonly maxConnections: number;
  readonly maxPerHost: number;
}

export const DEFAULT_ADMISSION: AdmissionOptions = Object.freeze({
  maxConnections: 512,
  maxPerHost: 128,
});

/** A connection that has not authenticated yet. */
export interface Guest {
  readonly host: string;
  readonly lastReceivedMs: number;
  /** Whether it is in the middle of a frame or a handshake. */
  readonly isBusy: boolean;
}

/** The set of guests. Finding the one to evict is linear in a set of at most 512. */
export class Admission<T extends Guest> {
  readonly #options: AdmissionOptions;
  readonly #guests = new Set<T>();
  readonly #perHost = new Map<string, number>();

  constructor(options: AdmissionOptions = DEFAULT_ADMISSION) {
    this.#options = options;
  }

  get size(): number {
    return this.#guests.size;
  }

  /** Takes `guest` in, and returns the one that must go for it, which has been taken out. */
  admit(guest: T): T | undefined {
    const { maxConnections, maxPerHost } = this.#options;
    const count = this.#perHost.get(guest.host) ?? 0;
    let evicted: T | undefined;
    if (count >= maxPerHost) evicted = this.#oldest((other) => other.host === guest.host);
    else if (this.#guests.size >= maxConnections) evicted = this.#oldest(() => true);
    if (evicted) this.release(evicted);
    this.#guests.add(guest);
    this.#perHost.set(guest.host, (this.#perHost.get(guest.host) ?? 0) + 1);
    return evicted;
  }

  /** Takes the guest out that must go first, if there is any, and returns it. */
  evict(): T | undefined {
    const oldest = this.#oldest(() => true);
    if (oldest) this.release(oldest);
    return oldest;
  }

  /** Takes `guest` out: it has authenticated or gone. Idempotent. */
  release(guest: T): void {
    if (!this.#guests.delete(guest)) return;
    const count = (this.#perHost.get(guest.host) ?? 1) - 1;
    if (count === 0) this.#perHost.delete(guest.host);
    else this.#perHost.set(guest.host, count);
  }

  #oldest(matches: (guest: T) => boolean): T | undefined {
    let oldest: T | undefined;
    for (const guest of this.#guests) {
      if (!matches(guest)) continue;
      if (!oldest || rank(guest) < rank(oldest)) oldest = guest;
    }
    return oldest;
  }
}

/** Idle before busy, then longest silent first. */
function rank(guest: Guest): number {
  return guest.lastReceivedMs + (guest.isBusy ? Number.MAX_SAFE_INTEGER / 2 : 0);
}
