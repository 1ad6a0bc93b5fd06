/**
 * The first contender: TCP as the runtime gives it, without frames and without cryptography. What
 * everything else is measured against.
 */

import type { Bytes } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import {
  type Contender,
  type ContenderPorts,
  LARGE_BYTES,
  ROUND_MESSAGES,
  type Server,
  SMALL_BYTES,
} from "./contender.ts";

const HOST = "127.0.0.1";
const READ_BUFFER_BYTES = 262_144;
const ROUND_BYTES = ROUND_MESSAGES * LARGE_BYTES;
const DONE = Uint8Array.of(1);

/** Listens for one sink and one echo connection after another. */
export function serveRaw(): Server {
  return serve(sink, echo);
}

/** A server that hands each connection of its two ports to its own loop. */
export function serve(
  onSink: (connection: Deno.TcpConn) => Promise<void>,
  onEcho: (connection: Deno.TcpConn) => Promise<void>,
): Server {
  const sinks = Deno.listen({ hostname: HOST, port: 0 });
  const echoes = Deno.listen({ hostname: HOST, port: 0 });
  void acceptAll(sinks, onSink);
  void acceptAll(echoes, onEcho);
  return {
    ports: { sink: sinks.addr.port, echo: echoes.addr.port },
    close() {
      sinks.close();
      echoes.close();
    },
  };
}

/** Opens a connection on which every write leaves at once. */
export async function connect(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: HOST, port });
  connection.setNoDelay(true);
  return connection;
}

/** Writes all of `bytes`. */
export async function writeAll(connection: Deno.TcpConn, bytes: Bytes): Promise<void> {
  let written = await connection.write(bytes);
  while (written < bytes.length) written += await connection.write(bytes.subarray(written));
}

/** Connects both lines of the raw contender. */
export async function connectRaw(ports: ContenderPorts): Promise<Contender> {
  const pushing = await connect(ports.sink);
  const echoing = await connect(ports.echo);
  const large = new Uint8Array(LARGE_BYTES);
  const small = new Uint8Array(SMALL_BYTES).fill(7);
  const reply = new Uint8Array(SMALL_BYTES);
  return {
    roundBytes: ROUND_BYTES,
    async pushRound() {
      for (let i = 0; i < ROUND_MESSAGES; i++) await writeAll(pushing, large);
      await fill(pushing, reply.subarray(0, DONE.length));
    },
    async echo(count) {
      const tookUs = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        const startedMs = systemClock.now();
        await writeAll(echoing, small);
        await fill(echoing, reply);
        tookUs[i] = (systemClock.now() - startedMs) * 1000;
      }
      if (reply.some((byte) => byte !== 7)) throw new Error("Cannot trust the raw echo");
      return tookUs;
    },
    close() {
      pushing.close();
      echoing.close();
      return Promise.resolve();
    },
  };
}

async function acceptAll(
  listener: Deno.TcpListener,
  onConnection: (connection: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  try {
    for await (const connection of listener) {
      connection.setNoDelay(true);
      void onConnection(connection).catch(() => connection.close());
    }
  } catch {
    // The listener was closed while a connection was on its way.
  }
}

async function sink(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(READ_BUFFER_BYTES);
  let received = 0;
  for (let count = await connection.read(buffer); count; count = await connection.read(buffer)) {
    received += count;
    if (received < ROUND_BYTES) continue;
    received -= ROUND_BYTES;
    await writeAll(connection, DONE);
  }
  connection.close();
}

async function echo(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(READ_BUFFER_BYTES);
  for (let count = await connection.read(buffer); count; count = await connection.read(buffer)) {
    await writeAll(connection, buffer.subarray(0, count));
  }
  connection.close();
}

/** Reads until `buffer` is full. */
export async function fill(connection: Deno.TcpConn, buffer: Bytes): Promise<void> {
  for (let filled = 0; filled < buffer.length;) {
    const count = await connection.read(buffer.subarray(filled));
    if (count === null) throw new Error("Cannot read: the far side has gone");
    filled += count;
  }
}
