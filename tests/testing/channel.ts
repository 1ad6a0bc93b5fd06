/** Two multiplexers joined by nothing but a test, and requests between them under one clock. */

import { assertEquals } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { Timetable } from "../../src/base/timetable.ts";
import { Mux } from "../../src/channel/mux.ts";
import { Requester } from "../../src/channel/requests.ts";
import {
  type IncomingRequest,
  type RequestHandler,
  Responder,
} from "../../src/channel/responder.ts";

/** The plaintext of the largest record: 65,535 of ciphertext and tag, less the tag. */
const RECORD_BYTES = 65_519;

export interface MuxPairOptions {
  /** The largest plaintext that a record may have here. */
  readonly recordBytes?: number;
  /** Whether both speak streams. */
  readonly hasStreams?: boolean;
}

/** A dialer's and a listener's multiplexer: what one has to send, the other receives in the same turn. */
export class MuxPair {
  readonly dialer: Mux;
  readonly listener: Mux;
  /** Told when the dialer has opened streams. */
  onListenerIncoming: () => void = () => {};
  /** While set, nothing leaves. */
  isHeld = false;
  readonly #recordBytes: number;

  constructor({ recordBytes = RECORD_BYTES, hasStreams = true }: MuxPairOptions = {}) {
    this.#recordBytes = recordBytes;
    const side = (isDialer: boolean, onIncoming: () => void) =>
      new Mux({
        isDialer,
        hasStreams,
        events: { onOutput: () => this.pump(), onIncoming, onMessage: () => {} },
      });
    this.dialer = side(true, () => {});
    this.listener = side(false, () => this.onListenerIncoming());
  }

  /** Moves records both ways until neither side has any. */
  pump(): void {
    while (
      !this.isHeld &&
      (this.#carry(this.dialer, this.listener) | this.#carry(this.listener, this.dialer))
    );
  }

  /** Moves one record; returns its length. */
  #carry(from: Mux, to: Mux): number {
    const record: Bytes = new Uint8Array(this.#recordBytes);
    const length = from.fill(record);
    if (length > 0) to.receive(record.slice(0, length));
    return length;
  }
}

export interface RequestPairOptions extends MuxPairOptions {
  readonly maxActive?: number;
}

/** The dialer asks, the listener answers. */
export class RequestPair {
  readonly clock = new ManualClock();
  readonly muxes: MuxPair;
  readonly requester: Requester;
  readonly responder: Responder;
  readonly handlers = new Map<string, RequestHandler>();
  /** What the responder took for defects. */
  readonly faults: unknown[] = [];
  readonly #timetables = [new Timetable(this.clock), new Timetable(this.clock)] as const;

  constructor({ maxActive, ...options }: RequestPairOptions = {}) {
    const muxes = this.muxes = new MuxPair(options);
    const [ours, theirs] = this.#timetables;
    this.requester = new Requester(muxes.dialer, ours);
    this.responder = new Responder({
      mux: muxes.listener,
      timetable: theirs,
      handlerOf: (type) => this.handlers.get(type),
      onFault: (error) => this.faults.push(error),
      ...(maxActive === undefined ? {} : { maxActive }),
    });
    muxes.onListenerIncoming = () => this.responder.serve();
  }

  /** The session ends at both sides. */
  lose(code = "broken"): void {
    this.muxes.isHeld = true;
    this.muxes.dialer.close(code);
    this.muxes.listener.close(code);
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await turns();
  }

  /** Fails when a stream, a slot or a timer was left behind. */
  async assertNothingLeft(label = ""): Promise<void> {
    await turns();
    assertEquals(
      [this.muxes.dialer.streams, this.muxes.listener.streams],
      [0, 0],
      `streams ${label}`,
    );
    assertEquals(this.responder.active, 0, `handlers ${label}`);
    // One timer a side, whatever was set and dropped.
    assertEquals(this.clock.pending <= this.#timetables.length, true, `timers ${label}`);
    for (const timetable of this.#timetables) timetable.clear();
    assertEquals(this.clock.pending, 0, `timers after clear() ${label}`);
  }
}

/** A pair whose handler of `T` tells the test of each request, and settles when the test says so. */
export function withSlowHandler(options?: RequestPairOptions) {
  const pair = new RequestPair(options);
  const started: IncomingRequest[] = [];
  const waiting: (() => void)[] = [];
  const active = { now: 0, most: 0 };
  pair.handlers.set("T", async (request) => {
    started.push(request);
    active.most = Math.max(active.most, ++active.now);
    await new Promise<void>((resolve) => waiting.push(resolve));
    active.now--;
    return { data: request.data };
  });
  return {
    pair,
    started,
    active,
    finishFirst: () => waiting.shift()?.(),
    finishAll: () => waiting.splice(0).forEach((resolve) => resolve()),
  };
}

/** `length u32 | JSON`, spelled out. */
export function headOf(json: string): Bytes {
  const bytes = encodeUtf8(json);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes);
}

/** Lets everything that is ready happen. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await settle();
}

/** `length` bytes that no shorter piece repeats. */
export function noise(length: number, seed = 1): Bytes {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => Math.floor(random.next() * 256));
}

/** `bytes` in pieces of `size`; `onPiece` is told of each that was asked for. */
export async function* piecesOf(
  bytes: Bytes,
  size: number,
  onPiece: (bytes: number) => void = () => {},
): AsyncGenerator<Bytes, void, void> {
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    onPiece(piece.length);
    yield piece;
  }
}

/** The code under which `promise` rejects: `resolved` when it does not, `pending` while nothing came of it. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  let code = "pending";
  promise.then(
    () => code = "resolved",
    (error) => code = error instanceof CodedError ? error.code : String(error),
  );
  for (let turn = 0; turn < 20 && code === "pending"; turn++) await settle();
  return code;
}
