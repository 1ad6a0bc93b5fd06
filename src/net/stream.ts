/**
 * What the agent needs of a transport: ordered byte streams, a way to dial and a way to listen.
 *
 * `tcp.ts` gives the real ones, `memory.ts` their in-memory twin for tests and simulators.
 */

import { CodedError } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Address } from "./address.ts";

/** Why a transport call failed. */
export type NetErrorCode =
  | "address_in_use"
  | "refused"
  | "timeout"
  | "unreachable"
  | "denied"
  | "closed"
  | "failed";

/** A transport failure; the runtime's own error is its `cause`. */
export class NetError extends CodedError<NetErrorCode> {
  override readonly name = "NetError";
}

/** A reliable, ordered, two-way stream of bytes. */
export interface ByteStream {
  readonly remote: Address;
  readonly local: Address;
  /**
   * Reads into `buffer`, at least one byte; `null` at the end of the stream. Once it is broken or closed it ends or
   * rejects, as the transport does. The buffer belongs to the stream until the promise settles. One read at a time.
   */
  read(buffer: Bytes): Promise<number | null>;
  /**
   * Writes `bytes`, or at least the first of them, and says how many. They belong to the stream until then. Rejects
   * once it is broken or closed, as the transport does. One write at a time.
   */
  write(bytes: Bytes): Promise<number>;
  /** Sends the end of the stream; the peer may still send. */
  closeWrite(): Promise<void>;
  /** Frees the stream at once; pending calls end. Idempotent. */
  close(): void;
}

/** Opens streams to others. */
export interface Dialer {
  /** Throws {@link NetError}; `timeout` once `timeoutMs` have passed. */
  dial(address: Address, options: { readonly timeoutMs: number }): Promise<ByteStream>;
}

/** Takes the streams that others open. */
export interface Listener {
  readonly address: Address;
  /** The next stream; `undefined` once closed. */
  accept(): Promise<ByteStream | undefined>;
  /** Frees the port. Idempotent. */
  close(): void;
}
