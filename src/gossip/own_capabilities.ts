/**
 * A member's own capability record: what it says, and when it is sent.
 *
 * Three times in a lifetime, and soon after it changed, but not sooner than {@link MIN_RECORD_GAP_MS} after
 * the last. All times grow with the village as the lifetime does. The first waits until the member has had
 * time to learn how many there are, and for a random part of that gap, so that thousands that start together do
 * not speak together.
 */

import { type Bytes, encodeUtf8 } from "../base/bytes.ts";
import type { Random } from "../base/random.ts";
import {
  EVEN_MEMBERS,
  isRecord,
  MIN_RECORD_GAP_MS,
  RECORD_LIFETIME_MS,
  recordScale,
  type SentRecord,
} from "./capability_book.ts";
import { MAX_RECORD_BYTES } from "./event.ts";

/** How long a new member learns how many there are. */
export const SETTLING_MS = 2_000;
const REPETITIONS = 3;

/** When a changed record is sent: at once, soon and along with something else, or when it is repeated anyway. */
export type Urgency = "now" | "along" | "later";

export class OwnCapabilities {
  readonly #random: Random;
  #chance: number;
  #text: string | undefined;
  #sent: SentRecord | undefined;
  #isChanged = false;
  #isUrgent = false;
  /** Since when there is somebody to tell. */
  #sinceMs = Infinity;

  constructor(random: Random) {
    this.#random = random;
    this.#chance = random.next();
  }

  get text(): string | undefined {
    return this.#text;
  }

  /** The record as it was last sent. */
  get sent(): SentRecord | undefined {
    return this.#sent;
  }

  /**
   * Sets the record, which is sent as its urgency says. Throws `TypeError` when `text` is no JSON
   * object and `RangeError` above 1,024 bytes.
   */
  set(text: string, urgency: Urgency = "now"): void {
    if (text === this.#text) return;
    if (!isRecord(text)) throw new TypeError("Cannot set capabilities: they are no JSON object");
    const { length } = encodeUtf8(text);
    if (length > MAX_RECORD_BYTES) {
      throw new RangeError(`Cannot set capabilities: ${length} bytes exceed ${MAX_RECORD_BYTES}`);
    }
    this.#text = text;
    this.#isChanged ||= urgency !== "later";
    this.#isUrgent ||= urgency === "now";
  }

  /** There is a neighbour, from `nowMs` on if it is the first. */
  met(nowMs: number): void {
    this.#sinceMs = Math.min(this.#sinceMs, nowMs);
  }

  /** There is no neighbour any more. */
  parted(): void {
    this.#sinceMs = Infinity;
  }

  /** When it is to be sent, `Infinity` while there is nothing to send or nobody to send it to. */
  dueMs(memberCount: number): number {
    if (this.#text === undefined || this.#sinceMs === Infinity) return Infinity;
    if (!this.#sent) {
      const spreadMs = MIN_RECORD_GAP_MS * memberCount / EVEN_MEMBERS;
      return this.#sinceMs + SETTLING_MS + this.#chance * spreadMs;
    }
    const gapMs = this.#isChanged
      ? MIN_RECORD_GAP_MS
      // Up to a tenth early, so that members do not keep step.
      : RECORD_LIFETIME_MS / REPETITIONS * (1 - this.#chance / 10);
    return this.#sent.sentMs + gapMs * recordScale(memberCount);
  }

  /** Whether what is sent next can ride along: nothing depends on it, or others learnt it in a handshake. */
  get isCalm(): boolean {
    return !this.#isUrgent || !this.#sent;
  }

  /** It is sent, as the signed event `bytes`. */
  markSent(bytes: Bytes, nowMs: number): void {
    this.#sent = { bytes, sentMs: nowMs };
    this.#isChanged = this.#isUrgent = false;
    this.#chance = this.#random.next();
  }
}
