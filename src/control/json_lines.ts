/**
 * Answers that are lines of JSON, told as things happen: a bounded queue that a client reads at its own pace.
 *
 * A client that goes away, and one that does not read, cost no more than the queue.
 */

import { type Bytes, encodeUtf8 } from "../base/bytes.ts";

export interface JsonLinesOptions {
  /** How many lines wait for a client that does not read. */
  readonly maxLines: number;
  /** The client went away before the end. Called once at most, and not after {@link JsonLines.end}. */
  readonly onGone: () => void;
}

export class JsonLines {
  /** What the client gets. */
  readonly response: Response;
  readonly #options: JsonLinesOptions;
  #queue: Bytes[] = [];
  #isOver = false;
  #controller: ReadableStreamDefaultController<Bytes> | undefined;

  constructor(options: JsonLinesOptions) {
    this.#options = options;
    const body = new ReadableStream<Bytes>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#flush(),
      cancel: () => this.#cancel(),
    });
    this.response = new Response(body, {
      headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
    });
  }

  /** Tells one thing; `false` when the queue is full, or the answer over. */
  push(line: object): boolean {
    if (this.#isOver || this.#queue.length >= this.#options.maxLines) return false;
    this.#queue.push(encodeLine(line));
    this.#flush();
    return true;
  }

  /** Ends the answer, with `last` behind what waits. */
  end(last?: object): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (last) this.#queue.push(encodeLine(last));
    this.#flush();
  }

  /** Ends the answer with `last` in the place of all that waits. */
  cut(last: object): void {
    if (!this.#isOver) this.#queue = [];
    this.end(last);
  }

  /** Passes on as much as is asked for; passing on one line may already ask for the next. */
  #flush(): void {
    while ((this.#controller?.desiredSize ?? 0) > 0) {
      const line = this.#queue.shift();
      if (!line) break;
      this.#controller?.enqueue(line);
    }
    if (!this.#isOver || this.#queue.length > 0) return;
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.close();
  }

  #cancel(): void {
    this.#controller = undefined;
    this.#queue = [];
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onGone();
  }
}

function encodeLine(line: object): Bytes {
  return encodeUtf8(JSON.stringify(line) + "\n");
}
