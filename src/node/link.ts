/**
 * A link: one connection's conversation, pumped over a byte stream.
 *
 * The read loop reads into the conversation's own buffer and parses synchronously; answers leave in the
 * same turn. Writes never overlap: the next record is made when the last has left, of what is most urgent
 * then. The link owns its loop, its timer and its stream, and `ended` resolves once all three are gone.
 */

import type { Bytes } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { type FillLimits, UNLIMITED } from "../channel/send_queue.ts";
import { NORMAL, type Priority } from "../channel/scheduler.ts";
import type { ByteStream } from "../net/stream.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import type { CloseCode, ConversationEvents } from "./conversation_events.ts";
import type { Shaper } from "./shaper.ts";
import type { Tally } from "./tally.ts";

export interface LinkOptions {
  readonly stream: ByteStream;
  readonly clock: Clock;
  readonly conversation: Omit<ConversationOptions, "nowMs" | "remoteHost" | "events">;
  readonly events: Omit<ConversationEvents, "onOutput">;
  /** Paces what flows; absent, nothing does. */
  readonly shaper?: Shaper | undefined;
  /** Told of an error that no layer expected: a defect of ours, not of the peer. */
  onFault(error: unknown): void;
}

/** Sent but unread bytes at which a sender must wait. */
const HIGH_WATER_BYTES = 131_072;
/** What may wait for a peer that does not read. */
const MAX_PENDING_BYTES = 4_194_304;
/** How long a closed conversation's last words may take to leave, and the peer to stop talking. */
const LINGER_MS = 500;
/** What a peer may still send after we closed; more of it is cut off. */
const LINGER_BYTES = 65_536;

export class Link {
  readonly #stream: ByteStream;
  readonly #clock: Clock;
  readonly #conversation: Conversation;
  readonly #onFault: (error: unknown) => void;
  readonly #shaper: Shaper | undefined;
  readonly #tally: Tally;
  readonly #ended = Promise.withResolvers<void>();
  #timer: Timer | undefined;
  #timerDueMs = Infinity;
  /** What is being written. */
  #leaving: Bytes | undefined;
  /** Whoever waits until everything has left. */
  #written: PromiseWithResolvers<void> | undefined;
  #isClosing = false;
  #lingered = 0;

  constructor(options: LinkOptions) {
    this.#stream = options.stream;
    this.#clock = options.clock;
    this.#onFault = options.onFault;
    this.#shaper = options.shaper;
    this.#tally = options.conversation.local.tally;
    this.#conversation = new Conversation({
      ...options.conversation,
      events: { ...options.events, onOutput: () => this.#flush() },
      nowMs: options.clock.now(),
      remoteHost: options.stream.remote.host,
    });
  }

  get host(): string {
    return this.#stream.remote.host;
  }

  get stream(): ByteStream {
    return this.#stream;
  }

  get lastReceivedMs(): number {
    return this.#conversation.lastReceivedMs;
  }

  get isBusy(): boolean {
    return this.#conversation.isBusy;
  }

  get isClosed(): boolean {
    return this.#conversation.isClosed;
  }

  /** Resolves when the stream, the timer and the loop are gone. Never rejects. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Starts the loop. Call once. */
  start(): void {
    this.#armTimer();
    this.#flush();
    void this.#run();
  }

  /**
   * Sends one message in the session; it must not change until it has left. Resolves at once, or, once
   * {@link HIGH_WATER_BYTES} wait, when they have left. A sender that does not wait loses the link at
   * {@link MAX_PENDING_BYTES}.
   */
  send(body: Bytes, priority: Priority = NORMAL): Promise<void> | undefined {
    const { mux } = this.#conversation;
    if (!mux) return undefined;
    if (mux.messageBytes > MAX_PENDING_BYTES) {
      this.abort("too_slow");
      return undefined;
    }
    mux.sendMessage(body, priority);
    return mux.messageBytes > HIGH_WATER_BYTES ? this.#allWritten() : undefined;
  }

  /** Sends what the village says, as {@link send}. */
  sendGossip(body: Bytes, priority: Priority): void {
    const { mux } = this.#conversation;
    if (!mux) return;
    if (mux.messageBytes > MAX_PENDING_BYTES) this.abort("too_slow");
    else mux.sendGossip(body, priority);
  }

  /** Asks the peer for a sign of life; without one in `withinMs` the link closes as `silent`. */
  probe(withinMs: number): void {
    this.#conversation.probe(this.#clock.now(), withinMs);
    this.#armTimer();
  }

  /** Ends the conversation and frees the stream at once, last words unsaid. */
  abort(code: string): void {
    this.#conversation.close(code);
    this.#stream.close();
  }

  /** Ends the conversation after what is queued has left. Idempotent. */
  close(code: string): void {
    this.#conversation.close(code);
    this.#settleClose();
  }

  async #run(): Promise<void> {
    try {
      this.#conversation.close(await this.#listen());
    } catch (error) {
      this.#onFault(error);
      this.#conversation.close("broken");
    }
    await this.#finish();
  }

  /** Takes what the peer sends to its end, and returns which end that was. */
  async #listen(): Promise<CloseCode> {
    const conversation = this.#conversation;
    for (;;) {
      let count: number | null;
      try {
        count = await this.#stream.read(conversation.space());
      } catch {
        // Reading fails when the connection does, and for no other reason.
        return "broken";
      }
      if (count === null) return "ended_by_peer";
      if (conversation.isClosed) {
        this.#lingered += count;
        if (this.#lingered > LINGER_BYTES) return "ended_by_peer";
        continue;
      }
      this.#tally.bytesReceived += count;
      this.#shaper?.received(count);
      const nowMs = this.#clock.now();
      conversation.receive(count, nowMs);
      this.#flush(nowMs);
      // A peer that asks without reading the answers is not listened to.
      if (conversation.outlet.pending > HIGH_WATER_BYTES) await this.#allWritten();
      if (conversation.isClosed) this.#settleClose();
      else if (conversation.deadlineMs < this.#timerDueMs) this.#armTimer();
    }
  }

  /** Lets the last words leave, says so, and gives the peer a moment to stop talking. */
  #settleClose(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#flush();
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(LINGER_MS, () => this.#stream.close());
    void this.#lastWords();
  }

  async #lastWords(): Promise<void> {
    try {
      await this.#allWritten();
      await this.#stream.closeWrite();
    } catch {
      // The peer is gone: there is nobody left to tell.
      this.#stream.close();
    }
  }

  /** The peer has finished or is gone: what is queued may still leave, for a moment. */
  async #finish(): Promise<void> {
    this.#isClosing = true;
    this.#flush();
    this.#timer?.cancel();
    if (this.#leaving) {
      const timer = this.#clock.schedule(LINGER_MS, () => this.#stream.close());
      await this.#allWritten();
      timer.cancel();
    }
    this.#stream.close();
    this.#ended.resolve();
  }

  /** `nowMs` where the clock has just been asked: a small message would pay for it twice. */
  #flush(nowMs?: number): void {
    if (this.#leaving) return;
    if (this.#prepare(nowMs)) this.#write();
    else this.#waitForRoom();
  }

  #prepare(nowMs?: number): boolean {
    // The clock is not asked for nothing: that is most of what this would cost.
    if (!this.#conversation.hasOutput) return false;
    try {
      return this.#conversation.prepare(nowMs ?? this.#clock.now(), this.#limits());
    } catch (error) {
      this.#onFault(error);
      this.#stream.close();
      return false;
    }
  }

  #write(): void {
    const bytes = this.#conversation.outlet.take();
    this.#tally.bytesSent += bytes.length;
    this.#shaper?.sent(bytes.length);
    this.#leave(bytes);
  }

  /** Hands over what must leave next. By callbacks: an `async` loop would cost a small message 1 % of its way. */
  #leave(bytes: Bytes): void {
    this.#leaving = bytes;
    this.#stream.write(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  /** Goes on with the rest, or with whatever has come meanwhile. */
  readonly #onWritten = (count: number): void => {
    const bytes = this.#leaving;
    if (bytes && count < bytes.length) return this.#leave(bytes.subarray(count));
    this.#leaving = undefined;
    this.#flush();
    if (!this.#leaving) this.#settleWritten();
  };

  readonly #onWriteFailed = (): void => {
    // Writing fails when the connection does; closing it ends the read loop, which reports.
    this.#stream.close();
    this.#leaving = undefined;
    this.#settleWritten();
  };

  #allWritten(): Promise<void> | undefined {
    if (this.#leaving) this.#written ??= Promise.withResolvers();
    return this.#written?.promise;
  }

  #settleWritten(): void {
    this.#written?.resolve();
    this.#written = undefined;
  }

  #limits(): FillLimits {
    return this.#shaper?.limits() ?? UNLIMITED;
  }

  /** What the owner's limits hold back leaves when they allow it. */
  #waitForRoom(): void {
    if (this.#shaper && this.#conversation.hasOutput) this.#shaper.wait(this.#onRoom);
  }

  readonly #onRoom = (): void => this.#flush();

  /** One timer a link, set anew only when it fires or must fire sooner. */
  #armTimer(): void {
    this.#timer?.cancel();
    this.#timerDueMs = this.#conversation.deadlineMs;
    if (this.#isClosing || this.#timerDueMs === Infinity) return;
    const delayMs = Math.max(0, this.#timerDueMs - this.#clock.now());
    this.#timer = this.#clock.schedule(delayMs, () => this.#tick());
  }

  #tick(): void {
    this.#conversation.tick(this.#clock.now());
    if (this.#conversation.isClosed) return this.#settleClose();
    this.#conversation.outlet.relax();
    this.#armTimer();
  }
}
