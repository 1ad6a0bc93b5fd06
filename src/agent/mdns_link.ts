/**
 * One interface of the mDNS scout: its socket, its answers, and whether anything is heard on it.
 *
 * Every packet to the group comes back to its sender, so that silence after sending shows that something
 * drops what we say, or what we would hear:
 *
 * ```
 * silent -- anything heard --> hears -- nothing for 2 s after sending --> deaf -- anything heard --> hears
 *   +------ nothing for 5 s after opening -------------------------------+
 * ```
 *
 * A link that cannot send is deaf too, whatever it hears.
 */

import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { DnsSdResponder } from "../discovery/dns_sd_responder.ts";
import type { Address } from "../net/address.ts";
import type { DnsMessage } from "../net/dns_message.ts";
import type {
  MulticastEvents,
  MulticastInterface,
  MulticastSocket,
  OpenMulticast,
} from "../net/multicast.ts";

export interface MdnsLinkOptions {
  readonly on: MulticastInterface;
  readonly clock: Clock;
  readonly random: Random;
  readonly open: OpenMulticast;
  readonly events: MulticastEvents;
  /** A socket is open, or the link is deaf no longer. */
  readonly onUsable: () => void;
}

/** A socket that could not be opened, or a message to the group that could not be sent. */
export interface LinkFailure {
  readonly action: "open" | "send";
  readonly reason: string;
}

/** How long a new socket may be silent. */
const SETTLE_MS = 5_000;
/** How long what we sent may take to come back. */
const ECHO_MS = 2_000;
/** Between two sockets on a link that is deaf; one that cannot even send troubles nobody by trying. */
const RETRY_DEAF_MS = 8_000;
const RETRY_FAILED_MS = 3_000;

export class MdnsLink {
  readonly responder: DnsSdResponder;
  readonly #options: MdnsLinkOptions;
  readonly #createdAtMs: number;
  #triedAtMs = 0;
  #socket: MulticastSocket | undefined;
  #opening: Promise<void>;
  #isOpening = false;
  #hasHeard = false;
  /** When we first spoke, or tried to, since anything was heard. */
  #unheardSinceMs: number | undefined;
  #failure: LinkFailure | undefined;
  #isClosed = false;

  constructor(options: MdnsLinkOptions) {
    this.#options = options;
    this.responder = new DnsSdResponder(options.random);
    this.#createdAtMs = options.clock.now();
    this.#opening = this.#open();
  }

  get on(): MulticastInterface {
    return this.#options.on;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** What did not work when it was tried last. */
  get failure(): LinkFailure | undefined {
    return this.#failure;
  }

  get hearing(): "silent" | "hears" | "deaf" {
    if (this.#options.clock.now() >= this.deafAtMs) return "deaf";
    return this.#hasHeard ? "hears" : "silent";
  }

  /** When the link is deaf unless something is heard; `Infinity` when nothing is awaited. */
  get deafAtMs(): number {
    if (this.#unheardSinceMs === undefined) return Infinity;
    const echoMs = this.#unheardSinceMs + ECHO_MS;
    return this.#hasHeard ? echoMs : Math.max(echoMs, this.#createdAtMs + SETTLE_MS);
  }

  /** When to {@link reopen}; `Infinity` for a link that is not deaf. */
  get retryAtMs(): number {
    if (this.hearing !== "deaf" || this.#isOpening) return Infinity;
    return this.#triedAtMs + (this.#failure ? RETRY_FAILED_MS : RETRY_DEAF_MS);
  }

  /** Something arrived by this interface. */
  noteHeard(): void {
    const wasDeaf = this.hearing === "deaf";
    this.#hasHeard = true;
    if (this.#failure !== undefined) return;
    this.#unheardSinceMs = undefined;
    if (wasDeaf) this.#options.onUsable();
  }

  /** Sends to the group, or to one host; never rejects. Whether it was sent. */
  async send(message: DnsMessage, to?: Address): Promise<boolean> {
    if (!this.#socket) return false;
    if (!to) this.#unheardSinceMs ??= this.#options.clock.now();
    try {
      await this.#socket.send(message, to);
    } catch (error) {
      if (!to) this.#failure = { action: "send", reason: describeError(error) };
      return false;
    }
    if (!to && this.#failure !== undefined && !this.#isClosed) {
      this.#failure = this.#unheardSinceMs = undefined;
      this.#options.onUsable();
    }
    return true;
  }

  /** A new socket in place of one that hears nothing: its membership may have gone with the device. */
  reopen(): void {
    if (this.#isOpening || this.#isClosed) return;
    this.#isOpening = true;
    this.#opening = this.#closeSocket().then(() => this.#open());
  }

  /** Says goodbye and frees the socket; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const goodbye = this.responder.leave();
    if (goodbye.answers.length > 0) await this.send(goodbye);
    await this.#opening;
    await this.#closeSocket();
  }

  async #open(): Promise<void> {
    const { open, on, events, clock, onUsable } = this.#options;
    this.#isOpening = true;
    this.#triedAtMs = clock.now();
    try {
      this.#socket = await open(on, events);
      this.#failure = undefined;
      if (!this.#isClosed) onUsable();
    } catch (error) {
      this.#unheardSinceMs ??= clock.now();
      this.#failure = { action: "open", reason: describeError(error) };
    } finally {
      this.#isOpening = false;
    }
  }

  async #closeSocket(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    await socket?.close();
  }
}
