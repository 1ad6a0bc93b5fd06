/**
 * The counterpart's sockets: frames over TCP, written from PROTOCOL.md section 1 without a line of the
 * program's own code.
 *
 * Every wait has a deadline, and passing it is an error that says what was waited for.
 */

export type Bytes = Uint8Array<ArrayBuffer>;

export const LOOPBACK = "127.0.0.1";
/** Generous: tests wait for things to happen, never for how fast. */
export const DEADLINE_MS = 15_000;

const encoder = new TextEncoder();

export function bytesOf(text: string): Bytes {
  return encoder.encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

export function join(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** `length u32 big-endian | payload` */
export function frame(payload: Uint8Array | string): Bytes {
  const body = typeof payload === "string" ? bytesOf(payload) : payload;
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, body.length);
  return join(header, body);
}

/** One TCP connection. */
export class Wire implements Disposable {
  readonly #connection: Deno.TcpConn;
  #buffer: Bytes = new Uint8Array(0);
  #isClosed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    connection.setNoDelay(true);
  }

  static async connect(port: number, hostname = LOOPBACK): Promise<Wire> {
    return new Wire(await Deno.connect({ hostname, port }));
  }

  get localPort(): number {
    return this.#connection.localAddr.port;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      offset += await this.#connection.write(bytes.subarray(offset));
    }
  }

  async writeFrame(payload: Uint8Array | string): Promise<void> {
    await this.write(frame(payload));
  }

  /** One `recv`: whatever one read gives, at most `size` bytes; `undefined` at the end. */
  async receive(size: number, deadlineMs = DEADLINE_MS): Promise<Bytes | undefined> {
    const buffer = new Uint8Array(size);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.close();
    }, deadlineMs);
    try {
      const count = await this.#connection.read(buffer);
      return count === null ? undefined : buffer.slice(0, count);
    } catch (error) {
      if (isLate) throw new Error(`Nothing was received within ${deadlineMs} ms`);
      if (error instanceof Deno.errors.ConnectionReset) return undefined;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next payload; `undefined` when the other side has ended between frames. */
  async readFrame(deadlineMs = DEADLINE_MS): Promise<Bytes | undefined> {
    for (;;) {
      const frame = this.#cut();
      if (frame) return frame;
      const more = await this.receive(65_536, deadlineMs);
      if (!more) {
        if (this.#buffer.length === 0) return undefined;
        throw new Error(`The connection ended ${this.#buffer.length} bytes into a frame`);
      }
      this.#buffer = join(this.#buffer, more);
    }
  }

  /** The next payload, which must come. */
  async expectFrame(deadlineMs = DEADLINE_MS): Promise<Bytes> {
    const payload = await this.readFrame(deadlineMs);
    if (!payload) throw new Error("The connection ended where a frame was expected");
    return payload;
  }

  /** The next payload as JSON. */
  async expectJson(deadlineMs = DEADLINE_MS): Promise<JsonMessage> {
    return JSON.parse(textOf(await this.expectFrame(deadlineMs)));
  }

  /** Everything until the other side ends. */
  async readAll(deadlineMs = DEADLINE_MS): Promise<Bytes> {
    let all = this.#buffer;
    for (;;) {
      const more = await this.receive(65_536, deadlineMs);
      if (!more) return all;
      all = join(all, more);
    }
  }

  async closeWrite(): Promise<void> {
    await this.#connection.closeWrite();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #cut(): Bytes | undefined {
    if (this.#buffer.length < 4) return undefined;
    const end = 4 + new DataView(this.#buffer.buffer).getUint32(0);
    if (this.#buffer.length < end) return undefined;
    const payload = this.#buffer.slice(4, end);
    this.#buffer = this.#buffer.slice(end);
    return payload;
  }
}

/** A JSON message whose members a test asserts on. */
export type JsonMessage = Readonly<Record<string, unknown>>;

/** A listening port on loopback. */
export class Port implements Disposable {
  readonly #listener: Deno.TcpListener;
  #isClosed = false;

  constructor(port = 0) {
    this.#listener = Deno.listen({ hostname: LOOPBACK, port });
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** The next connection, which must come. */
  async accept(deadlineMs = DEADLINE_MS): Promise<Wire> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.close();
    }, deadlineMs);
    try {
      return new Wire(await this.#listener.accept());
    } catch (error) {
      throw isLate ? new Error(`Nobody connected within ${deadlineMs} ms`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
