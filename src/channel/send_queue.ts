/**
 * What a session has to send, and in which order it goes into records (PROTOCOL.md section 6).
 *
 * Answers, resets and pings first, then credit, then by priority; within a priority messages before streams,
 * and streams in turn.
 */

import { type Bytes, writeU32 } from "../base/bytes.ts";
import {
  MAX_MUX_BODY_BYTES,
  MUX_HEADER_BYTES,
  MUX_KINDS,
  MuxError,
  writeFrame,
} from "./mux_frame.ts";
import type { MuxStream } from "./mux_stream.ts";
import {
  charge,
  CRITICAL,
  FRESH_SHARES,
  nextPriority,
  PRIORITIES,
  type Priority,
  type ReadySet,
  type Shares,
} from "./scheduler.ts";

/** Refusals and answers that may wait to leave; a peer that causes more does not read. */
const MAX_REPLIES = 1_024;

/** What may leave in the record that is being filled. */
export interface FillLimits {
  /** Bytes of streams that are not critical. */
  readonly bulkBytes: number;
  /** Whether the peer may be given new credit. */
  readonly mayGrant: boolean;
}

export const UNLIMITED: FillLimits = Object.freeze({ bulkBytes: Infinity, mayGrant: true });

/** What is sent whole. */
interface Message {
  readonly kind: typeof MUX_KINDS.message | typeof MUX_KINDS.gossip;
  readonly body: Bytes;
}

/** What waits to be sent at one priority. */
interface Lane {
  readonly messages: Message[];
  readonly streams: MuxStream[];
}

export class SendQueue {
  readonly #lanes: readonly Lane[] = Array.from(
    { length: PRIORITIES },
    () => ({ messages: [], streams: [] }),
  );
  /** Whole frames that go before everything: resets, pings and their answers, the farewell. */
  readonly #replies: Bytes[] = [];
  readonly #grants: MuxStream[] = [];
  #shares: Shares = FRESH_SHARES;
  #messageBytes = 0;
  #isFlooded = false;

  /** Bytes of messages that wait. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** Whether {@link fill} has something to write within `limits`. */
  hasOutput(limits: FillLimits): boolean {
    if (this.#replies.length > 0 || (limits.mayGrant && this.#grants.length > 0)) return true;
    return this.#ready(limits.bulkBytes) !== 0;
  }

  /** A message to send whole. Throws `RangeError` when no record carries it. */
  addMessage(
    body: Bytes,
    priority: Priority,
    kind: Message["kind"] = MUX_KINDS.message,
  ): void {
    if (body.length > MAX_MUX_BODY_BYTES) {
      throw new RangeError(
        `Cannot send message: length ${body.length} exceeds ${MAX_MUX_BODY_BYTES}`,
      );
    }
    this.#lanes[priority]?.messages.push({ kind, body });
    this.#messageBytes += body.length;
  }

  /** A frame that goes before everything; see {@link checkReplies}. */
  addReply(frame: { kind: number; flags?: number; stream?: number; body: Bytes }): void {
    if (this.#replies.length >= MAX_REPLIES) {
      this.#isFlooded = true;
      return;
    }
    const bytes = new Uint8Array(MUX_HEADER_BYTES + frame.body.length);
    writeFrame(bytes, 0, frame);
    this.#replies.push(bytes);
  }

  /** Throws {@link MuxError} `flooded` once a frame was dropped because too many wait. */
  checkReplies(): void {
    if (!this.#isFlooded) return;
    throw new MuxError("flooded", `Cannot answer: ${MAX_REPLIES} answers wait to be read`);
  }

  /** A stream with something to send. */
  addStream(stream: MuxStream): void {
    stream.isQueued = true;
    this.#lanes[stream.priority]?.streams.push(stream);
  }

  /** A stream that owes credit. */
  addGrant(stream: MuxStream): void {
    stream.isGranting = true;
    this.#grants.push(stream);
  }

  /** Forgets a stream. */
  remove(stream: MuxStream): void {
    if (stream.isQueued) removeFrom(this.#lanes[stream.priority]?.streams ?? [], stream);
    if (stream.isGranting) removeFrom(this.#grants, stream);
    stream.isQueued = false;
    stream.isGranting = false;
  }

  /**
   * Writes frames into `out`, the plaintext of a record, as many as fit and are within `limits`. Returns
   * their length; 0 when there is nothing to send.
   */
  fill(out: Bytes, limits: FillLimits): number {
    let bulkBytes = limits.bulkBytes;
    let offset = this.#replies.length > 0 ? this.#fillReplies(out) : 0;
    if (limits.mayGrant && this.#grants.length > 0) offset = this.#fillGrants(out, offset);
    while (out.length - offset > MUX_HEADER_BYTES) {
      const ready = this.#ready(bulkBytes);
      const priority = nextPriority(ready, this.#shares);
      const lane = priority === undefined ? undefined : this.#lanes[priority];
      if (priority === undefined || !lane) break;
      const end = this.#fillFrom(lane, out, offset, priority === CRITICAL ? Infinity : bulkBytes);
      if (end === offset) break;
      // Who sends alone, or while streams are held back, takes nobody's turn.
      const isShared = (ready & (ready - 1)) !== 0 && bulkBytes > 0;
      if (isShared) this.#shares = charge(this.#shares, priority, end - offset);
      if (priority !== CRITICAL) bulkBytes -= end - offset;
      offset = end;
    }
    return offset;
  }

  /** Who has something to send, if streams that are not critical may send `bulkBytes`. */
  #ready(bulkBytes: number): ReadySet {
    let ready = 0;
    const lanes = this.#lanes;
    for (let priority = 0; priority < PRIORITIES; priority++) {
      const lane = lanes[priority];
      if (!lane) continue;
      const mayStream = priority === CRITICAL || bulkBytes > 0;
      if (lane.messages.length > 0 || (mayStream && lane.streams.length > 0)) {
        ready |= 1 << priority;
      }
    }
    return ready;
  }

  #fillReplies(out: Bytes): number {
    let offset = 0;
    let count = 0;
    for (const reply of this.#replies) {
      if (offset + reply.length > out.length) break;
      out.set(reply, offset);
      offset += reply.length;
      count++;
    }
    this.#replies.splice(0, count);
    return offset;
  }

  #fillGrants(out: Bytes, offset: number): number {
    const body = new Uint8Array(4);
    while (out.length - offset >= MUX_HEADER_BYTES + body.length) {
      const stream = this.#grants.shift();
      if (!stream) break;
      stream.isGranting = false;
      const bytes = stream.takeGrant();
      if (bytes === 0) continue;
      writeU32(body, 0, bytes);
      offset = writeFrame(out, offset, { kind: MUX_KINDS.window, stream: stream.id, body });
    }
    return offset;
  }

  #fillFrom(lane: Lane, out: Bytes, offset: number, bulkBytes: number): number {
    const message = lane.messages[0];
    if (message) {
      const { length } = message.body;
      if (offset + MUX_HEADER_BYTES + length > out.length) return offset;
      // `shift` gives the array's storage up, and the next message would allocate it anew.
      if (lane.messages.length === 1) lane.messages.pop();
      else lane.messages.shift();
      this.#messageBytes -= length;
      return writeFrame(out, offset, message);
    }
    const stream = lane.streams.shift();
    if (!stream) return offset;
    stream.isQueued = false;
    const end = stream.emit(out, offset, bulkBytes);
    if (stream.isReady) this.#requeue(lane, stream, end > offset);
    return end;
  }

  /** A stream that could send nothing in the room that was left keeps its turn. */
  #requeue(lane: Lane, stream: MuxStream, hasSent: boolean): void {
    stream.isQueued = true;
    if (hasSent) lane.streams.push(stream);
    else lane.streams.unshift(stream);
  }
}

function removeFrom<T>(items: T[], item: T): void {
  const index = items.indexOf(item);
  if (index >= 0) items.splice(index, 1);
}
