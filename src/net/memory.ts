/**
 * The in-memory twin of TCP, for tests and simulators.
 *
 * A {@link MemoryNetwork} carries bytes between listeners and dialers with seeded delay, loss and random
 * splitting, can cut the link between hosts, and can lose links. Time comes from a {@link Clock}, so
 * with a `ManualClock` nothing moves until the test says so. Back-pressure is real: a writer waits
 * while `windowBytes` are unread at the other end. Loss is what a user of TCP sees of it: a lost segment comes
 * late, by the retransmission timeouts (RFC 6298) that it took, and holds back what was sent after it.
 */

import type { Clock } from "../base/clock.ts";
import { type Random, randomBelow } from "../base/random.ts";
import { type Address, formatAddress } from "./address.ts";
import { MemoryStream, type Wire } from "./memory_stream.ts";
import { type ByteStream, type Dialer, type Listener, NetError } from "./stream.ts";

export interface MemoryNetworkOptions {
  /** One-way delay of each segment, ms; segments of a stream never overtake one another. */
  readonly delayMs: readonly [min: number, max: number];
  /** What the way between two hosts adds to each delay, ms. */
  readonly latencyMs: (from: string, to: string) => number;
  /** Share of the segments that is lost and sent again, in [0, 1). */
  readonly loss: number;
  /** Largest segment; each write is cut at random below it. `Infinity` keeps writes whole. */
  readonly maxSegmentBytes: number;
  /** Unread bytes at which a writer waits. */
  readonly windowBytes: number;
}

/** No delay, no loss, writes kept whole, a 256 KiB window: a perfect wire. */
export const DEFAULT_MEMORY_NETWORK = Object.freeze<MemoryNetworkOptions>({
  delayMs: [0, 0],
  latencyMs: () => 0,
  loss: 0,
  maxSegmentBytes: Infinity,
  windowBytes: 262_144,
});

/** After how long what was lost is sent again at first, ms; each time it doubles. Linux's least. */
const RETRANSMIT_MS = 200;
/** The same while a connection is being made (RFC 6298 section 2.1). */
const RETRANSMIT_SYN_MS = 1_000;

/** A set of hosts that can reach one another. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: MemoryNetworkOptions;
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #streams = new Set<MemoryStream>();
  readonly #groups = new Map<string, number>();
  readonly #unplugged = new Set<string>();
  #nextPort = 40_000;

  constructor(clock: Clock, random: Random, options: Partial<MemoryNetworkOptions> = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#options = { ...DEFAULT_MEMORY_NETWORK, ...options };
  }

  /** Listens on `address`; port 0 picks one. Throws {@link NetError} `address_in_use`. */
  listen(address: Address): Listener {
    const port = address.port || this.#freePort(address.host);
    const key = formatAddress({ host: address.host, port });
    if (this.#listeners.has(key)) {
      throw new NetError("address_in_use", `Cannot listen on ${key}: the address is in use`);
    }
    const listener = new MemoryListener(
      { host: address.host, port },
      () => this.#listeners.delete(key),
    );
    this.#listeners.set(key, listener);
    return listener;
  }

  /** A dialer whose streams come from `host`. */
  dialerFrom(host: string): Dialer {
    return {
      dial: (address, { timeoutMs }) => {
        const { promise, resolve, reject } = Promise.withResolvers<ByteStream>();
        const name = formatAddress(address);
        const deadline = this.#clock.schedule(timeoutMs, () => {
          answer.cancel();
          const reason = `no answer in ${timeoutMs} ms`;
          reject(new NetError("timeout", `Cannot connect to ${name}: ${reason}`));
        });
        const answer = this.#clock.schedule(this.#dialDelay(host, address.host), () => {
          if (!this.#reachable(host, address.host)) return;
          deadline.cancel();
          const listener = this.#listeners.get(name);
          if (!listener) {
            reject(new NetError("refused", `Cannot connect to ${name}: nobody listens there`));
            return;
          }
          const local = { host, port: this.#nextPort++ };
          const [here, there] = this.#pair(local, address);
          listener.offer(there);
          resolve(here);
        });
        return promise;
      },
    };
  }

  /** Splits hosts into groups that cannot reach one another; links between groups go silent. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#groups.clear();
    groups.forEach((hosts, group) => hosts.forEach((host) => this.#groups.set(host, group)));
  }

  /** Ends every partition. Bytes sent meanwhile are gone, and so are the links that carried them. */
  heal(): void {
    this.#groups.clear();
    for (const stream of [...this.#streams]) {
      const { local, remote, lossy } = stream;
      if (lossy && this.#reachable(local.host, remote.host)) stream.break();
    }
  }

  /** Cuts `host` off without a word, as a power cut would: nobody is told that its links are gone. */
  unplug(host: string): void {
    this.#unplugged.add(host);
  }

  /** Ends {@link unplug}. The links of before are broken: the host does not know them any more. */
  plug(host: string): void {
    if (this.#unplugged.delete(host)) this.breakLinks(host);
  }

  /** Breaks every link of `host`, as a crash or a pulled cable would once noticed. */
  breakLinks(host: string): void {
    for (const stream of [...this.#streams]) {
      if (stream.local.host === host || stream.remote.host === host) stream.break();
    }
  }

  #freePort(host: string): number {
    for (;;) {
      const port = this.#nextPort++;
      if (!this.#listeners.has(formatAddress({ host, port }))) return port;
    }
  }

  #reachable(from: string, to: string): boolean {
    if (this.#unplugged.size > 0 && (this.#unplugged.has(from) || this.#unplugged.has(to))) {
      return false;
    }
    return this.#groups.get(from) === this.#groups.get(to);
  }

  /** Until a segment arrives. */
  #delay(from: string, to: string): number {
    return this.#transit(from, to) + this.#lateness(RETRANSMIT_MS);
  }

  /** Until a dialer has its answer: the way there and back. */
  #dialDelay(from: string, to: string): number {
    const { latencyMs } = this.#options;
    const backMs = latencyMs(to, from) - latencyMs(from, to);
    return this.#transit(from, to) * 2 + backMs + this.#lateness(RETRANSMIT_SYN_MS);
  }

  #transit(from: string, to: string): number {
    const { delayMs: [min, max], latencyMs } = this.#options;
    return latencyMs(from, to) + min + this.#random.next() * (max - min);
  }

  /** What loss costs. */
  #lateness(timeoutMs: number): number {
    const { loss } = this.#options;
    let lateMs = 0;
    if (loss === 0) return lateMs;
    for (let waitMs = timeoutMs; this.#random.next() < loss; waitMs *= 2) lateMs += waitMs;
    return lateMs;
  }

  #pair(local: Address, remote: Address): [MemoryStream, MemoryStream] {
    const wire: Wire = {
      clock: this.#clock,
      windowBytes: this.#options.windowBytes,
      delay: (from, to) => this.#delay(from.host, to.host),
      segment: (length) => {
        const { maxSegmentBytes } = this.#options;
        if (maxSegmentBytes === Infinity) return length;
        return Math.min(length, 1 + randomBelow(this.#random, maxSegmentBytes));
      },
      reachable: (from, to) => this.#reachable(from.host, to.host),
      forget: (stream) => this.#streams.delete(stream),
    };
    const here = new MemoryStream(local, remote, wire);
    const there = new MemoryStream(remote, local, wire);
    here.connect(there);
    there.connect(here);
    this.#streams.add(here).add(there);
    return [here, there];
  }
}

class MemoryListener implements Listener {
  readonly address: Address;
  readonly #onClose: () => void;
  readonly #backlog: ByteStream[] = [];
  #waiting: ((stream: ByteStream | undefined) => void) | undefined;
  #closed = false;

  constructor(address: Address, onClose: () => void) {
    this.address = address;
    this.#onClose = onClose;
  }

  offer(stream: ByteStream): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(stream);
    else this.#backlog.push(stream);
  }

  accept(): Promise<ByteStream | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const stream = this.#backlog.shift();
    if (stream) return Promise.resolve(stream);
    return new Promise((resolve) => this.#waiting = resolve);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    this.#waiting?.(undefined);
    for (const stream of this.#backlog) stream.close();
  }
}
