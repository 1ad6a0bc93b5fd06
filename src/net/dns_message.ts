/**
 * DNS messages as multicast DNS uses them (RFC 6762 section 18), and their conversion from and to the plain
 * objects of the packet codec that `multicast.ts` wraps.
 *
 * A packet is curbed before it is decoded ({@link curbPacket}), because a small one can spell thousands of
 * long names with pointers.
 */

import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../base/guards.ts";

/** Larger packets are ignored (RFC 6762 section 17). */
export const MAX_PACKET_BYTES = 9_000;
/** Questions and records of one packet that are looked at. */
export const MAX_PACKET_RECORDS = 64;

export interface DnsQuestion {
  readonly name: string;
  readonly type: DnsRecord["type"] | "ANY";
  /** The QU bit: an answer by unicast is welcome. Never sent by us, since the port is shared. */
  readonly wantsUnicast?: boolean;
}

interface RecordHead {
  readonly name: string;
  readonly ttlSeconds: number;
  /** The cache-flush bit: these are all the records of this name and type. */
  readonly flush: boolean;
}

/** The records that service discovery uses; others are passed over. */
export type DnsRecord =
  & RecordHead
  & (
    | { readonly type: "PTR"; readonly target: string }
    | { readonly type: "SRV"; readonly target: string; readonly port: number }
    | { readonly type: "TXT"; readonly texts: readonly Uint8Array[] }
    | { readonly type: "A" | "AAAA"; readonly address: string }
  );

/** A packet. */
export interface DnsMessage {
  readonly kind: "query" | "response";
  /** 0 except in answers to legacy queries. */
  readonly id: number;
  /** Of a query: more known answers follow in further packets. Ours are never continued. */
  readonly isTruncated: boolean;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

// RFC 1035 section 4.1.1, below the bit that makes a response.
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const OPCODE_AND_RCODE = 0x780f;
/** The first bit of a question's class, beside the class IN or ANY; the package knows no such classes. */
const UNICAST_CLASSES = ["UNKNOWN_32769", "UNKNOWN_33023"];
const RECORD_TYPES = ["PTR", "SRV", "TXT", "A", "AAAA"] as const;
const QUESTION_TYPES = [...RECORD_TYPES, "ANY"] as const;

/** Makes `packet` claim at most `maxRecords` questions and records in all, up to 255. */
export function curbPacket(packet: Uint8Array, maxRecords: number): void {
  let left = maxRecords;
  // The four counts of the header; where one section is cut short, those behind it cannot be found.
  for (let at = 4; at < 12 && at + 1 < packet.length; at += 2) {
    const claimed = ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
    const count = Math.min(claimed, left);
    left = count < claimed ? 0 : left - count;
    packet[at] = 0;
    packet[at + 1] = count;
  }
}

/** What the package decoded; `undefined` for what is no query or response that succeeded (section 18). */
export function readMessage(packet: JsonObject): DnsMessage | undefined {
  const flags = Number(packet["flags"]);
  if ((flags & OPCODE_AND_RCODE) !== 0) return undefined;
  return {
    kind: packet["type"] === "response" ? "response" : "query",
    id: Number(packet["id"]),
    isTruncated: (flags & TRUNCATED) !== 0,
    questions: readEach(packet["questions"], readQuestion),
    answers: readEach(packet["answers"], readRecord),
    additionals: readEach(packet["additionals"], readRecord),
  };
}

function readEach<T>(list: unknown, read: (item: JsonObject) => T | undefined): readonly T[] {
  if (!Array.isArray(list)) return [];
  return list.map((item) => isObject(item) ? read(item) : undefined)
    .filter((item) => item !== undefined);
}

function readQuestion(item: JsonObject): DnsQuestion | undefined {
  const name = String(item["name"]);
  const type = QUESTION_TYPES.find((each) => each === item["type"]);
  const wantsUnicast = UNICAST_CLASSES.includes(String(item["class"]));
  if (!type || !(wantsUnicast || item["class"] === "IN" || item["class"] === "ANY")) {
    return undefined;
  }
  return { name, type, wantsUnicast };
}

function readRecord(item: JsonObject): DnsRecord | undefined {
  const type = RECORD_TYPES.find((each) => each === item["type"]);
  if (!type || item["class"] !== "IN") return undefined;
  const data = item["data"];
  const head = {
    name: String(item["name"]),
    ttlSeconds: Number(item["ttl"]),
    flush: item["flush"] === true,
  };
  switch (type) {
    case "PTR":
      return { ...head, type, target: String(data) };
    case "SRV":
      if (!isObject(data)) return undefined;
      return { ...head, type, target: String(data["target"]), port: Number(data["port"]) };
    case "TXT":
      if (!Array.isArray(data)) return undefined;
      return { ...head, type, texts: data.filter((text) => text instanceof Uint8Array) };
    case "A":
    case "AAAA":
      return { ...head, type, address: String(data) };
  }
}

export function writeMessage(message: DnsMessage): JsonObject {
  return {
    type: message.kind,
    id: message.id,
    flags: message.kind === "response" ? AUTHORITATIVE : 0,
    questions: message.questions.map(({ name, type }) => ({ name, type, class: "IN" })),
    answers: message.answers.map(writeRecord),
    additionals: message.additionals.map(writeRecord),
  };
}

function writeRecord(record: DnsRecord): JsonObject {
  const { name, type, ttlSeconds: ttl, flush } = record;
  const head = { name, type, ttl, flush, class: "IN" };
  switch (type) {
    case "PTR":
      return { ...head, data: record.target };
    case "SRV":
      return { ...head, data: { target: record.target, port: record.port } };
    case "TXT":
      return { ...head, data: record.texts.map((text) => Buffer.from(text)) };
    case "A":
    case "AAAA":
      return { ...head, data: record.address };
  }
}
