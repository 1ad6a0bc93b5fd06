/**
 * Events: what a member tells the whole village, signed by it and passed on by others unchanged.
 *
 * ```
 * event = origin 32 | seq u48 | class u8 | name length u8 | name | data length u16 | data | signature 64
 * ```
 *
 * The signature is the origin's Ed25519 over a domain string and everything before the signature, so that it
 * means nothing anywhere else. An event's tag, by which announcements name it, is the first 6 bytes of the
 * signature: an exact number, which its origin cannot choose without trying 2^48 signatures.
 *
 * `seq` grows per origin: `boot * 2^24` and up from there. `boot` is what grows with every restart of the
 * origin and is remembered by the village, its incarnation. So a member that forgot everything still numbers
 * on, if no life had more than 2^24 events: 19 days at the highest rate that others accept. 2^24 lives fit.
 */

import { type Bytes, concatBytes, decodeUtf8, encodeUtf8, readU32 } from "../base/bytes.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { CodedError } from "../base/errors.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import { ID_BYTES, type IdCodec } from "./id_codec.ts";

export const EVENT_CLASSES = Object.freeze({ named: 1, query: 2, capabilities: 3 });
export type EventClass = typeof EVENT_CLASSES[keyof typeof EVENT_CLASSES];

/** UTF-8 bytes of a named event's or a query's data. */
export const MAX_DATA_BYTES = 4_096;
/** UTF-8 bytes of a capability record. */
export const MAX_RECORD_BYTES = 1_024;
export const SIGNATURE_BYTES = 64;
/** The numbers of one boot. */
export const SEQS_PER_BOOT = 2 ** 24;
export const MAX_SEQ = 2 ** 48 - 1;

const NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/i;
const EVENT_DOMAIN = encodeUtf8("hamlet event");
const HEAD_BYTES = ID_BYTES + 6 + 1 + 1;
const LONGEST_NAME = 64;
/** What an event takes at most. */
export const MAX_EVENT_BYTES = HEAD_BYTES + LONGEST_NAME + 2 + MAX_DATA_BYTES + SIGNATURE_BYTES;

/** What of events cannot be read, or not be done now. */
export class EventError extends CodedError<"malformed" | "unknown_kind" | "too_fast"> {
  override readonly name = "EventError";
}

export interface SignedEvent {
  readonly origin: PeerId;
  readonly seq: number;
  readonly class: EventClass;
  /** Letters, digits and `_.-`; empty for capabilities alone. */
  readonly name: string;
  readonly data: string;
  readonly tag: number;
  /** The event as it travels, signature and all. */
  readonly bytes: Bytes;
}

/** What its origin says in an event. */
export interface EventContent {
  readonly seq: number;
  readonly class: EventClass;
  readonly name: string;
  readonly data: string;
}

/** Whether `name` can be an event's. */
export function isEventName(name: string): boolean {
  return NAME.test(name);
}

/** The bytes that `data` of this class may have. */
export function maxDataBytes(kind: EventClass): number {
  return kind === EVENT_CLASSES.capabilities ? MAX_RECORD_BYTES : MAX_DATA_BYTES;
}

/** The tag of an event, or of a message that ends in one. */
export function tagOf(bytes: Bytes): number {
  const at = bytes.length - SIGNATURE_BYTES;
  return readU32(bytes, at) * 0x1_0000 + (readU32(bytes, at + 2) & 0xffff);
}

/**
 * Signs an event of `origin`, who holds `signer`. Throws `TypeError` for a name that is none and `RangeError`
 * for data or a number too large.
 */
export function signEvent(
  origin: PeerId,
  content: EventContent,
  signer: MessageSigner,
  ids: IdCodec,
): SignedEvent {
  const { seq, name, data } = content;
  const isNamed = content.class !== EVENT_CLASSES.capabilities;
  if (isNamed ? !isEventName(name) : name !== "") {
    throw new TypeError("Cannot sign event: its name is not 1..64 of a-z, 0-9, _, . and -");
  }
  if (!Number.isInteger(seq) || seq < 1 || seq > MAX_SEQ) {
    throw new RangeError(`Cannot sign event: its number ${seq} is outside 1..2^48 - 1`);
  }
  const text = encodeUtf8(data);
  const maxBytes = maxDataBytes(content.class);
  if (text.length > maxBytes) {
    throw new RangeError(`Cannot sign event: ${text.length} bytes of data exceed ${maxBytes}`);
  }
  const body = new ByteWriter(HEAD_BYTES + name.length + 2 + text.length)
    .bytes(ids.write(origin)).u48(seq).u8(content.class)
    .u8(name.length).bytes(encodeUtf8(name)).u16(text.length).bytes(text).finish();
  const bytes = concatBytes(body, signer.sign(concatBytes(EVENT_DOMAIN, body)));
  return { ...content, origin, tag: tagOf(bytes), bytes };
}

/**
 * Reads an event that fills `bytes`, a view of which it keeps; {@link isAuthentic} has still to be asked.
 * Throws {@link EventError} `malformed` and `ByteReaderError`.
 */
export function readEvent(bytes: Bytes, ids: IdCodec): SignedEvent {
  const reader = new ByteReader(bytes);
  const key = reader.view(ID_BYTES);
  const seq = reader.u48();
  const kind = readClass(reader.u8());
  const name = readText(reader.view(reader.u8()));
  const isNamed = kind !== EVENT_CLASSES.capabilities;
  if (isNamed ? !isEventName(name) : name !== "") throw malformed("its name is none");
  const length = reader.u16();
  const maxBytes = maxDataBytes(kind);
  if (length > maxBytes) throw malformed(`${length} bytes of data exceed ${maxBytes}`);
  const data = readText(reader.view(length));
  reader.view(SIGNATURE_BYTES);
  reader.end();
  return { origin: ids.read(key), seq, class: kind, name, data, tag: tagOf(bytes), bytes };
}

/** The data of an event that has been read before. */
export function dataOf(bytes: Bytes): string {
  const at = HEAD_BYTES + (bytes[HEAD_BYTES - 1] ?? 0) + 2;
  return readText(bytes.subarray(at, bytes.length - SIGNATURE_BYTES));
}

/** Whether `event` is signed by its origin. */
export function isAuthentic({ bytes }: SignedEvent, verify: VerifySignature): boolean {
  const end = bytes.length - SIGNATURE_BYTES;
  const signed = concatBytes(EVENT_DOMAIN, bytes.subarray(0, end));
  return verify(bytes.subarray(0, ID_BYTES), signed, bytes.subarray(end));
}

/** The number after `last`, of a member in its life `boot`. Throws `RangeError` past the last of all. */
export function nextSeq(last: number, boot: number): number {
  const seq = Math.max(last + 1, boot * SEQS_PER_BOOT);
  if (seq <= MAX_SEQ) return seq;
  throw new RangeError(`Cannot number events: boot ${boot} has no numbers below 2^48`);
}

/** Text of `bytes`. Throws {@link EventError} `malformed` when they are not UTF-8. */
export function readText(bytes: Bytes): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw new EventError("malformed", "Cannot read event: its text is not UTF-8", { cause });
  }
}

function readClass(value: number): EventClass {
  const kind = Object.values(EVENT_CLASSES).find((known) => known === value);
  if (kind === undefined) throw malformed(`class ${value} is not known`);
  return kind;
}

function malformed(reason: string): EventError {
  return new EventError("malformed", `Cannot read event: ${reason}`);
}
