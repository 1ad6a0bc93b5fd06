/**
 * The messages that carry events from neighbour to neighbour, each whole in a frame of its own.
 *
 * ```
 * event    = 16 | hops u8 | age u16 | event             age: seconds since it was sent
 * announce = 17 | count u8 | count x (tag 6 | hops u8)  "I have these"
 * request  = 18 | graft u8 | count u8 | count x tag 6   "send me these", graft 1: "and what follows"
 * prune    = 19                                         "announce to me what follows, do not send it"
 * answer   = 20 | tag 6 | responder 32 | length u16 | text | signature 64
 * receipt  = 21 | tag 6 | responder 32                  "I see to that answer"
 * ```
 *
 * Hops are the links that an event has travelled: 1..16 where it arrives, 0..16 where it is. Their highest bit
 * is a flag: of an event, that this copy made a detour (it was asked for on its way); of an announcement,
 * that the event is held (not sent to who does not ask).
 *
 * Hops and age are the relays' word, unsigned: they steer and limit, and prove nothing.
 */

import { type Bytes, concatBytes, encodeUtf8 } from "../base/bytes.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import { EventError, readEvent, readText, SIGNATURE_BYTES, type SignedEvent } from "./event.ts";
import { ID_BYTES, type IdCodec } from "./id_codec.ts";

export const EVENT_KINDS = Object.freeze({
  event: 16,
  announce: 17,
  request: 18,
  prune: 19,
  answer: 20,
  receipt: 21,
});

/** Where the count of hops ends: what went further stays at this. */
export const MAX_HOPS = 16;
/** Tags of one message. */
export const MAX_TAGS = 255;
/** UTF-8 bytes of an answer. */
export const MAX_ANSWER_BYTES = 1_024;
const FLAG = 0x80;
const MAX_AGE_S = 0xffff;
const TAG_BYTES = 6;
const EVENT_HEAD_BYTES = 4;
const ANSWER_DOMAIN = encodeUtf8("hamlet answer");

/** How far a copy of an event has come. */
export interface Journey {
  readonly hops: number;
  readonly ageMs: number;
  /** Whether it was asked for on its way, so that it did not come along the tree. */
  readonly isDetour: boolean;
  /** Of our own: whether it can wait. */
  readonly isCalm?: boolean;
}

export interface Announcement {
  readonly tag: number;
  readonly hops: number;
  /** Whether it is not sent to eager neighbours either. */
  readonly isHeld: boolean;
}

/** A member's answer to the query `tag`. */
export interface Answer {
  readonly tag: number;
  readonly responder: PeerId;
  readonly text: string;
  /** The message, to be passed on unchanged. */
  readonly message: Bytes;
}

export type EventMessage =
  | { readonly kind: 16; readonly journey: Journey; readonly event: SignedEvent }
  | { readonly kind: 17; readonly announcements: readonly Announcement[] }
  | { readonly kind: 18; readonly isGraft: boolean; readonly tags: readonly number[] }
  | { readonly kind: 19 }
  | { readonly kind: 20; readonly answer: Answer }
  | { readonly kind: 21; readonly tag: number; readonly responder: PeerId };

/** `event` as a message; `hops` past the bound and an age past 18 hours stay there. */
export function encodeEvent(event: Bytes, { hops, ageMs, isDetour }: Journey): Bytes {
  const ageS = Math.min(MAX_AGE_S, Math.max(0, Math.floor(ageMs / 1_000)));
  const message = new Uint8Array(EVENT_HEAD_BYTES + event.length);
  message[0] = EVENT_KINDS.event;
  message[1] = withFlag(Math.min(hops, MAX_HOPS), isDetour);
  message[2] = ageS >>> 8;
  message[3] = ageS;
  message.set(event, EVENT_HEAD_BYTES);
  return message;
}

/** Whether an event's message says that it made a detour, unread as it is. */
export function isDetour(message: Bytes): boolean {
  return hasFlag(message[1] ?? 0);
}

/** At most {@link MAX_TAGS} announcements. */
export function encodeAnnounce(announcements: readonly Announcement[]): Bytes {
  const writer = new ByteWriter(2 + announcements.length * (TAG_BYTES + 1));
  writer.u8(EVENT_KINDS.announce).u8(announcements.length);
  for (const { tag, hops, isHeld } of announcements) {
    writer.u48(tag).u8(withFlag(hops, isHeld));
  }
  return writer.finish();
}

/** At most {@link MAX_TAGS} tags. */
export function encodeRequest(tags: readonly number[], isGraft: boolean): Bytes {
  const writer = new ByteWriter(3 + tags.length * TAG_BYTES);
  writer.u8(EVENT_KINDS.request).u8(Number(isGraft)).u8(tags.length);
  for (const tag of tags) writer.u48(tag);
  return writer.finish();
}

export const PRUNE: Bytes = new Uint8Array([EVENT_KINDS.prune]);

/** Signs an answer. Throws `RangeError` when `text` is too long. */
export function signAnswer(
  content: { readonly tag: number; readonly responder: PeerId; readonly text: string },
  signer: MessageSigner,
  ids: IdCodec,
): Answer {
  const { tag, responder } = content;
  const text = encodeUtf8(content.text);
  if (text.length > MAX_ANSWER_BYTES) {
    throw new RangeError(`Cannot answer: ${text.length} bytes exceed ${MAX_ANSWER_BYTES}`);
  }
  const body = new ByteWriter(1 + TAG_BYTES + ID_BYTES + 2 + text.length)
    .u8(EVENT_KINDS.answer).u48(tag).bytes(ids.write(responder)).u16(text.length).bytes(text)
    .finish();
  return { ...content, message: concatBytes(body, signer.sign(answerBytes(body))) };
}

/** Whether `answer` is signed by its responder. */
export function isAuthenticAnswer({ message }: Answer, verify: VerifySignature): boolean {
  const end = message.length - SIGNATURE_BYTES;
  const key = message.subarray(1 + TAG_BYTES, 1 + TAG_BYTES + ID_BYTES);
  return verify(key, answerBytes(message.subarray(0, end)), message.subarray(end));
}

export function encodeReceipt(tag: number, responder: PeerId, ids: IdCodec): Bytes {
  return new ByteWriter(1 + TAG_BYTES + ID_BYTES)
    .u8(EVENT_KINDS.receipt).u48(tag).bytes(ids.write(responder)).finish();
}

/**
 * Reads a message, views of which the result keeps. Throws {@link EventError} `malformed` or `unknown_kind`,
 * and `ByteReaderError`.
 */
export function decodeEventMessage(message: Bytes, ids: IdCodec): EventMessage {
  const reader = new ByteReader(message);
  const kind = reader.u8();
  switch (kind) {
    case EVENT_KINDS.event: {
      const byte = reader.u8();
      const hops = checkHops(byte & ~FLAG);
      if (hops === 0) throw new EventError("malformed", "Cannot read event: it travelled no hop");
      const journey = { hops, ageMs: reader.u16() * 1_000, isDetour: hasFlag(byte) };
      return { kind, journey, event: readEvent(message.subarray(EVENT_HEAD_BYTES), ids) };
    }
    case EVENT_KINDS.announce: {
      const announcements: Announcement[] = [];
      for (let count = reader.u8(); count > 0; count--) {
        announcements.push(readAnnouncement(reader));
      }
      reader.end();
      return { kind, announcements };
    }
    case EVENT_KINDS.request: {
      const tags: number[] = [];
      const graft = reader.u8();
      if (graft > 1) throw new EventError("malformed", `Cannot read request: graft is ${graft}`);
      for (let count = reader.u8(); count > 0; count--) tags.push(reader.u48());
      reader.end();
      return { kind, isGraft: graft === 1, tags };
    }
    case EVENT_KINDS.prune:
      reader.end();
      return { kind };
    case EVENT_KINDS.answer:
      return { kind, answer: readAnswer(reader, message, ids) };
    case EVENT_KINDS.receipt: {
      const tag = reader.u48();
      const responder = ids.read(reader.view(ID_BYTES));
      reader.end();
      return { kind, tag, responder };
    }
    default:
      throw new EventError("unknown_kind", `Cannot read event message: kind ${kind} is not known`);
  }
}

function readAnswer(reader: ByteReader, message: Bytes, ids: IdCodec): Answer {
  const tag = reader.u48();
  const key = reader.view(ID_BYTES);
  const length = reader.u16();
  if (length > MAX_ANSWER_BYTES) {
    const reason = `${length} bytes exceed ${MAX_ANSWER_BYTES}`;
    throw new EventError("malformed", `Cannot read answer: ${reason}`);
  }
  const text = readText(reader.view(length));
  reader.view(SIGNATURE_BYTES);
  reader.end();
  return { tag, responder: ids.read(key), text, message };
}

function readAnnouncement(reader: ByteReader): Announcement {
  const tag = reader.u48();
  const byte = reader.u8();
  return { tag, hops: checkHops(byte & ~FLAG), isHeld: hasFlag(byte) };
}

function checkHops(hops: number): number {
  if (hops <= MAX_HOPS) return hops;
  throw new EventError("malformed", `Cannot read event message: ${hops} hops exceed ${MAX_HOPS}`);
}

function withFlag(hops: number, isSet: boolean): number {
  return isSet ? hops | FLAG : hops;
}

function hasFlag(byte: number): boolean {
  return (byte & FLAG) !== 0;
}

/** What a responder signs: the query and the text. */
function answerBytes(body: Bytes): Bytes {
  return concatBytes(ANSWER_DOMAIN, body.subarray(1));
}
