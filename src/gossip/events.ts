/**
 * Events of a village as one member lives them: broadcasts, queries and capability records, sans-IO.
 *
 * The way of an event that a neighbour sends:
 *
 * ```
 * tag known? -> origin belongs? -> number seen? -> signature -> rate -> kept -> passed on -> told
 *    | prune        | ignored        | prune         | ignored    | dropped
 * ```
 *
 * What is malformed throws, and the link it came by is over. What is merely not believed is counted and has
 * no effect: whom one member has revoked, another may not have yet.
 *
 * An event from before this node started is passed on but not told: it was for those who were there, and
 * what it made a former life of this node do must not be done twice.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import { unreachable } from "../base/errors.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import { CapabilityBook, type SentRecord } from "./capability_book.ts";
import {
  EVENT_CLASSES,
  type EventClass,
  EventError,
  isAuthentic,
  nextSeq,
  type SignedEvent,
  signEvent,
  tagOf,
} from "./event.ts";
import {
  EVENT_BURST,
  EVENT_PACE,
  type KeptEvent,
  keptEvent,
  NO_RATE,
  OriginMemory,
  RECENT_LIMITS,
  RECENT_RECORD_LIMITS,
  RecentEvents,
  spend,
  TagMemory,
} from "./event_memory.ts";
import {
  decodeEventMessage,
  encodeEvent,
  EVENT_KINDS,
  isDetour,
  type Journey,
} from "./event_message.ts";
import { parseFilter } from "./filter.ts";
import { type IdCodec, PLAIN_ID_CODEC } from "./id_codec.ts";
import { OwnCapabilities, type Urgency } from "./own_capabilities.ts";
import { MAX_FULL_MESH } from "./neighbourhood.ts";
import { Plumtree } from "./plumtree.ts";
import {
  type Asker,
  decodeQuestion,
  encodeQuestion,
  isAddressed,
  QueryDesk,
  type Question,
} from "./query.ts";

/** Less than others let pass, for what is sent apart may arrive together. */
const OWN_PACE = Object.freeze({ everyMs: EVENT_PACE.everyMs, burst: EVENT_BURST - 64 });

/** Something a member told all others. */
export interface ReceivedEvent {
  readonly origin: PeerId;
  readonly name: string;
  readonly data: string;
}

/** A question that this member may answer, once. */
export interface ReceivedQuery extends ReceivedEvent {
  readonly id: string;
  /**
   * Answers with at most 1,024 bytes. Returns false when the query is over or was answered; throws
   * `RangeError` when the text is too long.
   */
  respond(text: string, nowMs: number): boolean;
}

export interface EventsOptions {
  readonly id: PeerId;
  /** Its signatures must differ in their first 6 bytes for different messages, as real ones do. */
  readonly signer: MessageSigner;
  readonly verify: VerifySignature;
  readonly ids?: IdCodec;
  readonly random: Random;
  /** Whether `id` is one of us, and was not revoked. */
  belongs(id: PeerId): boolean;
  memberCount(): number;
  /** Those of them that nobody suspects; absent, all. */
  readonly aliveCount?: (() => number) | undefined;
  /** What grew with this member's last restart, below 2^24: its incarnation. */
  boot(): number;
  send(to: PeerId, message: Bytes): void;
  /** Sends what can wait until something else goes the same way; absent, nothing waits. */
  readonly sendLater?: ((to: PeerId, message: Bytes) => void) | undefined;
  onEvent(event: ReceivedEvent): void;
  onQuery(query: ReceivedQuery): void;
  /** A member's record is another one; `undefined`: it aged out. */
  onCapabilities(origin: PeerId, record: string | undefined): void;
  /** Our own record, which queries are matched with. */
  capabilities(): string;
}

/** A query of ours. */
export interface OwnQuery extends Question, Asker {
  readonly name: string;
}

/** A query that is under way. */
export interface QueryHandle {
  readonly id: string;
  /** Ends it before its deadline. */
  stop(): void;
}

/** What became of events that neighbours sent. */
export interface EventCounters {
  news: number;
  duplicates: number;
  /** Of origins that do not belong, or with a signature that is not theirs. */
  unbelievable: number;
  tooFast: number;
}

/** A session that was lost is either found to be a death by then, or counts as missing. */
const LOSS_MS = 1_000;
const OURS: Journey = Object.freeze({ hops: 0, ageMs: 0, isDetour: false });

export class Events {
  readonly counters: EventCounters = { news: 0, duplicates: 0, unbelievable: 0, tooFast: 0 };
  readonly #options: EventsOptions;
  readonly #ids: IdCodec;
  readonly #startedMs: number;
  readonly #tags = new TagMemory();
  readonly #origins = new OriginMemory();
  readonly #recent = new RecentEvents(RECENT_LIMITS);
  readonly #recentRecords = new RecentEvents(RECENT_RECORD_LIMITS);
  readonly #tree: Plumtree;
  readonly #queries: QueryDesk;
  readonly #book: CapabilityBook;
  readonly #record: OwnCapabilities;
  #seq = 0;
  #partedMs = -Infinity;
  #rate = NO_RATE;

  constructor(options: EventsOptions, nowMs: number) {
    const { random, send } = options;
    this.#options = options;
    this.#ids = options.ids ?? PLAIN_ID_CODEC;
    this.#startedMs = nowMs;
    this.#tree = new Plumtree({
      send,
      sendLater: options.sendLater ?? send,
      isFullMesh: (nowMs) => this.#isFullMesh(nowMs),
      isKnown: (tag) => this.#tags.has(tag),
      find: (tag, nowMs) => this.#recent.find(tag, nowMs) ?? this.#recentRecords.find(tag, nowMs),
      latest: (count, nowMs) => this.#recent.latest(count, nowMs),
    }, random);
    this.#queries = new QueryDesk({
      id: options.id,
      ids: this.#ids,
      signer: options.signer,
      verify: options.verify,
      belongs: options.belongs,
      canReach: (id) => this.#tree.has(id),
      neighbours: () => [...this.#tree.eager, ...this.#tree.lazy],
      send,
    });
    this.#book = new CapabilityBook({
      memberCount: options.memberCount,
      onChange: options.onCapabilities,
    });
    this.#record = new OwnCapabilities(random);
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): number {
    return Math.min(
      this.#tree.deadlineMs,
      this.#queries.deadlineMs,
      this.#book.deadlineMs,
      this.#record.dueMs(this.#options.memberCount()),
    );
  }

  /** Neighbours, and among them those that are sent events unasked. */
  get links(): { readonly size: number; readonly eager: number } {
    return { size: this.#tree.size, eager: this.#tree.eager.size };
  }

  addNeighbour(id: PeerId, nowMs: number): void {
    this.#tree.add(id, nowMs);
    this.#record.met(nowMs);
  }

  removeNeighbour(id: PeerId, nowMs: number): void {
    this.#partedMs = nowMs;
    this.#tree.remove(id, nowMs);
    if (this.#tree.size === 0) this.#record.parted();
  }

  /**
   * Takes a message of kinds 16 to 31 from a neighbour. Throws {@link EventError} or `ByteReaderError` when
   * it is malformed, after which the link is over.
   */
  receive(from: PeerId, message: Bytes, nowMs: number): void {
    if (message[0] === EVENT_KINDS.event && this.#tags.has(tagOf(message))) {
      return this.#refuse(tagOf(message), from, isDetour(message), nowMs);
    }
    const read = decodeEventMessage(message, this.#ids);
    switch (read.kind) {
      case EVENT_KINDS.event:
        return this.#receiveEvent(from, read.event, read.journey, nowMs);
      case EVENT_KINDS.announce:
        return this.#tree.receiveAnnounce(from, read.announcements, nowMs);
      case EVENT_KINDS.request:
        return this.#tree.receiveRequest(from, read.isGraft, read.tags, nowMs);
      case EVENT_KINDS.prune:
        return this.#tree.receivePrune(from);
      case EVENT_KINDS.answer:
        return this.#queries.receiveAnswer(from, read.answer, nowMs);
      case EVENT_KINDS.receipt:
        return this.#queries.receiveReceipt(from, read.tag, read.responder);
      default:
        unreachable(read);
    }
  }

  /** Does what is due. */
  tick(nowMs: number): void {
    this.#tree.tick(nowMs);
    this.#queries.tick(nowMs);
    this.#book.tick(nowMs);
    const { text } = this.#record;
    if (text === undefined || this.#record.dueMs(this.#options.memberCount()) > nowMs) return;
    const event = this.#sign(EVENT_CLASSES.capabilities, "", text);
    const { isCalm } = this.#record;
    this.#record.markSent(event.bytes, nowMs);
    this.#spread(event, undefined, isCalm ? { ...OURS, isCalm } : OURS, nowMs);
  }

  /**
   * Tells all members, ourselves included. Throws {@link EventError} `too_fast`, `TypeError` for a name that
   * is none and `RangeError` for more than 4,096 bytes.
   */
  broadcast(name: string, data: string, nowMs: number): void {
    const event = this.#sign(EVENT_CLASSES.named, name, data);
    this.#publish(event, nowMs);
    this.#options.onEvent({ origin: event.origin, name, data });
  }

  /** Asks all members whose record matches. Throws as {@link broadcast}, and {@link FilterError}. */
  query(query: OwnQuery, nowMs: number): QueryHandle {
    if (query.where !== "") parseFilter(query.where);
    if (!this.#queries.hasRoom(nowMs)) throw tooFast();
    const event = this.#sign(EVENT_CLASSES.query, query.name, encodeQuestion(query));
    this.#publish(event, nowMs);
    const expiresMs = nowMs + query.deadlineMs;
    const route = { origin: this.#options.id, neighbours: [], expiresMs };
    this.#queries.open(event.tag, route, nowMs, query);
    this.#offer(event, query);
    return { id: queryId(event.tag), stop: () => this.#queries.close(event.tag) };
  }

  /**
   * Sets our own record, a JSON object, which is sent as its urgency says. Throws `TypeError` when it is none and `RangeError` above 1,024 bytes.
   */
  setCapabilities(text: string, urgency: Urgency = "now"): void {
    this.#record.set(text, urgency);
  }

  /** The record of a member, as far as it is known. */
  capabilitiesOf(id: PeerId): string | undefined {
    return id === this.#options.id ? this.#record.text : this.#book.get(id);
  }

  /** A member's record with its age, for {@link learnCapabilities} of another; below 1,200 bytes. */
  capabilityRecordOf(id: PeerId, nowMs: number): Bytes | undefined {
    const record = id === this.#options.id ? this.#record.sent : this.#book.recordOf(id);
    return record && encodeRecord(record, nowMs);
  }

  /** Learns a record without passing it on. Throws as {@link receive}. */
  learnCapabilities(bytes: Bytes, nowMs: number): void {
    const read = decodeEventMessage(bytes, this.#ids);
    if (read.kind !== EVENT_KINDS.event || read.event.class !== EVENT_CLASSES.capabilities) {
      throw new EventError("malformed", "Cannot learn capabilities: they are no record");
    }
    const { event, journey } = read;
    if (this.#isSeen(event) || !this.#isBelievable(event)) return;
    this.#tags.add(event.tag);
    this.#isTaken(event, journey.ageMs, nowMs);
  }

  /** Whether everybody has a session with everybody, as far as we can see. */
  #isFullMesh(nowMs: number): boolean {
    const { memberCount, aliveCount = memberCount } = this.#options;
    // Nothing reaches a suspect, by whichever way, nor one whose session was just lost: a death must not make us a tree.
    const justLost = nowMs - this.#partedMs < LOSS_MS ? 1 : 0;
    return memberCount() <= MAX_FULL_MESH && this.#tree.size + justLost >= aliveCount() - 1;
  }

  #receiveEvent(from: PeerId, event: SignedEvent, journey: Journey, nowMs: number): void {
    const { tag } = event;
    if (this.#isSeen(event)) {
      this.#tags.add(tag);
      this.#tree.drop(tag);
      return this.#refuse(tag, from, journey.isDetour, nowMs);
    }
    if (!this.#isBelievable(event)) return;
    this.#tags.add(tag);
    if (!this.#isTaken(event, journey.ageMs, nowMs)) {
      this.counters.tooFast++;
      return this.#tree.drop(tag);
    }
    this.counters.news++;
    const kept = this.#spread(event, from, journey, nowMs);
    const isOfThisLife = journey.ageMs <= nowMs - this.#startedMs;
    if (isOfThisLife && event.origin !== this.#options.id) this.#tell(event, kept, nowMs);
  }

  /** Remembers an event; returns whether it is to be passed on. */
  #isTaken(event: SignedEvent, ageMs: number, nowMs: number): boolean {
    const { origin, seq } = event;
    const isOurs = origin === this.#options.id;
    // Of a life we have forgotten: we number on behind it.
    if (isOurs) this.#seq = Math.max(this.#seq, seq);
    if (event.class !== EVENT_CLASSES.capabilities) return this.#origins.add(origin, seq, nowMs);
    return !isOurs && this.#book.take(event, ageMs, nowMs);
  }

  #isSeen({ class: kind, origin, seq }: SignedEvent): boolean {
    return kind === EVENT_CLASSES.capabilities
      ? !this.#book.isNews(origin, seq)
      : this.#origins.isSeen(origin, seq);
  }

  #isBelievable(event: SignedEvent): boolean {
    const { belongs, verify } = this.#options;
    const isBelievable = belongs(event.origin) && isAuthentic(event, verify);
    if (!isBelievable) this.counters.unbelievable++;
    return isBelievable;
  }

  #refuse(tag: number, from: PeerId, isDetour: boolean, nowMs: number): void {
    this.counters.duplicates++;
    this.#tree.refuse(tag, from, isDetour, nowMs);
  }

  #spread(
    event: SignedEvent,
    from: PeerId | undefined,
    journey: Journey,
    nowMs: number,
  ): KeptEvent {
    const kept = keptEvent(event, from, journey, nowMs);
    const isRecord = event.class === EVENT_CLASSES.capabilities;
    (isRecord ? this.#recentRecords : this.#recent).add(kept, nowMs);
    this.#tree.spread(kept, nowMs);
    return kept;
  }

  /** Tells the owner of an event that is not about capabilities, which the book does. */
  #tell(event: SignedEvent, kept: KeptEvent, nowMs: number): void {
    const { origin, name, data, tag } = event;
    if (event.class === EVENT_CLASSES.named) this.#options.onEvent({ origin, name, data });
    if (event.class !== EVENT_CLASSES.query) return;
    const question = decodeQuestion(data);
    if (!question) return;
    const expiresMs = kept.bornMs + question.deadlineMs;
    if (this.#queries.open(tag, { origin, neighbours: kept.holders, expiresMs }, nowMs)) {
      this.#offer(event, question);
    }
  }

  /** Offers a query to the owner, if it is for us. */
  #offer({ origin, name, tag }: SignedEvent, question: Question): void {
    if (!isAddressed(question, this.#options.capabilities())) return;
    const respond = (text: string, nowMs: number) => this.#queries.answer(tag, text, nowMs);
    this.#options.onQuery({ origin, name, data: question.data, id: queryId(tag), respond });
  }

  #sign(kind: EventClass, name: string, data: string): SignedEvent {
    const { id, signer, boot } = this.#options;
    const seq = nextSeq(this.#seq, boot());
    const event = signEvent(id, { seq, class: kind, name, data }, signer, this.#ids);
    this.#seq = seq;
    this.#tags.add(event.tag);
    return event;
  }

  #publish(event: SignedEvent, nowMs: number): void {
    const rate = spend(this.#rate, OWN_PACE, nowMs);
    if (rate === undefined) throw tooFast();
    this.#rate = rate;
    this.#origins.add(event.origin, event.seq, nowMs);
    this.#spread(event, undefined, OURS, nowMs);
  }
}

function encodeRecord({ bytes, sentMs }: SentRecord, nowMs: number): Bytes {
  return encodeEvent(bytes, { hops: 1, ageMs: nowMs - sentMs, isDetour: true });
}

function tooFast(): EventError {
  return new EventError("too_fast", "Cannot broadcast: too many events in a short time");
}

function queryId(tag: number): string {
  return tag.toString(16).padStart(12, "0");
}
