/**
 * The bytes behind a head: what a request or a reply carries besides its JSON.
 */

import { type Bytes, concatBytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import type { MuxStream } from "./mux_stream.ts";
import { CANCELLED, readableOf, writableOf } from "./web_stream.ts";

/** What can be sent as a body: bytes, or anything that yields them, a `ReadableStream` included. */
export type OutgoingBody = Bytes | AsyncIterable<Bytes>;

/** A body that is longer than its reader allows. */
export class BodyError extends CodedError<"too_large"> {
  override readonly name = "BodyError";
}

/** A body that arrives. To be read or cancelled: until then it holds its stream. */
export class IncomingBody {
  readonly #stream: MuxStream;
  readonly #onCancel: () => void;
  #readable: ReadableStream<Bytes> | undefined;

  /** `onCancel` is called when the rest is not wanted; by default the stream is reset. */
  constructor(stream: MuxStream, onCancel = () => stream.stopReading(CANCELLED)) {
    this.#stream = stream;
    this.#onCancel = onCancel;
  }

  /** The next bytes; `undefined` at the end. Rejects with `StreamError`. */
  read(): Promise<Bytes | undefined> {
    return this.#stream.read();
  }

  /** Puts the next bytes into `buffer`; see {@link MuxStream.readInto}. */
  readInto(buffer: Bytes): Promise<number | undefined> {
    return this.#stream.readInto(buffer);
  }

  /** All of it. Rejects with {@link BodyError} above `maxBytes`, with `StreamError` when it breaks off. */
  async bytes(maxBytes: number): Promise<Bytes> {
    const pieces: Bytes[] = [];
    let length = 0;
    for (let piece = await this.read(); piece; piece = await this.read()) {
      length += piece.length;
      if (length > maxBytes) {
        this.cancel();
        throw new BodyError("too_large", `Cannot read body: it exceeds ${maxBytes} bytes`);
      }
      pieces.push(piece);
    }
    return concatBytes(...pieces);
  }

  /** The same as a web stream. */
  get readable(): ReadableStream<Bytes> {
    return this.#readable ??= readableOf(this.#stream, this.#onCancel);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes, void, void> {
    try {
      for (let piece = await this.read(); piece; piece = await this.read()) yield piece;
    } finally {
      this.cancel();
    }
  }

  /** Wants no more of it. */
  cancel(): void {
    this.#onCancel();
  }
}

/**
 * Writes all of `body` at the pace of the stream; where the stream fails, a `ReadableStream` is cancelled and
 * anything else told to return. Rejects with `StreamError`, or as the body does.
 */
export async function writeBody(stream: MuxStream, body: OutgoingBody): Promise<void> {
  if (body instanceof Uint8Array) return await stream.write(body);
  if (body instanceof ReadableStream) {
    return await body.pipeTo(writableOf(stream), { preventClose: true, preventAbort: true });
  }
  for await (const piece of body) await stream.write(piece);
}
