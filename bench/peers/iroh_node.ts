/**
 * An iroh endpoint on loopback: QUIC with TLS 1.3 and raw Ed25519 keys, in Rust. Relays and discovery are off, so that
 * what is measured is a connection and its handshake.
 *
 * The package is a native addon, for Linux on x86-64 alone. Only `require` loads those, and from the cache, into which
 * whoever starts this has to fetch it.
 */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** The protocol's name, as the bytes that the addon wants. */
export const ALPN = [...new TextEncoder().encode("hamlet/bench")];

export interface Connection {
  closed(): Promise<string>;
  close(code: bigint, reason: number[]): void;
}

export interface Endpoint {
  id(): { toString(): string };
  boundSockets(): string[];
  connect(address: unknown, alpn: number[]): Promise<Connection>;
  acceptNext(): Promise<{ accept(): Promise<{ connect(): Promise<Connection> }> } | null>;
}

interface Builder {
  applyMinimal(): void;
  relayMode(mode: unknown): void;
  alpns(alpns: number[][]): void;
  bindAddr(address: string): void;
  bind(): Promise<Endpoint>;
}

interface Iroh {
  readonly Endpoint: { builder(): Builder };
  readonly EndpointAddr: new (id: unknown, relay: null, addresses: string[]) => unknown;
  readonly EndpointId: { fromString(text: string): unknown };
  readonly RelayMode: { disabled(): unknown };
}

const iroh: Iroh = createRequire(import.meta.url)(fileURLToPath(import.meta.resolve("iroh")));

/** Binds an endpoint to a free port. */
export async function bind(): Promise<Endpoint> {
  const builder = iroh.Endpoint.builder();
  builder.applyMinimal();
  builder.relayMode(iroh.RelayMode.disabled());
  builder.alpns([ALPN]);
  builder.bindAddr("127.0.0.1:0");
  return await builder.bind();
}

/** Where to connect to the endpoint `id`. */
export function addressOf(id: string, sockets: string[]): unknown {
  return new iroh.EndpointAddr(iroh.EndpointId.fromString(id), null, sockets);
}
