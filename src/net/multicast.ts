/**
 * Multicast DNS sockets (RFC 6762): the only file that names the `multicast-dns` package and its shapes.
 *
 * One socket for each interface. It is bound to every address, since packets to a group reach no socket
 * that is bound to the interface's own, shares port 5353 with whoever else uses it, and names its
 * interface for joining and sending, so that neither a default nor a multicast route is needed. On Linux
 * such a socket also hears what arrived at its sisters: {@link isOnLink} tells whose a packet is.
 *
 * The package is loaded when the first socket is opened.
 */

import type { Socket } from "node:dgram";
import { systemClock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";
import { type Address, scopeOf } from "./address.ts";
import {
  curbPacket,
  type DnsMessage,
  MAX_PACKET_BYTES,
  MAX_PACKET_RECORDS,
  readMessage,
  writeMessage,
} from "./dns_message.ts";
import { PacketIntake } from "./packet_intake.ts";

export const MDNS_PORT = 5353;
/** Packets a second: a hostile one takes some 5 ms to decode, and whole links are quieter than this. */
const INTAKE = { perSecond: 100, burst: 300 };

/** One IPv4 address of one interface. */
export interface MulticastInterface {
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
}

/** What a socket reports until it is closed. */
export interface MulticastEvents {
  readonly onMessage: (message: DnsMessage, from: Address) => void;
  /** A packet that could not be read, was too large, or one of too many. */
  readonly onMalformed: () => void;
  /** A failure that leaves the socket open; sending may fail for it. */
  readonly onError: (error: unknown) => void;
}

export interface MulticastSocket {
  /** To the group, or to one host. Rejects with {@link MulticastError} `failed`. */
  send(message: DnsMessage, to?: Address): Promise<void>;
  /** Leaves the group and frees the port; idempotent, never rejects. */
  close(): Promise<void>;
}

/** Opens a socket on an interface: {@link openMulticast}, or a test's. */
export type OpenMulticast = (
  on: MulticastInterface,
  events: MulticastEvents,
) => Promise<MulticastSocket>;

/** A socket that could not be opened (`unavailable`) or could not send (`failed`). */
export class MulticastError extends CodedError<"unavailable" | "failed"> {
  override readonly name = "MulticastError";
}

/** The part of the package that is used. */
interface Library {
  on(event: "ready", listener: () => void): void;
  on(event: "error" | "warning", listener: (error: unknown) => void): void;
  on(
    event: "packet",
    listener: (packet: JsonObject, from: { address: string; port: number }) => void,
  ): void;
  send(packet: unknown, to: Address | null, done: (error?: unknown) => void): void;
  destroy(done: () => void): void;
}

type CreateLibrary = (options: {
  readonly socket: Socket;
  readonly interface: string;
  readonly bind: string;
}) => Library;

/** The IPv4 addresses of this machine's interfaces, loopback excepted; none where nothing is told. */
export function multicastInterfaces(): readonly MulticastInterface[] {
  try {
    return Deno.networkInterfaces().filter(({ family, address }) =>
      family === "IPv4" && !["loopback", "unspecified"].includes(scopeOf(address))
    );
  } catch {
    // Not permitted or not supported: then there is no interface to speak on.
    return [];
  }
}

/** Whether `host` is of the subnet of `on`: a packet from there came in by that interface. */
export function isOnLink(on: MulticastInterface, host: string): boolean {
  const [own, mask, other] = [on.address, on.netmask, host].map(ipv4Bits);
  if (own === undefined || mask === undefined || other === undefined) return false;
  return ((own ^ other) & mask) === 0;
}

/** Opens a socket on `on`. Rejects with {@link MulticastError} `unavailable`. */
export const openMulticast: OpenMulticast = async (on, events) => {
  const action = `Cannot open multicast DNS on ${on.name}`;
  try {
    const { createSocket } = await import("node:dgram");
    const { default: create }: { default: CreateLibrary } = await import("multicast-dns");
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    return await start(create, { socket, on, events });
  } catch (error) {
    throw new MulticastError("unavailable", `${action}: ${describeError(error)}`, { cause: error });
  }
};

function start(
  create: CreateLibrary,
  { socket, on, events }: { socket: Socket; on: MulticastInterface; events: MulticastEvents },
): Promise<MulticastSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<MulticastSocket>();
  const intake = new PacketIntake(INTAKE, systemClock.now());
  let isDecoding = false;
  // Before the package adds its own listener, which is therefore called after this one.
  socket.on("message", (packet: Uint8Array, from: { readonly address: string }) => {
    isDecoding = packet.length <= MAX_PACKET_BYTES &&
      intake.admits(from.address, systemClock.now());
    if (!isDecoding) events.onMalformed();
    curbPacket(packet, isDecoding ? MAX_PACKET_RECORDS : 0);
  });
  const library = create({ socket, interface: on.address, bind: "0.0.0.0" });
  const opened = new LibrarySocket(library);
  let isReady = false;
  library.on("ready", () => {
    isReady = true;
    resolve(opened);
  });
  library.on("error", (error) => {
    if (!isReady) reject(error);
    else if (!opened.isClosed) events.onError(error);
  });
  library.on("warning", (error) => {
    if (opened.isClosed) return;
    if (isDecoding) events.onMalformed();
    else events.onError(error);
    isDecoding = false;
  });
  library.on("packet", (packet, from) => {
    const isWelcome = isDecoding && !opened.isClosed;
    isDecoding = false;
    const message = isWelcome ? readMessage(packet) : undefined;
    if (message) events.onMessage(message, { host: from.address, port: from.port });
  });
  return promise.catch(async (error) => {
    await opened.close();
    throw error;
  });
}

class LibrarySocket implements MulticastSocket {
  readonly #library: Library;
  #closing: Promise<void> | undefined;

  constructor(library: Library) {
    this.#library = library;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  send(message: DnsMessage, to?: Address): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#library.send(writeMessage(message), to ?? null, (error) => {
      if (!error) return resolve();
      const text = `Cannot send multicast DNS: ${describeError(error)}`;
      reject(new MulticastError("failed", text, { cause: error }));
    });
    return promise;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      try {
        this.#library.destroy(resolve);
      } catch {
        // It never ran, so there is nothing to free.
        resolve();
      }
    });
    return this.#closing;
  }
}

function ipv4Bits(host: string): number | undefined {
  const parts = host.split(".").map(Number);
  if (parts.length !== 4 || !parts.every((part) => part >= 0 && part <= 255)) return undefined;
  return parts.reduce((bits, part) => (bits << 8) | part, 0);
}
