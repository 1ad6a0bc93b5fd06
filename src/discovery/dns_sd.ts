/**
 * Our service in DNS-SD (RFC 6763): the records that announce it, which of them answer a query, and what
 * others' TXT records say. Pure: records in, records out.
 *
 * ```
 * _services._dns-sd._udp.local  PTR  _hamlet._tcp.local
 * _hamlet._tcp.local            PTR  hamlet-SHORTID._hamlet._tcp.local
 * hamlet-SHORTID._hamlet._tcp...  SRV  hamlet-ID16.local, port    TXT  key=ID v=1 net=HINT
 * hamlet-ID16.local             A    an address of the interface
 * ```
 *
 * Names are cut from the node's key, so that two nodes with one name are as good as impossible; there is
 * therefore no probing and no renaming (RFC 6762 sections 8.1 and 9). Who takes our name on purpose only
 * gives hints that no dial confirms.
 */

import { encodeUtf8, equalBytes } from "../base/bytes.ts";
import { isPrintable } from "../base/guards.ts";
import { parsePeerId, type PeerId, shortId } from "../base/peer_id.ts";
import type { DnsMessage, DnsQuestion, DnsRecord } from "../net/dns_message.ts";

export const SERVICE_TYPE = "_hamlet._tcp.local";
/** Where the types of service on a link are listed (RFC 6763 section 9). */
const SERVICE_TYPES = "_services._dns-sd._udp.local";

/** For records that name a host, seconds (RFC 6762 section 10). */
const HOST_TTL_SECONDS = 120;
/** For all others. */
export const OTHER_TTL_SECONDS = 4_500;

/** A DNS label holds no more. */
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 253;
const HOST_ID_LENGTH = 16;
const MAX_VERSION_LENGTH = 16;
const HINT = /^[A-Za-z0-9_-]{1,32}$/;

/** What we announce. */
export interface LocalService {
  readonly id: PeerId;
  readonly port: number;
  /** Of the protocol. */
  readonly version: string;
  /** Of our network. */
  readonly hint: string | undefined;
}

/** What a TXT record says of a node; `undefined` where it says nothing, or nothing plausible. */
export interface ServiceText {
  readonly id: PeerId | undefined;
  readonly hint: string | undefined;
  readonly version: string | undefined;
}

/** Records that answer a query, and records that will be asked for next. */
export interface Answer {
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** The full name of the service of node `id`. */
export function serviceNameOf(id: PeerId): string {
  return `hamlet-${shortId(id)}.${SERVICE_TYPE}`;
}

/** The pointer by which the service of node `id` is found. */
export function pointerTo(serviceName: string, ttlSeconds = OTHER_TTL_SECONDS): DnsRecord {
  return { name: SERVICE_TYPE, type: "PTR", target: serviceName, ttlSeconds, flush: false };
}

/** Every record of `service` on a link where the host has `addresses`, IPv4. */
export function describeService(
  service: LocalService,
  addresses: readonly string[],
): readonly DnsRecord[] {
  const { id, port, version, hint } = service;
  const name = serviceNameOf(id);
  const target = `hamlet-${id.slice(0, HOST_ID_LENGTH)}.local`;
  const texts = [`key=${id}`, `v=${version}`, ...(hint === undefined ? [] : [`net=${hint}`])];
  const ofHost = { ttlSeconds: HOST_TTL_SECONDS, flush: true };
  return [
    { ...pointerTo(SERVICE_TYPE), name: SERVICE_TYPES },
    pointerTo(name),
    { ...ofHost, name, type: "SRV", target, port },
    {
      name,
      type: "TXT",
      texts: texts.map(encodeUtf8),
      ttlSeconds: OTHER_TTL_SECONDS,
      flush: true,
    },
    ...addresses.map((address): DnsRecord => ({ ...ofHost, name: target, type: "A", address })),
  ];
}

/** The records that end with us, to be sent with no time to live: all but the one of the type itself. */
export function goodbye(records: readonly DnsRecord[]): readonly DnsRecord[] {
  return records.filter(({ name }) => name !== SERVICE_TYPES)
    .map((record) => ({ ...record, ttlSeconds: 0 }));
}

/** Which of `records` answer `questions`, those left out that `known` holds with half their life ahead. */
export function answer(
  questions: readonly DnsQuestion[],
  known: readonly DnsRecord[],
  records: readonly DnsRecord[],
): Answer {
  const isWanted = (record: DnsRecord) => !known.some((other) => suppresses(other, record));
  const answers = records.filter((record) =>
    questions.some((question) => matches(question, record)) && isWanted(record)
  );
  const additionals = new Set<DnsRecord>();
  const addAll = (name: string, ...types: readonly DnsRecord["type"][]) => {
    for (const record of records) {
      if (types.includes(record.type) && sameName(record.name, name)) additionals.add(record);
    }
  };
  // RFC 6763 sections 12.1 and 12.2: what whoever asked that will ask for next.
  for (const record of answers) {
    if (record.type === "PTR") addAll(record.target, "SRV", "TXT");
  }
  for (const record of [...answers, ...additionals]) {
    if (record.type === "SRV") addAll(record.target, "A");
  }
  return {
    answers,
    additionals: [...additionals].filter((each) => !answers.includes(each) && isWanted(each)),
  };
}

/** Names are compared without regard to the case of their ASCII letters (RFC 6762 section 16). */
export function sameName(a: string, b: string): boolean {
  return a.length === b.length && foldName(a) === foldName(b);
}

/** `name` as a key for comparison. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Tells records apart by name, type and data. */
export function recordKey(record: DnsRecord): string {
  const { name, type } = record;
  switch (record.type) {
    case "PTR":
      return `${type} ${name} ${record.target}`;
    case "SRV":
      return `${type} ${name} ${record.target} ${record.port}`;
    case "TXT":
      return `${type} ${name} ${record.texts.map((text) => text.toHex()).join()}`;
    case "A":
    case "AAAA":
      return `${type} ${name} ${record.address}`;
  }
}

/** The instance that a service's full name begins with; `undefined` for names of another kind. */
export function instanceOf(serviceName: string): string | undefined {
  const instance = serviceName.slice(0, -SERVICE_TYPE.length - 1);
  if (!instance || !sameName(serviceName.slice(instance.length), `.${SERVICE_TYPE}`)) return;
  return isPrintable(instance) ? instance : undefined;
}

/** Whether a question can spell `name`: stranger's bytes may have grown when they became text. */
export function isSpellable(name: string): boolean {
  const labels = name.split(".").map((label) => encodeUtf8(label).length);
  return labels.every((length) => length >= 1 && length <= MAX_LABEL_BYTES) &&
    encodeUtf8(name).length <= MAX_NAME_BYTES;
}

/** Reads the strings of a TXT record (RFC 6763 section 6): the first of a key counts. */
export function readText(texts: readonly Uint8Array[]): ServiceText {
  const values = new Map<string, string>();
  for (const bytes of texts) {
    const text = new TextDecoder().decode(bytes);
    const at = text.indexOf("=");
    const key = (at < 0 ? text : text.slice(0, at)).toLowerCase();
    if (!values.has(key)) values.set(key, at < 0 ? "" : text.slice(at + 1));
  }
  const hint = values.get("net") ?? "";
  const version = values.get("v") ?? "";
  const isVersion = version.length >= 1 && version.length <= MAX_VERSION_LENGTH;
  return {
    id: parsePeerId(values.get("key") ?? ""),
    hint: HINT.test(hint) ? hint : undefined,
    version: isVersion && isPrintable(version) ? version : undefined,
  };
}

/** A message of ours. */
export function message(
  kind: DnsMessage["kind"],
  parts: Partial<Omit<DnsMessage, "kind">>,
): DnsMessage {
  return { kind, id: 0, isTruncated: false, questions: [], answers: [], additionals: [], ...parts };
}

function matches(question: DnsQuestion, record: DnsRecord): boolean {
  return (question.type === "ANY" || question.type === record.type) &&
    sameName(question.name, record.name);
}

/** Whether who knows `known` need not hear `record` (RFC 6762 section 7.1). */
function suppresses(known: DnsRecord, record: DnsRecord): boolean {
  if (known.ttlSeconds * 2 < record.ttlSeconds || !sameName(known.name, record.name)) return false;
  switch (record.type) {
    case "PTR":
      return known.type === "PTR" && sameName(known.target, record.target);
    case "SRV":
      return known.type === "SRV" && known.port === record.port &&
        sameName(known.target, record.target);
    case "TXT":
      return known.type === "TXT" && known.texts.length === record.texts.length &&
        record.texts.every((text, i) => equalBytes(text, known.texts[i] ?? new Uint8Array()));
    case "A":
    case "AAAA":
      return known.type === record.type && known.address === record.address;
  }
}
