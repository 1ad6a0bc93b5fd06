/**
 * TCP: the only file that names the runtime's sockets.
 *
 * Nagle's algorithm is off on every connection: messages are coalesced above this layer, and each
 * `write` here is meant to leave at once.
 */

import { systemClock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import { isObject } from "../base/guards.ts";
import type { Bytes } from "../base/bytes.ts";
import { type Address, formatAddress, unmapped } from "./address.ts";
import {
  type ByteStream,
  type Dialer,
  type Listener,
  NetError,
  type NetErrorCode,
} from "./stream.ts";

/** Dials over TCP; host names are resolved by the system. */
export const tcpDialer: Dialer = Object.freeze({ dial });

/** Listens on `address`. Throws {@link NetError} `address_in_use`, `denied` or `failed`. */
export function listenTcp(address: Address): Listener {
  try {
    return new TcpListener(Deno.listen({ hostname: address.host, port: address.port }));
  } catch (error) {
    throw netError(error, `Cannot listen on ${formatAddress(address)}`);
  }
}

async function dial(
  address: Address,
  options: { readonly timeoutMs: number },
): Promise<ByteStream> {
  const action = `Cannot connect to ${formatAddress(address)}`;
  if (!(options.timeoutMs > 0)) throw new NetError("timeout", `${action}: no time is left`);
  // Not AbortSignal.timeout(): its timer would outlive every dial that succeeds.
  const controller = new AbortController();
  const { signal } = controller;
  const timer = systemClock.schedule(options.timeoutMs, () => controller.abort());
  try {
    return new TcpStream(
      await Deno.connect({ hostname: address.host, port: address.port, signal }),
    );
  } catch (error) {
    if (signal.aborted) {
      throw new NetError("timeout", `${action}: no answer in ${options.timeoutMs} ms`, {
        cause: error,
      });
    }
    throw netError(error, action);
  } finally {
    timer.cancel();
  }
}

class TcpListener implements Listener {
  readonly address: Address;
  readonly #listener: Deno.TcpListener;
  #closed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.address = { host: listener.addr.hostname, port: listener.addr.port };
  }

  async accept(): Promise<ByteStream | undefined> {
    if (this.#closed) return undefined;
    try {
      return new TcpStream(await this.#listener.accept());
    } catch (error) {
      if (this.#closed) return undefined;
      throw netError(error, "Cannot accept a connection");
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

class TcpStream implements ByteStream {
  readonly remote: Address;
  readonly local: Address;
  readonly #connection: Deno.TcpConn;
  #closed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    const { remoteAddr, localAddr } = connection;
    this.remote = { host: unmapped(remoteAddr.hostname), port: remoteAddr.port };
    this.local = { host: unmapped(localAddr.hostname), port: localAddr.port };
    try {
      connection.setNoDelay(true);
    } catch {
      // The peer is gone already; the first read says so.
    }
  }

  // Hot path: the runtime's own promises, for each other around them costs a small message 1 to 2 % of its way.
  read(buffer: Bytes): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  write(bytes: Bytes): Promise<number> {
    return this.#connection.write(bytes);
  }

  async closeWrite(): Promise<void> {
    try {
      await this.#connection.closeWrite();
    } catch (error) {
      throw netError(error, `Cannot end the stream to ${formatAddress(this.remote)}`);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }
}

const CODES: readonly (readonly [new (message: string) => Error, NetErrorCode])[] = [
  [Deno.errors.AddrInUse, "address_in_use"],
  [Deno.errors.ConnectionRefused, "refused"],
  [Deno.errors.TimedOut, "timeout"],
  [Deno.errors.NetworkUnreachable, "unreachable"],
  [Deno.errors.NotConnected, "closed"],
  [Deno.errors.NotCapable, "denied"],
  [Deno.errors.PermissionDenied, "denied"],
  [Deno.errors.ConnectionReset, "closed"],
  [Deno.errors.ConnectionAborted, "closed"],
  [Deno.errors.BrokenPipe, "closed"],
  [Deno.errors.BadResource, "closed"],
  [Deno.errors.Interrupted, "closed"],
];

function netError(error: unknown, action: string): NetError {
  const known = CODES.find(([type]) => error instanceof type)?.[1];
  const code = known ??
    (isObject(error) && error["code"] === "EHOSTUNREACH" ? "unreachable" : "failed");
  return new NetError(code, `${action}: ${describeError(error)}`, { cause: error });
}
