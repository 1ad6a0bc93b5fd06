/**
 * What the agent and its foreman say to each other on a pipe.
 *
 * ```
 * length u32 | kind u8 | process u32 | payload        length counts what follows it
 * ```
 * A frame fits into what a pipe takes whole or not at all (`PIPE_BUF`), so that a foreman that is killed leaves none
 * in halves.
 */

import { CodedError } from "../../base/errors.ts";

/** `launch` has JSON, `input` bytes, the others nothing. */
const ORDERS = ["launch", "input", "suspend", "resume", "kill", "measure", "retire"] as const;
/** `started` has the process id, `output` bytes, `complaint` text, `ended`, `refused` and `used` JSON. */
const REPORTS = ["started", "output", "complaint", "ended", "refused", "used", "over"] as const;
export const FRAME_KINDS = Object.freeze([...ORDERS, ...REPORTS]);
export type FrameKind = typeof FRAME_KINDS[number];

export interface ForemanFrame {
  readonly kind: FrameKind;
  /** Which process it is about, as the agent counts them; 0 for none. */
  readonly process: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export class ForemanFrameError extends CodedError<"malformed"> {
  override readonly name = "ForemanFrameError";
}

const LENGTH_BYTES = 4;
const HEADER_BYTES = 5;
/** POSIX promises 512 bytes, Linux 4096. */
const MAX_FRAME_BYTES = 4_096;
export const MAX_FRAME_PAYLOAD = MAX_FRAME_BYTES - LENGTH_BYTES - HEADER_BYTES;
const NOTHING = new Uint8Array(0);

/** Throws `RangeError` for a payload above {@link MAX_FRAME_PAYLOAD}. */
export function encodeForemanFrame(
  kind: FrameKind,
  process: number,
  payload: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  if (payload.length > MAX_FRAME_PAYLOAD) {
    throw new RangeError(`Cannot encode frame: ${payload.length} exceed ${MAX_FRAME_PAYLOAD}`);
  }
  const frame = new Uint8Array(LENGTH_BYTES + HEADER_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, HEADER_BYTES + payload.length);
  view.setUint8(4, FRAME_KINDS.indexOf(kind));
  view.setUint32(5, process);
  frame.set(payload, LENGTH_BYTES + HEADER_BYTES);
  return frame;
}

/** Cuts bytes into frames of one kind. */
export function encodeForemanFrames(
  kind: FrameKind,
  process: number,
  bytes: Uint8Array,
): readonly Uint8Array<ArrayBuffer>[] {
  const frames = [];
  for (let at = 0; at < bytes.length; at += MAX_FRAME_PAYLOAD) {
    frames.push(encodeForemanFrame(kind, process, bytes.subarray(at, at + MAX_FRAME_PAYLOAD)));
  }
  return frames;
}

export class ForemanFrameReader {
  #rest: Uint8Array<ArrayBuffer> = NOTHING;

  /** The frames that are complete now; nothing of `bytes` is kept by reference. Throws {@link ForemanFrameError}. */
  push(bytes: Uint8Array): readonly ForemanFrame[] {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const view = new DataView(all.buffer);
    const frames: ForemanFrame[] = [];
    let at = 0;
    while (all.length - at >= LENGTH_BYTES) {
      const length = view.getUint32(at);
      if (length < HEADER_BYTES || length > MAX_FRAME_BYTES - LENGTH_BYTES) {
        throw new ForemanFrameError("malformed", `Cannot decode frame: length ${length}`);
      }
      if (all.length - at < LENGTH_BYTES + length) break;
      frames.push(readFrame(all.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length)));
      at += LENGTH_BYTES + length;
    }
    this.#rest = all.slice(at);
    return frames;
  }
}

function readFrame(frame: Uint8Array<ArrayBuffer>): ForemanFrame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const kind = FRAME_KINDS[view.getUint8(0)];
  if (kind === undefined) {
    throw new ForemanFrameError("malformed", `Cannot decode frame: kind ${view.getUint8(0)}`);
  }
  return { kind, process: view.getUint32(1), payload: frame.subarray(HEADER_BYTES) };
}
