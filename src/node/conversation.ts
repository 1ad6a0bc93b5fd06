/**
 * One connection's conversation, sans-IO: bytes and time in, bytes and events out (PROTOCOL.md sections
 * 1 to 5).
 *
 * ```
 *  listener:  plain --F8 01--> responding --F8 03--> sealed --> closed
 *  dialer:    asking --reply--> (closed | initiating) --F8 02--> sealed --> closed
 *             initiating at once, where the peer is known to speak sealed/1
 * ```
 *
 * Plain and asking carry JSON. Anything the specification does not allow in a phase closes the
 * connection; after that nothing is read.
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import type { PeerId } from "../base/peer_id.ts";
import { Mux } from "../channel/mux.ts";
import { type FillLimits, UNLIMITED } from "../channel/send_queue.ts";
import { MuxError } from "../channel/mux_frame.ts";
import {
  DiscoveryError,
  encodeMessage,
  ERROR_TYPE,
  parseMessage,
  readReply,
  typeOf,
  writeError,
} from "../discovery/message.ts";
import { encodeRefusal, isRefusal, type Refusal } from "../noise/hello.ts";
import { RecordOpener, RecordSealer } from "../noise/record.ts";
import { NoiseError } from "../noise/symmetric_state.ts";
import { InvitationError } from "../trust/invitation.ts";
import { TrustError } from "../trust/certificate.ts";
import type { Standing } from "../trust/membership.ts";
import { FrameDecoder, FrameError, type FramePath } from "../wire/frame.ts";
import { MALFORMED_CLOSES_AT } from "../wire/limits.ts";
import { encodeEnvelope, newEnvelope } from "./envelope.ts";
import { foreignReply } from "./foreign.ts";
import { type Greeted, Initiating, Responding } from "./greeting.ts";
import { commonFeatures, GOSSIP, STREAMS } from "./introduction.ts";
import type { Approach, CloseCode, ConversationEvents } from "./conversation_events.ts";
import type { LocalNode } from "./local_node.ts";
import { Outlet } from "./outlet.ts";
import { SealedPhase } from "./sealed_phase.ts";
import type { Tally } from "./tally.ts";

export interface ConversationOptions {
  readonly local: LocalNode;
  readonly remoteHost: string;
  readonly nowMs: number;
  readonly events: ConversationEvents;
  /** Absent for a listener. */
  readonly approach?: Approach | undefined;
  /** Whom the dialer means to reach; anybody else ends the conversation. */
  readonly expected?: PeerId | undefined;
  /** Whether a session with a peer that answered is wanted; asked before an upgrade. */
  readonly isWanted?: (id: PeerId) => boolean;
}

type Phase =
  | { readonly name: "plain" }
  | { readonly name: "asking"; readonly nonce: string }
  | Initiating
  | Responding
  | SealedPhase
  | { readonly name: "closed" };

/** Ends a conversation for a reason that is no other layer's error. */
class ConversationError extends CodedError {
  override readonly name = "ConversationError";
}

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #decoder = new FrameDecoder();
  readonly #outlet = new Outlet();
  readonly #tally: Tally;
  #phase: Phase;
  /** The authenticated id that JSON discovery gave on this connection. */
  #claimed: PeerId | undefined;
  #frames = 0;
  #malformed = 0;
  #lastReceivedMs: number;
  #frameSinceMs: number | undefined;
  #releaseHandshake: (() => void) | undefined;
  /** Since when a handshake is under way. */
  #handshakeSinceMs: number | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#tally = options.local.tally;
    this.#claimed = options.expected;
    this.#lastReceivedMs = options.nowMs;
    this.#phase = { name: "plain" };
    if (options.approach === "seal") this.#initiate(options.nowMs);
    else if (options.approach) this.#ask();
  }

  get phase(): Phase["name"] {
    return this.#phase.name;
  }

  get isClosed(): boolean {
    return this.#phase.name === "closed";
  }

  /** Whether the peer is in the middle of something: such a connection is not idle. */
  get isBusy(): boolean {
    return this.#frameSinceMs !== undefined || this.#phase.name === "responding";
  }

  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  /** The session's streams and messages, once it is open. */
  get mux(): Mux | undefined {
    return this.#phase.name === "sealed" ? this.#phase.mux : undefined;
  }

  /** Bytes to write; see {@link Outlet.take}. */
  get outlet(): Outlet {
    return this.#outlet;
  }

  /** Where the transport puts the next bytes. */
  space(): Bytes {
    return this.#decoder.space();
  }

  /** Says that `count` bytes arrived in `space()`. */
  receive(count: number, nowMs: number): void {
    if (this.isClosed) return;
    this.#decoder.commit(count);
    this.#lastReceivedMs = nowMs;
    if (this.#phase.name === "sealed") this.#phase.hear();
    const frames = this.#frames;
    try {
      for (let path = this.#decoder.next(); path; path = this.#decoder.next()) {
        this.#frames++;
        this.#tally.count(path);
        this.#readFrame(path, this.#decoder.payload, nowMs);
        if (this.isClosed) return;
      }
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#decoder.buffered === 0) this.#frameSinceMs = undefined;
    else if (this.#frameSinceMs === undefined || this.#frames > frames) this.#frameSinceMs = nowMs;
  }

  /** Whether there is something to send. */
  get hasOutput(): boolean {
    return this.#outlet.pending > 0 || (this.mux?.hasOutput() ?? false);
  }

  /** Readies the next write in {@link outlet}: one record of what is most urgent. */
  prepare(nowMs: number, limits: FillLimits = UNLIMITED): boolean {
    if (this.#phase.name === "sealed") this.#phase.seal(nowMs, limits);
    return this.#outlet.pending > 0;
  }

  /** Asks the peer for a sign of life within `withinMs`, if it can be asked. */
  probe(nowMs: number, withinMs: number): void {
    if (this.#phase.name === "sealed") this.#phase.probe(nowMs, withinMs);
  }

  /** When {@link tick} has something to do, by the same clock; `Infinity` when never. */
  get deadlineMs(): number {
    const { deadlines } = this.#options.local;
    const phase = this.#phase;
    if (phase.name === "closed") return Infinity;
    if (this.#awaitsFirstBytes()) return this.#options.nowMs + deadlines.firstBytesMs;
    const frameMs = (this.#frameSinceMs ?? Infinity) + deadlines.frameMs;
    if (phase.name === "sealed") {
      return Math.min(frameMs, phase.deadlineMs(this.#lastReceivedMs));
    }
    if (phase.name === "initiating" || phase.name === "responding") {
      return Math.min(frameMs, phase.sinceMs + deadlines.handshakeMs);
    }
    return Math.min(frameMs, this.#lastReceivedMs + deadlines.idleMs);
  }

  /** Acts on a deadline that has passed: closes the conversation, or asks a silent peer whether it lives. */
  tick(nowMs: number): void {
    if (nowMs < this.deadlineMs) return;
    const isPlain = this.#phase.name === "plain" || this.#phase.name === "asking";
    if (isPlain && this.#frames === 0 && this.#decoder.isUndecided) {
      this.close("first_bytes_timeout");
    } else if (this.#frameSinceMs !== undefined) this.close("frame_timeout");
    else if (this.#phase.name === "sealed") {
      if (this.#phase.tick(nowMs, this.#lastReceivedMs)) this.close("silent");
    } else this.close(isPlain ? "idle" : "handshake_timeout");
  }

  /** Ends the conversation; what is queued may still be written. Idempotent. */
  close(code: CloseCode, reason?: string): void {
    if (this.isClosed) return;
    const phase = this.#phase;
    this.#phase = { name: "closed" };
    this.#releaseHandshake?.();
    if (this.#handshakeSinceMs !== undefined) this.#tally.fail(code);
    if (phase.name === "sealed") phase.close(this.#lastReceivedMs, code);
    this.#options.events.onClosed(code, reason);
  }

  #awaitsFirstBytes(): boolean {
    const { name } = this.#phase;
    const isPlain = name === "plain" || name === "asking";
    return isPlain && this.#frames === 0 && this.#decoder.isUndecided;
  }

  #readFrame(path: FramePath, payload: Bytes, nowMs: number): void {
    const phase = this.#phase;
    switch (phase.name) {
      case "sealed": {
        if (path !== "sealed") {
          throw violation("downgrade", "a plaintext frame in a sealed session");
        }
        return phase.receive(payload);
      }
      case "initiating":
        if (path !== "handshake") throw violation("unexpected_frame", `${path} during a handshake`);
        return this.#finishInitiating(phase, payload, nowMs);
      case "responding":
        if (path !== "handshake") throw violation("unexpected_frame", `${path} during a handshake`);
        return this.#finishResponding(phase, payload, nowMs);
      case "asking":
      case "plain":
        return this.#readPlain(path, payload, nowMs);
      case "closed":
    }
  }

  #readPlain(path: FramePath, payload: Bytes, nowMs: number): void {
    switch (path) {
      case "json":
        return this.#readJson(payload, nowMs);
      case "malformed":
        this.#answerError("malformed_frame", "Cannot read frame: its first byte is not known");
        return this.#countMalformed("malformed_frame");
      case "handshake":
        if (this.#phase.name === "plain") return this.#respond(payload, nowMs);
        throw violation("unexpected_frame", "a handshake where a reply was awaited");
      case "sealed":
        throw violation("unexpected_frame", "a sealed record before a handshake");
    }
  }

  #readJson(payload: Bytes, nowMs: number): void {
    const { events, local, remoteHost } = this.#options;
    if (this.#phase.name === "asking") return this.#readReply(payload, this.#phase.nonce, nowMs);
    const answer = local.responder.answer(payload, remoteHost);
    // A connection speaks for one key: it cannot fill the registry with others.
    if (answer.peer?.trust === "authenticated") this.#claim(answer.peer.id as PeerId);
    if (answer.reply) this.#outlet.pushFrame(answer.reply);
    if (answer.error?.code === "malformed_json") this.#countMalformed(answer.error.code);
    else if (answer.error) events.onRefused(answer.error.code);
    if (answer.peer) events.onDiscovered(answer.peer);
  }

  #readReply(payload: Bytes, nonce: string, nowMs: number): void {
    const { events, local, approach, remoteHost } = this.#options;
    const message = parseMessage(payload);
    if (typeOf(message) === ERROR_TYPE) {
      throw violation("refused_by_peer", "the peer sent an error");
    }
    const { verify } = local.primitives;
    const peer = readReply(message, { verify, nonce, wallMs: local.wallMs() });
    if (peer.id === local.identity.id) throw selfConnection();
    if (peer.trust === "authenticated") this.#claim(peer.id as PeerId);
    else local.responder.checkLegacy(remoteHost);
    events.onDiscovered(peer);
    const canSeal = peer.trust === "authenticated" && peer.speaksSealed;
    const isWanted = this.#options.isWanted?.(peer.id as PeerId) ?? true;
    if (approach === "ask_then_seal" && canSeal && isWanted) this.#initiate(nowMs);
    else this.close("answered");
  }

  #ask(): void {
    const { local } = this.#options;
    const { payload, nonce } = local.request();
    this.#phase = { name: "asking", nonce };
    this.#outlet.pushFrame(payload);
  }

  #initiate(nowMs: number): void {
    this.#handshakeSinceMs = nowMs;
    const phase = this.#phase = new Initiating(this.#options.local, nowMs);
    this.#outlet.pushFrame(phase.begin());
  }

  #finishInitiating(phase: Initiating, reply: Bytes, nowMs: number): void {
    const { expected, isWanted } = this.#options;
    const { frame, ...greeted } = phase.finish(reply);
    const { id } = greeted.introduction;
    this.#checkPeer(id);
    // An address was tried, and there lives somebody with whom we have a session already.
    if (expected === undefined && isWanted?.(id) === false) return this.close("duplicate");
    const standing = phase.judge(greeted.introduction);
    this.#outlet.pushFrame(frame);
    this.#open(greeted, standing, nowMs);
  }

  #respond(frame: Bytes, nowMs: number): void {
    const { local, remoteHost } = this.#options;
    this.#handshakeSinceMs = nowMs;
    const refuse = (reason: Refusal) =>
      this.#outlet.pushFrame(encodeRefusal(reason, local.hello.versions));
    this.#releaseHandshake = local.admitHandshake(remoteHost);
    if (!this.#releaseHandshake) {
      refuse("busy");
      throw violation("busy", "too many handshakes are in flight");
    }
    try {
      const phase = new Responding(local, frame, nowMs);
      this.#outlet.pushFrame(phase.reply());
      this.#phase = phase;
    } catch (error) {
      if (error instanceof CodedError && isRefusal(error.code)) refuse(error.code);
      throw error;
    }
  }

  #finishResponding(phase: Responding, frame: Bytes, nowMs: number): void {
    const greeted = phase.finish(frame);
    this.#checkPeer(greeted.introduction.id);
    this.#releaseHandshake?.();
    const standing = phase.judge(greeted.introduction);
    if (!(standing instanceof TrustError)) return this.#open(greeted, standing, nowMs);
    this.#turnAway(greeted, standing, nowMs);
    throw standing;
  }

  /** Tells a peer that has proved its key, and nobody else, why it may not come in. */
  #turnAway(peer: Greeted, { code, message }: TrustError, nowMs: number): void {
    const { local } = this.#options;
    const { id } = peer.introduction;
    const envelope = newEnvelope({
      senderId: local.identity.id,
      recipientId: id,
      type: "ERROR",
      // Who was away when it was removed has nobody else to tell it.
      data: { code, message, revocation: code === "revoked" ? local.revocationOf(id) : undefined },
      wallMs: local.wallMs(),
    });
    this.#seal(peer, nowMs).sendMessage(encodeEnvelope(envelope), envelope.priority);
  }

  #open(peer: Greeted, standing: Standing, nowMs: number): void {
    const mux = this.#seal(peer, nowMs);
    this.#tally.succeed(nowMs - (this.#handshakeSinceMs ?? nowMs));
    this.#handshakeSinceMs = undefined;
    const { introduction } = peer;
    const features = commonFeatures(introduction.features);
    const isDialer = this.#options.approach !== undefined;
    const { events } = this.#options;
    events.onSealed({ id: introduction.id, introduction, standing, features, isDialer }, mux);
  }

  /** From here on everything is sealed. */
  #seal({ introduction, result }: Greeted, nowMs: number): Mux {
    this.#decoder.readAhead();
    this.#outlet.startSealing(new RecordSealer(result.send, nowMs));
    const { events, approach, local } = this.#options;
    const features = commonFeatures(introduction.features);
    const mux = new Mux({
      isDialer: approach !== undefined,
      hasStreams: features.includes(STREAMS),
      hasGossip: features.includes(GOSSIP),
      events,
    });
    this.#phase = new SealedPhase({
      mux,
      opener: new RecordOpener(result.receive),
      outlet: this.#outlet,
      deadlines: local.deadlines,
    });
    return mux;
  }

  #claim(id: PeerId): void {
    if (this.#claimed !== undefined && this.#claimed !== id) {
      throw new NoiseError("identity_mismatch", "Cannot accept peer: it is not the one expected");
    }
    this.#claimed = id;
  }

  #checkPeer(id: PeerId): void {
    if (id === this.#options.local.identity.id) throw selfConnection();
    this.#claim(id);
  }

  #answerError(code: string, text: string): void {
    this.#outlet.pushFrame(encodeMessage(writeError(code, text)));
  }

  #countMalformed(code: string): void {
    this.#options.events.onRefused(code);
    if (++this.#malformed >= MALFORMED_CLOSES_AT) this.close("too_many_malformed");
  }

  #fail(error: unknown): void {
    if (error instanceof FrameError && this.#phase.name !== "sealed") {
      if (error.code === "reserved") this.#answerError("reserved_frame", error.message);
      const reply = error.foreign && foreignReply(error.foreign);
      if (reply) this.#outlet.pushRaw(reply);
    }
    if (error instanceof FrameError && error.foreign) {
      this.#tally.framesForeign++;
      return this.close(`foreign_${error.foreign}`, error.message);
    }
    const isExpected = error instanceof FrameError || error instanceof NoiseError ||
      error instanceof MuxError || error instanceof DiscoveryError ||
      error instanceof TrustError || error instanceof InvitationError ||
      error instanceof ConversationError;
    if (!isExpected) {
      this.close("internal_error");
      throw error;
    }
    this.close(error.code, error.message);
  }
}

function violation(code: string, what: string): ConversationError {
  return new ConversationError(code, `Cannot continue the conversation: ${what}`);
}

function selfConnection(): NoiseError {
  return new NoiseError("self_connection", "Cannot accept peer: it is this node itself");
}
