/**
 * What envelopes need beyond a byte stream, for one peer and across its sessions: no duplicates, nothing
 * expired, acknowledgement and real retries (LEGACY, envelope).
 *
 * Sans-IO. A message that wants an ACK is resent after 1, 2, 4 ... seconds (2^retry_count) with the same
 * id until it is acknowledged, expires or has used its retries.
 */

import { CodedError } from "../base/errors.ts";
import type { Envelope } from "./envelope.ts";

export interface DeliveryOptions {
  /** Ids remembered to recognise duplicates; the oldest is forgotten first. */
  readonly maxSeen: number;
  /** Messages that may wait for an ACK at once. */
  readonly maxPending: number;
  /** Wait before the first retry; it doubles with each. */
  readonly retryMs: number;
}

export const DEFAULT_DELIVERY: DeliveryOptions = Object.freeze({
  maxSeen: 1_024,
  maxPending: 256,
  retryMs: 1_000,
});

/** A message could not be taken for delivery. */
export class DeliveryError extends CodedError<"too_many_pending"> {
  override readonly name = "DeliveryError";
}

/** What to do with an envelope that arrived. */
export interface Receipt {
  readonly verdict: "deliver" | "duplicate" | "expired";
  /** Whether to send an ACK: also for a duplicate, whose first ACK may have been lost. */
  readonly acknowledge: boolean;
}

interface Pending {
  readonly envelope: Envelope;
  readonly dueMs: number;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #seen = new Set<string>();
  readonly #pending = new Map<string, Pending>();

  constructor(options: DeliveryOptions = DEFAULT_DELIVERY) {
    this.#options = options;
  }

  /** Messages that wait for an ACK. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Judges an envelope that arrived at `wallMs`. */
  receive(envelope: Envelope, wallMs: number): Receipt {
    const acknowledge = envelope.requiresAck;
    if (this.#seen.has(envelope.messageId)) return { verdict: "duplicate", acknowledge };
    if (isExpired(envelope, wallMs)) return { verdict: "expired", acknowledge: false };
    this.#seen.add(envelope.messageId);
    if (this.#seen.size > this.#options.maxSeen) {
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest);
        break;
      }
    }
    return { verdict: "deliver", acknowledge };
  }

  /** Notes that `envelope` is sent now. Throws {@link DeliveryError} `too_many_pending`. */
  send(envelope: Envelope, nowMs: number): void {
    if (!envelope.requiresAck) return;
    if (this.#pending.size >= this.#options.maxPending) {
      throw new DeliveryError(
        "too_many_pending",
        `Cannot send ${envelope.type}: ${this.#options.maxPending} messages wait for an ACK`,
      );
    }
    this.#expect(envelope, nowMs);
  }

  /** Notes an ACK for the message `id`; `false` when none was awaited. */
  acknowledge(id: string): boolean {
    return this.#pending.delete(id);
  }

  /** What must be resent at `nowMs`, and what is given up. */
  due(nowMs: number, wallMs: number): { resend: readonly Envelope[]; failed: readonly Envelope[] } {
    const resend: Envelope[] = [];
    const failed: Envelope[] = [];
    for (const [id, { envelope, dueMs }] of this.#pending) {
      if (dueMs > nowMs) continue;
      this.#pending.delete(id);
      if (envelope.retryCount >= envelope.maxRetries || isExpired(envelope, wallMs)) {
        failed.push(envelope);
      } else {
        resend.push({ ...envelope, retryCount: envelope.retryCount + 1 });
      }
    }
    for (const envelope of resend) this.#expect(envelope, nowMs);
    return { resend, failed };
  }

  /** Everything that waits for an ACK, which is then no longer awaited. */
  abandon(): readonly Envelope[] {
    const envelopes = [...this.#pending.values()].map(({ envelope }) => envelope);
    this.#pending.clear();
    return envelopes;
  }

  #expect(envelope: Envelope, nowMs: number): void {
    const dueMs = nowMs + this.#options.retryMs * 2 ** envelope.retryCount;
    this.#pending.set(envelope.messageId, { envelope, dueMs });
  }
}

function isExpired(envelope: Envelope, wallMs: number): boolean {
  return envelope.expiresAtMs !== null && wallMs > envelope.expiresAtMs;
}
