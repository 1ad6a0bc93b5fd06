/**
 * The in-memory twin of TCP, for tests and simulators.
 *
 * A {@link MemoryNetwork} carries bytes between listeners and dialers with seeded delay and random
 * splitting, can cut the link between hosts, and can lose links. Time comes from a {@link Clock}, so
 * with a `ManualClock` nothing moves until the test says so. Back-pressure is real: a writer waits
 * while `windowBytes` are unread at the other end.
 */

import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { type Random, randomBelow } from "../base/random.ts";
import { type Address, formatAddress } from "./address.ts";
import { type ByteStream, type Dialer, type Listener, NetError } from "./stream.ts";

export interface MemoryNetworkOptions {
  /** One-way delay of each segment, ms; segments of a stream never overtake one another. */
  readonly delayMs: readonly [min: number, max: number];
  /** Largest segment; each write is cut at random below it. `Infinity` keeps writes whole. */
  readonly maxSegmentBytes: number;
  /** Unread bytes at which a writer waits. */
  readonly windowBytes: number;
}

/** No delay, writes kept whole, a 256 KiB window: a perfect wire. */
export const DEFAULT_MEMORY_NETWORK = Object.freeze<MemoryNetworkOptions>({
  delayMs: [0, 0],
  maxSegmentBytes: Infinity,
  windowBytes: 262_144,
});

/** A set of hosts that can reach one another. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: MemoryNetworkOptions;
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #streams = new Set<MemoryStream>();
  readonly #groups = new Map<string, number>();
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
        const answer = this.#clock.schedule(this.#delay() * 2, () => {
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
    for (const stream of [...this.#streams]) if (stream.lossy) stream.break();
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
    return this.#groups.get(from) === this.#groups.get(to);
  }

  #delay(): number {
    const [min, max] = this.#options.delayMs;
    return min + this.#random.next() * (max - min);
  }

  #pair(local: Address, remote: Address): [MemoryStream, MemoryStream] {
    const wire: Wire = {
      clock: this.#clock,
      windowBytes: this.#options.windowBytes,
      delay: () => this.#delay(),
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

interface Wire {
  readonly clock: Clock;
  readonly windowBytes: number;
  delay(): number;
  segment(length: number): number;
  reachable(from: Address, to: Address): boolean;
  forget(stream: MemoryStream): void;
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

class MemoryStream implements ByteStream {
  readonly local: Address;
  readonly remote: Address;
  /** Whether bytes of this stream were swallowed by a partition. */
  lossy = false;
  readonly #wire: Wire;
  readonly #inbox: Uint8Array[] = [];
  #peer: MemoryStream | undefined;
  #unread = 0;
  #lastArrivalMs = 0;
  readonly #transit: (() => void)[] = [];
  #writeEnded = false;
  #ended = false;
  #broken = false;
  #closed = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(local: Address, remote: Address, wire: Wire) {
    this.local = local;
    this.remote = remote;
    this.#wire = wire;
  }

  connect(peer: MemoryStream): void {
    this.#peer = peer;
  }

  async read(buffer: Bytes): Promise<number | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      if (this.#inbox.length > 0) break;
      if (this.#ended) return undefined;
      if (this.#broken) throw new NetError("closed", "Cannot read: the link is broken");
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const head = this.#inbox[0] as Uint8Array;
    const count = Math.min(head.length, buffer.length);
    buffer.set(head.subarray(0, count));
    if (count === head.length) this.#inbox.shift();
    else this.#inbox[0] = head.subarray(count);
    this.#unread -= count;
    if (this.#peer) this.#peer.#wakeWriterUp();
    return count;
  }

  async write(bytes: Bytes): Promise<void> {
    let rest: Uint8Array = bytes.slice();
    while (rest.length > 0) {
      const peer = this.#peer;
      if (!peer || this.#closed || this.#broken || this.#writeEnded || peer.#closed) {
        throw new NetError("closed", "Cannot write: the link is closed");
      }
      const segment = rest.subarray(0, this.#wire.segment(rest.length));
      rest = rest.subarray(segment.length);
      if (!this.#wire.reachable(this.local, this.remote)) {
        this.lossy = peer.lossy = true;
        continue;
      }
      peer.#unread += segment.length;
      this.#deliver(() => {
        if (!peer.#closed && !peer.#broken) peer.#inbox.push(segment);
      });
      while (
        peer.#unread >= this.#wire.windowBytes && !this.#closed && !this.#broken && !peer.#closed
      ) {
        await new Promise<void>((resolve) => this.#wakeWriter = resolve);
      }
    }
  }

  closeWrite(): Promise<void> {
    const peer = this.#peer;
    if (!peer || this.#writeEnded) return Promise.resolve();
    this.#writeEnded = true;
    if (this.#wire.reachable(this.local, this.remote)) {
      this.#deliver(() => peer.#ended ||= !peer.#broken);
    } else this.lossy = peer.lossy = true;
    return Promise.resolve();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wire.forget(this);
    void this.closeWrite();
    this.#wakeReaderUp();
    this.#wakeWriterUp();
    if (this.#peer) this.#peer.#wakeWriterUp();
  }

  break(): void {
    this.#broken = true;
    this.#wire.forget(this);
    this.#wakeReaderUp();
    this.#wakeWriterUp();
  }

  /** Runs `arrive` at the peer after the wire's delay, behind everything sent before. */
  #deliver(arrive: () => void): void {
    const peer = this.#peer;
    const nowMs = this.#wire.clock.now();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + this.#wire.delay());
    // The first to have been sent arrives, whichever timer it is that fired.
    this.#transit.push(arrive);
    const act = () => {
      this.#transit.shift()?.();
      if (peer) peer.#wakeReaderUp();
    };
    if (this.#lastArrivalMs <= nowMs) act();
    else this.#wire.clock.schedule(this.#lastArrivalMs - nowMs, act);
  }

  #wakeReaderUp(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }

  #wakeWriterUp(): void {
    const wake = this.#wakeWriter;
    this.#wakeWriter = undefined;
    wake?.();
  }
}
