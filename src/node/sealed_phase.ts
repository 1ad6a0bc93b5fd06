/**
 * The sealed phase of a conversation: records opened into the channel, the channel filled into records, and
 * whether the peer still lives (PROTOCOL.md sections 5 and 6).
 *
 * A peer that has said nothing for `keepaliveMs` is asked; one that then says nothing for `probeMs` is gone,
 * whatever the system believes of the connection. A peer without pings has `silenceMs`.
 */

import { type Bytes, releaseBytes } from "../base/bytes.ts";
import { Mux } from "../channel/mux.ts";
import { type FillLimits, UNLIMITED } from "../channel/send_queue.ts";
import type { RecordOpener } from "../noise/record.ts";
import type { ConversationDeadlines } from "./deadlines.ts";
import type { Outlet } from "./outlet.ts";

export interface SealedPhaseOptions {
  readonly mux: Mux;
  readonly opener: RecordOpener;
  readonly outlet: Outlet;
  readonly deadlines: ConversationDeadlines;
}

/** What may leave of a conversation that ends: what is small and was said before. */
const LAST_WORDS: FillLimits = Object.freeze({ bulkBytes: 0, mayGrant: false });
/** The village's own probes come round sooner; asking as well would double them. */
const GOSSIP_PATIENCE = 2;
const MAX_LAST_WORDS_BYTES = 262_144;

export class SealedPhase {
  readonly name = "sealed";
  readonly mux: Mux;
  readonly #options: SealedPhaseOptions;
  #limits: FillLimits = UNLIMITED;
  readonly #fill = (plaintext: Bytes): number => this.mux.fill(plaintext, this.#limits);
  /** When the peer that was asked for a sign of life must have given one. */
  #probeDueMs = Infinity;

  constructor(options: SealedPhaseOptions) {
    this.#options = options;
    this.mux = options.mux;
  }

  /** Takes one record. Throws `NoiseError` or `MuxError`. */
  receive(payload: Bytes): void {
    const plaintext = this.#options.opener.open(payload);
    if (plaintext && !this.mux.receive(plaintext)) releaseBytes(plaintext);
  }

  /** Seals the next record; `false` when there is nothing to send. */
  seal(nowMs: number, limits: FillLimits): boolean {
    this.#limits = limits;
    return this.#options.outlet.pushRecord(this.#fill, nowMs) > 0;
  }

  /** Seals what would otherwise never leave, and ends the channel. */
  close(nowMs: number, code: string): void {
    const { outlet } = this.#options;
    while (outlet.pending < MAX_LAST_WORDS_BYTES && this.seal(nowMs, LAST_WORDS));
    this.mux.close(code);
  }

  /** The peer gave a sign of life. */
  hear(): void {
    this.#probeDueMs = Infinity;
  }

  /** Asks the peer for a sign of life within `withinMs`, if it can be asked. */
  probe(nowMs: number, withinMs: number): void {
    if (!this.mux.hasStreams) return;
    this.mux.ping();
    this.#probeDueMs = Math.min(this.#probeDueMs, nowMs + withinMs);
  }

  /** When {@link tick} has something to do about a peer last heard at `heardMs`. */
  deadlineMs(heardMs: number): number {
    const { silenceMs, keepaliveMs } = this.#options.deadlines;
    if (!this.mux.hasStreams) return heardMs + silenceMs;
    if (this.#probeDueMs !== Infinity) return this.#probeDueMs;
    return heardMs + keepaliveMs * (this.mux.hasGossip ? GOSSIP_PATIENCE : 1);
  }

  /** Asks a peer that is due to be asked; `true` when it is taken for dead. */
  tick(nowMs: number, heardMs: number): boolean {
    if (nowMs < this.deadlineMs(heardMs)) return false;
    if (!this.mux.hasStreams || this.#probeDueMs !== Infinity) return true;
    this.probe(nowMs, this.#options.deadlines.probeMs);
    return false;
  }
}
