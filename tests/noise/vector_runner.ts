/**
 * Published Noise handshake vectors: their JSON form, and one run of one vector through our code.
 *
 * The form is the one that cacophony, snow and Noise-C share: a `vectors` list whose entries name a
 * protocol, give both sides' keys in hexadecimal, and list every message with its payload and its
 * bytes on the wire. The handshake's messages come first, transport messages go on in turn.
 */

import { type Bytes, decodeHex, equalBytes } from "../../src/base/bytes.ts";
import { describeError } from "../../src/base/errors.ts";
import {
  type HandshakeResult,
  HandshakeState,
  PATTERNS,
  type ProtocolName,
} from "../../src/noise/handshake.ts";
import { KEY_BYTES, type Primitives } from "../../src/noise/primitives.ts";

/** The keys one side starts with. */
export interface VectorSide {
  readonly prologue: Bytes;
  readonly s: Bytes;
  readonly e: Bytes;
  readonly psk: Bytes | undefined;
}

/** One message: what was said, and its bytes on the wire. */
export interface VectorMessage {
  readonly payload: Bytes;
  readonly ciphertext: Bytes;
}

/** One published vector of a protocol that we speak. */
export interface Vector {
  readonly protocolName: ProtocolName;
  readonly initiator: VectorSide;
  readonly responder: VectorSide;
  readonly handshakeHash: Bytes | undefined;
  /** The handshake's messages, then transport messages; the initiator has the even ones. */
  readonly messages: readonly VectorMessage[];
}

/** What a file of vectors holds. */
export interface VectorFile {
  readonly vectors: readonly Vector[];
  /** Entries of protocols or features that we do not speak. */
  readonly skipped: number;
}

/** Where and how our code differs from a vector. */
export interface VectorFailure {
  /** The message, counted from 0; `undefined` when no single message is at fault. */
  readonly messageIndex: number | undefined;
  readonly what: string;
}

/** The text is no file of vectors. */
export class VectorFormatError extends Error {
  override readonly name = "VectorFormatError";
}

type Entry = Readonly<Record<string, unknown>>;
type Role = "initiator" | "responder";

const EMPTY: Bytes = new Uint8Array(0);

/** Reads a file of vectors. Throws {@link VectorFormatError}, naming the entry and the key. */
export function parseVectors(text: string): VectorFile {
  const list = parseJson(text)["vectors"];
  if (!Array.isArray(list)) throw new VectorFormatError("vectors is not a list");
  const vectors: Vector[] = [];
  for (const [index, item] of list.entries()) {
    const vector = parseVector(item, `vector ${index}`);
    if (vector) vectors.push(vector);
  }
  return { vectors, skipped: list.length - vectors.length };
}

/**
 * Plays both roles of `vector`: each message is written by its sender and compared, then the published
 * bytes are read by its receiver and compared. Returns the first difference.
 */
export function runVector(vector: Vector, primitives: Primitives): VectorFailure | undefined {
  let messageIndex: number | undefined;
  try {
    const initiator = startSide("initiator", vector, primitives);
    const responder = startSide("responder", vector, primitives);
    const handshakeLength = PATTERNS[vector.protocolName].length;
    if (vector.messages.length < handshakeLength) {
      return { messageIndex, what: `the handshake needs ${handshakeLength} messages` };
    }
    let sessions: Readonly<Record<Role, HandshakeResult>> | undefined;
    for (const [index, { payload, ciphertext }] of vector.messages.entries()) {
      messageIndex = index;
      if (index === handshakeLength) {
        sessions = { initiator: initiator.split(), responder: responder.split() };
        const what = compareSessions(vector, primitives, sessions);
        if (what) return { messageIndex: undefined, what };
      }
      const [from, to]: readonly [Role, Role] = index % 2 === 0
        ? ["initiator", "responder"]
        : ["responder", "initiator"];
      const states = { initiator, responder };
      const written = sessions
        ? sessions[from].send.encryptWithAd(EMPTY, payload)
        : states[from].writeMessage(payload);
      if (!equalBytes(written, ciphertext)) {
        return { messageIndex, what: `what the ${from} writes differs from the vector` };
      }
      const read = sessions
        ? sessions[to].receive.decryptWithAd(EMPTY, ciphertext)
        : states[to].readMessage(ciphertext);
      if (!equalBytes(read, payload)) {
        return { messageIndex, what: `what the ${to} reads differs from the vector` };
      }
    }
    if (sessions) return undefined;
    // A vector may end with the handshake; its hash still counts.
    const what = compareSessions(vector, primitives, {
      initiator: initiator.split(),
      responder: responder.split(),
    });
    return what === undefined ? undefined : { messageIndex: undefined, what };
  } catch (error) {
    return { messageIndex, what: describeError(error) };
  }
}

function startSide(role: Role, vector: Vector, primitives: Primitives): HandshakeState {
  const { prologue, s, e, psk } = vector[role];
  return new HandshakeState({
    primitives,
    protocolName: vector.protocolName,
    role,
    prologue,
    s: primitives.importDhKeyPair(s),
    e: primitives.importDhKeyPair(e),
    psk,
  });
}

function compareSessions(
  vector: Vector,
  primitives: Primitives,
  sessions: Readonly<Record<Role, HandshakeResult>>,
): string | undefined {
  for (const [role, peer] of [["initiator", "responder"], ["responder", "initiator"]] as const) {
    const { h, rs } = sessions[role];
    if (vector.handshakeHash && !equalBytes(h, vector.handshakeHash)) {
      return `the ${role}'s handshake hash differs from the vector`;
    }
    if (!equalBytes(rs, primitives.importDhKeyPair(vector[peer].s).publicKey)) {
      return `the ${role} proved another static key than the ${peer}'s`;
    }
  }
  return undefined;
}

function parseJson(text: string): Entry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new VectorFormatError("it is not JSON", { cause: error });
  }
  return toEntry(value, "the file");
}

function parseVector(item: unknown, where: string): Vector | undefined {
  const entry = toEntry(item, where);
  const name = entry["protocol_name"] ?? entry["name"];
  if (typeof name !== "string") throw new VectorFormatError(`${where} has no protocol_name`);
  // A fallback or an expected failure changes the meaning of the messages.
  if (!isProtocolName(name) || entry["fallback"] === true || entry["fail"] === true) {
    return undefined;
  }
  const messages = entry["messages"];
  if (!Array.isArray(messages)) throw new VectorFormatError(`${where}: messages is not a list`);
  return {
    protocolName: name,
    initiator: parseSide(entry, "init", where),
    responder: parseSide(entry, "resp", where),
    handshakeHash: parseHex(entry, "handshake_hash", where, KEY_BYTES),
    messages: messages.map((message, index) =>
      parseMessage(toEntry(message, `${where}, message ${index}`), `${where}, message ${index}`)
    ),
  };
}

function parseSide(entry: Entry, prefix: "init" | "resp", where: string): VectorSide {
  const s = parseHex(entry, `${prefix}_static`, where, KEY_BYTES);
  const e = parseHex(entry, `${prefix}_ephemeral`, where, KEY_BYTES);
  if (!s) throw new VectorFormatError(`${where}: ${prefix}_static is missing`);
  if (!e) throw new VectorFormatError(`${where}: ${prefix}_ephemeral is missing`);
  const psks = entry[`${prefix}_psks`] ?? [];
  if (!Array.isArray(psks)) throw new VectorFormatError(`${where}: ${prefix}_psks is not a list`);
  const psk = parseHex({ psk: psks[0] }, "psk", where, KEY_BYTES);
  return { prologue: parseHex(entry, `${prefix}_prologue`, where) ?? EMPTY, s, e, psk };
}

function parseMessage(entry: Entry, where: string): VectorMessage {
  const payload = parseHex(entry, "payload", where) ?? EMPTY;
  const ciphertext = parseHex(entry, "ciphertext", where);
  if (!ciphertext) throw new VectorFormatError(`${where}: ciphertext is missing`);
  return { payload, ciphertext };
}

function parseHex(entry: Entry, key: string, where: string, length?: number): Bytes | undefined {
  const text = entry[key];
  if (text === undefined || text === null) return undefined;
  const isHex = typeof text === "string" && /^([0-9a-fA-F]{2})*$/.test(text);
  if (!isHex) throw new VectorFormatError(`${where}: ${key} is not hexadecimal`);
  const bytes = decodeHex(text);
  if (length !== undefined && bytes.length !== length) {
    throw new VectorFormatError(`${where}: ${key} has ${bytes.length} bytes, not ${length}`);
  }
  return bytes;
}

function toEntry(value: unknown, where: string): Entry {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new VectorFormatError(`${where} is not an object`);
  }
  return value as Entry;
}

function isProtocolName(name: string): name is ProtocolName {
  return Object.hasOwn(PATTERNS, name);
}
