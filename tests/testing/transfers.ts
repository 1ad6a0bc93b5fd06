/** Both ends of a transfer over one in-memory session: what is sent, where it is kept, what travelled. */

import { createHash } from "node:crypto";
import type { Bytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow } from "../../src/base/random.ts";
import type { OutgoingBody } from "../../src/channel/body.ts";
import { receiveTransfer } from "../../src/channel/receive_transfer.ts";
import type { Reply } from "../../src/channel/requests.ts";
import { sendTransfer, type SendTransferOptions } from "../../src/channel/send_transfer.ts";
import {
  readOffer,
  type TransferOutcome,
  type TransferSink,
  type TransferSource,
} from "../../src/channel/transfer.ts";
import { RequestPair, type RequestPairOptions } from "./channel.ts";
import { PRIMITIVES } from "./identities.ts";

export const PUT = "FILE_PUT";

/** SHA-256 by another implementation than the transfer's own. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function randomBytesOf(random: Random, length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = randomBelow(random, 256);
  return bytes;
}

/** Bytes to send; {@link MemorySource.bytes} may become others while they are read. */
export class MemorySource implements TransferSource {
  readonly name: string;
  readonly size: number;
  bytes: Bytes;
  /** Called before each read. */
  onRead: (offset: number) => void | Promise<void> = () => {};

  constructor(bytes: Bytes, name = "holiday.mp4") {
    this.bytes = bytes;
    this.size = bytes.length;
    this.name = name;
  }

  async read(offset: number, buffer: Bytes): Promise<number> {
    await this.onRead(offset);
    const piece = this.bytes.subarray(offset, offset + buffer.length);
    buffer.set(piece);
    return piece.length;
  }
}

/** A place that keeps what arrives, and notes what was done with it. */
export class Shelf implements TransferSink {
  bytes: Bytes;
  closes = 0;
  isDiscarded = false;
  /** How often all of it was delivered. */
  deliveries = 0;
  /** Called before each step; what it throws is the step's failure. */
  onStep: (step: "read" | "write" | "truncate" | "finish") => void | Promise<void> = () => {};

  constructor(held: Uint8Array = new Uint8Array()) {
    this.bytes = new Uint8Array(held);
  }

  get length(): number {
    return this.bytes.length;
  }

  async read(offset: number, buffer: Bytes): Promise<number> {
    await this.onStep("read");
    const piece = this.bytes.subarray(offset, offset + buffer.length);
    buffer.set(piece);
    return piece.length;
  }

  async truncate(length: number): Promise<void> {
    await this.onStep("truncate");
    this.bytes = this.bytes.slice(0, length);
  }

  async write(bytes: Bytes): Promise<void> {
    const length = this.bytes.length;
    const copy = bytes.slice();
    await this.onStep("write");
    const grown = new Uint8Array(length + copy.length);
    grown.set(this.bytes);
    grown.set(copy, length);
    this.bytes = grown;
  }

  async finish(): Promise<string> {
    await this.onStep("finish");
    this.deliveries++;
    return "holiday (2).mp4";
  }

  close(): Promise<void> {
    this.closes++;
    return Promise.resolve();
  }

  discard(): Promise<void> {
    this.isDiscarded = true;
    this.bytes = new Uint8Array();
    return Promise.resolve();
  }
}

/** A session whose listener keeps what it is sent on a shelf. */
export class TransferPair {
  readonly pair: RequestPair;
  readonly shelf: Shelf;
  /** For names that have one of their own. */
  readonly shelves = new Map<string, Shelf>();
  /** How each transfer ended at the receiver. */
  readonly ends: (TransferOutcome | Error)[] = [];
  /** Bytes of bodies that the sender has given. */
  sentBytes = 0;
  /** Called when that number has grown. */
  onSent: (sentBytes: number) => void = () => {};
  /** Called once a reply has come, before the sender sees it. */
  onReply: (reply: Reply) => void = () => {};

  constructor(shelf = new Shelf(), options: RequestPairOptions = {}) {
    this.shelf = shelf;
    this.pair = new RequestPair(options);
    this.pair.handlers.set(PUT, (request) => {
      const { name, size } = readOffer(request.data);
      return receiveTransfer({
        request,
        size,
        sink: this.shelves.get(name) ?? shelf,
        createSha256: PRIMITIVES.createSha256,
        isTellable: ({ code }) => code === "no_space",
        onEnd: (outcome) => this.ends.push(outcome),
      });
    });
  }

  /** Sends `source` to the shelf. */
  send(
    source: TransferSource,
    options: Partial<SendTransferOptions> = {},
  ): Promise<TransferOutcome & { readonly resumedFrom: number }> {
    return sendTransfer({
      type: PUT,
      source,
      createSha256: PRIMITIVES.createSha256,
      request: async (type, data, { body, ...rest }) => {
        const reply = await this.pair.requester.request(type, data, {
          ...rest,
          body: this.#counted(body ?? new Uint8Array()),
        });
        this.onReply(reply);
        return reply;
      },
      ...options,
    });
  }

  async *#counted(body: OutgoingBody): AsyncGenerator<Bytes, void, void> {
    for await (const piece of body instanceof Uint8Array ? [body] : body) {
      this.sentBytes += piece.length;
      this.onSent(this.sentBytes);
      yield piece;
    }
  }
}
