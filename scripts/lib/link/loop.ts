/**
 * The second contender: the fastest sealed loop one would write by hand with the runtime's own cipher.
 *
 * ```
 * length u32 | ciphertext | tag 16
 * ```
 *
 * Header, ciphertext and tag in one buffer and one write; the reader reads once into a buffer that it
 * keeps and opens every record in it before it reads again. No handshake, no rekeying, no deadlines, no
 * limits: the price of a session's rules is what the third contender adds.
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import { type Bytes, readU32, writeU32 } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import {
  type Contender,
  type ContenderPorts,
  ROUND_MESSAGES,
  type Server,
  SMALL_BYTES,
} from "./contender.ts";
import { connect, serve, writeAll } from "./raw.ts";

const CIPHER = "chacha20-poly1305";
const TAG_BYTES = 16;
const TAG_OPTIONS = Object.freeze({ authTagLength: TAG_BYTES });
const HEADER_BYTES = 4;
/** The largest plaintext of a record whose ciphertext and tag stay within 65,535 bytes. */
const LARGE_BYTES = 65_519;
const READ_BUFFER_BYTES = 262_144;
/** Both directions share it: what is measured is speed. */
const KEY: Bytes = new Uint8Array(32).fill(9);
const DONE: Bytes = Uint8Array.of(1);

/** Listens for one sink and one echo connection after another. */
export function serveLoop(): Server {
  return serve(sink, echo);
}

/** Connects both lines of the hand-written loop. */
export async function connectLoop(ports: ContenderPorts): Promise<Contender> {
  const pushing = new LoopConnection(await connect(ports.sink));
  const echoing = new LoopConnection(await connect(ports.echo));
  const large = new Uint8Array(LARGE_BYTES);
  const small = new Uint8Array(SMALL_BYTES).fill(7);
  return {
    roundBytes: ROUND_MESSAGES * LARGE_BYTES,
    async pushRound() {
      for (let i = 0; i < ROUND_MESSAGES; i++) await pushing.write(large);
      await pushing.read();
    },
    async echo(count) {
      const tookUs = new Float64Array(count);
      let reply: Bytes | undefined;
      for (let i = 0; i < count; i++) {
        const startedMs = systemClock.now();
        await echoing.write(small);
        reply = await echoing.read();
        tookUs[i] = (systemClock.now() - startedMs) * 1000;
      }
      if (reply?.length !== SMALL_BYTES || reply[0] !== 7) {
        throw new Error("Cannot trust the loop's echo");
      }
      return tookUs;
    },
    close() {
      pushing.close();
      echoing.close();
      return Promise.resolve();
    },
  };
}

async function sink(connection: Deno.TcpConn): Promise<void> {
  const loop = new LoopConnection(connection);
  let received = 0;
  for (let record = loop.next() ?? await loop.read(); record;) {
    received += record.length;
    if (received === ROUND_MESSAGES * LARGE_BYTES) {
      received = 0;
      await loop.write(DONE);
    }
    record = loop.next() ?? await loop.read();
  }
  connection.close();
}

async function echo(connection: Deno.TcpConn): Promise<void> {
  const loop = new LoopConnection(connection);
  for (let record = await loop.read(); record; record = loop.next() ?? await loop.read()) {
    await loop.write(record);
  }
  connection.close();
}

class LoopConnection {
  readonly #connection: Deno.TcpConn;
  readonly #out: Bytes = new Uint8Array(HEADER_BYTES + LARGE_BYTES + TAG_BYTES);
  readonly #in: Bytes = new Uint8Array(READ_BUFFER_BYTES);
  readonly #sendNonce = new Nonce();
  readonly #receiveNonce = new Nonce();
  #start = 0;
  #end = 0;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  write(plaintext: Bytes): Promise<void> {
    const cipher = createCipheriv(CIPHER, KEY, this.#sendNonce.next(), TAG_OPTIONS);
    const out = this.#out;
    const end = HEADER_BYTES + plaintext.length + TAG_BYTES;
    writeU32(out, 0, plaintext.length + TAG_BYTES);
    out.set(cipher.update(plaintext), HEADER_BYTES);
    cipher.final();
    out.set(cipher.getAuthTag(), HEADER_BYTES + plaintext.length);
    return writeAll(this.#connection, out.subarray(0, end));
  }

  /** The next record that has already arrived whole. */
  next(): Bytes | undefined {
    const start = this.#start + HEADER_BYTES;
    if (start > this.#end) return undefined;
    const end = start + readU32(this.#in, this.#start);
    if (end > this.#end) return undefined;
    this.#start = end;
    const decipher = createDecipheriv(CIPHER, KEY, this.#receiveNonce.next(), TAG_OPTIONS);
    decipher.setAuthTag(this.#in.subarray(end - TAG_BYTES, end));
    const plaintext = decipher.update(this.#in.subarray(start, end - TAG_BYTES));
    decipher.final();
    return plaintext as Uint8Array as Bytes;
  }

  /** Reads until a record is whole; `undefined` at the end of the stream. */
  async read(): Promise<Bytes | undefined> {
    for (;;) {
      this.#makeRoom();
      const count = await this.#connection.read(this.#in.subarray(this.#end));
      if (count === null) return undefined;
      this.#end += count;
      const record = this.next();
      if (record) return record;
    }
  }

  close(): void {
    this.#connection.close();
  }

  #makeRoom(): void {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    else if (this.#end === this.#in.length) {
      this.#in.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
  }
}

class Nonce {
  readonly #bytes: Bytes = new Uint8Array(12);
  readonly #view = new DataView(this.#bytes.buffer);
  #count = 0;

  next(): Bytes {
    this.#view.setUint32(4, this.#count++, true);
    return this.#bytes;
  }
}
