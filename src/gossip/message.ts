/**
 * Messages of the membership: what members say to each other in frames of kind 10 (PROTOCOL.md section 11).
 *
 * ```
 *  1 ping      seq u32 | degree u16 | rumour*          "are you there?", and how many sessions the sender has
 *  2 ack       seq u32 | degree u16 | rumour*
 *  3 ask       seq u32 | id 32                         "is that one there?" (SWIM's ping-req)
 *  4 nack      seq u32                                 "I could not tell": the asker's own link works (Lifeguard)
 *  5 rumours   rumour*
 *  6 digest    purpose u8 | low u32 | high u32         the sums of the sender's table: 0 asks, 1 "the same", 2 asks calmly
 *  7 summary   bits u8 | part u16 | (prefix 6 | incarnation u32 | isGone u8)*
 *  8 want      prefix 6 *
 *  9 records   (isDead u8 | record)*
 * 10 abilities (length u16 | event)*                   capability records, as they were signed
 * 11 part                                             "I end this session: I have enough of them"
 *
 * rumour = 1 | record        or  2 suspect, 3 dead | id 32 | incarnation u32 | accuser 32
 * ```
 */

import { type Bytes, readU32, totalLength } from "../base/bytes.ts";
import { type ByteReader, ByteReaderError } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { PeerId } from "../base/peer_id.ts";
import { ID_BYTES, type IdCodec } from "./id_codec.ts";
import type { MemberRecord, RecordReader } from "./member_record.ts";

export const KINDS = Object.freeze(
  {
    ping: 1,
    ack: 2,
    ask: 3,
    nack: 4,
    rumours: 5,
    digest: 6,
    summary: 7,
    want: 8,
    records: 9,
    abilities: 10,
    part: 11,
  } as const,
);

/** The first kind that belongs to the events. */
export const FIRST_EVENT_KIND = 16;

/** What ours are kept below; a frame could carry four times as much, and everything else would wait for it. */
export const MAX_MESSAGE_BYTES = 16_384;
export const PREFIX_BYTES = 6;
export const SUMMARY_ENTRY_BYTES = PREFIX_BYTES + 5;

/** An unsigned word on another: it counts only against the incarnation that it names. */
export interface Claim {
  readonly kind: "suspect" | "dead";
  readonly id: PeerId;
  readonly incarnation: number;
  readonly accuser: PeerId;
}

export type Rumour = Claim | { readonly kind: "record"; readonly record: MemberRecord };

/** What one member holds of another, in short. */
export interface SummaryEntry {
  /** The beginning of the id as a number. */
  readonly prefix: number;
  readonly incarnation: number;
  readonly isGone: boolean;
}

/** The part of a table whose ids begin with the `bits` bits of `part`. */
export interface TablePart {
  readonly bits: number;
  readonly part: number;
}

/** At most this many bits: 65,536 parts of a table are more than its members. */
const MAX_PART_BITS = 16;

const RUMOUR_TAGS = Object.freeze({ record: 1, suspect: 2, dead: 3 });

export function encodeRumour(rumour: Rumour, ids: IdCodec): Bytes {
  if (rumour.kind === "record") {
    const { bytes } = rumour.record;
    return new ByteWriter(1 + bytes.length).u8(RUMOUR_TAGS.record).bytes(bytes).finish();
  }
  return new ByteWriter(5 + 2 * ID_BYTES).u8(RUMOUR_TAGS[rumour.kind]).bytes(ids.write(rumour.id))
    .u32(rumour.incarnation).bytes(ids.write(rumour.accuser)).finish();
}

/** A ping or an ack. */
export function encodeProbe(
  kind: "ping" | "ack",
  { seq, degree, rumours }: {
    readonly seq: number;
    readonly degree: number;
    readonly rumours: readonly Bytes[];
  },
): Bytes {
  const writer = new ByteWriter(7 + totalLength(rumours)).u8(KINDS[kind]).u32(seq).u16(degree);
  for (const rumour of rumours) writer.bytes(rumour);
  return writer.finish();
}

export function encodeAsk(seq: number, id: PeerId, ids: IdCodec): Bytes {
  return new ByteWriter(5 + ID_BYTES).u8(KINDS.ask).u32(seq).bytes(ids.write(id)).finish();
}

export function encodeNack(seq: number): Bytes {
  return new ByteWriter(5).u8(KINDS.nack).u32(seq).finish();
}

export function encodeRumours(rumours: readonly Bytes[]): Bytes {
  const writer = new ByteWriter(1 + totalLength(rumours)).u8(KINDS.rumours);
  for (const rumour of rumours) writer.bytes(rumour);
  return writer.finish();
}

/** Why sums are told: to hear whether they differ, at once or when there is time; or because they do not. */
export type DigestPurpose = "ask" | "same" | "ask_calmly";
const DIGEST_PURPOSES: readonly DigestPurpose[] = ["ask", "same", "ask_calmly"];

export function readDigest(reader: ByteReader): {
  readonly purpose: DigestPurpose;
  readonly low: number;
  readonly high: number;
} {
  const purpose = DIGEST_PURPOSES[reader.u8()];
  const [low, high] = [reader.u32(), reader.u32()];
  reader.end();
  if (purpose) return { purpose, low, high };
  throw new ByteReaderError("malformed", "Cannot read digest: its purpose is not known");
}

export function encodeDigest(
  { low, high }: { readonly low: number; readonly high: number },
  purpose: DigestPurpose,
): Bytes {
  return new ByteWriter(10).u8(KINDS.digest).u8(DIGEST_PURPOSES.indexOf(purpose)).u32(low >>> 0)
    .u32(high >>> 0)
    .finish();
}

export function encodeSummary(
  { bits, part }: TablePart,
  entries: readonly (readonly [record: MemberRecord, isGone: boolean])[],
): Bytes {
  const writer = new ByteWriter(4 + entries.length * SUMMARY_ENTRY_BYTES)
    .u8(KINDS.summary).u8(bits).u16(part);
  for (const [{ bytes, incarnation }, isGone] of entries) {
    writer.bytes(bytes.subarray(1, 1 + PREFIX_BYTES)).u32(incarnation).u8(isGone ? 1 : 0);
  }
  return writer.finish();
}

export function encodeWant(prefixes: readonly number[]): Bytes {
  const writer = new ByteWriter(1 + prefixes.length * PREFIX_BYTES).u8(KINDS.want);
  for (const prefix of prefixes) writer.u48(prefix);
  return writer.finish();
}

/** Records, in as many messages as they take. */
export function encodeRecords(
  entries: readonly (readonly [record: MemberRecord, isDead: boolean])[],
): readonly Bytes[] {
  return inMessages(KINDS.records, entries, ([{ bytes }]) => 1 + bytes.length, (writer, entry) => {
    writer.u8(entry[1] ? 1 : 0).bytes(entry[0].bytes);
  });
}

/** Signed capability records, in as many messages as they take. */
export function encodeAbilities(events: Iterable<Bytes>): readonly Bytes[] {
  const size = (event: Bytes) => 2 + event.length;
  return inMessages(KINDS.abilities, events, size, (writer, event) => {
    writer.u16(event.length).bytes(event);
  });
}

/** What a record's id begins with, as a number: how a summary names it. */
export function prefixOf({ bytes }: MemberRecord): number {
  return (((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0)) * 0x1_0000_0000 + readU32(bytes, 3);
}

/** Whether a prefix belongs to a part of the table. */
export function isInPart(prefix: number, { bits, part }: TablePart): boolean {
  return Math.floor(prefix / 2 ** (8 * PREFIX_BYTES - bits)) === part;
}

/** Calls `onRumour` with each rumour that is left. Throws {@link ByteReaderError}. */
export function readRumours(
  reader: ByteReader,
  { ids, readRecord }: { readonly ids: IdCodec; readonly readRecord: RecordReader },
  onRumour: (rumour: Rumour) => void,
): void {
  while (reader.left > 0) {
    const tag = reader.u8();
    if (tag === RUMOUR_TAGS.record) onRumour({ kind: "record", record: readRecord(reader) });
    else if (tag === RUMOUR_TAGS.suspect || tag === RUMOUR_TAGS.dead) {
      const id = ids.read(reader.view(ID_BYTES));
      const incarnation = reader.u32();
      const accuser = ids.read(reader.view(ID_BYTES));
      const kind = tag === RUMOUR_TAGS.dead ? "dead" : "suspect";
      onRumour({ kind, id, incarnation, accuser });
    } else throw new ByteReaderError("malformed", "Cannot read rumour: its kind is not known");
  }
}

export function readSummary(reader: ByteReader): TablePart & {
  readonly entries: ReadonlyMap<number, SummaryEntry>;
} {
  const bits = reader.u8();
  const part = reader.u16();
  if (bits > MAX_PART_BITS || part >= 2 ** bits) {
    throw new ByteReaderError("malformed", "Cannot read summary: there is no such part");
  }
  const entries = new Map<number, SummaryEntry>();
  while (reader.left > 0) {
    const entry = { prefix: reader.u48(), incarnation: reader.u32(), isGone: reader.u8() === 1 };
    entries.set(entry.prefix, entry);
  }
  return { bits, part, entries };
}

export function readWant(reader: ByteReader): ReadonlySet<number> {
  const prefixes = new Set<number>();
  while (reader.left > 0) prefixes.add(reader.u48());
  return prefixes;
}

function inMessages<T>(
  kind: number,
  items: Iterable<T>,
  sizeOf: (item: T) => number,
  write: (writer: ByteWriter, item: T) => void,
): readonly Bytes[] {
  const messages: Bytes[] = [];
  let writer = new ByteWriter(1_024).u8(kind);
  for (const item of items) {
    if (writer.length > 1 && writer.length + sizeOf(item) > MAX_MESSAGE_BYTES) {
      messages.push(writer.finish());
      writer = new ByteWriter(1_024).u8(kind);
    }
    write(writer, item);
  }
  if (writer.length > 1) messages.push(writer.finish());
  return messages;
}
