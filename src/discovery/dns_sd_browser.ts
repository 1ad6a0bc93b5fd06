/**
 * What others announce: packets in, found services out, and what is still to be asked. Sans-IO.
 *
 * ```
 * heard -- SRV, TXT and addresses known --> found
 *   +---- something missing --> asked, asked again --> found with what is there, or forgotten without SRV
 * ```
 *
 * Everything here is the word of strangers and a hint only. Remembered are at most
 * {@link MAX_SERVICES}; the one heard longest ago goes.
 */

import { encodeUtf8 } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Address, MAX_ADDRESSES, scopeOf } from "../net/address.ts";
import type { DnsMessage, DnsQuestion, DnsRecord } from "../net/dns_message.ts";
import {
  foldName,
  instanceOf,
  isSpellable,
  OTHER_TTL_SECONDS,
  pointerTo,
  readText,
  sameName,
  SERVICE_TYPE,
  serviceNameOf,
  type ServiceText,
} from "./dns_sd.ts";

/** Remembered, those that are not complete yet included. */
export const MAX_SERVICES = 256;

/** A service that was announced or answered. */
export interface FoundService extends ServiceText {
  /** What it calls itself; printable. */
  readonly instance: string;
  /** Where it says it is, at most 8; where the packet came from when it does not say. */
  readonly addresses: readonly Address[];
}

/** What is due: questions for the link, and services that will not become more complete. */
export interface Pending {
  readonly questions: readonly DnsQuestion[];
  readonly found: readonly FoundService[];
}

const FIRST_ASK_MS = 100;
const NEXT_ASK_MS = 1_000;
const MAX_ASKS = 2;
/** Room for the names of one query, so that it fits into an Ethernet frame. */
const MAX_NAMES_BYTES = 1_200;
/** What a pointer takes beside its names' text, and a question too. */
const FIXED_BYTES = 14;

/** Something a record said, until its time to live is over. */
interface Heard<T> {
  readonly value: T;
  readonly untilMs: number;
}

interface Service {
  readonly name: string;
  readonly instance: string;
  /** Where the last packet about it came from. */
  source: string;
  pointer?: Heard<{ readonly ttlSeconds: number }>;
  location?: Heard<{ readonly target: string; readonly port: number }>;
  text?: Heard<ServiceText>;
  hosts?: Heard<readonly string[]>;
  /** Whether this search has its answer. */
  isAnswered: boolean;
  asks: number;
  /** When to ask for what is missing; `Infinity` when nothing is, or nobody knows. */
  askAtMs: number;
}

export class DnsSdBrowser {
  readonly #ownId: PeerId;
  /** By folded name, the one heard longest ago first. */
  readonly #services = new Map<string, Service>();
  #askedAtMs = -Infinity;

  constructor(ownId: PeerId) {
    this.#ownId = ownId;
  }

  get size(): number {
    return this.#services.size;
  }

  /** When {@link takePending} has something next. */
  get nextMs(): number {
    let nextMs = Infinity;
    for (const { askAtMs } of this.#services.values()) nextMs = Math.min(nextMs, askAtMs);
    return Math.max(nextMs, this.#askedAtMs + NEXT_ASK_MS);
  }

  /** Takes in a response that came from `source`; the services it completes or confirms. */
  read(response: DnsMessage, source: string, nowMs: number): readonly FoundService[] {
    const touched = new Set<Service>();
    const records = [...response.answers, ...response.additionals];
    for (const record of records) {
      const service = this.#note(record, source, nowMs);
      if (service) touched.add(service);
    }
    for (const service of this.#noteHosts(records, nowMs)) touched.add(service);
    const found: FoundService[] = [];
    for (const service of touched) {
      if (this.#services.get(foldName(service.name)) !== service) continue;
      service.source = source;
      if (!isComplete(service, nowMs)) {
        if (service.askAtMs === Infinity) {
          service.asks = 0;
          service.askAtMs = nowMs + FIRST_ASK_MS;
        }
        continue;
      }
      service.askAtMs = Infinity;
      found.push(...this.#describe(service));
    }
    return found;
  }

  /** What is due at `nowMs`; one query a second, so that strangers' names cost the link no more. */
  takePending(nowMs: number): Pending {
    const questions: DnsQuestion[] = [];
    const found: FoundService[] = [];
    let bytes = 0;
    for (const [key, service] of this.#services) {
      if (service.askAtMs > nowMs) continue;
      if (service.asks >= MAX_ASKS) {
        service.askAtMs = Infinity;
        if (service.location) found.push(...this.#describe(service));
        else this.#services.delete(key);
        continue;
      }
      const wanted = missing(service, nowMs).filter(({ name }) => isSpellable(name));
      for (const { name } of wanted) bytes += FIXED_BYTES + encodeUtf8(name).length;
      if (bytes > MAX_NAMES_BYTES) break;
      questions.push(...wanted);
      service.asks++;
      service.askAtMs = nowMs + NEXT_ASK_MS;
    }
    this.#askedAtMs = nowMs;
    return { questions, found };
  }

  /** Begins a search anew: everybody is to answer. */
  restart(): void {
    for (const service of this.#services.values()) service.isAnswered = false;
  }

  /**
   * The pointers that need not be told again (RFC 6762 section 7.1): our own, and the latest of those
   * that answered this search and have half their life ahead.
   */
  knownAnswers(nowMs: number): readonly DnsRecord[] {
    const own = serviceNameOf(this.#ownId);
    const known = [pointerTo(own)];
    let bytes = 0;
    for (const { name, pointer, isAnswered } of [...this.#services.values()].reverse()) {
      if (!isAnswered || !pointer || !isSpellable(name)) continue;
      const leftSeconds = Math.floor((pointer.untilMs - nowMs) / 1_000);
      if (leftSeconds * 2 < pointer.value.ttlSeconds) continue;
      bytes += FIXED_BYTES + SERVICE_TYPE.length + encodeUtf8(name).length;
      if (bytes > MAX_NAMES_BYTES) break;
      known.push(pointerTo(name, leftSeconds));
    }
    return known;
  }

  /** What `record` says of a service; the service. */
  #note(record: DnsRecord, source: string, nowMs: number): Service | undefined {
    const isPointer = record.type === "PTR" && sameName(record.name, SERVICE_TYPE);
    if (!isPointer && record.type !== "SRV" && record.type !== "TXT") return undefined;
    const name = isPointer ? record.target : record.name;
    if (sameName(name, serviceNameOf(this.#ownId))) return undefined;
    if (record.ttlSeconds === 0) {
      if (isPointer) this.#services.delete(foldName(name));
      return undefined;
    }
    const service = this.#touch(name, source);
    if (!service) return undefined;
    const heard = <T>(value: T): Heard<T> => ({ value, untilMs: nowMs + lifeMs(record) });
    if (record.type === "SRV") {
      if (record.port === 0) return undefined;
      const { target, port } = record;
      if (!sameName(service.location?.value.target ?? "", target)) delete service.hosts;
      service.location = heard({ target, port });
    } else if (record.type === "TXT") {
      service.text = heard(readText(record.texts));
    } else {
      service.pointer = heard({ ttlSeconds: lifeMs(record) / 1_000 });
      service.isAnswered = true;
    }
    return service;
  }

  /** The addresses among `records`; the services that wait for them, or whose addresses they change. */
  #noteHosts(records: readonly DnsRecord[], nowMs: number): readonly Service[] {
    const hosts = new Map<string, Heard<string[]>>();
    for (const record of records) {
      if ((record.type !== "A" && record.type !== "AAAA") || record.ttlSeconds === 0) continue;
      const key = foldName(record.name);
      const entry = hosts.get(key) ?? { value: [], untilMs: nowMs + lifeMs(record) };
      hosts.set(key, entry);
      const isNew = isPlausible(record.address) && !entry.value.includes(record.address);
      if (isNew && entry.value.length < MAX_ADDRESSES) entry.value.push(record.address);
    }
    const told: Service[] = [];
    for (const service of hosts.size > 0 ? this.#services.values() : []) {
      const heard = service.location && hosts.get(foldName(service.location.value.target));
      if (!heard) continue;
      const isNews = service.hosts?.value.join() !== heard.value.join();
      service.hosts = heard;
      if (isNews || service.askAtMs < Infinity) told.push(service);
    }
    return told;
  }

  /** The service of that name, as the one heard last; `undefined` for a name of another kind. */
  #touch(name: string, source: string): Service | undefined {
    const key = foldName(name);
    const instance = instanceOf(name);
    if (instance === undefined) return undefined;
    const service = this.#services.get(key) ??
      { name, instance, source, isAnswered: false, asks: 0, askAtMs: Infinity };
    this.#services.delete(key);
    this.#services.set(key, service);
    if (this.#services.size > MAX_SERVICES) {
      for (const oldest of this.#services.keys()) {
        this.#services.delete(oldest);
        break;
      }
    }
    return service;
  }

  #describe({ instance, source, location, text, hosts }: Service): readonly FoundService[] {
    if (!location || text?.value.id === this.#ownId) return [];
    const told = hosts?.value ?? [];
    const plausible = told.length > 0 ? told : [source].filter(isPlausible);
    const { port } = location.value;
    if (plausible.length === 0) return [];
    return [{
      instance,
      id: text?.value.id,
      hint: text?.value.hint,
      version: text?.value.version,
      addresses: plausible.map((host) => ({ host, port })),
    }];
  }
}

function isComplete({ location, text, hosts }: Service, nowMs: number): boolean {
  return [location, text, hosts].every((heard) => heard !== undefined && heard.untilMs > nowMs);
}

function missing({ name, location, text, hosts }: Service, nowMs: number): readonly DnsQuestion[] {
  const questions: DnsQuestion[] = [];
  const isGone = (heard?: Heard<unknown>) => heard === undefined || heard.untilMs <= nowMs;
  if (isGone(location)) questions.push({ name, type: "SRV" });
  if (isGone(text)) questions.push({ name, type: "TXT" });
  if (location && isGone(hosts)) questions.push({ name: location.value.target, type: "A" });
  return questions;
}

/** A stranger's time to live, which may be years, is cut. */
function lifeMs({ ttlSeconds }: DnsRecord): number {
  return Math.min(ttlSeconds, OTHER_TTL_SECONDS) * 1_000;
}

/** Whether a peer on the link may have this address. IPv6 of the link alone would need our zone. */
function isPlausible(host: string): boolean {
  const scope = scopeOf(host);
  return scope === "private" || scope === "public" ||
    (scope === "link_local" && !host.includes(":"));
}
