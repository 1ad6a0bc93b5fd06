/**
 * The mDNS scout: announces this node on every interface and finds the others there (RFC 6762, RFC 6763).
 *
 * A search begins anew when an interface opens, when one is heard again, and when
 * {@link MdnsScout.search} is called. What is found is the word of strangers on the link: a hint where to
 * dial, never more.
 *
 * One timer drives everything: whenever it fires, interfaces are looked at, queries and answers sent, and
 * deaf sockets opened anew, each if it is due.
 */

import { type Clock, pause, type Timer } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import { describeService, message, SERVICE_TYPE } from "../discovery/dns_sd.ts";
import { DnsSdBrowser, type FoundService } from "../discovery/dns_sd_browser.ts";
import { SearchSchedule } from "../discovery/dns_sd_schedule.ts";
import { type Address, scopeOf } from "../net/address.ts";
import type { DnsMessage } from "../net/dns_message.ts";
import {
  isOnLink,
  MDNS_PORT,
  type MulticastInterface,
  type OpenMulticast,
} from "../net/multicast.ts";
import { MdnsLink } from "./mdns_link.ts";

export interface MdnsScoutOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What is announced; the hint is asked for anew at each look at the interfaces. */
  readonly service: {
    readonly id: PeerId;
    readonly port: number;
    readonly version: string;
    readonly hint: () => string | undefined;
  };
  readonly interfaces: () => readonly MulticastInterface[];
  readonly open: OpenMulticast;
  /** Whether somebody is missing, so that it is worth asking often. */
  readonly isSearching: () => boolean;
  /** Called each time a service is announced or answered. */
  readonly onFound: (found: FoundService) => void;
}

/**
 * Whether multicast works: `on` once anything was heard, our own packets included; `blocked` when nothing
 * is, with a reason; `off` without an interface to speak on.
 */
export type MdnsState = "starting" | "on" | "blocked" | "off";

/** Since the start. */
export interface MdnsCounters {
  readonly queriesSent: number;
  readonly queriesReceived: number;
  readonly answersSent: number;
  readonly servicesHeard: number;
  readonly malformed: number;
}

/** Sockets at a time. */
const MAX_LINKS = 16;
/** Addresses of one interface that are announced. */
const MAX_LINK_ADDRESSES = 8;
/** Between two looks at the interfaces, and at whether somebody is missing. */
const LOOK_MS = 8_000;
/** How long a goodbye may take. */
const CLOSE_MS = 1_000;

export class MdnsScout {
  readonly #options: MdnsScoutOptions;
  readonly #browser: DnsSdBrowser;
  readonly #schedule: SearchSchedule;
  /** By name and address. */
  readonly #links = new Map<string, MdnsLink>();
  /** Links that say goodbye. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #counters = {
    queriesSent: 0,
    queriesReceived: 0,
    answersSent: 0,
    servicesHeard: 0,
    malformed: 0,
  };
  #timer: Timer | undefined;
  #lastLookMs = 0;
  #toldState: MdnsState = "off";
  #closing: Promise<void> | undefined;

  /** Goes on by itself until closed. */
  constructor(options: MdnsScoutOptions) {
    this.#options = options;
    this.#browser = new DnsSdBrowser(options.service.id);
    this.#schedule = new SearchSchedule(options.random);
    this.refresh();
  }

  get state(): MdnsState {
    const hearings = [...this.#links.values()].map(({ hearing }) => hearing);
    if (hearings.length === 0) return "off";
    if (hearings.includes("hears")) return "on";
    return hearings.includes("silent") ? "starting" : "blocked";
  }

  /** Why multicast is blocked or off, for a person; `undefined` otherwise. */
  get reason(): string | undefined {
    const { state } = this;
    if (state === "off") {
      return this.#closing ? "it is closed" : "no network interface has an IPv4 address";
    }
    return state === "blocked" ? explainSilence([...this.#links.values()]) : undefined;
  }

  /** As they stand now. */
  get counters(): MdnsCounters {
    return { ...this.#counters };
  }

  /** Looks at the interfaces now: opens and closes sockets, and announces what changed. */
  refresh(): void {
    if (this.#closing) return;
    this.#look();
    this.#plan();
  }

  /** Begins a search anew: the network changed, or a peer was lost. */
  search(): void {
    if (this.#closing) return;
    this.#browser.restart();
    this.#schedule.restart(this.#options.clock.now());
    this.#plan();
  }

  /** Says goodbye and frees the sockets, within a second; idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of links) this.#dismiss(link);
    const end = new AbortController();
    const settled = Promise.all(this.#leaving).finally(() => end.abort());
    await Promise.race([settled, pause(this.#options.clock, CLOSE_MS, end.signal)]);
  }

  /** Sets the timer to whatever is due next. */
  #plan(): void {
    if (this.#closing) return;
    const { clock } = this.#options;
    const links = [...this.#links.values()];
    const dueMs = Math.min(
      this.#lastLookMs + LOOK_MS,
      this.#schedule.nextMs,
      this.#browser.nextMs,
      ...links.map((link) => link.isOpen ? link.responder.nextMs : Infinity),
      ...links.map((link) => link.hearing === "deaf" ? link.retryAtMs : link.deafAtMs),
    );
    this.#timer?.cancel();
    this.#timer = clock.schedule(dueMs - clock.now(), () => this.#wake());
  }

  #wake(): void {
    const nowMs = this.#options.clock.now();
    if (nowMs >= this.#lastLookMs + LOOK_MS) this.#look();
    if (nowMs >= this.#schedule.nextMs) this.#query(nowMs);
    if (this.#options.isSearching()) this.#schedule.hurry();
    if (nowMs >= this.#browser.nextMs) this.#takePending(nowMs);
    for (const link of this.#links.values()) {
      const due = link.isOpen ? link.responder.take(nowMs) : undefined;
      if (due) this.#sendAnswer(link, due);
      if (nowMs >= link.retryAtMs) link.reopen();
    }
    this.#tellState();
    this.#plan();
  }

  /** Brings sockets and records in line with the interfaces. */
  #look(): void {
    const { service, interfaces, clock } = this.#options;
    const nowMs = this.#lastLookMs = clock.now();
    const present = interfaces();
    // One socket for each subnet of an interface, however many addresses it has there.
    const isFirst = (on: MulticastInterface) =>
      on === present.find((each) => each.name === on.name && isOnLink(each, on.address));
    const wanted = new Map(
      present.filter(isFirst).slice(0, MAX_LINKS)
        .map((on) => [`${on.name} ${on.address} ${on.netmask}`, on]),
    );
    for (const [key, link] of this.#links) {
      if (wanted.has(key)) continue;
      this.#links.delete(key);
      this.#dismiss(link);
    }
    const described = { ...service, hint: service.hint() };
    for (const [key, on] of wanted) {
      const link = this.#links.get(key) ?? this.#openLink(on);
      this.#links.set(key, link);
      // This address first, then the others of this interface: those of other links lead nowhere here.
      const others = present.filter(({ name }) => name === on.name).map(({ address }) => address);
      const addresses = [...new Set([on.address, ...others])].slice(0, MAX_LINK_ADDRESSES);
      link.responder.publish(describeService(described, addresses), nowMs);
    }
    this.#tellState();
  }

  #openLink(on: MulticastInterface): MdnsLink {
    const { clock, random, log, open } = this.#options;
    const link = new MdnsLink({
      on,
      clock,
      random,
      open,
      events: {
        onMessage: (received, from) => this.#receive(link, received, from),
        onMalformed: () => void this.#counters.malformed++,
        onError: (error) =>
          log("debug", "multicast error", { interface: on.name, reason: describeError(error) }),
      },
      onUsable: () => this.#begin(link),
    });
    return link;
  }

  /** A socket is open; one that replaces a deaf one is only tried. */
  #begin(link: MdnsLink): void {
    const nowMs = this.#options.clock.now();
    if (link.hearing === "deaf") return this.#sendQuery(link, this.#question(nowMs));
    link.responder.announce(nowMs);
    this.search();
  }

  #dismiss(link: MdnsLink): void {
    const leaving = link.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  #receive(link: MdnsLink, received: DnsMessage, from: Address): void {
    const links = [...this.#links.values()];
    const isNear = isOnLink(link.on, from.host);
    // What arrived by another interface is that link's; what is from no subnet of ours, anybody's.
    const isOthers = !isNear && links.some(({ on }) => isOnLink(on, from.host));
    // What others on this machine say on loopback arrives too, and shows nothing about the network.
    const isNoise = scopeOf(from.host) === "loopback";
    if (isOthers || isNoise || !links.includes(link)) return;
    link.noteHeard();
    const nowMs = this.#options.clock.now();
    if (received.kind === "query") {
      this.#counters.queriesReceived++;
      const reply = link.responder.ask(received, from, nowMs);
      if (reply && isNear) this.#sendAnswer(link, reply, from);
    } else if (from.port === MDNS_PORT) {
      for (const found of this.#browser.read(received, from.host, nowMs)) this.#tell(found);
    }
    this.#tellState();
    this.#plan();
  }

  #query(nowMs: number): void {
    const links = [...this.#links.values()].filter(({ isOpen }) => isOpen);
    if (links.length === 0) return this.#schedule.rest();
    this.#schedule.noteAsked(nowMs);
    for (const link of links) this.#sendQuery(link, this.#question(nowMs));
  }

  #question(nowMs: number): DnsMessage {
    const questions = [{ name: SERVICE_TYPE, type: "PTR" } as const];
    return message("query", { questions, answers: this.#browser.knownAnswers(nowMs) });
  }

  /** Asks for what is missing of services, and tells of those that will not become more complete. */
  #takePending(nowMs: number): void {
    const { questions, found } = this.#browser.takePending(nowMs);
    for (const link of questions.length > 0 ? this.#links.values() : []) {
      this.#sendQuery(link, message("query", { questions }));
    }
    for (const each of found) this.#tell(each);
  }

  #sendQuery(link: MdnsLink, query: DnsMessage): void {
    void link.send(query).then((isSent) => isSent && this.#counters.queriesSent++);
  }

  #sendAnswer(link: MdnsLink, response: DnsMessage, to?: Address): void {
    void link.send(response, to).then((isSent) => isSent && this.#counters.answersSent++);
  }

  #tell(found: FoundService): void {
    this.#counters.servicesHeard++;
    this.#options.onFound(found);
  }

  #tellState(): void {
    const { state, reason } = this;
    if (state === this.#toldState) return;
    this.#toldState = state;
    const level = state === "blocked" ? "warn" : state === "on" ? "info" : "debug";
    this.#options.log(level, `multicast ${state}`, { reason });
  }
}

function explainSilence(links: readonly MdnsLink[]): string {
  const names = [...new Set(links.map(({ on }) => on.name))].join(", ");
  const failure = links.find((link) => link.failure !== undefined)?.failure;
  const suspicion = `a firewall may drop UDP port ${MDNS_PORT}`;
  switch (failure?.action) {
    case undefined:
      return `nothing comes back on ${names}: ${suspicion}`;
    case "send":
      return `${names} does not send: it may be down, or ${suspicion}`;
    case "open":
      return failure.reason;
  }
}
