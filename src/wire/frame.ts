/**
 * Frames: `length u32 big-endian | payload` (PROTOCOL.md section 1), and an incremental decoder that
 * peeks.
 *
 * The first stop of every byte that arrives. The transport reads straight into {@link
 * FrameDecoder.space}; {@link FrameDecoder.next} then names the path of each frame from its fifth byte,
 * before its body has come, and hands out payloads as views, so that a byte is never copied between
 * the socket and its parser:
 *
 * ```
 * loop: committed = await stream.read(decoder.space())
 *       decoder.commit(committed)
 *       while ((path = decoder.next())) use(path, decoder.payload)
 * ```
 *
 * The buffer doubles only as bytes really arrive, so a length field allocates nothing.
 */

import { type Bytes, NO_BYTES, readU32, writeU32 } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import {
  detectForeign,
  detectPath,
  type Foreign,
  type Path,
  PATH_LIMITS,
  payloadLimit,
} from "./detect.ts";
import { LENGTH_BYTES, MAX_PAYLOAD_BYTES } from "./limits.ts";
import { ReadForecast } from "./read_forecast.ts";

/** Why a byte stream can no longer be read as frames. */
export type FrameErrorCode = "foreign" | "length_out_of_bounds" | "reserved";

/** The stream is not, or no longer, ours to read: the connection must close. */
export class FrameError extends CodedError<FrameErrorCode> {
  override readonly name = "FrameError";
  /** With `foreign`: what was recognised. */
  readonly foreign: Foreign | undefined;

  constructor(code: FrameErrorCode, message: string, foreign?: Foreign) {
    super(code, message);
    this.foreign = foreign;
  }
}

/** The receive buffer's bounds: what an idle connection costs, and where reading is fastest. */
export const MIN_BUFFER_BYTES = 4_096;
export const MAX_BUFFER_BYTES = 131_072;

/** This many small reads in a row let a large buffer go. */
const SMALL_READS_TO_SHRINK = 8;

/** What {@link FrameDecoder.next} found; `malformed` frames have no payload, they are skipped. */
export type FramePath = Exclude<Path, "reserved">;

/** Cuts a byte stream into frames. One per connection; dead after the first error. */
export class FrameDecoder {
  #buffer: Bytes = new Uint8Array(MIN_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #skip = 0;
  #smallReads = 0;
  #readsAhead = false;
  #payload = NO_BYTES;
  readonly #forecast = new ReadForecast();
  /** The beginning of the buffer that was handed out last. */
  #beginning = NO_BYTES;

  /** Bytes received and not yet handed out: above 0 between frames means one has begun. */
  get buffered(): number {
    return this.#end - this.#start + this.#skip;
  }

  /** Whether the 5 bytes that decide a frame's path have not all come yet. */
  get isUndecided(): boolean {
    return this.#skip === 0 && this.#end - this.#start <= LENGTH_BYTES;
  }

  /** Size of the receive buffer, bytes. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /**
   * The payload of the frame that `next` just named: a view that dies at the following `space()`.
   * Copy what outlives it.
   */
  get payload(): Bytes {
    return this.#payload;
  }

  /** From here on full reads grow the buffer, and equal ones are forecast: for peers that have earned it. */
  readAhead(): void {
    this.#readsAhead = true;
  }

  /** Where the transport puts the next bytes: a view of at least one byte. */
  space(): Bytes {
    this.#payload = NO_BYTES;
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (this.#smallReads >= SMALL_READS_TO_SHRINK && this.#buffer.length > MIN_BUFFER_BYTES) {
        this.#replaceBuffer(new Uint8Array(MIN_BUFFER_BYTES));
      }
    } else if (this.#end === this.#buffer.length) {
      this.#makeRoom();
    }
    if (this.#end > 0) return this.#buffer.subarray(this.#end);
    const expected = this.#readsAhead ? this.#forecast.expected : undefined;
    return expected === undefined ? this.#buffer : this.#first(expected);
  }

  /** Says that the transport put `count` bytes into the last `space()`. */
  commit(count: number): void {
    this.#forecast.note(count, this.#end === 0);
    const wasFull = this.#readsAhead && count === this.#buffer.length - this.#end;
    this.#end += count;
    this.#smallReads = count < MIN_BUFFER_BYTES / 4 ? this.#smallReads + 1 : 0;
    if (wasFull && this.#start === 0 && this.#buffer.length < MAX_BUFFER_BYTES) this.#resize(2);
  }

  /**
   * Names the path of the next whole frame and sets `payload`, or `undefined` when more bytes are
   * needed. A malformed frame is reported once its first byte is seen and its body is then skipped.
   * Throws {@link FrameError}.
   */
  next(): FramePath | undefined {
    if (this.#skip > 0) {
      this.#discard();
      if (this.#skip > 0) return undefined;
    }
    const start = this.#start;
    const available = this.#end - start;
    if (available < LENGTH_BYTES) return undefined;
    const length = readU32(this.#buffer, start);
    if (length === 0 || length > MAX_PAYLOAD_BYTES) throw lengthError(length);
    if (available === LENGTH_BYTES) return undefined;
    const byte = this.#buffer[start + LENGTH_BYTES] ?? 0;
    const path = detectPath(byte);
    if (length > payloadLimit(byte) || path === "reserved") throw boundError(path, length);
    const end = start + LENGTH_BYTES + length;
    if (path === "malformed") {
      this.#payload = NO_BYTES;
      this.#skip = LENGTH_BYTES + length;
      this.#discard();
      return path;
    }
    if (end > this.#end) return undefined;
    this.#start = end;
    this.#payload = this.#buffer.subarray(start + LENGTH_BYTES, end);
    return path;
  }

  /** The first `length` bytes of the buffer. */
  #first(length: number): Bytes {
    if (this.#beginning.length !== length) this.#beginning = this.#buffer.subarray(0, length);
    return this.#beginning;
  }

  #replaceBuffer(buffer: Bytes): void {
    this.#buffer = buffer;
    this.#beginning = NO_BYTES;
  }

  #discard(): void {
    const count = Math.min(this.#skip, this.#end - this.#start);
    this.#start += count;
    this.#skip -= count;
  }

  /** Moves what is left to the front, or doubles the buffer when the front is already used. */
  #makeRoom(): void {
    if (this.#start === 0) return this.#resize(2);
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #resize(factor: number): void {
    const grown = new Uint8Array(this.#buffer.length * factor);
    grown.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#replaceBuffer(grown);
  }
}

/** A payload with its length in front, as one byte string for one write. */
export function encodeFrame(payload: Uint8Array): Bytes {
  const frame = new Uint8Array(LENGTH_BYTES + payload.length);
  writeFrame(frame, 0, payload);
  return frame;
}

/** Writes the same into `out` from `at` on; returns where it ends. */
export function writeFrame(out: Bytes, at: number, payload: Uint8Array): number {
  if (payload.length === 0 || payload.length > MAX_PAYLOAD_BYTES) {
    throw new RangeError(
      `Cannot encode frame: payload length ${payload.length} is outside 1..${MAX_PAYLOAD_BYTES}`,
    );
  }
  writeU32(out, at, payload.length);
  out.set(payload, at + LENGTH_BYTES);
  return at + LENGTH_BYTES + payload.length;
}

function lengthError(length: number): FrameError {
  const foreign = detectForeign(length);
  if (foreign) {
    return new FrameError("foreign", `Cannot decode frame: the peer speaks ${foreign}`, foreign);
  }
  return new FrameError(
    "length_out_of_bounds",
    `Cannot decode frame: length ${length} is outside 1..${MAX_PAYLOAD_BYTES}`,
  );
}

function boundError(path: Path, length: number): FrameError {
  if (path === "reserved" && length <= PATH_LIMITS.reserved) {
    return new FrameError("reserved", "Cannot decode frame: its first byte is reserved");
  }
  return new FrameError(
    "length_out_of_bounds",
    `Cannot decode ${path} frame: length ${length} exceeds ${PATH_LIMITS[path]}`,
  );
}
