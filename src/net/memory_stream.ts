/**
 * One end of an in-memory stream: what {@link MemoryNetwork} (`memory.ts`) joins in pairs.
 *
 * Bytes travel in segments that never overtake one another, a writer waits while the window is full, and a
 * partition swallows what is sent into it, the end of the stream included.
 */

import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Address } from "./address.ts";
import { type ByteStream, NetError } from "./stream.ts";

/** What both ends share. */
export interface Wire {
  readonly clock: Clock;
  readonly windowBytes: number;
  delay(from: Address, to: Address): number;
  segment(length: number): number;
  reachable(from: Address, to: Address): boolean;
  forget(stream: MemoryStream): void;
}

export class MemoryStream implements ByteStream {
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

  async read(buffer: Bytes): Promise<number | null> {
    for (;;) {
      if (this.#closed) return null;
      if (this.#inbox.length > 0) break;
      if (this.#ended) return null;
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

  async write(bytes: Bytes): Promise<number> {
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
    return bytes.length;
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
    const delayMs = this.#wire.delay(this.local, this.remote);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + delayMs);
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
