/**
 * Queries: a question that travels as an event, and answers that come back hop by hop.
 *
 * ```
 * asker -- query (event) --> ... --> member that matches
 *   ^                                 | answer, signed by it
 *   +-- neighbour <-- ... <-- neighbour +
 * ```
 *
 * A query's data is the JSON object `{where, deadline_ms, data}`. Each node remembers by which neighbours it
 * heard of a query, and passes answers to the first of them that is still there, or to the asker itself where
 * there is a session; where all are gone, to any neighbour. Who takes an answer over says so with a receipt; without one the answer is sent again,
 * and from the third time on to another neighbour. Who has it from somebody else gives none, so that it does
 * not end in a circle. So an answer is lost only with the node that took it.
 *
 * Every node on the way checks who signed, and passes on one answer of each member to a query: a relay can
 * neither invent answers nor multiply them.
 *
 * Bounds: 1,024 queries, each until its deadline (at most 5 min); 16,384 answers to a query, 65,536 in all
 * that are remembered, 1,024 that wait for a receipt; past these an answer gets no receipt and stays with the
 * one who has it, until there is room.
 */

import type { Bytes } from "../base/bytes.ts";
import { FieldError, Fields, isObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import { MAX_DATA_BYTES } from "./event.ts";
import { ownBytes } from "./event_memory.ts";
import { type Answer, encodeReceipt, isAuthenticAnswer, signAnswer } from "./event_message.ts";
import { FilterError, matchesFilter, MAX_FILTER_LENGTH, parseFilter } from "./filter.ts";
import type { IdCodec } from "./id_codec.ts";

export const MAX_QUERIES = 1_024;
export const MAX_DEADLINE_MS = 300_000;
export const MAX_ANSWERS_OF_QUERY = 16_384;
export const MAX_ANSWERS = 65_536;
export const MAX_WAITING_ANSWERS = 1_024;
/** After so long without a receipt an answer is sent again, then after twice as long, and so on. */
export const ANSWER_RETRY_MS = 500;
/** Times that one neighbour is tried before the next. */
const TRIES_A_NEIGHBOUR = 2;

/** What a query asks, in its event. */
export interface Question {
  /** A filter, or nothing: everybody. */
  readonly where: string;
  /** How long the asker waits for answers from when it asked. */
  readonly deadlineMs: number;
  readonly data: string;
}

/** A question as the data of an event. Throws `RangeError` for a deadline out of its bounds. */
export function encodeQuestion({ where, deadlineMs, data }: Question): string {
  if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > MAX_DEADLINE_MS) {
    throw new RangeError(`Cannot ask: deadline ${deadlineMs} ms is outside 1..${MAX_DEADLINE_MS}`);
  }
  return JSON.stringify({ where, deadline_ms: deadlineMs, data });
}

/** Reads a question; `undefined` when it is none. */
export function decodeQuestion(text: string): Question | undefined {
  try {
    const fields = Fields.of(JSON.parse(text));
    const where = fields.raw("where");
    const data = fields.raw("data");
    if (typeof where !== "string" || where.length > MAX_FILTER_LENGTH) return undefined;
    if (typeof data !== "string" || data.length > MAX_DATA_BYTES) return undefined;
    const deadlineMs = fields.integer("deadline_ms", { min: 1, max: MAX_DEADLINE_MS });
    return { where, deadlineMs, data };
  } catch (error) {
    if (error instanceof FieldError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether `question` is for the member with this record, JSON text. */
export function isAddressed({ where }: Question, record: string): boolean {
  if (where === "") return true;
  try {
    const fields: unknown = JSON.parse(record);
    return isObject(fields) && matchesFilter(parseFilter(where), fields);
  } catch (error) {
    // A newer member may ask in a newer language: we cannot say that it is for us.
    if (error instanceof FilterError) return false;
    throw error;
  }
}

/** What the asker wants to hear. */
export interface Asker {
  onAnswer(responder: PeerId, text: string): void;
  /** No answer comes any more: the deadline, or the asker stopped it. */
  onEnd(): void;
}

export interface QueryDeskOptions {
  readonly id: PeerId;
  readonly ids: IdCodec;
  readonly signer: MessageSigner;
  readonly verify: VerifySignature;
  belongs(id: PeerId): boolean;
  /** Whether messages reach `id`. */
  canReach(id: PeerId): boolean;
  neighbours(): Iterable<PeerId>;
  send(to: PeerId, message: Bytes): void;
}

/** How a query came here. */
export interface Route {
  readonly origin: PeerId;
  /** Neighbours it was heard of by, the best first; more may be added later. */
  readonly neighbours: readonly PeerId[];
  readonly expiresMs: number;
}

interface Query extends Route {
  readonly tag: number;
  /** Whose answer is here already, and who brought it. */
  readonly heard: Map<PeerId, PeerId>;
  /** Answers that nobody has taken over yet. */
  readonly waiting: Map<PeerId, Waiting>;
  readonly asker: Asker | undefined;
}

interface Waiting {
  readonly message: Bytes;
  /** Neighbours that it was sent to. */
  readonly sentTo: Set<PeerId>;
  tries: number;
  dueMs: number;
}

export class QueryDesk {
  readonly #options: QueryDeskOptions;
  readonly #queries = new Map<number, Query>();
  #answers = 0;
  #waiting = 0;
  #dueMs = Infinity;

  constructor(options: QueryDeskOptions) {
    this.#options = options;
  }

  /** Queries that answers are passed on for. */
  get size(): number {
    return this.#queries.size;
  }

  /** Answers that wait for a receipt. */
  get waiting(): number {
    return this.#waiting;
  }

  get deadlineMs(): number {
    return this.#dueMs;
  }

  /** Whether there is room for another query. */
  hasRoom(nowMs: number): boolean {
    if (this.#queries.size >= MAX_QUERIES) this.#expire(nowMs);
    return this.#queries.size < MAX_QUERIES;
  }

  /** A query is known, our own if there is an asker. Returns whether answers to it can be taken. */
  open(tag: number, route: Route, nowMs: number, asker?: Asker): boolean {
    if (route.expiresMs <= nowMs || !this.hasRoom(nowMs)) return false;
    this.#queries.set(tag, { ...route, tag, heard: new Map(), waiting: new Map(), asker });
    this.#dueMs = Math.min(this.#dueMs, route.expiresMs);
    return true;
  }

  /** Ends a query before its deadline. */
  close(tag: number): void {
    const query = this.#queries.get(tag);
    if (query) this.#end(query);
  }

  /**
   * Answers a query. Returns false when it is over or was answered; throws `RangeError` when the text
   * is too long.
   */
  answer(tag: number, text: string, nowMs: number): boolean {
    const query = this.#queries.get(tag);
    const { id, signer, ids } = this.#options;
    if (!query || query.expiresMs <= nowMs || query.heard.has(id)) return false;
    const answer = signAnswer({ tag, responder: id, text }, signer, ids);
    if (!this.#hasRoomFor(query)) return false;
    this.#take(query, answer, id, nowMs);
    return true;
  }

  receiveAnswer(from: PeerId, answer: Answer, nowMs: number): void {
    const { tag, responder } = answer;
    const query = this.#queries.get(tag);
    // No receipt: another neighbour may know the way.
    if (!query || query.expiresMs <= nowMs) return;
    const bearer = query.heard.get(responder);
    // From another one it may have gone in a circle: whoever sends it is to find another way.
    if (bearer !== undefined && bearer !== from) return;
    if (bearer === undefined) {
      if (!this.#hasRoomFor(query) || !this.#options.belongs(responder)) return;
      if (!isAuthenticAnswer(answer, this.#options.verify)) return;
      this.#take(query, answer, from, nowMs);
    }
    this.#options.send(from, encodeReceipt(tag, responder, this.#options.ids));
  }

  receiveReceipt(from: PeerId, tag: number, responder: PeerId): void {
    const waiting = this.#queries.get(tag)?.waiting;
    if (!waiting?.get(responder)?.sentTo.has(from)) return;
    waiting.delete(responder);
    this.#waiting--;
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    this.#expire(nowMs);
    for (const query of this.#queries.values()) {
      for (const waiting of query.waiting.values()) {
        if (waiting.dueMs <= nowMs) this.#send(query, waiting, nowMs);
      }
    }
    this.#schedule();
  }

  #hasRoomFor(query: Query): boolean {
    if (query.heard.size >= MAX_ANSWERS_OF_QUERY || this.#answers >= MAX_ANSWERS) return false;
    return query.asker !== undefined || this.#waiting < MAX_WAITING_ANSWERS;
  }

  /** Remembers an answer, and delivers or sends it. */
  #take(query: Query, answer: Answer, bearer: PeerId, nowMs: number): void {
    query.heard.set(answer.responder, bearer);
    this.#answers++;
    if (query.asker) return query.asker.onAnswer(answer.responder, answer.text);
    const message = ownBytes(answer.message);
    const waiting = { message, sentTo: new Set<PeerId>(), tries: 0, dueMs: nowMs };
    query.waiting.set(answer.responder, waiting);
    this.#waiting++;
    this.#send(query, waiting, nowMs);
    this.#dueMs = Math.min(this.#dueMs, waiting.dueMs);
  }

  #send(query: Query, waiting: Waiting, nowMs: number): void {
    const to = this.#nextHop(query, waiting.tries);
    waiting.dueMs = nowMs + ANSWER_RETRY_MS * 2 ** Math.min(waiting.tries, 6);
    waiting.tries++;
    if (to === undefined) return;
    waiting.sentTo.add(to);
    this.#options.send(to, waiting.message);
  }

  /** The asker itself, then whoever told us of the query, then any neighbour, and so on in turn. */
  #nextHop({ origin, neighbours }: Query, tries: number): PeerId | undefined {
    const { canReach } = this.#options;
    const at = Math.floor(tries / TRIES_A_NEIGHBOUR);
    const ways = [origin, ...neighbours.filter((id) => id !== origin)].filter(canReach);
    if (at >= ways.length) {
      for (const id of this.#options.neighbours()) if (!ways.includes(id)) ways.push(id);
    }
    return ways[at % ways.length];
  }

  #expire(nowMs: number): void {
    for (const query of this.#queries.values()) if (query.expiresMs <= nowMs) this.#end(query);
  }

  #end(query: Query): void {
    this.#queries.delete(query.tag);
    this.#answers -= query.heard.size;
    this.#waiting -= query.waiting.size;
    query.asker?.onEnd();
  }

  #schedule(): void {
    this.#dueMs = Infinity;
    for (const query of this.#queries.values()) {
      this.#dueMs = Math.min(this.#dueMs, query.expiresMs);
      for (const { dueMs } of query.waiting.values()) this.#dueMs = Math.min(this.#dueMs, dueMs);
    }
  }
}
