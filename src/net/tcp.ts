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
  readonly #onWriteError = (error: unknown): never => {
    throw netError(error, `Cannot write to ${formatAddress(this.remote)}`);
  };
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

  // Hot path: the runtime's own promise, for every other around it would cost a small message 2 % of its way.
  read(buffer: Bytes): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  // `then` with ready-made callbacks costs less than an `async` function.
  write(bytes: Bytes): Promise<void> {
    return this.#connection.write(bytes).then(
      (written) => written < bytes.length ? this.#writeRest(bytes.subarray(written)) : undefined,
      this.#onWriteError,
    );
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

  async #writeRest(rest: Bytes): Promise<void> {
    try {
      for (let written = 0; written < rest.length;) {
        written += await this.#connection.write(rest.subarray(written));
      }
    } catch (error) {
      this.#onWriteError(error);
    }
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
