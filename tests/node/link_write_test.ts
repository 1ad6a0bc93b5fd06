import { assert, assertEquals } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { Mux } from "../../src/channel/mux.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import type { ByteStream } from "../../src/net/stream.ts";
import { Link } from "../../src/node/link.ts";
import { Shaper } from "../../src/node/shaper.ts";
import { turns } from "../testing/channel.ts";
import { ALICE, BOB, localNode } from "../testing/identities.ts";
import { Party } from "../testing/pump.ts";

const PURE = { permissions: "none" } as const;
/** Half of the credit: once so much was read, new credit is due. */
const GRANT_BYTES = 131_072;

/** A stream whose other end is a party in the test's own hands. */
class PartyStream implements ByteStream {
  readonly remote = { host: "127.0.0.1", port: 1 };
  readonly local = { host: "127.0.0.1", port: 9000 };
  readonly #party: Party;
  #waiting: Bytes = new Uint8Array(0);
  #isClosed = false;
  #wake: (() => void) | undefined;
  writes = 0;

  constructor(party: Party) {
    this.#party = party;
  }

  /** Brings `bytes`, or whatever the party has to say, as one read if they fit. */
  async deliver(bytes = this.#party.take()): Promise<void> {
    this.#waiting = bytes;
    this.#wake?.();
    await turns();
  }

  async read(buffer: Bytes): Promise<number | null> {
    while (this.#waiting.length === 0) {
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const piece = this.#waiting.subarray(0, buffer.length);
    buffer.set(piece);
    this.#waiting = this.#waiting.subarray(piece.length);
    return piece.length;
  }

  write(bytes: Bytes): Promise<number> {
    this.writes++;
    this.#party.feed(bytes.slice());
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }
}

/** A session between a link and a party, which has opened a stream that the link's side reads on and on. */
async function setUp(options: { readonly up?: number } = {}) {
  const clock = new ManualClock();
  const shaper = options.up === undefined ? undefined : new Shaper(clock, { up: options.up });
  const party = new Party({ local: localNode(BOB, { clock }), approach: "seal" });
  const stream = new PartyStream(party);
  const faults: unknown[] = [];
  let mux: Mux | undefined;
  const link = new Link({
    stream,
    clock,
    shaper,
    onFault: (error) => faults.push(error),
    conversation: { local: localNode(ALICE, { clock }) },
    events: {
      onDiscovered: () => {},
      onSealed: (_, opened) => mux = opened,
      onMessage: () => {},
      onIncoming: () => {},
      onRefused: () => {},
      onClosed: () => {},
    },
  });
  link.start();
  await stream.deliver();
  await stream.deliver();
  const far = party.conversation.mux?.open();
  await stream.deliver();
  const near = mux?.accept();
  assert(mux && far && near, "the session is open, with a stream in it");
  const end = async () => {
    shaper?.close();
    link.close("done");
    stream.close();
    await clock.run(600, 100);
    await link.ended;
    assertEquals([faults, clock.pending], [[], 0]);
  };
  return { clock, party, stream, link, mux, far, near, end };
}

/** Reads into a buffer, so that all is consumed as it arrives, and says how much that was. */
async function drain(stream: MuxStream, read: { bytes: number }): Promise<void> {
  const buffer = new Uint8Array(2 * GRANT_BYTES);
  for (;;) {
    const count = await stream.readInto(buffer).catch(() => undefined);
    if (count === undefined) return;
    read.bytes += count;
  }
}

Deno.test("Link goes on writing after credit that was due had become void", PURE, async () => {
  for (const way of ["end", "reset"] as const) {
    for (const length of [GRANT_BYTES - 1, GRANT_BYTES, GRANT_BYTES + 1]) {
      const { party, stream, link, far, near, end } = await setUp();
      const read = { bytes: 0 };
      const drained = drain(near, read);
      void far.write(new Uint8Array(length - 1_000));
      await stream.deliver();
      // What makes the credit due and what makes it void come in one read.
      far.write(new Uint8Array(1_000));
      const last = way === "reset" ? party.take() : new Uint8Array(0);
      if (way === "reset") far.reset("cancelled");
      else far.end();
      await stream.deliver(concatBytes(last, party.take()));
      await drained;
      assertEquals(read.bytes, length);
      link.send(encodeUtf8("still here"));
      await turns();
      assertEquals(party.messages, ["still here"], `${way} after ${length} bytes`);
      await end();
    }
  }
});

Deno.test("Link gives credit back in one write, and goes on reading", PURE, async () => {
  const { stream, far, near, end } = await setUp();
  const read = { bytes: 0 };
  const drained = drain(near, read);
  const writes = stream.writes;
  void far.write(new Uint8Array(1_000_000));
  let rounds = 0;
  for (; far.unsent > 0 && rounds < 20; rounds++) await stream.deliver();
  far.end();
  await stream.deliver();
  await drained;
  assertEquals(read.bytes, 1_000_000);
  // 1,000,000 bytes are 7 times half the credit and a rest.
  assert(stream.writes - writes <= 7, `${stream.writes - writes} writes`);
  await end();
});

Deno.test("Link goes on writing after turns in which its shaper let nothing go", PURE, async () => {
  const { clock, party, link, far, near, end } = await setUp({ up: 10_000 });
  const arrived = { bytes: 0 };
  const drained = drain(far, arrived);
  void near.write(new Uint8Array(20_000));
  near.end();
  await turns();
  const atOnce = arrived.bytes;
  // The burst is 1,024 bytes, and some were spent on the handshake.
  assert(atOnce <= 1_024, `${atOnce} bytes left at once`);
  link.send(encodeUtf8("control"));
  await turns();
  assertEquals(party.messages, ["control"], "a message does not wait");
  await clock.run(1_000, 10);
  assert(arrived.bytes - atOnce <= 10_000 && arrived.bytes - atOnce > 8_000, `${arrived.bytes}`);
  await clock.run(1_500, 10);
  await drained;
  assertEquals(arrived.bytes, 20_000);
  link.send(encodeUtf8("and again"));
  await turns();
  assertEquals(party.messages, ["control", "and again"]);
  await end();
});
