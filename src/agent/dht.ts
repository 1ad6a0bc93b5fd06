/**
 * The DHT scout: announces this node where the members of its network meet in the BitTorrent DHT, looks there
 * for others, keeps this node's sealed record stored and fetches those of members who are missing.
 *
 * ```
 * round: look up the rendezvous -> announce, if due        at the start, again soon, then every 5 minutes
 *        store the record, if due
 *        fetch records of missing members                  8 a minute at most
 * ```
 *
 * An announcement costs little right after a lookup, which brings the tokens for it. Of two nodes the one whose
 * round is later finds the other; where rounds coincide, the next one does, so the first few come quickly.
 * What is found are hints: an address may be anybody's, a record proves itself by its own signature.
 */

import { type Clock, pause, scheduleEvery, type Timer } from "../base/clock.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { type Random, shuffled } from "../base/random.ts";
import { AddressMemory } from "../discovery/address_memory.ts";
import type { PeerRecord } from "../mesh/peer_record.ts";
import { type Address, formatAddress, scopeOf } from "../net/address.ts";
import type { DhtNode } from "../net/dht.ts";
import type { Primitives } from "../noise/primitives.ts";
import { openRecord, recordSigner, rendezvousKeys, sealRecord } from "../trust/dht_keys.ts";

export interface DhtScoutOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly primitives: Pick<Primitives, "importSigningKeyPair">;
  /** The network's, 32 bytes, and those before it: nothing is published under them, but others may still be there. */
  readonly secrets: () => readonly [current: Bytes, ...former: Bytes[]];
  readonly id: PeerId;
  /** On which this node listens for sessions. */
  readonly port: number;
  /** Where this node listens, as far as it knows: what is not worth dialling. */
  readonly addresses: () => readonly Address[];
  /** Our record, newly signed, with what strangers' relays may carry: at most `MAX_RECORD_BYTES` of JSON. */
  readonly record: () => PeerRecord;
  /** Members with whom there is no session. */
  readonly wanted: () => readonly PeerId[];
  /** Takes an address where a member may listen. */
  readonly onAddress: (address: Address) => void;
  /** Takes what a member stored as the record of some node, not yet verified. */
  readonly onRecord: (value: unknown) => void;
  readonly open: () => Promise<DhtNode>;
}

/** For people, and for who waits. */
export interface DhtStatus {
  /** `alone`: no other node of the DHT has answered. */
  readonly state: "starting" | "on" | "alone";
  /** Nodes of the DHT that we know. */
  readonly nodes: number;
  /** How many of them took our last announcement. */
  readonly announced: number;
  readonly lookups: number;
  /** Addresses told. */
  readonly found: number;
}

/** From the start to the first rounds; the rest follow every {@link LOOKUP_MS}. */
const FIRST_ROUNDS_MS: readonly number[] = [1_000, 5_000, 15_000, 30_000, 60_000];
const LOOKUP_MS = 300_000;
/** A DHT that nobody answered from may be back soon. */
const ALONE_LOOKUP_MS = 60_000;
/** Between the last round and one that was asked for. */
const MIN_GAP_MS = 10_000;
/** The DHT's nodes forget an announcement after half an hour or so, and a record after two. */
const ANNOUNCE_MS = 900_000;
const RECORD_MS = 1_800_000;
const ANSWER_MS = 10_000;
/** What one call may take: a lookup in a large DHT with many dead nodes takes 10 s. */
const DEADLINE_MS = 30_000;
const MAX_ADDRESSES_A_LOOKUP = 64;
const MAX_FINDS = 8;
const FIND_WINDOW_MS = 60_000;

export class DhtScout {
  readonly #options: DhtScoutOptions;
  readonly #node: DhtNode;
  readonly #closing = new AbortController();
  readonly #memory = new AddressMemory();
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #finding = new Set<PeerId>();
  readonly #findTimer: Timer;
  readonly #startedAtMs: number;
  #roundTimer: Timer | undefined;
  #isInRound = false;
  #roundAtMs = -Infinity;
  #nextRoundAtMs = Infinity;
  /** Unset when due. */
  #announcement: { readonly key: Bytes; readonly atMs: number } | undefined;
  #recordAtMs: number | undefined;
  #findsLeft = MAX_FINDS;
  #announced = 0;
  #lookups = 0;
  #found = 0;
  #wasAlone = false;
  #closed: Promise<void> | undefined;

  /** Joins the DHT and goes on until closed. Throws what `open` throws. */
  static async start(options: DhtScoutOptions): Promise<DhtScout> {
    return new DhtScout(options, await options.open());
  }

  private constructor(options: DhtScoutOptions, node: DhtNode) {
    this.#options = options;
    this.#node = node;
    this.#startedAtMs = options.clock.now();
    this.#findTimer = scheduleEvery(options.clock, FIND_WINDOW_MS, () => {
      this.#findsLeft = MAX_FINDS;
      this.#findWanted();
    });
    this.#planRound(this.#startedAtMs);
  }

  get status(): DhtStatus {
    const { nodes } = this.#node;
    const isEarly = this.#options.clock.now() - this.#startedAtMs < ANSWER_MS;
    return {
      state: nodes > 0 ? "on" : isEarly ? "starting" : "alone",
      nodes,
      announced: this.#announced,
      lookups: this.#lookups,
      found: this.#found,
    };
  }

  /** Looks for others soon: a peer was lost, or the networks changed. */
  search(): void {
    const dueMs = Math.max(this.#options.clock.now(), this.#roundAtMs + MIN_GAP_MS);
    if (dueMs < this.#nextRoundAtMs) this.#planRound(dueMs);
  }

  /** Announces and stores anew soon: our addresses have changed. */
  publish(): void {
    this.#announcement = undefined;
    this.#recordAtMs = undefined;
    this.search();
  }

  /** Fetches the record of `id`; `false` when that is under way, or too much else is. */
  find(id: PeerId): boolean {
    if (this.#closed || this.#finding.size >= MAX_FINDS || this.#finding.has(id)) return false;
    this.#finding.add(id);
    this.#run(this.#fetchRecord(id).finally(() => this.#finding.delete(id)));
    return true;
  }

  /** Leaves the DHT; resolves when nothing is under way any more. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#findTimer.cancel();
    this.#roundTimer?.cancel();
    this.#closing.abort();
    await this.#node.close();
    await Promise.all(this.#tasks);
  }

  #planRound(dueMs: number): void {
    this.#nextRoundAtMs = dueMs;
    this.#roundTimer?.cancel();
    if (this.#closed || this.#isInRound) return;
    const delayMs = dueMs - this.#options.clock.now();
    this.#roundTimer = this.#options.clock.schedule(delayMs, () => this.#run(this.#round()));
  }

  async #round(): Promise<void> {
    const { secrets, clock } = this.#options;
    this.#isInRound = true;
    this.#roundAtMs = clock.now();
    this.#nextRoundAtMs = this.#followingRoundMs();
    const [current, ...former] = secrets();
    const [today, ...near] = rendezvousKeys(current, clock.wallMs());
    const others = [...near, ...former.flatMap((each) => rendezvousKeys(each, clock.wallMs()))];
    this.#findWanted();
    try {
      await Promise.all([
        this.#lookUp(today).then(() => this.#announceIfDue(today)),
        ...others.map((key) => this.#lookUp(key)),
        this.#storeIfDue(),
      ]);
      this.#reportState();
    } finally {
      this.#isInRound = false;
      this.#planRound(this.#nextRoundAtMs);
    }
  }

  #followingRoundMs(): number {
    const first = FIRST_ROUNDS_MS.find((ms) => this.#startedAtMs + ms > this.#roundAtMs);
    if (first !== undefined) return this.#startedAtMs + first;
    return this.#roundAtMs + (this.status.state === "alone" ? ALONE_LOOKUP_MS : LOOKUP_MS);
  }

  async #lookUp(key: Bytes): Promise<void> {
    let left = MAX_ADDRESSES_A_LOOKUP;
    this.#lookups++;
    await this.#within(this.#node.lookup(key, (address) => {
      if (!this.#closed && left > 0 && this.#tell(address)) left--;
    }));
  }

  #tell(address: Address): boolean {
    const { addresses, clock, onAddress } = this.#options;
    if (address.port === 0 || scopeOf(address.host) === "unspecified") return false;
    const text = formatAddress(address);
    if (addresses().some((own) => formatAddress(own) === text)) return false;
    if (!this.#memory.tell(address, clock.now())) return false;
    this.#found++;
    onAddress(address);
    return true;
  }

  async #announceIfDue(key: Bytes): Promise<void> {
    const last = this.#announcement;
    const isFresh = last && this.#roundAtMs - last.atMs < ANNOUNCE_MS && equalBytes(last.key, key);
    if (isFresh || this.#closed) return;
    const announcement = { key, atMs: this.#roundAtMs };
    this.#announcement = announcement;
    this.#announced = await this.#within(this.#node.announce(key, this.#options.port)) ?? 0;
    const isTaken = this.#announced > 0;
    if (!isTaken && this.#announcement === announcement) this.#announcement = undefined;
  }

  async #storeIfDue(): Promise<void> {
    if (this.#recordAtMs !== undefined && this.#roundAtMs - this.#recordAtMs < RECORD_MS) return;
    const { secrets, id, primitives, log } = this.#options;
    const [secret] = secrets();
    this.#recordAtMs = this.#roundAtMs;
    const record = this.#options.record();
    const value = sealRecord(secret, record.signed);
    if (!value) return log("warn", "dht record too long", { addresses: record.addresses.length });
    const signer = recordSigner(secret, id, primitives);
    const stored = await this.#within(this.#node.put({ signer, value, seq: record.seqMs }));
    if (!stored) this.#recordAtMs = undefined;
  }

  /** Fetches as many records as the current minute allows. */
  #findWanted(): void {
    const { wanted, random, id } = this.#options;
    const missing = wanted().filter((each) => each !== id && !this.#finding.has(each));
    for (const each of shuffled(random, missing).slice(0, this.#findsLeft)) {
      if (this.find(each)) this.#findsLeft--;
    }
  }

  async #fetchRecord(id: PeerId): Promise<void> {
    const { secrets, onRecord, log } = this.#options;
    for (const secret of secrets()) {
      const record = await this.#fetchUnder(secret, id);
      if (this.#closed) return;
      if (record === undefined) continue;
      log("debug", "dht record found", { peer: shortId(id) });
      return onRecord(record);
    }
  }

  async #fetchUnder(secret: Bytes, id: PeerId): Promise<unknown> {
    const { publicKey } = recordSigner(secret, id, this.#options.primitives);
    const box = await this.#within(this.#node.get(publicKey));
    return box && openRecord(secret, box);
  }

  #reportState(): void {
    const { state, nodes } = this.status;
    if (this.#closed || (state === "alone") === this.#wasAlone) return;
    this.#wasAlone = state === "alone";
    if (this.#wasAlone) this.#options.log("warn", "dht alone", { next: "asked again" });
    else this.#options.log("info", "dht joined", { nodes });
  }

  /** What `call` resolves to; `undefined` once it took too long, or on closing. */
  async #within<T>(call: Promise<T>): Promise<T | undefined> {
    const settled = new AbortController();
    const signal = AbortSignal.any([settled.signal, this.#closing.signal]);
    const over = pause(this.#options.clock, DEADLINE_MS, signal).then(() => undefined);
    try {
      return await Promise.race([call, over]);
    } finally {
      settled.abort();
    }
  }

  /** Owns `task` until it is settled: its failure costs a line in the log. */
  #run(task: Promise<void>): void {
    const owned = task.catch((error) => {
      this.#options.log("warn", "dht failed", { reason: describeError(error) });
    }).finally(() => this.#tasks.delete(owned));
    this.#tasks.add(owned);
  }
}
