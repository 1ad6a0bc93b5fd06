/**
 * The handshake on the wire: Noise XX inside `F8` frames, with version negotiation (PROTOCOL.md
 * section 4).
 *
 * ```
 * -> F8 01 | pattern u8 | min_version u8 | max_version u8 | e
 * <- F8 02 | version u8 | e, ee, s, es | payload
 * -> F8 03 | s, se [, psk] | payload
 * <- F8 00 | reason u8 | min_version u8 | max_version u8      instead of F8 02: refused
 * ```
 *
 * The prologue binds the first frame's five header bytes, and the responder repeats the version it
 * chose inside its sealed payload, so an attacker on the way can stop a handshake but not steer it.
 */

import { type Bytes, concatBytes, encodeUtf8, NO_BYTES } from "../base/bytes.ts";
import { unreachable } from "../base/errors.ts";
import { HANDSHAKE_BYTE } from "../wire/detect.ts";
import { type HandshakeResult, HandshakeState, type ProtocolName } from "./handshake.ts";
import { type DhKeyPair, KEY_BYTES, type Primitives } from "./primitives.ts";
import { NoiseError } from "./symmetric_state.ts";

/** An inclusive range of sealed protocol versions, 1..255. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** What this build speaks. */
export const SUPPORTED_VERSIONS: VersionRange = Object.freeze({ min: 1, max: 1 });

export interface HelloOptions {
  readonly primitives: Primitives;
  /** Our static X25519 key pair. */
  readonly s: DhKeyPair;
  readonly versions: VersionRange;
  /** A shared secret: the handshake is then XXpsk3 on both sides, and plain XX is refused. */
  readonly psk?: Bytes | undefined;
  /** Names the secret to a responder that has several: the first message's payload. */
  readonly pskId?: Bytes | undefined;
  /**
   * A responder's secrets by their ids, beside plain XX. Throws an error whose code is a {@link Refusal} when
   * there is none.
   */
  readonly pskOf?: ((id: Bytes) => Bytes) | undefined;
}

/** Why a responder refuses a handshake, as the byte it sends. */
export const REFUSALS = Object.freeze({
  version_mismatch: 1,
  unsupported_pattern: 2,
  busy: 3,
  invitation_unknown: 4,
  invitation_used: 5,
  invitation_expired: 6,
});
export type Refusal = keyof typeof REFUSALS;

export function isRefusal(code: string): code is Refusal {
  return Object.hasOwn(REFUSALS, code);
}

const MESSAGE = Object.freeze({ refused: 0, first: 1, second: 2, third: 3 });
const PROTOCOL_OF_PATTERN: readonly (ProtocolName | undefined)[] = [
  undefined,
  "Noise_XX_25519_ChaChaPoly_SHA256",
  "Noise_XXpsk3_25519_ChaChaPoly_SHA256",
];
/** Pattern bytes of the first frame. */
const XX = 1;
const XXPSK3 = 2;

const FIRST_HEADER_BYTES = 5;
const REFUSAL_BYTES = 5;
const PROLOGUE_TEXT = encodeUtf8("hamlet");
const THIRD_HEADER: Bytes = Uint8Array.of(HANDSHAKE_BYTE, MESSAGE.third);

/** The dialling side: {@link begin}, {@link readReply}, {@link finish}. */
export class InitiatorHello {
  readonly #options: HelloOptions;
  readonly #header: Bytes;
  readonly #noise: HandshakeState;

  constructor(options: HelloOptions) {
    checkRange(options.versions);
    this.#options = options;
    const pattern = options.psk ? XXPSK3 : XX;
    const { min, max } = options.versions;
    this.#header = Uint8Array.of(HANDSHAKE_BYTE, MESSAGE.first, pattern, min, max);
    this.#noise = startNoise("initiator", pattern, this.#header, options);
  }

  /** The first frame's payload. */
  begin(): Bytes {
    const payload = this.#options.pskId ?? NO_BYTES;
    return this.#noise.writeMessage(payload, this.#header);
  }

  /**
   * Reads the responder's frame. Throws {@link NoiseError}: `version_mismatch` or `rejected` when it
   * refused, `bad_message` or `bad_tag` when it is not a valid reply.
   */
  readReply(frame: Bytes): { readonly version: number; readonly payload: Bytes } {
    const { min, max } = this.#options.versions;
    if (frame[1] === MESSAGE.refused) {
      expectMessage(frame, MESSAGE.refused);
      if (frame.length !== REFUSAL_BYTES) throw wrongLength();
      throw refusalError(frame, this.#options.versions);
    }
    expectMessage(frame, MESSAGE.second);
    if (frame.length < 3) throw wrongLength();
    const version = frame[2] ?? 0;
    if (version < min || version > max) {
      throw mismatchError(this.#options.versions, { min: version, max: version });
    }
    return { version, payload: this.#noise.readMessage(frame.subarray(3)) };
  }

  /** The third frame's payload, and the session. */
  finish(payload: Bytes): { readonly frame: Bytes; readonly result: HandshakeResult } {
    const frame = this.#noise.writeMessage(payload, THIRD_HEADER);
    return { frame, result: this.#noise.split() };
  }
}

/** The listening side: {@link reply}, {@link readLast}. */
export class ResponderHello {
  /** The version chosen: the highest that both sides speak. */
  readonly version: number;
  /** Which of several shared secrets the initiator holds. */
  readonly pskId: Bytes | undefined;
  readonly #noise: HandshakeState;

  /**
   * Reads the first frame. Throws {@link NoiseError} `version_mismatch`, `unsupported_pattern` (answer
   * with {@link encodeRefusal}) or `bad_message`.
   */
  constructor(options: HelloOptions, frame: Bytes) {
    checkRange(options.versions);
    expectMessage(frame, MESSAGE.first);
    if (frame.length < FIRST_HEADER_BYTES) throw wrongLength();
    const header = frame.slice(0, FIRST_HEADER_BYTES);
    const pattern = header[2] ?? 0;
    const theirs = { min: header[3] ?? 0, max: header[4] ?? 0 };
    this.version = Math.min(options.versions.max, theirs.max);
    if (this.version < Math.max(options.versions.min, theirs.min, 1)) {
      throw mismatchError(options.versions, theirs);
    }
    const message = frame.subarray(FIRST_HEADER_BYTES);
    let psk = options.psk;
    if (pattern === XXPSK3 && !psk && options.pskOf) {
      this.pskId = readPskId(header, message, options);
      psk = this.pskId && options.pskOf(this.pskId);
    }
    if (pattern !== (psk ? XXPSK3 : XX)) {
      throw new NoiseError(
        "unsupported_pattern",
        `Cannot shake hands: pattern ${pattern} is not accepted here`,
      );
    }
    this.#noise = startNoise("responder", pattern, header, { ...options, psk });
    this.#noise.readMessage(message);
  }

  /** The second frame's payload. Throws {@link NoiseError} `low_order_point`. */
  reply(payload: Bytes): Bytes {
    const header = Uint8Array.of(HANDSHAKE_BYTE, MESSAGE.second, this.version);
    return this.#noise.writeMessage(payload, header);
  }

  /** Reads the third frame: the initiator's payload, and the session. Throws {@link NoiseError}. */
  readLast(frame: Bytes): { readonly payload: Bytes; readonly result: HandshakeResult } {
    expectMessage(frame, MESSAGE.third);
    const payload = this.#noise.readMessage(frame.subarray(2));
    return { payload, result: this.#noise.split() };
  }
}

/** The payload of a frame that refuses a handshake; it is not authenticated and carries no secret. */
export function encodeRefusal(reason: Refusal, versions: VersionRange): Bytes {
  return Uint8Array.of(
    HANDSHAKE_BYTE,
    MESSAGE.refused,
    REFUSALS[reason],
    versions.min,
    versions.max,
  );
}

function startNoise(
  role: "initiator" | "responder",
  pattern: number,
  header: Bytes,
  options: HelloOptions,
): HandshakeState {
  const protocolName = PROTOCOL_OF_PATTERN[pattern];
  if (!protocolName) throw new TypeError(`Cannot shake hands: unknown pattern ${pattern}`);
  const { primitives, s, psk } = options;
  const prologue = concatBytes(PROLOGUE_TEXT, header);
  return new HandshakeState({ primitives, protocolName, role, prologue, s, psk });
}

/**
 * The first message's payload, whose key follows from the ephemeral alone: any secret reads it. `undefined` where
 * it names none.
 */
function readPskId(header: Bytes, message: Bytes, options: HelloOptions): Bytes | undefined {
  const psk = new Uint8Array(KEY_BYTES);
  try {
    const id = startNoise("responder", XXPSK3, header, { ...options, psk }).readMessage(message);
    return id.length > 0 ? id : undefined;
  } catch (error) {
    if (error instanceof NoiseError) return undefined;
    throw error;
  }
}

function checkRange({ min, max }: VersionRange): void {
  const isRange = Number.isInteger(min) && Number.isInteger(max) && min >= 1 && max <= 255;
  if (!isRange || min > max) {
    throw new RangeError(`Cannot shake hands: versions ${min}..${max} are no range within 1..255`);
  }
}

function expectMessage(frame: Bytes, kind: number): void {
  if (frame[0] !== HANDSHAKE_BYTE || frame[1] !== kind) {
    throw new NoiseError("bad_message", `Cannot shake hands: expected handshake message ${kind}`);
  }
}

function wrongLength(): NoiseError {
  return new NoiseError("bad_message", "Cannot shake hands: the frame has the wrong length");
}

function refusalError(frame: Bytes, ours: VersionRange): NoiseError {
  const reason = (Object.keys(REFUSALS) as Refusal[]).find((name) => REFUSALS[name] === frame[2]);
  switch (reason) {
    case "version_mismatch":
      return mismatchError(ours, { min: frame[3] ?? 0, max: frame[4] ?? 0 });
    case "unsupported_pattern":
      return new NoiseError(
        "unsupported_pattern",
        "Cannot shake hands: the peer refused the pattern",
      );
    case "busy":
      return new NoiseError("rejected", "Cannot shake hands: the peer is busy");
    case "invitation_unknown":
      return new NoiseError(reason, "Cannot join: the inviter does not know this invitation");
    case "invitation_used":
      return new NoiseError(reason, "Cannot join: the invitation was used already");
    case "invitation_expired":
      return new NoiseError(reason, "Cannot join: the invitation has expired");
    case undefined:
      return new NoiseError("rejected", "Cannot shake hands: the peer refused");
    default:
      return unreachable(reason);
  }
}

function mismatchError(ours: VersionRange, theirs: VersionRange): NoiseError {
  return new NoiseError(
    "version_mismatch",
    `Cannot agree on a version: we speak ${ours.min}..${ours.max}, the peer speaks ` +
      `${theirs.min}..${theirs.max}`,
  );
}
