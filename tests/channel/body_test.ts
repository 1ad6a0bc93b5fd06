import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { BodyError, IncomingBody, type OutgoingBody, writeBody } from "../../src/channel/body.ts";
import { type MuxStream, StreamError } from "../../src/channel/mux_stream.ts";
import {
  codeOf,
  MuxPair,
  type MuxPairOptions,
  noise,
  piecesOf,
  turns,
} from "../testing/channel.ts";

const PURE = { permissions: "none" } as const;
/** More than the credit of 256 KiB. */
const LARGE = noise(700_000);

/** A stream from its writer's side, and from its reader's. */
async function setUp(options?: MuxPairOptions) {
  const muxes = new MuxPair(options);
  const writer = muxes.dialer.open();
  await turns(1);
  const reader = muxes.listener.accept();
  assert(reader);
  return { muxes, writer, reader, body: new IncomingBody(reader) };
}

async function send(stream: MuxStream, body: OutgoingBody): Promise<void> {
  await writeBody(stream, body);
  stream.end();
}

Deno.test("writeBody() sends bytes, iterables and web streams of any length", PURE, async () => {
  const bodies: readonly (() => OutgoingBody)[] = [
    () => LARGE,
    () => piecesOf(LARGE, 50_000),
    () => piecesOf(LARGE, 1_000),
    () => ReadableStream.from(piecesOf(LARGE, 300_000)),
  ];
  for (const recordBytes of [65_519, 1_000]) {
    for (const [index, make] of bodies.entries()) {
      const { muxes, writer, reader, body } = await setUp({ recordBytes });
      const sent = send(writer, make());
      const label = `body ${index} in records of ${recordBytes}`;
      assert(equalBytes(await body.bytes(LARGE.length), LARGE), label);
      await sent;
      reader.end();
      await turns();
      assertEquals([muxes.dialer.streams, muxes.listener.streams], [0, 0], label);
    }
  }
});

Deno.test("writeBody() sends an empty body, and one with empty pieces", PURE, async () => {
  const none = new Uint8Array(0);
  for (const make of [() => none, () => piecesOf(none, 5)]) {
    const { writer, body } = await setUp();
    await send(writer, make());
    assertEquals(await body.bytes(0), none);
  }
  const { writer, body } = await setUp();
  const given = [none, Uint8Array.of(1), none, none, Uint8Array.of(2, 3), none];
  await send(writer, ReadableStream.from(given));
  assertEquals(await body.bytes(3), Uint8Array.of(1, 2, 3));
});

Deno.test("writeBody() waits for the reader before it asks its source for more", PURE, async () => {
  const { writer, body } = await setUp();
  let asked = 0;
  const sent = send(writer, piecesOf(LARGE, 10_000, (bytes) => asked += bytes));
  await turns();
  // The credit, what may wait to leave, and the piece that is being written.
  assert(asked <= 262_144 + 16_384 + 10_000, `${asked} bytes were asked for`);
  assertEquals(await codeOf(sent), "pending");
  const first = await body.read();
  await turns();
  assert(asked <= 262_144 + 16_384 + 10_000 + (first?.length ?? 0), `${asked} bytes`);
  const rest = await body.bytes(LARGE.length);
  assert(equalBytes(concatBytes(first ?? new Uint8Array(0), rest), LARGE));
  await sent;
});

Deno.test("writeBody() rejects as its source does", PURE, async () => {
  const { writer } = await setUp();
  const failing = async function* (): AsyncGenerator<Bytes> {
    yield Uint8Array.of(1);
    await turns(1);
    throw new Deno.errors.NotFound("the disk");
  };
  await assertRejects(() => writeBody(writer, failing()), Deno.errors.NotFound);
});

Deno.test("writeBody() rejects and lets its source go when the reader cancels", PURE, async () => {
  const { muxes, writer, body } = await setUp();
  let isReleased = false;
  const endless = async function* (): AsyncGenerator<Bytes> {
    try {
      for (;;) yield* piecesOf(LARGE, 50_000);
    } finally {
      isReleased = true;
    }
  };
  const sent = codeOf(writeBody(writer, endless()));
  await body.read();
  body.cancel();
  assertEquals([await sent, isReleased], ["cancelled", true]);
  assertEquals([muxes.dialer.streams, muxes.listener.streams], [0, 0]);

  let isCancelled = false;
  const { writer: other, body: unwanted } = await setUp();
  const source = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(noise(50_000)),
    cancel: () => void (isCancelled = true),
  });
  const piped = codeOf(writeBody(other, source));
  await turns();
  unwanted.cancel();
  assertEquals([await piped, isCancelled], ["cancelled", true]);
});

Deno.test("IncomingBody.bytes() takes up to its limit and no more", PURE, async () => {
  for (const [length, limit] of [[0, 0], [1, 1], [1_000, 1_000], [300_000, 300_000]] as const) {
    const { writer, body } = await setUp();
    void send(writer, noise(length));
    assertEquals((await body.bytes(limit)).length, length);
  }
  for (const [length, limit] of [[1, 0], [1_001, 1_000], [700_000, 300_000]] as const) {
    const { muxes, writer, reader, body } = await setUp();
    const sent = codeOf(send(writer, noise(length)));
    const error = await assertRejects(() => body.bytes(limit), BodyError);
    assertEquals(error.code, "too_large");
    reader.end();
    await turns();
    const left = [muxes.dialer.streams, muxes.listener.streams];
    assertEquals([await sent, ...left], [length > 262_144 ? "cancelled" : "resolved", 0, 0]);
  }
});

Deno.test(
  "IncomingBody rejects when the body breaks off, whichever way it is read",
  PURE,
  async () => {
    const reads: readonly ((body: IncomingBody) => Promise<unknown>)[] = [
      (body) => body.bytes(1_000),
      (body) => Array.fromAsync(body),
      (body) => Array.fromAsync(body.readable),
      async (body) => {
        while (await body.readInto(new Uint8Array(10)));
      },
    ];
    for (const [index, read] of reads.entries()) {
      const { writer, body } = await setUp();
      await writeBody(writer, noise(100));
      const outcome = codeOf(read(body));
      await turns();
      writer.reset("disk_full");
      assertEquals(await outcome, "disk_full", `read ${index}`);
    }
  },
);

Deno.test("IncomingBody gives the same bytes whichever way it is read", PURE, async () => {
  const reads: readonly ((body: IncomingBody) => Promise<readonly Bytes[]>)[] = [
    (body) => Array.fromAsync(body),
    (body) => Array.fromAsync(body.readable),
    async (body) => {
      const pieces: Bytes[] = [];
      const buffer = new Uint8Array(10_000);
      for (let count = await body.readInto(buffer); count; count = await body.readInto(buffer)) {
        pieces.push(buffer.slice(0, count));
      }
      return pieces;
    },
    async (body) => {
      const buffer = new Uint8Array(77);
      const [first, count] = [await body.read(), await body.readInto(buffer)];
      return [first ?? buffer, buffer.slice(0, count), await body.bytes(LARGE.length)];
    },
  ];
  for (const recordBytes of [65_519, 3_000]) {
    for (const [index, read] of reads.entries()) {
      const { writer, body } = await setUp({ recordBytes });
      void send(writer, piecesOf(LARGE, 33_333));
      const label = `read ${index}, records of ${recordBytes}`;
      assert(equalBytes(concatBytes(...await read(body)), LARGE), label);
      assertEquals(await body.read(), undefined, label);
    }
  }
});

Deno.test(
  "IncomingBody.readable is one stream, and cancelling it tells the writer",
  PURE,
  async () => {
    const { muxes, writer, body } = await setUp();
    assert(body.readable === body.readable);
    const sent = codeOf(send(writer, LARGE));
    await body.readable.cancel();
    assertEquals(await sent, "cancelled");
    assertEquals([muxes.dialer.streams, muxes.listener.streams], [0, 0]);
  },
);

Deno.test("IncomingBody tells the writer when a loop over it is left", PURE, async () => {
  const { writer, body } = await setUp();
  const sent = codeOf(send(writer, LARGE));
  for await (const piece of body) {
    assert(piece.length > 0);
    break;
  }
  assertEquals(await sent, "cancelled");
  await assertRejects(() => body.read(), StreamError);
});

Deno.test("IncomingBody.cancel() of one that has ended resets nothing", PURE, async () => {
  const { muxes, writer, reader, body } = await setUp();
  await send(writer, noise(10));
  assertEquals((await body.bytes(10)).length, 10);
  body.cancel();
  body.cancel();
  await send(reader, noise(20));
  assertEquals((await new IncomingBody(writer).bytes(20)).length, 20);
  assertEquals([reader.error, writer.error], [undefined, undefined]);
  assertEquals([muxes.dialer.streams, muxes.listener.streams], [0, 0]);
});
