/**
 * Member records: a member's own signed word on where it is and how it is, passed on by everybody.
 *
 * ```
 * version 1 | id 32 | incarnation u32 | status u8 | pace u8 | count u8 | (length u8 | host:port) x count | signature 64
 * ```
 *
 * The incarnation is SWIM's (Das, Gupta, Motivala 2002, section 4.2): only its owner raises it, to take back what
 * others believe of it. Here it is under the owner's signature, so that nobody can raise it in its name. The
 * signature covers `"hamlet member"` and everything before it.
 */

import { type Bytes, concatBytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { type ByteReader, ByteReaderError } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import { type Address, formatAddress, parseAddress } from "../net/address.ts";
import { ID_BYTES, type IdCodec } from "./id_codec.ts";
import type { Pace } from "./probe_profile.ts";

/** What a member says of itself. */
export type RecordStatus = "alive" | "asleep" | "left";

/** Never changed once made: members who hold the same record may share it. */
export interface MemberRecord {
  readonly id: PeerId;
  readonly incarnation: number;
  readonly status: RecordStatus;
  /** How patient others must be with it. */
  readonly pace: Pace;
  /** Where it can be dialled, best first. */
  readonly addresses: readonly Address[];
  /** As it was signed. */
  readonly bytes: Bytes;
}

/** Reads a record, its signature unchecked. Throws {@link ByteReaderError}. */
export type RecordReader = (reader: ByteReader) => MemberRecord;

export const MAX_RECORD_ADDRESSES = 4;
/** Of an address as text. */
const MAX_ADDRESS_LENGTH = 64;
/** An incarnation this high is no longer raised; at one a second that takes 136 years. */
export const MAX_INCARNATION = 0xffff_ffff;

const VERSION = 1;
const SIGNATURE_BYTES = 64;
const DOMAIN = encodeUtf8("hamlet member");
const STATUSES: readonly RecordStatus[] = ["alive", "asleep", "left"];
const PACES: readonly Pace[] = ["lan", "wan"];

/** Those of `addresses` that a record can tell others: the first few that read as they are written. */
export function tellable(addresses: readonly Address[]): readonly Address[] {
  return addresses.filter((address) => {
    const text = formatAddress(address);
    return text.length <= MAX_ADDRESS_LENGTH && parseAddress(text) !== undefined;
  }).slice(0, MAX_RECORD_ADDRESSES);
}

/** Signs what we say of ourselves; addresses that are not {@link tellable} are left out. */
export function signMemberRecord(
  said: Omit<MemberRecord, "bytes">,
  signer: MessageSigner,
  ids: IdCodec,
): MemberRecord {
  const addresses = tellable(said.addresses);
  const writer = new ByteWriter(160).u8(VERSION).bytes(ids.write(said.id)).u32(said.incarnation)
    .u8(STATUSES.indexOf(said.status)).u8(PACES.indexOf(said.pace)).u8(addresses.length);
  for (const address of addresses) {
    const text = encodeUtf8(formatAddress(address));
    writer.u8(text.length).bytes(text);
  }
  const body = writer.finish();
  const bytes = concatBytes(body, signer.sign(concatBytes(DOMAIN, body)));
  return { ...said, addresses, bytes };
}

/** Reads a record at the reader's place. Throws {@link ByteReaderError}; the signature is not checked. */
export function readMemberRecord(reader: ByteReader, ids: IdCodec): MemberRecord {
  const start = reader.offset;
  if (reader.u8() !== VERSION) throw malformed("its version is not known");
  const id = ids.read(reader.view(ID_BYTES));
  const incarnation = reader.u32();
  const status = STATUSES[reader.u8()];
  const pace = PACES[reader.u8()];
  const count = reader.u8();
  if (!status || !pace || count > MAX_RECORD_ADDRESSES) throw malformed("a field is out of range");
  const addresses = Array.from({ length: count }, () => readAddress(reader));
  reader.view(SIGNATURE_BYTES);
  // The message it came in is not kept for the sake of a record.
  const bytes = reader.since(start).slice();
  return { id, incarnation, status, pace, addresses, bytes };
}

/** Whether `record` was signed by the member that it is about. */
export function isGenuine(record: MemberRecord, verify: VerifySignature, ids: IdCodec): boolean {
  const body = record.bytes.subarray(0, -SIGNATURE_BYTES);
  const signature = record.bytes.slice(-SIGNATURE_BYTES);
  return verify(ids.write(record.id), concatBytes(DOMAIN, body), signature);
}

function readAddress(reader: ByteReader): Address {
  const length = reader.u8();
  const text = length <= MAX_ADDRESS_LENGTH ? textOf(reader.view(length)) : "";
  const address = parseAddress(text);
  if (!address) throw malformed("an address is none");
  return address;
}

function textOf(bytes: Bytes): string {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw new ByteReaderError("malformed", "Cannot read member record: text is not UTF-8", {
      cause: error,
    });
  }
}

function malformed(reason: string): ByteReaderError {
  return new ByteReaderError("malformed", `Cannot read member record: ${reason}`);
}
