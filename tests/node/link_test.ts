import { assert, assertEquals } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import { type ByteStream, NetError } from "../../src/net/stream.ts";
import { encodeEnvelope, type Envelope } from "../../src/node/envelope.ts";
import { Link } from "../../src/node/link.ts";
import { Delivery } from "../../src/node/delivery.ts";
import { Session } from "../../src/node/session.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { ALICE, BOB, localNode } from "../testing/identities.ts";
import { jsonFrames, Party } from "../testing/pump.ts";

const PURE = { permissions: "none" } as const;
const REQUEST = encodeFrame(encodeUtf8('{"type":"PEER_DISCOVERY","sender_id":"x"}'));

/** A stream in the test's own hands. */
class HandStream implements ByteStream {
  readonly remote = { host: "127.0.0.1", port: 1 };
  readonly local = { host: "127.0.0.1", port: 9000 };
  readonly written: Bytes[] = [];
  /** Where the next bytes come from; none keeps the reader waiting. */
  source: (() => Bytes | undefined) | undefined;
  bytesRead = 0;
  isClosed = false;
  hasEnded = false;
  isBlocked = false;
  writeError: Error | undefined;
  /** What it takes at once. */
  takesBytes = Infinity;
  #rest: Bytes = new Uint8Array(0);
  #wake: (() => void) | undefined;

  async read(buffer: Bytes): Promise<number | null> {
    for (;;) {
      if (this.isClosed || this.hasEnded) return null;
      if (this.#rest.length === 0) this.#rest = this.source?.() ?? this.#rest;
      if (this.#rest.length > 0) break;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    await settle();
    const piece = this.#rest.subarray(0, buffer.length);
    buffer.set(piece);
    this.#rest = this.#rest.subarray(piece.length);
    this.bytesRead += piece.length;
    return piece.length;
  }

  async write(bytes: Bytes): Promise<number> {
    if (this.writeError) throw this.writeError;
    const taken = bytes.slice(0, this.takesBytes);
    this.written.push(taken);
    while (this.isBlocked && !this.isClosed) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
    if (this.isClosed) throw new NetError("closed", "Cannot write: closed");
    return taken.length;
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
    this.wake();
    this.#wakeWriter?.();
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #wakeWriter: (() => void) | undefined;
}

function linkOver(stream: HandStream, clock = new ManualClock()) {
  const closed: string[] = [];
  const faults: unknown[] = [];
  const messages: Bytes[] = [];
  const link: Link = new Link({
    stream,
    clock,
    onFault: (error) => faults.push(error),
    conversation: { local: localNode(ALICE, { clock, legacy: "any" }) },
    events: {
      onDiscovered: () => {},
      onSealed: () => {},
      onMessage: (body) => messages.push(body),
      onIncoming: () => {},
      onRefused: () => {},
      onClosed: (code) => closed.push(code),
    },
  });
  return { link, clock, closed, faults, messages };
}

/** Gives `bytes` once. */
function once(bytes: Bytes): () => Bytes | undefined {
  let given: Bytes | undefined = bytes;
  return () => {
    const next = given;
    given = undefined;
    return next;
  };
}

Deno.test(
  "Link answers what it reads and resolves `ended` once the peer has gone",
  PURE,
  async () => {
    const stream = new HandStream();
    const { link, clock, closed } = linkOver(stream);
    stream.source = once(REQUEST);
    link.start();
    await settle();
    assertEquals(stream.written.flatMap(jsonFrames).map(({ type }) => type), [
      "PEER_DISCOVERY_RESPONSE",
    ]);
    assertEquals(stream.written.length, 1, "a reply is one write");
    stream.hasEnded = true;
    stream.wake();
    await link.ended;
    assertEquals([closed, stream.isClosed, clock.pending], [["ended_by_peer"], true, 0]);
  },
);

Deno.test("Link writes the rest of what a stream took in part", PURE, async () => {
  const stream = new HandStream();
  const { link, clock } = linkOver(stream);
  stream.takesBytes = 100;
  stream.source = once(concatBytes(REQUEST, REQUEST));
  link.start();
  for (let i = 0; i < 100; i++) await settle();
  const replies = jsonFrames(concatBytes(...stream.written));
  assertEquals(replies.map(({ type }) => type), Array(2).fill("PEER_DISCOVERY_RESPONSE"));
  assert(stream.written.length >= 10, `${stream.written.length} writes`);
  link.close("done");
  await clock.run(600, 100);
  await link.ended;
});

Deno.test("Link.close() ends a connection whose peer never does", PURE, async () => {
  const stream = new HandStream();
  const { link, clock, closed } = linkOver(stream);
  link.start();
  link.close("shutdown");
  link.close("again");
  await clock.run(600, 100);
  await link.ended;
  assertEquals([closed, stream.isClosed, clock.pending], [["shutdown"], true, 0]);
});

Deno.test("Link ends when a write fails", PURE, async () => {
  const stream = new HandStream();
  const { link, clock, faults } = linkOver(stream);
  stream.writeError = new NetError("closed", "gone");
  stream.source = once(REQUEST);
  link.start();
  await clock.run(600, 100);
  await link.ended;
  assertEquals([faults, stream.isClosed, clock.pending], [[], true, 0]);
});

Deno.test(
  "Link closes by the conversation's deadline with nobody sending anything",
  PURE,
  async () => {
    const stream = new HandStream();
    const { link, clock, closed } = linkOver(stream);
    link.start();
    await clock.run(4_900, 100);
    assertEquals(closed, []);
    await clock.run(700, 100);
    await link.ended;
    assertEquals(closed, ["first_bytes_timeout"]);
  },
);

Deno.test("Link cuts off a peer that keeps talking after the end", PURE, async () => {
  const stream = new HandStream();
  const { link, closed } = linkOver(stream);
  stream.source = () => new Uint8Array(4_096).fill(0xff);
  link.start();
  for (let i = 0; i < 200 && !stream.isClosed; i++) await settle();
  assertEquals(closed, ["length_out_of_bounds"]);
  assert(stream.isClosed, "no clock was needed");
  assert(stream.bytesRead <= 65_536 + 3 * 262_144, `${stream.bytesRead}`);
});

Deno.test("Link stops reading from a peer that asks and never reads", PURE, async () => {
  const stream = new HandStream();
  const { link, clock } = linkOver(stream);
  stream.isBlocked = true;
  const questions = concatBytes(...Array.from({ length: 1_000 }, () => REQUEST));
  stream.source = () => questions;
  link.start();
  for (let i = 0; i < 1_000 && stream.bytesRead < 1_000_000; i++) await settle();
  const bytesRead = stream.bytesRead;
  link.close("done");
  await clock.run(1_000, 100);
  await link.ended;
  // Each 45 bytes of question cost some 900 bytes of answer that nobody takes.
  assert(bytesRead < 1_000_000, `${bytesRead} bytes of questions were answered into memory`);
});

Deno.test(
  "Session keeps bounded what it answers to a peer that pings and never reads",
  PURE,
  async () => {
    const stream = new HandStream();
    const clock = new ManualClock();
    const b = new Party({ local: localNode(BOB, { clock }), approach: "seal" });
    let session: Session | undefined;
    const link: Link = new Link({
      stream,
      clock,
      onFault: () => {},
      conversation: { local: localNode(ALICE, { clock }) },
      events: {
        onDiscovered: () => {},
        onSealed: (peer, mux) => {
          session = new Session({
            ownId: ALICE.id,
            peer,
            link,
            mux,
            clock,
            counters: { envelopesReceived: 0, envelopesSent: 0, envelopesDropped: 0 },
            delivery: new Delivery(),
            onEnvelope: () => {},
            handlerOf: () => undefined,
            onUndelivered: () => {},
            onFault: () => {},
            onRefused: () => {},
          });
        },
        onMessage: (body) => session?.receive(body),
        onIncoming: () => {},
        onRefused: () => {},
        onClosed: () => {},
      },
    });
    const feed = async (bytes: Bytes) => {
      stream.source = once(bytes);
      stream.wake();
      for (let turn = 0; turn < 5; turn++) await settle();
    };
    link.start();
    await feed(b.take());
    for (const bytes of stream.written.splice(0)) b.feed(bytes);
    await feed(b.take());
    assert(session, "the session is open");
    stream.isBlocked = true;
    let n = 0;
    const before = stream.bytesRead;
    stream.source = () => {
      if (stream.bytesRead - before > 4_000_000) return undefined;
      for (let i = 0; i < 64; i++) b.say(ping(n++));
      return b.take();
    };
    stream.wake();
    for (let i = 0; i < 2_000 && stream.bytesRead - before < 4_000_000; i++) await settle();
    const bytesRead = stream.bytesRead - before;
    link.close("done");
    await clock.run(1_000, 100);
    await link.ended;
    assert(bytesRead < 4_000_000, `${bytesRead} bytes of pings were answered into memory`);
  },
);

function ping(n: number): string {
  const envelope: Envelope = {
    messageId: `ping-${n}`,
    type: "PING",
    senderId: BOB.id,
    recipientId: null,
    sentAtMs: 0,
    priority: 1,
    evolutionId: null,
    evolutionType: null,
    agentId: null,
    data: {},
    retryCount: 0,
    maxRetries: 3,
    expiresAtMs: null,
    requiresAck: false,
    correlationId: null,
  };
  return new TextDecoder().decode(encodeEnvelope(envelope));
}
