/**
 * JSON discovery from an address that we choose, on a host that has many.
 */

import { connect, type Socket } from "node:net";
import { isObject, type JsonObject } from "../../../src/base/guards.ts";
import { type Bytes, frame, join, textOf } from "../../../tests/interop/counterpart_wire.ts";

const ANSWER_MS = 5_000;

/** One connection from one address, asked one thing at a time. */
export class SourcedWire implements Disposable {
  readonly #socket: Socket;
  #buffer: Bytes = new Uint8Array(0);
  #isOver = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => {
      this.#buffer = join(this.#buffer, bytes);
      this.#wake();
    });
    // Reset, refused or ended: there is no further answer.
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
  }

  /** Connects from `source`; a connection that cannot be made gives no answers. */
  static open(
    source: string,
    target: { readonly host: string; readonly port: number },
  ): SourcedWire {
    return new SourcedWire(connect({ ...target, localAddress: source }));
  }

  /** Sends `message` and resolves with the answer; `undefined` when there is none. */
  async ask(message: JsonObject): Promise<JsonObject | undefined> {
    this.#socket.write(frame(JSON.stringify(message)));
    for (;;) {
      const answer = this.#cut();
      if (answer !== undefined) return isObject(answer) ? answer : undefined;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** The next whole payload, as JSON. */
  #cut(): unknown {
    if (this.#buffer.length < 4) return undefined;
    const end = 4 + new DataView(this.#buffer.buffer).getUint32(0);
    if (this.#buffer.length < end) return undefined;
    const payload = this.#buffer.slice(4, end);
    this.#buffer = this.#buffer.slice(end);
    return JSON.parse(textOf(payload));
  }
}
