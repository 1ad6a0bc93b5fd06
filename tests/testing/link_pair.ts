/** Two links in a session with each other, over the in-memory twin of TCP and under one clock. */

import { setImmediate } from "node:timers";
import type { Bytes } from "../../src/base/bytes.ts";
import { type Clock, ManualClock, type Timer } from "../../src/base/clock.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import type { Mux } from "../../src/channel/mux.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "../../src/net/memory.ts";
import type { ByteStream } from "../../src/net/stream.ts";
import type { Identity } from "../../src/node/identity.ts";
import { Link } from "../../src/node/link.ts";
import { type Bandwidth, Shaper } from "../../src/node/shaper.ts";
import { ALICE, BOB, localNode } from "./identities.ts";

/** Of the two sides, 0 dials and 1 listens. */
export type SideIndex = 0 | 1;
export const SIDES: readonly SideIndex[] = [0, 1];
const HOSTS = ["10.0.0.1", "10.0.0.2"] as const;
const PORT = 9000;

export function otherSide(side: SideIndex): SideIndex {
  return side === 0 ? 1 : 0;
}

/** A clock that says when its next timer is due, so that idle time costs nothing to simulate. */
class SteppingClock extends ManualClock {
  readonly #due = new Set<{ readonly dueMs: number }>();

  /** When the next timer falls due; `Infinity` without one. */
  get nextMs(): number {
    let nextMs = Infinity;
    for (const { dueMs } of this.#due) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }

  override schedule(delayMs: number, action: () => void): Timer {
    const entry = { dueMs: this.now() + Math.max(0, delayMs) };
    this.#due.add(entry);
    const timer = super.schedule(delayMs, () => {
      this.#due.delete(entry);
      action();
    });
    return {
      cancel: () => {
        this.#due.delete(entry);
        timer.cancel();
      },
    };
  }
}

/** Another clock's time, and a count of the timers that were set here. */
class CountedClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<object>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#clock.now();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  schedule(delayMs: number, action: () => void): Timer {
    const key = {};
    const timer = this.#clock.schedule(delayMs, () => {
      this.#timers.delete(key);
      action();
    });
    this.#timers.add(key);
    return {
      cancel: () => {
        this.#timers.delete(key);
        timer.cancel();
      },
    };
  }
}

/** What one link told; the owner puts its own functions here. */
export interface EndEvents {
  onIncoming(): void;
  onMessage(body: Bytes): void;
  onClosed(code: string): void;
}

/** One end of the session. */
export interface End {
  readonly index: SideIndex;
  readonly mux: Mux;
  readonly link: Link;
  readonly shaper: Shaper | undefined;
  readonly events: EndEvents;
  /** What the link took for defects. */
  readonly faults: readonly unknown[];
}

export interface LinkPairOptions {
  readonly seed: number;
  readonly network: Partial<MemoryNetworkOptions>;
  /** The owner's limits at both ends. */
  readonly bandwidth?: Bandwidth | undefined;
}

export class LinkPair {
  readonly clock = new SteppingClock();
  /** The links' own, which knows nothing of what is on its way between them. */
  readonly linkClock = new CountedClock(this.clock);
  readonly #options: LinkPairOptions;
  readonly #random: Random;
  readonly #network: MemoryNetwork;
  #ends: readonly End[] = [];

  private constructor(options: LinkPairOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#network = new MemoryNetwork(this.clock, this.#random, options.network);
  }

  /** Two ends whose handshake is done. */
  static async open(options: LinkPairOptions): Promise<LinkPair> {
    const pair = new LinkPair(options);
    const network = pair.#network;
    const address = { host: HOSTS[1], port: PORT };
    const listener = network.listen(address);
    const dialing = network.dialerFrom(HOSTS[0]).dial(address, { timeoutMs: 60_000 });
    const [dialled, accepted] = await pair.until(Promise.all([dialing, listener.accept()]));
    listener.close();
    if (!accepted) throw new Error("Cannot open pair: nobody was accepted");
    const opening = [pair.#open(0, dialled, ALICE), pair.#open(1, accepted, BOB)];
    pair.#ends = await pair.until(Promise.all(opening));
    return pair;
  }

  get ends(): readonly End[] {
    return this.#ends;
  }

  /** Gives promises `turns` turns, and all that they need before the clock is to skip anything. */
  async settle(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await undefined;
    if (this.clock.nextMs > this.clock.now() + 1) await settleAll();
  }

  /** Moves the clock to its next timer and `graceMs` beyond; `false` when none is set. */
  advance(graceMs = 0): boolean {
    const { nextMs } = this.clock;
    if (nextMs === Infinity) return false;
    this.clock.advance(Math.max(0, nextMs - this.clock.now()) + graceMs);
    return true;
  }

  /** Lets time pass until `promise` settles. */
  async until<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => isSettled = true);
    settled.catch(() => {
      // Whoever awaits the result is told.
    });
    const endMs = this.clock.now() + limitMs;
    for (;;) {
      await this.settle(20);
      if (isSettled) return await settled;
      if (this.clock.now() > endMs || !this.advance()) {
        throw new Error(`Cannot wait longer: nothing came of it in ${limitMs} ms`);
      }
    }
  }

  /** The link between both is lost. */
  break(): void {
    this.#network.breakLinks(HOSTS[0]);
  }

  /** From now on what is sent is swallowed. */
  cut(): void {
    this.#network.partition([HOSTS[0]], [HOSTS[1]]);
  }

  /** Ends {@link cut}: a link that has lost anything breaks. */
  heal(): void {
    this.#network.heal();
  }

  #open(index: SideIndex, stream: ByteStream, identity: Identity): Promise<End> {
    const clock = this.linkClock;
    const { bandwidth } = this.#options;
    const shaper = bandwidth && new Shaper(clock, bandwidth);
    const faults: unknown[] = [];
    const events: EndEvents = { onIncoming() {}, onMessage() {}, onClosed() {} };
    const { promise, resolve, reject } = Promise.withResolvers<End>();
    const link: Link = new Link({
      stream,
      clock,
      shaper,
      onFault: (error) => faults.push(error),
      conversation: {
        local: localNode(identity, { clock }),
        approach: index === 0 ? "seal" : undefined,
      },
      events: {
        onDiscovered() {},
        onRefused() {},
        onSealed: (_, mux) => resolve({ index, mux, link, shaper, events, faults }),
        onIncoming: () => events.onIncoming(),
        onMessage: (body) => events.onMessage(body),
        onClosed: (code) => {
          events.onClosed(code);
          reject(new Error(`Cannot open pair: ${code}`));
        },
      },
    });
    link.start();
    return promise;
  }
}

/** Lets every promise that is ready run its continuations: a turn of the event loop without a timer's delay. */
export function settleAll(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
