/**
 * The near end of the channel contender: what is timed.
 */

import type { Bytes } from "../../../src/base/bytes.ts";
import { pause, systemClock } from "../../../src/base/clock.ts";
import { CRITICAL } from "../../../src/channel/scheduler.ts";
import { readableOf, writableOf } from "../../../src/channel/web_stream.ts";
import type { LocalNode } from "../../../src/node/local_node.ts";
import { LARGE_BYTES, SMALL_BYTES } from "../link/contender.ts";
import { type ChannelPorts, QUOTA_BYTES } from "./far.ts";
import { type ChannelLine, openLine } from "./line.ts";

/** Bytes of one one-way round, over however many streams. */
export const ROUND_BYTES = 64 * 1024 * 1024;
/** Streams that share a round. */
export const MANY = 16;
/** Between a ping's answer and the next ping. */
export const PING_PERIOD_MS = 1;

/** The near ends of all three sessions. */
export class ChannelContender {
  readonly #sink: ChannelLine;
  readonly #echo: ChannelLine;
  readonly #requests: ChannelLine;
  readonly #pushers: readonly Pusher[];
  readonly #data = Object.freeze({ text: "x".repeat(SMALL_BYTES) });

  private constructor(sink: ChannelLine, echo: ChannelLine, requests: ChannelLine) {
    this.#sink = sink;
    this.#echo = echo;
    this.#requests = requests;
    this.#pushers = Array.from({ length: MANY }, () => new Pusher(sink));
  }

  static async connect(local: LocalNode, ports: ChannelPorts): Promise<ChannelContender> {
    const [sink, echo, requests] = await Promise.all(
      [ports.sink, ports.echo, ports.requests].map((port) => openLine(local, port)),
    );
    if (!sink || !echo || !requests) throw new Error("Cannot connect: a port is missing");
    return new ChannelContender(sink, echo, requests);
  }

  /** One round over `count` streams, through web streams on both sides; megabytes a second. */
  async push(count: number): Promise<number> {
    const startedMs = systemClock.now();
    const pushers = this.#pushers.slice(0, count);
    await Promise.all(pushers.map((pusher) => pusher.push(ROUND_BYTES / count)));
    return ROUND_BYTES / 1000 / (systemClock.now() - startedMs);
  }

  /** `count` round trips of 64 bytes over an open stream, microseconds each. */
  async echoStream(count: number): Promise<Float64Array> {
    const stream = this.#echo.mux.open();
    const small = new Uint8Array(SMALL_BYTES).fill(7);
    const tookUs = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const startedMs = systemClock.now();
      stream.write(small);
      const reply = await stream.read();
      tookUs[i] = (systemClock.now() - startedMs) * 1000;
      if (reply?.length !== SMALL_BYTES || reply[0] !== 7) {
        throw new Error("Cannot trust the stream's echo");
      }
    }
    stream.end();
    await stream.read();
    return tookUs;
  }

  /** `count` requests one after the other, with 64 bytes of text both ways; microseconds each. */
  async request(count: number): Promise<Float64Array> {
    const tookUs = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const startedMs = systemClock.now();
      await this.#ask();
      tookUs[i] = (systemClock.now() - startedMs) * 1000;
    }
    return tookUs;
  }

  /** `count` requests with `inFlight` at once; requests a second. */
  async requests(count: number, inFlight: number): Promise<number> {
    const startedMs = systemClock.now();
    let left = count;
    const worker = async () => {
      while (left-- > 0) await this.#ask();
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return count / (systemClock.now() - startedMs) * 1000;
  }

  /** Critical requests, one a millisecond, until `isOver`; microseconds each. */
  async ping(isOver: () => boolean): Promise<number[]> {
    const tookUs: number[] = [];
    while (!isOver()) {
      const startedMs = systemClock.now();
      await this.#ask(CRITICAL);
      tookUs.push((systemClock.now() - startedMs) * 1000);
      await pause(systemClock, PING_PERIOD_MS);
    }
    return tookUs;
  }

  /** A request with a body of `bytes`, in the session of the pings; megabytes a second. */
  async transfer(bytes: number): Promise<number> {
    const startedMs = systemClock.now();
    const { data } = await this.#requests.requester.request("SINK", {}, {
      body: pieces(bytes),
      deadlineMs: Infinity,
      priority: 0,
    });
    if (data["length"] !== bytes) throw new Error("Cannot trust the transfer: bytes are missing");
    return bytes / 1000 / (systemClock.now() - startedMs);
  }

  async close(): Promise<void> {
    await Promise.all([this.#sink, this.#echo, this.#requests].map((line) => line.close()));
  }

  async #ask(priority: 1 | typeof CRITICAL = 1): Promise<void> {
    const { data } = await this.#requests.requester.request("ECHO", this.#data, { priority });
    if (data["text"] !== this.#data.text) throw new Error("Cannot trust the reply");
  }
}

async function* pieces(bytes: number): AsyncGenerator<Bytes, void, void> {
  const large = new Uint8Array(LARGE_BYTES);
  for (let sent = 0; sent < bytes; sent += LARGE_BYTES) yield large;
}

/** One stream to the sink, and how much of it the far side has counted. */
class Pusher {
  readonly #writer: WritableStreamDefaultWriter<Bytes>;
  readonly #answers: ReadableStreamDefaultReader<Bytes>;
  readonly #large: Bytes = new Uint8Array(LARGE_BYTES);

  constructor(line: ChannelLine) {
    const stream = line.mux.open();
    this.#writer = writableOf(stream).getWriter();
    this.#answers = readableOf(stream).getReader();
  }

  async push(bytes: number): Promise<void> {
    for (let sent = 0; sent < bytes; sent += LARGE_BYTES) await this.#writer.write(this.#large);
    for (let counted = 0; counted < bytes;) {
      const { value } = await this.#answers.read();
      if (!value) throw new Error("Cannot count: the far side has gone");
      counted += value.length * QUOTA_BYTES;
    }
  }
}
