/**
 * The answering half of JSON discovery: one request in, one reply out, perhaps a peer learnt.
 *
 * Sans-IO. It decides who may use the unsigned path (`--legacy`), counts requests per address, and never
 * answers an ERROR, so that two nodes cannot argue for ever.
 */

import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { isLanHost, scopeOf } from "../net/address.ts";
import {
  type DiscoveredPeer,
  DiscoveryError,
  encodeMessage,
  ERROR_TYPE,
  parseMessage,
  readRequest,
  REPLY_TYPE,
  REQUEST_TYPE,
  type SelfDescription,
  typeOf,
  writeError,
  writeReply,
} from "./message.ts";
import { type MessageSigner, type VerifySignature } from "./signature.ts";
import type { RateLimitCounters, RateLimiter } from "./rate_limit.ts";

/** Who may use unsigned discovery: nobody, private networks, everyone. */
export type LegacyPolicy = "off" | "lan" | "any";
export const LEGACY_POLICIES: readonly LegacyPolicy[] = Object.freeze(["off", "lan", "any"]);

export interface ResponderOptions {
  readonly clock: Clock;
  readonly signer: MessageSigner;
  readonly verify: VerifySignature;
  readonly limiter: RateLimiter;
  readonly legacy: LegacyPolicy;
  /** Whether loopback addresses are counted too; they are not by default. */
  readonly limitLoopback: boolean;
  /** What we are now; called for each reply. */
  describe(): SelfDescription;
}

/** What came of one JSON payload. */
export interface Answer {
  /** The payload to send back, if any. */
  readonly reply: Bytes | undefined;
  /** Whom the request introduced. */
  readonly peer?: DiscoveredPeer | undefined;
  /** Why it was refused. */
  readonly error?: DiscoveryError | undefined;
}

const SILENCE: Answer = Object.freeze({ reply: undefined });

export class DiscoveryResponder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** What the rate limit did so far; exempt addresses are not in it. */
  get rateLimit(): RateLimitCounters {
    return this.#options.limiter.counters;
  }

  /** Answers one JSON payload that came from `host`. Never throws. */
  answer(payload: Bytes, host: string): Answer {
    const { clock, limiter, limitLoopback } = this.#options;
    if (limitLoopback || scopeOf(host) !== "loopback") {
      const verdict = limiter.take(host, clock.now());
      if (verdict.action === "drop") return SILENCE;
      if (verdict.action === "refuse") return tooFast(verdict.retryAfterMs);
    }
    try {
      const message = parseMessage(payload);
      const type = typeOf(message);
      // An ERROR must not be answered; a late reply has nobody waiting for it.
      if (type === ERROR_TYPE || type === REPLY_TYPE) return SILENCE;
      if (type !== REQUEST_TYPE) {
        throw new DiscoveryError(
          "unsupported_type",
          `Cannot answer message: only ${REQUEST_TYPE} is understood before a session`,
        );
      }
      const wallMs = clock.wallMs();
      const request = readRequest(message, { verify: this.#options.verify, wallMs });
      if (request.peer?.trust !== "authenticated") this.checkLegacy(host);
      const { signer } = this.#options;
      const reply = writeReply(this.#options.describe(), signer, {
        replyTo: request.nonce,
        wallMs,
      });
      return { reply: encodeMessage(reply), peer: request.peer };
    } catch (error) {
      if (!(error instanceof DiscoveryError)) throw error;
      return { reply: encodeMessage(writeError(error.code, error.message)), error };
    }
  }

  /** Throws {@link DiscoveryError} `legacy_disabled` unless `host` may use unsigned discovery. */
  checkLegacy(host: string): void {
    const { legacy } = this.#options;
    if (legacy === "any" || (legacy === "lan" && isLanHost(host))) return;
    throw new DiscoveryError(
      "legacy_disabled",
      legacy === "off"
        ? "Cannot accept unsigned discovery: it is switched off here"
        : "Cannot accept unsigned discovery: only private networks may use it here",
    );
  }
}

function tooFast(retryAfterMs: number): Answer {
  const error = new DiscoveryError("rate_limited", "Cannot answer: too many requests");
  const reply = writeError(error.code, error.message, { retry_after_ms: retryAfterMs });
  return { reply: encodeMessage(reply), error };
}
