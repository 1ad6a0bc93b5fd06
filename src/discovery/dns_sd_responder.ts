/**
 * Answers on one link, paced as RFC 6762 wants it. Sans-IO: queries and instants in, messages out.
 *
 * A record is multicast at most once a second. Answers to the group wait 20 to 120 ms, so that those of
 * several queries and of several hosts do not collide, and 400 to 500 ms where the query says that known
 * answers follow. Who asks from another port than 5353 knows no multicast DNS and gets an ordinary answer
 * (section 6.7); who sets the QU bit gets one too, unless the group has not heard the record for long
 * (section 5.4). Such answers are few for each host, since its address may be forged.
 *
 * What waits is bounded by the number of our records.
 */

import { type Random, randomBelow } from "../base/random.ts";
import type { Address } from "../net/address.ts";
import type { DnsMessage, DnsRecord } from "../net/dns_message.ts";
import { answer, goodbye, message, recordKey } from "./dns_sd.ts";
import { RateLimiter } from "./rate_limit.ts";

const MDNS_PORT = 5353;
/** The least time between two multicasts of a record (section 6). */
const PACE_MS = 1_000;
/** Between the two announcements; more than {@link PACE_MS}, for timers that are early. */
const REPEAT_MS = 1_020;
const ANSWER_DELAY_MS = { least: 20, spread: 101 };
/** For a query that is continued (section 7.2). */
const CONTINUED_DELAY_MS = { least: 400, spread: 101 };
const LEGACY_TTL_SECONDS = 10;
const UNICAST_LIMIT = { perSecond: 5, burst: 10, maxAddresses: 256 };

/** A record that somebody waits for. */
interface Due {
  readonly dueMs: number;
  /** Who asked; `undefined` for several, or for our own announcement. */
  readonly asker: string | undefined;
}

export class DnsSdResponder {
  readonly #random: Random;
  readonly #unicasts = new RateLimiter(UNICAST_LIMIT);
  #records: readonly DnsRecord[] = [];
  /** Of our records, those to be multicast. */
  #due = new Map<DnsRecord, Due>();
  #repeatAtMs: number | undefined;
  /** When each was multicast last, by its key. */
  #sentAtMs = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** When {@link take} has something next. */
  get nextMs(): number {
    return Math.min(
      this.#repeatAtMs ?? Infinity,
      ...[...this.#due.values()].map(({ dueMs }) => dueMs),
    );
  }

  /** Our records from now on; announced twice when they are not what they were. */
  publish(records: readonly DnsRecord[], nowMs: number): void {
    const keys = new Set(records.map(recordKey));
    if (
      keys.size === this.#records.length && this.#records.every((old) => keys.has(recordKey(old)))
    ) {
      return;
    }
    this.#records = records;
    this.#sentAtMs = new Map([...this.#sentAtMs].filter(([key]) => keys.has(key)));
    this.announce(nowMs);
  }

  /** Plans two announcements of everything (section 8.3). */
  announce(nowMs: number): void {
    const dueMs = nowMs + this.#delay(ANSWER_DELAY_MS);
    this.#due = new Map(this.#records.map((record) => [record, { dueMs, asker: undefined }]));
    this.#repeatAtMs = dueMs + REPEAT_MS;
  }

  /** Takes in a query; the answer to be sent to `from` at once, if any. */
  ask(query: DnsMessage, from: Address, nowMs: number): DnsMessage | undefined {
    if (query.questions.length === 0) this.#forgetKnown(query, from);
    const { answers, additionals } = answer(query.questions, query.answers, this.#records);
    if (answers.length === 0) return undefined;
    const isLegacy = from.port !== MDNS_PORT;
    const unicast = isLegacy ? answers : answers.filter((record) => {
      const asked = answer(query.questions.filter((each) => each.wantsUnicast), [], [record]);
      return asked.answers.length > 0 && !this.#isFading(record, nowMs);
    });
    this.#plan(answers.filter((each) => !unicast.includes(each)), { query, from, nowMs });
    if (unicast.length === 0) return undefined;
    if (this.#unicasts.take(from.host, nowMs).action !== "allow") return undefined;
    const parts = { answers: unicast, additionals };
    return isLegacy ? legacyAnswer(query, parts) : message("response", parts);
  }

  /** What is to be multicast now; `undefined` for nothing. */
  take(nowMs: number): DnsMessage | undefined {
    const due = [...this.#due].filter(([, { dueMs }]) => dueMs <= nowMs).map(([record]) => record);
    for (const record of due) this.#due.delete(record);
    if (this.#repeatAtMs !== undefined && this.#repeatAtMs <= nowMs) {
      this.#repeatAtMs = undefined;
      due.push(...this.#records.filter((record) => !due.includes(record)));
    }
    const isFresh = (record: DnsRecord) =>
      nowMs - (this.#sentAtMs.get(recordKey(record)) ?? -Infinity) >= PACE_MS;
    const answers = due.filter(isFresh);
    if (answers.length === 0) return undefined;
    const additionals = answer(answers.map(({ name, type }) => ({ name, type })), [], this.#records)
      .additionals.filter((record) => isFresh(record) && !answers.includes(record));
    for (const record of [...answers, ...additionals]) {
      this.#sentAtMs.set(recordKey(record), nowMs);
      this.#due.delete(record);
    }
    return message("response", { answers, additionals });
  }

  /** The last word; nothing is planned any more. */
  leave(): DnsMessage {
    const answers = goodbye(this.#records);
    this.#records = [];
    this.#due.clear();
    this.#repeatAtMs = undefined;
    return message("response", { answers });
  }

  #plan(
    records: readonly DnsRecord[],
    { query, from, nowMs }: { query: DnsMessage; from: Address; nowMs: number },
  ): void {
    const delay = query.isTruncated ? CONTINUED_DELAY_MS : ANSWER_DELAY_MS;
    const dueMs = nowMs + this.#delay(delay);
    for (const record of records) {
      const other = this.#due.get(record);
      const asker = !other || other.asker === from.host ? from.host : undefined;
      this.#due.set(record, { dueMs: Math.min(dueMs, other?.dueMs ?? Infinity), asker });
    }
  }

  /** Known answers that continue an earlier query of `from`. */
  #forgetKnown(query: DnsMessage, from: Address): void {
    for (const [record, { asker }] of this.#due) {
      if (asker !== from.host) continue;
      const { name, type } = record;
      const { answers } = answer([{ name, type }], query.answers, [record]);
      if (answers.length === 0) this.#due.delete(record);
    }
  }

  /** Whether the group has not heard `record` for a quarter of its life. */
  #isFading(record: DnsRecord, nowMs: number): boolean {
    const sentAtMs = this.#sentAtMs.get(recordKey(record)) ?? -Infinity;
    return nowMs - sentAtMs >= record.ttlSeconds * 1_000 / 4;
  }

  #delay({ least, spread }: { readonly least: number; readonly spread: number }): number {
    return least + randomBelow(this.#random, spread);
  }
}

function legacyAnswer(
  query: DnsMessage,
  parts: Pick<DnsMessage, "answers" | "additionals">,
): DnsMessage {
  const plain = (record: DnsRecord): DnsRecord => ({
    ...record,
    ttlSeconds: Math.min(record.ttlSeconds, LEGACY_TTL_SECONDS),
    flush: false,
  });
  return message("response", {
    id: query.id,
    questions: query.questions,
    answers: parts.answers.map(plain),
    additionals: parts.additionals.map(plain),
  });
}
