/**
 * The multiplexer of one session, sans-IO: streams and messages become frames, frames become streams and
 * messages (PROTOCOL.md section 6).
 *
 * The way in is {@link Mux.receive}, with a record's plaintext. The way out is pulled: {@link
 * Mux.fill} writes the plaintext of the next record, the most urgent first, at the moment when the
 * record can leave. Nothing is queued behind a record, so whatever is critical waits for one at most.
 *
 * What a peer can make us hold: {@link INITIAL_CREDIT_BYTES} a stream, {@link MAX_STREAMS} streams, of which
 * {@link MAX_UNACCEPTED} that nobody here has asked for yet; the rest is refused.
 */

import { type Bytes, NO_BYTES, readU32 } from "../base/bytes.ts";
import {
  decodeReason,
  encodeReason,
  MUX_KINDS,
  MuxError,
  PONG_FLAG,
  readFrames,
} from "./mux_frame.ts";
import { MuxStream, StreamError, type StreamHost } from "./mux_stream.ts";
import { NORMAL, PRIORITIES, type Priority } from "./scheduler.ts";
import { type FillLimits, SendQueue, UNLIMITED } from "./send_queue.ts";

/** Streams of a session, those of both sides together. */
export const MAX_STREAMS = 256;
/** Streams that the peer opened and nobody has accepted. */
export const MAX_UNACCEPTED = 64;
const PING_BYTES = 8;
const SOON = Promise.resolve();

/** What a multiplexer tells its owner. */
export interface MuxEvents {
  /** There is something to send, and there was not. Not called within {@link Mux.receive}. */
  onOutput(): void;
  /** The peer opened streams: see {@link Mux.accept}. Told once the record was read, or no more would fit. */
  onIncoming(): void;
  /** A whole message, the receiver's to keep. */
  onMessage(body: Bytes): void;
  /** What the village says, the receiver's to keep. */
  onGossip?(body: Bytes): void;
}

export interface MuxOptions {
  /** The dialer's streams have odd ids, the listener's even ones. */
  readonly isDialer: boolean;
  /** Whether the peer speaks streams; otherwise there are messages alone. */
  readonly hasStreams: boolean;
  /** Whether the peer speaks gossip. */
  readonly hasGossip?: boolean;
  readonly events: MuxEvents;
}

export class Mux {
  readonly hasStreams: boolean;
  readonly hasGossip: boolean;
  readonly #events: MuxEvents;
  readonly #isDialer: boolean;
  readonly #host: StreamHost;
  readonly #streams = new Map<number, MuxStream>();
  readonly #unaccepted: MuxStream[] = [];
  readonly #queue = new SendQueue();
  #nextId: number;
  #isReceiving = false;
  #isOutputTold = false;
  /** Why no more streams are opened; the error is made for whom it meets. */
  #farewell: (() => StreamError) | undefined;
  /** Of the record that is being read: its bytes, whether views of it are kept, what it causes. */
  #record: Bytes = NO_BYTES;
  #isKept = false;
  #hasOpened = false;
  readonly #waking: MuxStream[] = [];

  constructor(options: MuxOptions) {
    this.hasStreams = options.hasStreams;
    this.#events = options.events;
    this.#isDialer = options.isDialer;
    this.hasGossip = options.hasGossip ?? false;
    this.#nextId = options.isDialer ? 1 : 2;
    this.#host = {
      wantToSend: (stream) => this.#enqueue(stream),
      wantToGrant: (stream) => {
        this.#queue.addGrant(stream);
        this.#wake();
      },
      wantToWake: (stream) => {
        stream.isWaking = true;
        this.#waking.push(stream);
      },
      sendReset: (stream, code) => this.#reply(MUX_KINDS.reset, stream.id, encodeReason(code)),
      forget: (stream) => this.#forget(stream),
    };
  }

  /** Streams that are open, ours and the peer's. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Bytes of messages that wait to leave. */
  get messageBytes(): number {
    return this.#queue.messageBytes;
  }

  /** Whether {@link fill} has something to write within `limits`. */
  hasOutput(limits: FillLimits = UNLIMITED): boolean {
    return this.#queue.hasOutput(limits);
  }

  /**
   * Opens a stream. Throws {@link StreamError} `too_many_streams`, `unsupported`, or why the session takes no
   * more.
   */
  open(priority: Priority = NORMAL): MuxStream {
    if (this.#farewell) throw this.#farewell();
    if (!this.hasStreams) {
      throw new StreamError("unsupported", "Cannot open stream: the peer speaks messages only");
    }
    if (this.#streams.size >= MAX_STREAMS) {
      throw new StreamError(
        "too_many_streams",
        `Cannot open stream: ${MAX_STREAMS} are open in this session`,
      );
    }
    const stream = new MuxStream(this.#host, { id: this.#freeId(), priority, isOurs: true });
    this.#streams.set(stream.id, stream);
    this.#enqueue(stream);
    return stream;
  }

  /** The stream that the peer opened first of those not accepted yet. */
  accept(): MuxStream | undefined {
    return this.#unaccepted.shift();
  }

  /** Sends `body` (at most 65,511 bytes) whole; it must not change until it has left. */
  sendMessage(body: Bytes, priority: Priority = NORMAL): void {
    this.#queue.addMessage(body, priority);
    this.#wake();
  }

  /** Sends what the village says, as {@link sendMessage}; nothing to a peer that does not speak it. */
  sendGossip(body: Bytes, priority: Priority): void {
    if (!this.hasGossip) return;
    this.#queue.addMessage(body, priority, MUX_KINDS.gossip);
    this.#wake();
  }

  /** Asks the peer for a sign of life: its answer is heard as anything else is. */
  ping(): void {
    if (this.hasStreams) this.#reply(MUX_KINDS.ping, 0, new Uint8Array(PING_BYTES));
  }

  /** Tells the peer that no more streams are opened or accepted; those that are open go on. */
  goAway(code: string): void {
    if (this.#farewell || !this.hasStreams) return;
    this.#farewell = () =>
      new StreamError("going_away", "Cannot open stream: this node is leaving");
    this.#reply(MUX_KINDS.goaway, 0, encodeReason(code));
  }

  /** Ends every stream: the session is gone. */
  close(code: string): void {
    const lost = () => new StreamError("lost", `Cannot use stream: the session ended (${code})`);
    this.#farewell = lost;
    this.#unaccepted.length = 0;
    if (this.#streams.size === 0) return;
    const error = lost();
    for (const stream of [...this.#streams.values()]) stream.fail(error);
  }

  /**
   * Takes the plaintext of one record; returns whether views of it are kept. Throws {@link MuxError}, after
   * which the link is over.
   */
  receive(plaintext: Bytes): boolean {
    this.#isReceiving = true;
    this.#isKept = false;
    this.#hasOpened = false;
    this.#record = plaintext;
    try {
      this.#queue.checkReplies();
      readFrames(plaintext, this.#onFrame);
      this.#queue.checkReplies();
      if (this.#hasOpened && this.#unaccepted.length > 0) this.#events.onIncoming();
      if (this.#waking.length > 0) this.#wakeReaders();
      return this.#isKept;
    } finally {
      this.#record = NO_BYTES;
      this.#isReceiving = false;
    }
  }

  /**
   * Writes frames into `out`, the plaintext of a record, as many as fit and are within `limits`. Returns
   * their length; 0 when there is nothing to send.
   */
  fill(out: Bytes, limits: FillLimits = UNLIMITED): number {
    this.#isOutputTold = false;
    return this.#queue.fill(out, limits);
  }

  readonly #onFrame = (kind: number, flags: number, id: number, body: Bytes): void => {
    if (kind === MUX_KINDS.message) {
      if (flags !== 0 || id !== 0) throw malformed("a message has no flags or stream");
      this.#isKept = true;
      return this.#events.onMessage(body);
    }
    if (kind === MUX_KINDS.gossip && this.hasGossip) {
      if (flags !== 0 || id !== 0) throw malformed("gossip has no flags or stream");
      this.#isKept = true;
      return this.#events.onGossip?.(body);
    }
    if (!this.hasStreams) throw unknownKind(kind);
    switch (kind) {
      case MUX_KINDS.data:
        if (flags !== 0 || body.length === 0) throw malformed("data has no flags, but bytes");
        return this.#find(id)?.receiveData(body, this.#following(body, id));
      case MUX_KINDS.open:
        return this.#receiveOpen(id, flags, body);
      case MUX_KINDS.window:
        if (flags !== 0 || body.length !== 4) throw malformed("credit is 4 bytes");
        return this.#find(id)?.receiveCredit(readU32(body, 0));
      case MUX_KINDS.close:
        if (flags !== 0 || body.length !== 0) throw malformed("a close is empty");
        return this.#find(id)?.receiveEnd();
      case MUX_KINDS.reset:
        if (flags !== 0) throw malformed("a reset has no flags");
        return this.#receiveReset(id, decodeReason(body));
      case MUX_KINDS.ping:
        return this.#receivePing(flags, id, body);
      case MUX_KINDS.goaway:
        if (id !== 0 || flags !== 0) throw malformed("a goaway has no stream or flags");
        decodeReason(body);
        this.#farewell ??= () =>
          new StreamError("going_away", "Cannot open stream: the peer is leaving");
        return;
      default:
        throw unknownKind(kind);
    }
  };

  /** How many bytes the record has behind `body`, if they go on with the same stream. */
  #following(body: Bytes, id: number): number {
    const record = this.#record;
    const end = body.byteOffset - record.byteOffset + body.length;
    const goesOn = record[end] === MUX_KINDS.data && readU32(record, end + 2) === id;
    return goesOn ? record.length - end : 0;
  }

  /** The stream `id`; `undefined` for one that is over here while the peer may not know it yet. */
  #find(id: number): MuxStream | undefined {
    if (id === 0) throw new MuxError("bad_stream", "Cannot read channel frame: it has no stream");
    return this.#streams.get(id);
  }

  #receiveOpen(id: number, flags: number, body: Bytes): void {
    if (body.length !== 0 || flags >= PRIORITIES) throw malformed("an open names its priority");
    const isOurs = (id % 2 === 1) === this.#isDialer;
    if (id === 0 || isOurs || this.#streams.has(id)) {
      throw new MuxError("bad_stream", "Cannot open stream: its id is not free to the peer");
    }
    if (this.#unaccepted.length >= MAX_UNACCEPTED) this.#events.onIncoming();
    const isFull = this.#streams.size >= MAX_STREAMS || this.#unaccepted.length >= MAX_UNACCEPTED;
    if (this.#farewell || isFull) {
      const code = this.#farewell ? "going_away" : "refused";
      return this.#reply(MUX_KINDS.reset, id, encodeReason(code));
    }
    const priority = flags as Priority;
    const stream = new MuxStream(this.#host, { id, priority, isOurs: false });
    this.#streams.set(id, stream);
    this.#unaccepted.push(stream);
    this.#hasOpened = true;
  }

  #receiveReset(id: number, code: string): void {
    const error = new StreamError(code, `Cannot use stream: the peer reset it (${code})`, true);
    this.#find(id)?.fail(error);
  }

  #receivePing(flags: number, id: number, body: Bytes): void {
    if (id !== 0 || flags > PONG_FLAG || body.length !== PING_BYTES) {
      throw malformed("a ping has 8 bytes and no stream");
    }
    if (flags !== PONG_FLAG) this.#reply(MUX_KINDS.ping, 0, body, PONG_FLAG);
  }

  #reply(kind: number, stream: number, body: Bytes, flags = 0): void {
    this.#queue.addReply({ kind, flags, stream, body });
    this.#wake();
  }

  #enqueue(stream: MuxStream): void {
    this.#queue.addStream(stream);
    this.#wake();
  }

  #forget(stream: MuxStream): void {
    if (this.#streams.get(stream.id) !== stream) return;
    this.#streams.delete(stream.id);
    this.#queue.remove(stream);
    const index = stream.isOurs ? -1 : this.#unaccepted.indexOf(stream);
    if (index >= 0) this.#unaccepted.splice(index, 1);
  }

  /** Ids go round: one is free again long before it is needed again. */
  #freeId(): number {
    while (this.#streams.has(this.#nextId)) this.#advanceId();
    const id = this.#nextId;
    this.#advanceId();
    return id;
  }

  #advanceId(): void {
    this.#nextId += 2;
    if (this.#nextId > 0xffffffff) this.#nextId = this.#isDialer ? 1 : 2;
  }

  #wakeReaders(): void {
    for (const stream of this.#waking.splice(0)) {
      stream.isWaking = false;
      stream.wakeReader();
    }
  }

  /** Once a turn, so that what is written together leaves together. */
  #wake(): void {
    if (this.#isReceiving || this.#isOutputTold) return;
    this.#isOutputTold = true;
    // Cheaper than `queueMicrotask`, which this runtime wraps.
    void SOON.then(this.#tellOutput);
  }

  readonly #tellOutput = (): void => {
    this.#isOutputTold = false;
    this.#events.onOutput();
  };
}

function malformed(rule: string): MuxError {
  return new MuxError("malformed_frame", `Cannot read channel frame: ${rule}`);
}

function unknownKind(kind: number): MuxError {
  return new MuxError("unknown_kind", `Cannot read channel frame: kind ${kind} is not known`);
}
