/**
 * Questions that wait for their answer: an envelope sent, and the one whose `correlation_id` names it. For
 * what older peers answer too; everything else is a request, on a stream of its own.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { RequestError } from "../channel/requests.ts";
import type { Envelope } from "./envelope.ts";

interface Pending {
  readonly to: PeerId;
  readonly timer: Timer;
  resolve(answer: Envelope): void;
  reject(error: RequestError): void;
}

const MAX_QUESTIONS = 1_024;

export class Questions {
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Sends with `send` and waits for the answer from `to`. Rejects with {@link RequestError} `timeout`,
   * `closed` or `too_many_questions`, or as `send` throws.
   */
  ask(to: PeerId, timeoutMs: number, send: () => Envelope): Promise<Envelope> {
    const { promise, resolve, reject } = Promise.withResolvers<Envelope>();
    if (this.#pending.size >= MAX_QUESTIONS) {
      reject(
        new RequestError("too_many_questions", `Cannot ask: ${MAX_QUESTIONS} questions are open`),
      );
      return promise;
    }
    try {
      const { messageId } = send();
      const timer = this.#clock.schedule(timeoutMs, () => {
        this.#pending.delete(messageId);
        reject(
          new RequestError("timeout", `Cannot reach ${shortId(to)}: no answer in ${timeoutMs} ms`),
        );
      });
      this.#pending.set(messageId, { to, timer, resolve, reject });
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /** Hands `envelope` to whoever waits for it; `false` when nobody does. */
  answer(from: PeerId, envelope: Envelope): boolean {
    const id = envelope.correlationId ?? "";
    const pending = this.#pending.get(id);
    if (pending?.to !== from) return false;
    this.#pending.delete(id);
    pending.timer.cancel();
    pending.resolve(envelope);
    return true;
  }

  /** Rejects every question to `to`, or every question, with `closed`. */
  abandon(to: PeerId | undefined, reason: string): void {
    for (const [id, pending] of this.#pending) {
      if (to !== undefined && pending.to !== to) continue;
      this.#pending.delete(id);
      pending.timer.cancel();
      pending.reject(
        new RequestError("closed", `Cannot reach ${shortId(pending.to)}: ${reason}`),
      );
    }
  }
}
