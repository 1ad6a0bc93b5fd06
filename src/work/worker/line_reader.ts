/**
 * Lines out of a stream of bytes, as a worker and its slot exchange them: UTF-8, ended by a line feed, capped.
 */

import { WorkerError } from "./evaluator.ts";

const LINE_FEED = 0x0a;

export class LineReader {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** The beginning of a line, in pieces. */
  #parts: Uint8Array[] = [];
  #length = 0;

  /** A line, its end not counted, has `maxBytes` at most. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a line that has not ended. */
  get pending(): number {
    return this.#length;
  }

  /**
   * The lines that end in `bytes`, without their ends; nothing of `bytes` is kept by reference. Throws `WorkerError`
   * `protocol` at a line that is too long or not UTF-8, the lines before it being lost.
   */
  push(bytes: Uint8Array): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      lines.push(this.#finish(bytes.subarray(start, end)));
      start = end + 1;
    }
    const rest = bytes.subarray(start);
    this.#measure(rest);
    if (rest.length > 0) this.#parts.push(rest.slice());
    return lines;
  }

  #finish(last: Uint8Array): string {
    this.#measure(last);
    const line = this.#parts.length === 0 ? last : this.#join(last);
    this.#parts = [];
    this.#length = 0;
    try {
      return this.#decoder.decode(line);
    } catch {
      throw new WorkerError("protocol", "Cannot read a worker's line: it is not UTF-8");
    }
  }

  #measure(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length <= this.#maxBytes) return;
    this.#parts = [];
    throw new WorkerError(
      "protocol",
      `Cannot read a worker's line: its length exceeds ${this.#maxBytes} bytes`,
    );
  }

  #join(last: Uint8Array): Uint8Array {
    const line = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of [...this.#parts, last]) {
      line.set(part, offset);
      offset += part.length;
    }
    return line;
  }
}
