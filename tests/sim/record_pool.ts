/**
 * Records read once for the whole world: members that hold the same record share it, which is what lets 5,000
 * tables of 5,000 members fit into memory.
 */

import { ByteReader } from "../../src/base/byte_reader.ts";
import { readU32 } from "../../src/base/bytes.ts";
import { ID_BYTES, type IdCodec } from "../../src/gossip/id_codec.ts";
import { type MemberRecord, readMemberRecord } from "../../src/gossip/member_record.ts";

/** Where the id of a record begins, after its version. */
const ID_OFFSET = 1;
/** Version, id and incarnation. */
const HEAD_BYTES = 1 + ID_BYTES + 4;
const SIGNATURE_BYTES = 64;
/** Of a signature of the simulator's that tell it from any other. */
const TELLING_BYTES = 8;
/** Remembered of one member; older ones are rarely told of. */
const MAX_RECORDS = 4;

export class RecordPool {
  readonly #ids: IdCodec;
  /** By the first four bytes of the id, the newest record first. */
  readonly #records = new Map<number, MemberRecord[]>();

  constructor(ids: IdCodec) {
    this.#ids = ids;
  }

  /** Reads a record at the reader's place, or finds the one that was read before. */
  read(reader: ByteReader): MemberRecord {
    const left = reader.left;
    const head = reader.view(Math.min(HEAD_BYTES, left));
    const all = new Uint8Array(head.buffer, head.byteOffset, left);
    const known = head.length < HEAD_BYTES ? [] : this.#of(readU32(head, ID_OFFSET));
    for (const record of known) {
      if (!isAt(all, record)) continue;
      reader.view(record.bytes.length - HEAD_BYTES);
      return record;
    }
    const record = readMemberRecord(new ByteReader(all), this.#ids);
    reader.view(record.bytes.length - head.length);
    this.add(record);
    return record;
  }

  add(record: MemberRecord): void {
    const known = this.#of(readU32(record.bytes, ID_OFFSET));
    known.unshift(record);
    known.length = Math.min(known.length, MAX_RECORDS);
  }

  #of(head: number): MemberRecord[] {
    const known = this.#records.get(head);
    if (known) return known;
    const none: MemberRecord[] = [];
    this.#records.set(head, none);
    return none;
  }
}

/** Whether `bytes` begin with `record`, as far as its signature tells. */
function isAt(bytes: Uint8Array, { bytes: own }: MemberRecord): boolean {
  const at = own.length - SIGNATURE_BYTES;
  if (bytes.length < own.length) return false;
  for (let i = at; i < at + TELLING_BYTES; i += 4) {
    if (readU32(bytes, i) !== readU32(own, i)) return false;
  }
  return true;
}
