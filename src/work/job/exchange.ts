/**
 * The exchange: how all participants come to hold the same ledger. Records go round with PROGRESS; an order or an
 * accepted result is told at once by everybody who hears of it first, and to everybody whose PROGRESS shows that it
 * holds another.
 */

import type { PeerId } from "../../base/peer_id.ts";
import { isObject, type JsonObject } from "../../base/guards.ts";
import type { Random } from "../../base/random.ts";
import { writeConsensus } from "./consensus.ts";
import type { JobOutlet } from "./job_outlet.ts";
import type { Ledger } from "./ledger.ts";
import { type Progress, writeParticipant, writeProgress } from "./messages.ts";
import {
  isGenuineParticipant,
  type ParticipantRecord,
  type ParticipantWord,
  readParticipant,
  signParticipant,
} from "./participant_record.ts";
import { randomLinks, ringNeighbours } from "./routes.ts";
import { IDLE_PROGRESS_MS, PROGRESS_MS, type Roster } from "./roster.ts";
import type { Speaker } from "./signed_record.ts";
import { type Job, type JobCrypto, MAX_PARTICIPANTS } from "./spec.ts";
import type { Trust } from "./trust.ts";

/** Random links besides the ring for what everybody is to know at once. */
const FLOOD_LINKS = 4;
/** How long nothing is taken of who passed on what its author never signed. */
const MUTE_MS = 1_000;

export interface ExchangeOptions {
  readonly job: Job;
  readonly self: Speaker;
  readonly crypto: JobCrypto;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly roster: Roster;
  readonly trust: Trust;
  readonly belongs: (id: PeerId) => boolean;
  readonly send: JobOutlet["send"];
  readonly wallMs: () => number;
  /** What we say of ourselves now. */
  readonly ownWord: () => Omit<ParticipantWord, "seq" | "unixMs">;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  /** When each was last told of what it did not have. */
  readonly #toldMs = new Map<PeerId, number>();
  readonly #mutedUntilMs = new Map<PeerId, number>();
  #progressMs = -Infinity;
  #seq: number;

  constructor(options: ExchangeOptions, seq = 0) {
    this.#options = options;
    this.#seq = seq;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Signs what we say of ourselves, newer than anything that was said before. */
  say(nowMs: number): ParticipantRecord {
    const { job, self, ledger, roster, wallMs, ownWord } = this.#options;
    const unixMs = Math.floor(wallMs());
    const known = ledger.participants.get(self.id)?.seq ?? 0;
    this.#seq = Math.max(this.#seq + 1, known + 1, unixMs);
    const record = signParticipant(job.id, self, { ...ownWord(), seq: this.#seq, unixMs });
    if (ledger.addParticipant(record)) roster.heard(record, nowMs);
    return record;
  }

  /** Takes a record that `from` sent; whether it was news. Throws `FieldError` for one that is malformed. */
  takeRecord(value: unknown, from: PeerId, nowMs: number): boolean {
    const { job, self, ledger, roster, crypto, trust, belongs } = this.#options;
    if (this.#isStale(value)) return false;
    const record = readParticipant(job.id, value);
    if (record.node === self.id) {
      // An older life of ours said more than we remember: our next word is newer.
      this.#seq = Math.max(this.#seq, isGenuineParticipant(record, crypto) ? record.seq : 0);
      return false;
    }
    if ((this.#mutedUntilMs.get(from) ?? -Infinity) > nowMs) return false;
    if (!ledger.isNews(record) || !belongs(record.node)) return false;
    if (!isGenuineParticipant(record, crypto)) {
      trust.saw(from, "forged");
      remember(this.#mutedUntilMs, from, nowMs + MUTE_MS);
      return false;
    }
    ledger.addParticipant(record);
    roster.heard(record, nowMs);
    return true;
  }

  /** Tells how we do, if it is time. */
  advance(nowMs: number, isEnded: boolean): void {
    const { roster, random, send, self } = this.#options;
    const periodMs = isEnded ? IDLE_PROGRESS_MS : roster.periodMs;
    if (nowMs - this.#progressMs < periodMs) return;
    this.#progressMs = nowMs;
    this.say(nowMs);
    const ring = ringNeighbours(self.id, roster.living);
    // Now and then somebody who seems lost: after a partition, that is how the halves meet.
    const far = [...roster.others, ...roster.missing];
    const data = this.#progress(roster.news());
    for (const id of [...ring, ...randomLinks(far, 1, random, [self.id, ...ring])]) {
      send(id, "EVOLUTION_PROGRESS", data);
    }
  }

  /** Has {@link advance} tell how we do when it is called next. */
  hurry(): void {
    this.#progressMs = -Infinity;
  }

  /** Tells at once that our state is different: we have come in, pause, go on or leave. */
  announce(type: "EVOLUTION_START" | "EVOLUTION_METRICS_SHARE", nowMs: number): void {
    const data = writeParticipant(this.say(nowMs));
    for (const id of this.#flood()) this.#options.send(id, type, data);
  }

  /** Tells one whom we did not know of ourselves and others. */
  greet(id: PeerId, nowMs: number): void {
    this.say(nowMs);
    const { ledger, roster, self } = this.#options;
    const ids = new Set([self.id, ...roster.living]);
    const known = [...ids].flatMap((each) => ledger.participants.get(each) ?? []);
    this.#options.send(id, "EVOLUTION_PROGRESS", this.#progress(known));
  }

  /** Tells everybody of the latest order and the accepted result, but `except`, who told us. */
  spread(except?: PeerId): void {
    const data = this.#completion();
    for (const id of this.#flood()) {
      if (id !== except) this.#options.send(id, "EVOLUTION_COMPLETE", data);
    }
  }

  /** Tells one what we hold of order and result. */
  tell(id: PeerId): void {
    this.#options.send(id, "EVOLUTION_COMPLETE", this.#completion());
  }

  /** Compares what another's PROGRESS says it holds; what it lacks is told, what we lack asked for. */
  compare({ orderSeq, result }: Progress, from: PeerId, nowMs: number): void {
    const { ledger, roster } = this.#options;
    const ownSeq = ledger.order?.seq ?? 0;
    const own = ledger.result?.proposal.hash ?? null;
    if (orderSeq === ownSeq && result === own) return;
    if (nowMs - (this.#toldMs.get(from) ?? -Infinity) < PROGRESS_MS) return;
    remember(this.#toldMs, from, nowMs);
    if (ownSeq > orderSeq || own !== null && own !== result) this.tell(from);
    else this.#options.send(from, "EVOLUTION_PROGRESS", this.#progress(roster.news()));
  }

  /** Whether we hold that record or a later one: what most records are need not be read. */
  #isStale(value: unknown): boolean {
    if (!isObject(value)) return false;
    const held = this.#options.ledger.participants.get(value["node"] as PeerId);
    const seq = value["seq"];
    if (!held || typeof seq !== "number") return false;
    return seq < held.seq || value["signature"] === held.signed["signature"];
  }

  #progress(participants: readonly ParticipantRecord[]): JsonObject {
    const { ledger } = this.#options;
    return writeProgress({
      participants,
      orderSeq: ledger.order?.seq ?? 0,
      result: ledger.result?.proposal.hash ?? null,
    });
  }

  #completion(): JsonObject {
    const { result, order, isStopped } = this.#options.ledger;
    return {
      state: result ? "accepted" : isStopped ? "stopped" : "running",
      order: order?.signed ?? null,
      consensus: result ? writeConsensus(result) : null,
    };
  }

  #flood(): readonly PeerId[] {
    const { roster, random, self } = this.#options;
    const ring = ringNeighbours(self.id, roster.living);
    return [...ring, ...randomLinks(roster.others, FLOOD_LINKS, random, [self.id, ...ring])];
  }
}

/** Bounded like the job's participants; the one that was set first makes room. */
function remember(map: Map<PeerId, number>, id: PeerId, value: number): void {
  map.delete(id);
  if (map.size >= MAX_PARTICIPANTS) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(id, value);
}
