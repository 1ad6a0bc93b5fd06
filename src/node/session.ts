/**
 * A session: envelopes and requests to and from one authenticated peer over one sealed link.
 *
 * Arrival order follows LEGACY: drop duplicates, drop what has expired, remember the id, acknowledge, then
 * deliver by priority and arrival. PING and ACK are answered and consumed here.
 */

import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import { Timetable } from "../base/timetable.ts";
import type { Mux } from "../channel/mux.ts";
import { type Reply, Requester, type RequestOptions } from "../channel/requests.ts";
import { type RequestHandler, Responder } from "../channel/responder.ts";
import { PRIORITIES, type Priority } from "../channel/scheduler.ts";
import type { SealedPeer } from "./conversation_events.ts";
import type { Delivery } from "./delivery.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  EnvelopeError,
  type EvolutionType,
  type MessageType,
  newEnvelope,
} from "./envelope.ts";
import type { Link } from "./link.ts";

/** What a sender may say of a message besides its type and data. */
export interface SendOptions {
  readonly priority?: Priority;
  readonly requiresAck?: boolean;
  readonly correlationId?: string;
  readonly expiresInMs?: number;
  /** Of a message about a job: which, and of what kind. */
  readonly evolutionId?: string;
  readonly evolutionType?: EvolutionType;
}

/** Envelopes of all sessions since the start. */
export interface EnvelopeCounters {
  envelopesReceived: number;
  envelopesSent: number;
  envelopesDropped: number;
}

export interface SessionOptions {
  readonly ownId: PeerId;
  readonly peer: SealedPeer;
  readonly link: Link;
  readonly mux: Mux;
  readonly clock: Clock;
  readonly counters: EnvelopeCounters;
  /** What is unacknowledged and already seen; outlives the session when a new one replaces it. */
  readonly delivery: Delivery;
  readonly onEnvelope: (envelope: Envelope) => void;
  /** Who answers the peer's requests of a type. */
  readonly handlerOf: (type: string) => RequestHandler | undefined;
  readonly onUndelivered: (envelope: Envelope) => void;
  /** Told of an error that no layer expected. */
  readonly onFault: (error: unknown) => void;
  /** Input that was dropped for cause. */
  readonly onRefused: (code: string) => void;
}

export class Session {
  readonly peer: SealedPeer;
  readonly link: Link;
  readonly delivery: Delivery;
  /** By the monotonic clock. */
  readonly openedAtMs: number;
  readonly #options: SessionOptions;
  readonly #timetable: Timetable;
  readonly #requester: Requester;
  readonly #responder: Responder;
  /** What this turn's bytes brought, one queue a priority; emptied before the turn ends. */
  readonly #inbox: readonly Envelope[][] = Array.from({ length: PRIORITIES }, () => []);

  constructor(options: SessionOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.link = options.link;
    this.delivery = options.delivery;
    this.openedAtMs = options.clock.now();
    const { mux, handlerOf, onFault } = options;
    const timetable = this.#timetable = new Timetable(options.clock);
    this.#requester = new Requester(mux, timetable);
    this.#responder = new Responder({ mux, timetable, handlerOf, onFault });
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#options.mux.streams;
  }

  /** Asks the peer; see {@link Requester.request}. */
  request(type: string, data: JsonObject, options?: RequestOptions): Promise<Reply> {
    return this.#requester.request(type, data, options);
  }

  /** Answers what the peer has asked. */
  serve(): void {
    this.#responder.serve();
  }

  /** Tells the peer that no more streams are opened or accepted. */
  leave(): void {
    this.#options.mux.goAway("shutdown");
  }

  /** Frees the timer; the streams have ended with the link. */
  close(): void {
    this.#timetable.clear();
  }

  /**
   * Sends a new message. Throws `DeliveryError` when too many wait for an ACK, `RangeError` when it is too
   * large.
   */
  send(type: MessageType, data: JsonObject, options: SendOptions = {}): Envelope {
    const wallMs = this.#options.clock.wallMs();
    const { expiresInMs, ...rest } = options;
    const envelope = newEnvelope({
      type,
      data,
      senderId: this.#options.ownId,
      recipientId: this.peer.id,
      wallMs,
      expiresAtMs: expiresInMs === undefined ? null : wallMs + expiresInMs,
      ...rest,
    });
    const bytes = encodeEnvelope(envelope);
    this.delivery.send(envelope, this.#options.clock.now());
    this.#post(bytes, envelope.priority);
    return envelope;
  }

  /** Takes one message of the link. */
  receive(body: Bytes): void {
    const { counters, clock, onRefused } = this.#options;
    counters.envelopesReceived++;
    try {
      const envelope = decodeEnvelope(body);
      if (envelope.senderId !== this.peer.id) {
        throw new EnvelopeError(
          "invalid_field",
          "Cannot accept envelope: its sender is not the peer",
        );
      }
      const { recipientId } = envelope;
      if (recipientId !== null && recipientId !== this.#options.ownId) return this.#drop();
      const receipt = this.delivery.receive(envelope, clock.wallMs());
      if (receipt.acknowledge) this.#answer(envelope, "ACK", { acknowledged: true });
      if (receipt.verdict !== "deliver") return this.#drop();
      this.#inbox[envelope.priority]?.push(envelope);
      queueMicrotask(() => this.#deliverNext());
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      this.#drop();
      onRefused(`envelope_${error.code}`);
    }
  }

  /** Sends again what was not acknowledged in time, and gives up what has used its retries. */
  retry(): void {
    if (this.delivery.pending === 0) return;
    const { clock, onUndelivered } = this.#options;
    const { resend, failed } = this.delivery.due(clock.now(), clock.wallMs());
    resend.forEach((envelope) => this.#post(encodeEnvelope(envelope), envelope.priority));
    failed.forEach(onUndelivered);
  }

  /** Gives up what is unacknowledged: the session is over and none replaces it. */
  abandon(): void {
    this.delivery.abandon().forEach(this.#options.onUndelivered);
  }

  /** Delivers the most urgent of what has arrived; called once for each arrival. */
  #deliverNext(): void {
    for (let priority = PRIORITIES - 1; priority >= 0; priority--) {
      const envelope = this.#inbox[priority]?.shift();
      if (envelope) return this.#deliverSafely(envelope);
    }
  }

  /** What a peer sent must never end the process: a defect of ours ends its session, and is told. */
  #deliverSafely(envelope: Envelope): void {
    if (this.link.isClosed) return this.#drop();
    try {
      this.#deliver(envelope);
    } catch (error) {
      this.#options.onFault(error);
      this.link.close("internal_error");
    }
  }

  #deliver(envelope: Envelope): void {
    const { onEnvelope, clock } = this.#options;
    if (envelope.type === "ACK") {
      if (envelope.correlationId !== null) this.delivery.acknowledge(envelope.correlationId);
    } else if (envelope.type === "PING") {
      this.#answer(envelope, "PONG", { pong_time: clock.wallMs() / 1000 });
    } else {
      onEnvelope(envelope);
    }
  }

  #answer(question: Envelope, type: MessageType, data: JsonObject): void {
    this.send(type, data, { correlationId: question.messageId });
  }

  #post(bytes: Bytes, priority: Priority): void {
    this.#options.counters.envelopesSent++;
    void this.link.send(bytes, priority);
  }

  #drop(): void {
    this.#options.counters.envelopesDropped++;
  }
}
