/**
 * Whether one side's streams have their turns, judged by the frames that leave it and by nothing that its
 * scheduler says of itself.
 *
 * A stream *waits* while it has bytes and credit. The rules, each a consequence of PROTOCOL.md section 6:
 *
 * 1. While a critical stream waits, no other stream sends.
 * 2. While a stream waits, no other of its priority has two turns; a turn is one data frame and what opens
 *    or closes the stream around it. With n streams it waits for n - 1 turns of its own priority.
 * 3. While a stream of weight w waits, streams of another weight v send at most v / w times what its own
 *    priority sends, and beyond that what start-time fair queueing allows: one largest piece of each.
 * 4. A record with room for more leaves nobody waiting.
 * 5. Together these bound the wait. Of n streams of weight w one is passed by n - 1 turns of its own
 *    priority, by (W - w) / w times those and one largest piece (W = 13, all weights), and by one turn of
 *    each other priority; they leave in full records, of three turns or more. A message starts the count
 *    anew, and what is critical is not counted.
 */

import { CRITICAL, PRIORITIES, type Priority } from "../../src/channel/scheduler.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";

/** Low, normal and high: 1:4:8. */
const WEIGHTS = [1, 4, 8] as const;
const ALL_WEIGHTS = 13;
/** Open, data and close, each with its header of 8 bytes, and the 16,384 bytes where data is cut. */
const MAX_TURN_BYTES = 8 + 8 + 16_384 + 8;
const HEADER_BYTES = 8;
/** Of data in a full record, whatever small frames go before it. */
const MIN_RECORD_BYTES = 3 * MAX_TURN_BYTES;

/** One stream's sending direction, as far as turns go. */
export interface Queued {
  readonly id: number;
  readonly priority: Priority;
  /** The stream, where the test holds it; the turns of others are counted, and never missed. */
  readonly stream: MuxStream | undefined;
  /** What the peer allows by the ledger's own account, bytes. */
  credit: number;
}

interface Place {
  readonly queued: Queued;
  unsent: number;
  isWaiting: boolean;
  /** The turn of its priority at which it began to wait, or had its own. */
  since: number;
  /** The last turn it had; 0 before the first. */
  turn: number;
  /** Records with data that have left without any of its own. */
  passed: number;
}

/** One priority. */
interface Lane {
  /** Streams that it has had. */
  streams: number;
  turns: number;
  waiting: number;
  /** The largest piece that it sent at once. */
  maxPieceBytes: number;
  /** Since somebody waits here: what was sent at each priority. */
  readonly sent: number[];
}

export class TurnLedger {
  readonly #onViolation: (rule: string) => void;
  readonly #places = new Map<number, Place>();
  readonly #lanes: readonly Lane[] = Array.from({ length: PRIORITIES }, () => ({
    streams: 0,
    turns: 0,
    waiting: 0,
    maxPieceBytes: MAX_TURN_BYTES,
    sent: Array.from({ length: PRIORITIES }, () => 0),
  }));
  #allowance = 0;
  /** Of the record: whether its owner limits it, and what it carries. */
  #isLimited = false;
  #hasBulk = false;
  #hasUrgent = false;
  #last: { readonly id: number; readonly kind: number } | undefined;

  constructor(onViolation: (rule: string) => void) {
    this.#onViolation = onViolation;
  }

  /** Takes a stream into account, from its first frame or from when the test holds it. */
  add(queued: Queued): void {
    const place = { queued, unsent: 0, isWaiting: false, since: 0, turn: 0, passed: 0 };
    this.#places.set(queued.id, place);
    this.#lane(queued.priority).streams++;
  }

  /** The stream sends no more. */
  remove(id: number): void {
    const place = this.#places.get(id);
    if (place) this.#setWaiting(place, false);
    this.#places.delete(id);
  }

  /** A record is about to be filled, with at most `bulkBytes` of streams that are not critical. */
  begin(bulkBytes: number): void {
    this.#allowance = bulkBytes;
    this.#isLimited = bulkBytes !== Infinity;
    this.#hasBulk = this.#hasUrgent = false;
    this.#last = undefined;
    for (const place of this.#places.values()) {
      place.unsent = place.queued.stream?.unsent ?? 0;
      this.#setWaiting(place, place.unsent > 0 && place.queued.credit > 0);
    }
  }

  /** A frame of a stream has been written: `kind` is that of an open, data or a close. */
  addFrame(id: number, kind: number, bodyBytes: number): void {
    const place = this.#places.get(id);
    if (!place) return;
    const isSameTurn = this.#last?.id === id && kind > this.#last.kind;
    this.#last = { id, kind };
    if (!isSameTurn) this.#takeTurn(place);
    const { priority } = place.queued;
    if (priority === CRITICAL) this.#hasUrgent = true;
    else this.#hasBulk = true;
    this.#charge(priority, HEADER_BYTES + bodyBytes, true);
    place.unsent -= bodyBytes;
    if (place.isWaiting) this.#setWaiting(place, place.unsent > 0 && place.queued.credit > 0);
  }

  /** A message has been written. It has no turn to wait for, but its priority pays for it. */
  addMessage(priority: Priority, bodyBytes: number): void {
    const lane = this.#lane(priority);
    lane.maxPieceBytes = Math.max(lane.maxPieceBytes, HEADER_BYTES + bodyBytes);
    this.#last = undefined;
    for (const place of this.#places.values()) place.passed = 0;
    // Where streams are held back, messages take shares that no stream could have had.
    if (this.#isLimited) this.#lanes.forEach(({ sent }) => sent.fill(0));
    this.#hasUrgent = true;
    this.#charge(priority, HEADER_BYTES + bodyBytes, false);
  }

  /** The record is done, with room for `roomBytes` more; `isBlocked` when a message did not fit into it. */
  end(roomBytes: number, isBlocked: boolean): void {
    const hasRoom = !isBlocked && roomBytes > HEADER_BYTES;
    const isCounted = this.#hasBulk && !this.#hasUrgent && !this.#isLimited;
    for (const place of this.#places.values()) {
      if (!place.isWaiting) continue;
      const { id, priority } = place.queued;
      if (hasRoom && (priority === CRITICAL || this.#allowance > 0)) {
        this.#onViolation(`a record with room for ${roomBytes} left out stream ${id}`);
      }
      if (priority !== CRITICAL && isCounted) this.#pass(place, priority);
    }
  }

  /** A record of others' data has left; one with a turn of `place` counts as none. */
  #pass(place: Place, priority: Exclude<Priority, typeof CRITICAL>): void {
    const weight = WEIGHTS[priority];
    const { streams, maxPieceBytes } = this.#lane(priority);
    const ownBytes = (streams - 1) * MAX_TURN_BYTES;
    const others = WEIGHTS.length - 1;
    const otherBytes = (ownBytes + maxPieceBytes) * (ALL_WEIGHTS - weight) / weight +
      others * MAX_TURN_BYTES;
    const limit = Math.ceil((ownBytes + otherBytes) / MIN_RECORD_BYTES) + 1;
    if (++place.passed <= limit) return;
    const { id } = place.queued;
    this.#onViolation(`${place.passed} records passed stream ${id}, more than ${limit}`);
  }

  #takeTurn(place: Place): void {
    const { id, priority } = place.queued;
    const lane = this.#lane(priority);
    for (const other of this.#places.values()) {
      if (!other.isWaiting || other === place || other.queued.priority !== priority) continue;
      if (place.turn <= other.since) continue;
      this.#onViolation(`stream ${id} has two turns while ${other.queued.id} waits`);
    }
    if (priority !== CRITICAL && this.#lane(CRITICAL).waiting > 0) {
      this.#onViolation(`stream ${id} sends while a critical one waits`);
    }
    place.turn = place.since = ++lane.turns;
    // The record that is being read is its own.
    place.passed = -1;
  }

  #charge(priority: Priority, bytes: number, isStream: boolean): void {
    if (priority === CRITICAL) return;
    this.#allowance -= bytes;
    for (const [waiting, weight] of WEIGHTS.entries()) {
      const lane = this.#lane(waiting);
      if (lane.waiting === 0 || (waiting !== priority && !isStream)) continue;
      lane.sent[priority] = (lane.sent[priority] ?? 0) + bytes;
      if (waiting === priority) continue;
      const own = ((lane.sent[waiting] ?? 0) + lane.maxPieceBytes) / weight;
      const limit = WEIGHTS[priority] * own + this.#lane(priority).maxPieceBytes;
      const sent = lane.sent[priority] ?? 0;
      if (sent <= limit) continue;
      this.#onViolation(`${sent} bytes of priority ${priority} pass ${waiting}, not ${limit}`);
    }
  }

  #setWaiting(place: Place, isWaiting: boolean): void {
    if (place.isWaiting === isWaiting) return;
    place.isWaiting = isWaiting;
    const lane = this.#lane(place.queued.priority);
    if (isWaiting) {
      place.since = lane.turns;
      place.passed = 0;
      if (lane.waiting++ === 0) lane.sent.fill(0);
    } else lane.waiting--;
  }

  #lane(priority: number): Lane {
    const lane = this.#lanes[priority];
    if (!lane) throw new RangeError(`Cannot find lane: priority ${priority} exceeds 3`);
    return lane;
  }
}
