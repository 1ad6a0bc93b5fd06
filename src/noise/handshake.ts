/**
 * Noise's HandshakeState (revision 34, section 5.3) for the XX pattern, plain and with a pre-shared key
 * mixed in after the third message (section 9).
 *
 * ```
 * XX:  -> e        <- e, ee, s, es        -> s, se [, psk]
 * ```
 */

import { type Bytes, concatBytes, NO_BYTES } from "../base/bytes.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import { type DhKeyPair, KEY_BYTES, type Primitives } from "./primitives.ts";
import { type CipherState, NoiseError, SymmetricState } from "./symmetric_state.ts";

type Token = "e" | "s" | "ee" | "es" | "se" | "psk";

/** The patterns spoken, by protocol name. Messages alternate, the initiator's first. */
export const PATTERNS = Object.freeze(
  {
    "Noise_XX_25519_ChaChaPoly_SHA256": [["e"], ["e", "ee", "s", "es"], ["s", "se"]],
    "Noise_XXpsk3_25519_ChaChaPoly_SHA256": [["e"], ["e", "ee", "s", "es"], ["s", "se", "psk"]],
  } as const satisfies Record<string, readonly (readonly Token[])[]>,
);

/** A supported Noise protocol name. */
export type ProtocolName = keyof typeof PATTERNS;

export interface HandshakeOptions {
  readonly primitives: Primitives;
  readonly protocolName: ProtocolName;
  readonly role: "initiator" | "responder";
  readonly prologue: Bytes;
  /** Our static key pair. */
  readonly s: DhKeyPair;
  /** The 32-byte pre-shared key, for the psk pattern. */
  readonly psk?: Bytes | undefined;
  /** Our ephemeral key pair, fixed only by test vectors. */
  readonly e?: DhKeyPair | undefined;
}

/** What a finished handshake yields. */
export interface HandshakeResult {
  readonly send: CipherState;
  readonly receive: CipherState;
  /** The transcript hash, unique to this session. */
  readonly h: Bytes;
  /** The peer's static public key, proved. */
  readonly rs: Bytes;
}

/** One side of one handshake. Dead after the first error. */
export class HandshakeState {
  readonly #primitives: Primitives;
  readonly #messages: readonly (readonly Token[])[];
  readonly #isInitiator: boolean;
  readonly #symmetric: SymmetricState;
  readonly #s: DhKeyPair;
  readonly #psk: Bytes | undefined;
  #e: DhKeyPair | undefined;
  #re: Bytes | undefined;
  #rs: Bytes | undefined;
  #index = 0;
  #isDead = false;

  constructor(options: HandshakeOptions) {
    const { primitives, protocolName, prologue, psk } = options;
    this.#primitives = primitives;
    this.#messages = PATTERNS[protocolName];
    this.#isInitiator = options.role === "initiator";
    this.#s = options.s;
    this.#e = options.e;
    this.#psk = this.#messages.some((tokens) => tokens.includes("psk")) ? psk : undefined;
    if (protocolName.includes("psk") && psk?.length !== KEY_BYTES) {
      throw new TypeError(`Cannot start ${protocolName}: it needs a ${KEY_BYTES}-byte psk`);
    }
    this.#symmetric = new SymmetricState(primitives, protocolName);
    this.#symmetric.mixHash(prologue);
  }

  /** Whether every message has been written or read. */
  get isFinished(): boolean {
    return this.#index === this.#messages.length;
  }

  /**
   * The next message, carrying `payload`, with `header` in front of it. Throws {@link NoiseError}
   * `low_order_point`, or `bad_message` when the handshake is dead; `TypeError` out of turn.
   */
  writeMessage(payload: Bytes, header: Bytes = NO_BYTES): Bytes {
    if (this.isFinished || !this.#isOurTurn()) {
      throw new TypeError("Cannot write handshake message: it is not our turn");
    }
    const parts: Bytes[] = [header];
    for (const token of this.#beginMessage()) {
      if (token === "e") {
        const e = this.#e ??= this.#primitives.generateDhKeyPair();
        parts.push(e.publicKey);
        this.#mixEphemeral(e.publicKey);
      } else if (token === "s") {
        parts.push(this.#symmetric.encryptAndHash(this.#s.publicKey));
      } else {
        this.#mixToken(token);
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    this.#endMessage();
    return concatBytes(...parts);
  }

  /**
   * Reads the peer's message and returns its payload. Throws {@link NoiseError} `bad_message`,
   * `bad_tag` or `low_order_point`.
   */
  readMessage(message: Bytes): Bytes {
    let offset = 0;
    const take = (length: number): Bytes => {
      if (offset + length > message.length) {
        throw new NoiseError(
          "bad_message",
          `Cannot read handshake message: length ${message.length} is below ${offset + length}`,
        );
      }
      offset += length;
      return message.subarray(offset - length, offset);
    };
    if (this.#isOurTurn()) {
      this.#isDead = true;
      throw outOfTurn();
    }
    for (const token of this.#beginMessage()) {
      if (token === "e") {
        this.#re = take(KEY_BYTES).slice();
        this.#mixEphemeral(this.#re);
      } else if (token === "s") {
        const length = KEY_BYTES + (this.#symmetric.hasKey() ? TAG_BYTES : 0);
        this.#rs = this.#symmetric.decryptAndHash(take(length));
      } else {
        this.#mixToken(token);
      }
    }
    const payload = this.#symmetric.decryptAndHash(message.subarray(offset));
    this.#endMessage();
    return payload;
  }

  /** The session's keys, once {@link isFinished}. */
  split(): HandshakeResult {
    if (!this.isFinished || !this.#rs) {
      throw new TypeError("Cannot split: messages are outstanding");
    }
    const [first, second] = this.#symmetric.split();
    return {
      send: this.#isInitiator ? first : second,
      receive: this.#isInitiator ? second : first,
      h: this.#symmetric.h,
      rs: this.#rs,
    };
  }

  /** Messages alternate, the initiator's first. */
  #isOurTurn(): boolean {
    return (this.#index % 2 === 0) === this.#isInitiator;
  }

  /** From here until {@link #endMessage}, any error leaves the handshake dead. */
  #beginMessage(): readonly Token[] {
    const tokens = this.#messages[this.#index];
    if (!tokens || this.#isDead) throw outOfTurn();
    this.#isDead = true;
    return tokens;
  }

  #endMessage(): void {
    this.#isDead = false;
    this.#index++;
  }

  /** Section 9.2: with a pre-shared key in play, ephemerals also enter the key. */
  #mixEphemeral(publicKey: Bytes): void {
    this.#symmetric.mixHash(publicKey);
    if (this.#psk) this.#symmetric.mixKey(publicKey);
  }

  #mixToken(token: "ee" | "es" | "se" | "psk"): void {
    if (token === "psk") {
      if (this.#psk) this.#symmetric.mixKeyAndHash(this.#psk);
      return;
    }
    // The first letter is the initiator's key, the second the responder's.
    const ours = (this.#isInitiator ? token[0] : token[1]) === "e" ? this.#e : this.#s;
    const theirs = (this.#isInitiator ? token[1] : token[0]) === "e" ? this.#re : this.#rs;
    const secret = ours && theirs && ours.agree(theirs);
    if (!secret) {
      throw new NoiseError(
        "low_order_point",
        "Cannot agree on a secret: the peer's key is low-order",
      );
    }
    this.#symmetric.mixKey(secret);
  }
}

function outOfTurn(): NoiseError {
  return new NoiseError("bad_message", "Cannot continue the handshake: no message is expected");
}
