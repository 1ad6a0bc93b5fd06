/**
 * The UDP socket under the DHT: what comes in is screened (`krpc.ts`) and paced, and no failure of the
 * network or of the package above leaves it as an exception.
 *
 * It has the part of `node:dgram`'s interface that the package uses, and is bound before the package gets it.
 */

import type { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import { type Address, formatAddress, scopeOf } from "./address.ts";
import { isKrpcMessage } from "./krpc.ts";
import { NetError } from "./stream.ts";

/**
 * Datagrams a second, and at once. A node of the public DHT sees some tens; more than these cost their sender
 * and us no more than being dropped.
 */
const PACE = Object.freeze({ perSecond: 500, burst: 1_000 });

interface Sender {
  readonly address: string;
  readonly port: number;
}

export class DhtSocket extends EventEmitter {
  readonly port: number;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  #isClosed = false;

  private constructor(socket: Socket, clock: Clock) {
    super();
    this.port = socket.address().port;
    this.#socket = socket;
    this.#clock = clock;
    this.#bucket = new TokenBucket(PACE, clock.now());
    socket.on("message", (bytes, sender) => this.#receive(bytes, sender));
    socket.on("error", () => {
      // One datagram's failure; a socket that is beyond use shows as a DHT that does not answer.
    });
  }

  /** Binds `wanted`, or any port of its host where that one is taken. Throws {@link NetError} `failed`. */
  static async open(wanted: Address, clock: Clock): Promise<DhtSocket> {
    const socket = await bind(wanted).catch(() => bind({ ...wanted, port: 0 }));
    return new DhtSocket(socket, clock);
  }

  address(): Sender {
    return this.#socket.address();
  }

  /** The package binds; the socket has been bound already. */
  bind(): void {
    this.emit("listening");
  }

  send(bytes: Buffer, offset: number, length: number, port: number, host: string): void {
    // Anybody's list of nodes may name a broadcast address: the package would query it.
    if (this.#isClosed || scopeOf(host) === "unspecified") return;
    try {
      this.#socket.send(bytes, offset, length, port, host, () => {
        // Not sent is as good as lost: the query times out.
      });
    } catch {
      // A port or host that is none.
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close(() => this.emit("close"));
  }

  #receive(bytes: Buffer, sender: Sender): void {
    const nowMs = this.#clock.now();
    if (this.#bucket.available(nowMs) === 0) return;
    this.#bucket.take(1, nowMs);
    if (!isKrpcMessage(bytes)) return;
    try {
      this.emit("message", bytes, sender);
    } catch {
      // What screening let through and the package stumbled over: one datagram less.
    }
  }
}

function bind({ host, port }: Address): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createSocket("udp4");
  const onError = (error: Error) => {
    const action = `Cannot receive datagrams on ${formatAddress({ host, port })}`;
    reject(new NetError("failed", `${action}: ${describeError(error)}`, { cause: error }));
    socket.close();
  };
  socket.once("error", onError);
  socket.bind({ port, address: host, exclusive: true }, () => {
    socket.off("error", onError);
    resolve(socket);
  });
  return promise;
}
