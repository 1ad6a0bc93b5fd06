/** How a newcomer gets into a job: it offers its help to who asked for it, a few times, until it is answered. */

import type { JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import type { EvolutionMessage, JobOutlet } from "./job_outlet.ts";
import { readDecline, readWelcome, type Welcome, writeOffer } from "./messages.ts";

/** An offer that is not answered is repeated so often. */
const OFFER_MS = 5_000;
const MAX_OFFERS = 4;

/** What came of an offer. */
export type Answer =
  | { readonly type: "welcome"; readonly welcome: Welcome }
  | { readonly type: "refused"; readonly reason: string };

export class Joining {
  readonly #recruiter: PeerId;
  readonly #send: JobOutlet["send"];
  #offers = 0;
  #offeredMs = -Infinity;

  constructor(recruiter: PeerId, send: JobOutlet["send"]) {
    this.#recruiter = recruiter;
    this.#send = send;
  }

  /** Offers, if it is time; an answer when nobody gave one for too long. */
  advance(slots: number, nowMs: number): Answer | undefined {
    if (nowMs - this.#offeredMs < OFFER_MS) return undefined;
    if (this.#offers >= MAX_OFFERS) return { type: "refused", reason: "no answer" };
    this.#offers++;
    this.#offeredMs = nowMs;
    this.#send(this.#recruiter, "EVOLUTION_OFFER_HELP", writeOffer({ slots, perSecond: 0 }));
    return undefined;
  }

  /** What a message says about it: only who asked us may answer. Throws `FieldError`. */
  receive(from: PeerId, type: EvolutionMessage, data: JsonObject): Answer | undefined {
    if (from !== this.#recruiter) return undefined;
    if (type === "EVOLUTION_ACCEPT_HELP") return { type: "welcome", welcome: readWelcome(data) };
    if (type !== "EVOLUTION_DECLINE_HELP") return undefined;
    return { type: "refused", reason: readDecline(data).reason };
  }
}
