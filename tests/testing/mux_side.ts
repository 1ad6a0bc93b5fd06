/** One multiplexer with what it told its owner, and channel frames spelled out by hand. */

import { assertExists } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { settle } from "../../src/base/clock.ts";
import { Mux } from "../../src/channel/mux.ts";
import type { FillLimits } from "../../src/channel/send_queue.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import type { Priority } from "../../src/channel/scheduler.ts";

/** The plaintext of the largest record: 65,535 of ciphertext and tag, less the tag. */
export const RECORD_BYTES = 65_519;
/** What a sender may send at first: 256 KiB. */
export const CREDIT_BYTES = 262_144;
const NONE: Bytes = new Uint8Array(0);

export interface Frame {
  readonly kind: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly body?: Bytes;
}

/** `kind u8 | flags u8 | stream u32 | length u16 | body`. */
export function frame({ kind, flags = 0, stream = 0, body = NONE }: Frame): Bytes {
  const bytes: Bytes = new Uint8Array(8 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, flags);
  view.setUint32(2, stream);
  view.setUint16(6, body.length);
  bytes.set(body, 8);
  return bytes;
}

export function openFrame(stream: number, priority = 1): Bytes {
  return frame({ kind: 1, flags: priority, stream });
}

/** `body`, or so many bytes of {@link pattern}. */
export function dataFrame(stream: number, body: Bytes | number): Bytes {
  return frame({ kind: 2, stream, body: typeof body === "number" ? pattern(body) : body });
}

export function windowFrame(stream: number, bytes: number): Bytes {
  const body = new Uint8Array(4);
  new DataView(body.buffer).setUint32(0, bytes);
  return frame({ kind: 3, stream, body });
}

export function closeFrame(stream: number): Bytes {
  return frame({ kind: 4, stream });
}

export function resetFrame(stream: number, code: string): Bytes {
  return frame({ kind: 5, stream, body: encodeUtf8(code) });
}

export function pingFrame(body: Bytes = new Uint8Array(8)): Bytes {
  return frame({ kind: 6, body });
}

export function goawayFrame(code: string): Bytes {
  return frame({ kind: 8, body: encodeUtf8(code) });
}

export function messageFrame(body: Bytes): Bytes {
  return frame({ kind: 9, body });
}

/** The frames in `plaintext`, read the simple way. */
export function framesIn(plaintext: Bytes): readonly Required<Frame>[] {
  const frames: Required<Frame>[] = [];
  const view = new DataView(plaintext.buffer, plaintext.byteOffset, plaintext.length);
  for (let at = 0; at < plaintext.length;) {
    const end = at + 8 + view.getUint16(at + 6);
    const body = plaintext.slice(at + 8, end);
    const [kind, flags, stream] = [
      view.getUint8(at),
      view.getUint8(at + 1),
      view.getUint32(at + 2),
    ];
    frames.push({ kind, flags, stream, body });
    at = end;
  }
  return frames;
}

const NAMES = [
  "",
  "open",
  "data",
  "window",
  "close",
  "reset",
  "ping",
  "rekey",
  "goaway",
  "message",
];

/** The frames in `plaintext` in words: `data 1 #16384`, `window 3 +131072`, `reset 5 refused`. */
export function wordsOf(plaintext: Bytes): readonly string[] {
  return framesIn(plaintext).map(({ kind, flags, stream, body }) => {
    const name = NAMES[kind] ?? `kind ${kind}`;
    const subject = stream === 0 ? name : `${name} ${stream}`;
    if (kind === 1) return `${subject} @${flags}`;
    if (kind === 2 || kind === 9) return `${subject} #${body.length}`;
    if (kind === 3) return `${subject} +${new DataView(body.buffer).getUint32(0)}`;
    if (kind === 6) return flags === 1 ? "pong" : "ping";
    return body.length === 0 ? subject : `${subject} ${new TextDecoder().decode(body)}`;
  });
}

/** Bytes that tell where they stand: those of a stream from `offset` on. */
export function pattern(length: number, offset = 0): Bytes {
  const bytes: Bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const at = offset + i;
    bytes[i] = at * 167 + (at >>> 8) + (at >>> 16);
  }
  return bytes;
}

export interface SideOptions {
  readonly isDialer?: boolean;
  readonly hasStreams?: boolean;
}

export class Side {
  readonly mux: Mux;
  readonly messages: Bytes[] = [];
  /** Times it was told that there is something to send. */
  outputs = 0;
  /** Times it was told that the peer opened streams. */
  incoming = 0;
  onIncoming: () => void = () => {};

  constructor({ isDialer = true, hasStreams = true }: SideOptions = {}) {
    this.mux = new Mux({
      isDialer,
      hasStreams,
      events: {
        onOutput: () => this.outputs++,
        onIncoming: () => {
          this.incoming++;
          this.onIncoming();
        },
        onMessage: (body) => this.messages.push(body),
      },
    });
  }

  /** The plaintext of the next record; empty when there is nothing to send. */
  take(limits?: FillLimits, recordBytes = RECORD_BYTES): Bytes {
    const out = new Uint8Array(recordBytes).fill(0xaa);
    return out.slice(0, this.mux.fill(out, limits));
  }

  /** All that wants to leave, in {@link wordsOf}. */
  sent(): readonly string[] {
    const words: string[] = [];
    for (let record = this.take(); record.length > 0; record = this.take()) {
      words.push(...wordsOf(record));
    }
    return words;
  }

  /** Takes one record; what it says it does not keep is gone afterwards. Returns what it says. */
  receive(...frames: readonly Bytes[]): boolean {
    const plaintext = concatBytes(...frames);
    const isKept = this.mux.receive(plaintext);
    if (!isKept) plaintext.buffer.transfer(0);
    return isKept;
  }

  /** The next stream of the peer; fails when there is none. */
  accept(): MuxStream {
    const stream = this.mux.accept();
    assertExists(stream);
    return stream;
  }

  /** A stream of ours whose opening has left. */
  opened(priority?: Priority): MuxStream {
    const stream = this.mux.open(priority);
    this.take();
    return stream;
  }
}

/** A dialer and a listener. */
export function sides(): readonly [dialer: Side, listener: Side] {
  return [new Side(), new Side({ isDialer: false })];
}

/** Moves records both ways until neither side has any. */
export function pump(a: Side, b: Side): void {
  for (let isIdle = false; !isIdle;) {
    isIdle = true;
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const record = from.take();
      if (record.length === 0) continue;
      to.receive(record);
      isIdle = false;
    }
  }
}

/** What has become of `promise` after a turn: its value, the code of its error, or `waiting`. */
export async function outcomeOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  let outcome: unknown = promise && "waiting";
  promise?.then(
    (value) => outcome = value,
    (error) => outcome = error instanceof Error && "code" in error ? error.code : error,
  );
  await settle();
  return outcome;
}

/** A stream that the peer opened, with what else its first record brought. */
export function accepted(
  ...frames: readonly Bytes[]
): { readonly side: Side; readonly stream: MuxStream } {
  const side = new Side();
  side.receive(openFrame(2), ...frames);
  return { side, stream: side.accept() };
}
