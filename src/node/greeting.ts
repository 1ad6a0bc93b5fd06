/**
 * The handshake phases of a conversation: who is there, and as what it may take part (PROTOCOL.md sections 4
 * and 8).
 *
 * The dialler judges the responder before it says who it is itself; the responder has spoken by then, and judges
 * last.
 */

import { type Bytes, encodeHex } from "../base/bytes.ts";
import type { HandshakeResult } from "../noise/handshake.ts";
import { InitiatorHello, ResponderHello } from "../noise/hello.ts";
import { TrustError } from "../trust/certificate.ts";
import type { Standing } from "../trust/membership.ts";
import { decodeIntroduction, type Introduction } from "./introduction.ts";
import type { LocalNode } from "./local_node.ts";

/** A peer that has proved its key. */
export interface Greeted {
  readonly introduction: Introduction;
  readonly result: HandshakeResult;
}

/** The dialling side, from its first message to the reply. */
export class Initiating {
  readonly name = "initiating";
  readonly sinceMs: number;
  readonly #local: LocalNode;
  readonly #hello: InitiatorHello;

  constructor(local: LocalNode, sinceMs: number) {
    this.#local = local;
    this.sinceMs = sinceMs;
    this.#hello = new InitiatorHello(local.hello);
  }

  /** The first frame. */
  begin(): Bytes {
    return this.#hello.begin();
  }

  /** Reads the reply; `frame` is the answer, which tells who we are. Throws `NoiseError`. */
  finish(reply: Bytes): Greeted & { readonly frame: Bytes } {
    const { version, payload } = this.#hello.readReply(reply);
    const { frame, result } = this.#hello.finish(this.#local.introduction(version));
    const introduction = decodeIntroduction(payload, { rs: result.rs, version });
    return { introduction, result, frame };
  }

  /** As what the responder takes part. Throws `TrustError` when it may not. */
  judge(introduction: Introduction): Standing {
    // Whoever has the invitation's other half is known by the key that the invitation names.
    return this.#local.hello.psk ? { kind: "inviter" } : this.#local.judge(introduction);
  }
}

/** The listening side, from the first frame to the last. */
export class Responding {
  readonly name = "responding";
  readonly sinceMs: number;
  readonly #local: LocalNode;
  readonly #hello: ResponderHello;

  /** Reads the first frame. Throws `NoiseError`, or what `invitationKeyOf` throws. */
  constructor(local: LocalNode, frame: Bytes, sinceMs: number) {
    this.#local = local;
    this.sinceMs = sinceMs;
    this.#hello = new ResponderHello(local.hello, frame);
  }

  /** The second frame. */
  reply(): Bytes {
    return this.#hello.reply(this.#local.introduction(this.#hello.version));
  }

  /** Reads the last frame. Throws `NoiseError`. */
  finish(frame: Bytes): Greeted {
    const { payload, result } = this.#hello.readLast(frame);
    const proved = { rs: result.rs, version: this.#hello.version };
    return { introduction: decodeIntroduction(payload, proved), result };
  }

  /** As what the dialler takes part, or why it may not. */
  judge(introduction: Introduction): Standing | TrustError {
    const { pskId } = this.#hello;
    if (pskId) return { kind: "invited", invitation: encodeHex(pskId) };
    try {
      return this.#local.judge(introduction);
    } catch (error) {
      if (error instanceof TrustError) return error;
      throw error;
    }
  }
}
