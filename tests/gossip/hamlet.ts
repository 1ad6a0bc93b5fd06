/** A few whole Gossips on links that deliver a millisecond later, under one time. */

import type { Bytes } from "../../src/base/bytes.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { Gossip, type GossipEvent, type PartingCause } from "../../src/gossip/gossip.ts";
import { idOf, readRecord, signerOf, toyVerify } from "./people.ts";

export class Resident {
  readonly n: number;
  readonly id: PeerId;
  readonly gossip: Gossip;
  /** What became of members: `3 dead`. */
  readonly changes: string[] = [];
  readonly heard: string[] = [];
  readonly dialled: PeerId[] = [];
  readonly links = new Set<number>();
  isUp = true;

  constructor(n: number, hamlet: Hamlet, nowMs: number) {
    this.n = n;
    this.id = idOf(n);
    this.gossip = new Gossip({
      id: this.id,
      signer: signerOf(n),
      verify: toyVerify,
      readRecord,
      random: seededRandom(1_000 * hamlet.seed + n),
      addresses: () => [{ host: `10.0.0.${n}`, port: 9000 }],
      belongs: () => true,
      outlet: {
        send: (to, message) => hamlet.send(this, to, message),
        dial: (to) => {
          this.dialled.push(to);
          hamlet.later(() => hamlet.connect(this.n, hamlet.numberOf(to)));
        },
        hangUp: (to) => hamlet.later(() => hamlet.part(this.n, hamlet.numberOf(to), "surplus")),
        onEvent: (event) => this.#note(event, hamlet),
      },
    }, nowMs);
  }

  #note(event: GossipEvent, hamlet: Hamlet): void {
    if (event.type === "event") this.heard.push(event.event.data);
    if (event.type !== "member") return;
    this.changes.push(`${hamlet.numberOf(event.member.id)} ${event.member.change}`);
  }
}

export class Hamlet {
  readonly seed: number;
  nowMs = 0;
  readonly residents = new Map<number, Resident>();
  /** Each message as it was delivered. */
  readonly tape: string[] = [];
  /** Whether two can reach each other. */
  isReachable: (a: number, b: number) => boolean = () => true;
  #due: [atMs: number, action: () => void][] = [];

  constructor(seed = 1) {
    this.seed = seed;
  }

  resident(n: number): Resident {
    const resident = this.residents.get(n);
    if (!resident) throw new RangeError(`Cannot find ${n}`);
    return resident;
  }

  numberOf(id: PeerId): number {
    for (const n of this.residents.keys()) if (idOf(n) === id) return n;
    return -1;
  }

  /** Starts `n`, in a new life if it had one, with a session to `seed`. */
  start(n: number, seed?: number): Resident {
    const resident = new Resident(n, this, this.nowMs);
    this.residents.set(n, resident);
    if (seed !== undefined) this.connect(n, seed);
    return resident;
  }

  connect(dialer: number, other: number): void {
    const [a, b] = [this.residents.get(dialer), this.residents.get(other)];
    if (!a?.isUp || a.links.has(other)) return;
    if (!b?.isUp || !this.isReachable(dialer, other)) {
      return a.gossip.dialFailed(idOf(other), this.nowMs);
    }
    a.links.add(other);
    b.links.add(dialer);
    a.gossip.connected(b.id, this.nowMs, true);
    b.gossip.connected(a.id, this.nowMs, false);
  }

  part(one: number, other: number, cause: PartingCause): void {
    const [a, b] = [this.resident(one), this.resident(other)];
    if (!a.links.delete(other)) return;
    b.links.delete(one);
    if (a.isUp) a.gossip.disconnected(b.id, cause, this.nowMs);
    if (b.isUp) b.gossip.disconnected(a.id, cause, this.nowMs);
  }

  /** Ends a process without a word. */
  crash(n: number): void {
    const resident = this.resident(n);
    resident.isUp = false;
    for (const other of [...resident.links]) this.part(n, other, "lost");
  }

  send(from: Resident, to: PeerId, message: Bytes): void {
    const n = this.numberOf(to);
    if (!from.isUp || !from.links.has(n)) return;
    this.later(() => {
      const target = this.resident(n);
      if (!target.isUp || !target.links.has(from.n) || !this.isReachable(from.n, n)) return;
      this.tape.push(`${this.nowMs} ${from.n} ${n} ${message.toHex()}`);
      target.gossip.receive(from.id, message, this.nowMs);
    });
  }

  later(action: () => void): void {
    this.#due.push([this.nowMs + 1, action]);
  }

  run(ms: number, isAwake: (n: number) => boolean = () => true): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs++;
      const due = this.#due.filter(([atMs]) => atMs <= this.nowMs);
      this.#due = this.#due.filter(([atMs]) => atMs > this.nowMs);
      for (const [, action] of due) action();
      for (const { n, gossip, isUp } of this.residents.values()) {
        if (isUp && isAwake(n) && gossip.deadlineMs <= this.nowMs) gossip.tick(this.nowMs);
      }
    }
  }

  /** What `observer` holds `n` for. */
  view(observer: number, n: number): string | undefined {
    return this.resident(observer).gossip.members.stateOf(idOf(n));
  }

  /** What all others that are up hold `n` for, each once. */
  opinions(n: number): readonly (string | undefined)[] {
    const others = [...this.residents.values()].filter((one) => one.isUp && one.n !== n);
    return [...new Set(others.map((one) => this.view(one.n, n)))];
  }
}

/** Members 1 to `count`, who have met through the first. */
export function hamletOf(count: number, seed = 1): Hamlet {
  const hamlet = new Hamlet(seed);
  for (let n = 1; n <= count; n++) hamlet.start(n, n > 1 ? 1 : undefined);
  hamlet.run(5_000);
  return hamlet;
}
