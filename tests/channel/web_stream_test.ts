import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { settle } from "../../src/base/clock.ts";
import { type MuxStream, StreamError } from "../../src/channel/mux_stream.ts";
import { CANCELLED, readableOf, writableOf } from "../../src/channel/web_stream.ts";
import {
  accepted,
  closeFrame,
  CREDIT_BYTES,
  dataFrame,
  outcomeOf,
  pattern,
  pump,
  resetFrame,
  Side,
  sides,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const HI = encodeUtf8("hi");

interface Joined {
  readonly dialer: Side;
  readonly listener: Side;
  /** The two ends of one stream. */
  readonly near: MuxStream;
  readonly far: MuxStream;
}

function joined(): Joined {
  const [dialer, listener] = sides();
  const near = dialer.mux.open();
  pump(dialer, listener);
  return { dialer, listener, near, far: listener.accept() };
}

/** Moves records until nothing happens any more; fails when the reader's end holds more than its credit. */
async function run({ dialer, listener, far }: Joined): Promise<void> {
  for (let isMoving = true; isMoving;) {
    await settle();
    isMoving = dialer.mux.hasOutput() || listener.mux.hasOutput();
    pump(dialer, listener);
    assert(far.unread <= CREDIT_BYTES);
  }
}

async function codeOf(act: () => PromiseLike<unknown>): Promise<string> {
  return (await assertRejects(act, StreamError)).code;
}

/** The codes that `promises` reject with; `undefined` for one that resolves. */
async function codesOf(promises: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((result) => result.status === "rejected" ? result.reason.code : undefined);
}

Deno.test("readableOf() gives what arrives, and closes at the end", PURE, async () => {
  const { side, stream } = accepted();
  side.receive(dataFrame(2, pattern(5)), dataFrame(2, pattern(4_000, 5)));
  const reading = Array.fromAsync(readableOf(stream));
  await settle();
  side.receive(dataFrame(2, pattern(3, 4_005)), closeFrame(2));
  assertEquals(concatBytes(...await reading), pattern(4_008));
});

Deno.test("readableOf() reads nothing ahead of its consumer", PURE, async () => {
  const { side, stream } = accepted();
  for (let i = 0; i < 16; i++) side.receive(dataFrame(2, 16_384));
  const reader = readableOf(stream).getReader();
  await settle();
  assertEquals([stream.unread, side.sent()], [CREDIT_BYTES, []]);
  for (let read = 1; read <= 8; read++) {
    assertEquals(side.sent(), []);
    assertEquals((await reader.read()).value?.length, 16_384);
    await settle();
    assertEquals(stream.unread, CREDIT_BYTES - read * 16_384);
  }
  assertEquals(side.sent(), ["window 2 +131072"]);
});

Deno.test("readableOf() cancelled resets the stream", PURE, async () => {
  const { side, stream } = accepted();
  side.receive(dataFrame(2, HI));
  const readable = readableOf(stream);
  await readable.cancel("whatever");
  assertEquals([CANCELLED, stream.error?.code, side.sent()], [
    "cancelled",
    "cancelled",
    ["reset 2 cancelled"],
  ]);
  assertEquals([stream.unread, side.mux.streams], [0, 0]);
  assertEquals(await Array.fromAsync(readable), []);
});

Deno.test("readableOf() cancelled while it is read ends that read", PURE, async () => {
  const { side, stream } = accepted();
  const reader = readableOf(stream).getReader();
  const reading = reader.read();
  await settle();
  await reader.cancel();
  assertEquals((await reading).done, true);
  assertEquals(side.sent(), ["reset 2 cancelled"]);
});

Deno.test("readableOf() left early by a loop resets the stream", PURE, async () => {
  const { side, stream } = accepted();
  side.receive(dataFrame(2, HI));
  for await (const bytes of readableOf(stream)) {
    assertEquals(bytes, HI);
    break;
  }
  assertEquals(side.sent(), ["reset 2 cancelled"]);
});

Deno.test("readableOf() cancelled resets nothing that the peer has ended", PURE, async () => {
  const { side, stream } = accepted();
  side.receive(dataFrame(2, HI), closeFrame(2));
  await readableOf(stream).cancel();
  stream.write(HI);
  assertEquals(side.sent(), ["data 2 #2"]);
});

Deno.test("readableOf() fails behind what came before the peer's reset", PURE, async () => {
  const { side, stream } = accepted();
  side.receive(dataFrame(2, HI));
  const reader = readableOf(stream).getReader();
  side.receive(resetFrame(2, "no_room"));
  assertEquals((await reader.read()).value, HI);
  assertEquals(await codeOf(() => reader.read()), "no_room");
  assertEquals(await codeOf(() => reader.closed), "no_room");
});

Deno.test("readableOf() fails when the session is lost", PURE, async () => {
  const { side, stream } = accepted();
  const reader = readableOf(stream).getReader();
  const reading = outcomeOf(reader.read());
  side.mux.close("broken");
  assertEquals(await reading, "lost");
  assertEquals(await codeOf(() => reader.closed), "lost");
});

Deno.test(
  "writableOf() lets a writer wait while there is no credit, and go on when it comes",
  PURE,
  async () => {
    const ends = joined();
    const writer = writableOf(ends.near).getWriter();
    const total = CREDIT_BYTES + 50_000;
    const written = writer.write(pattern(total));
    await run(ends);
    // All but 50,000 have left, and 16,384 are what may lie.
    assertEquals(await outcomeOf(written), "waiting");
    assertEquals([writer.desiredSize, ends.near.credit, ends.far.unread], [0, 0, CREDIT_BYTES]);
    assertEquals(await outcomeOf(writer.ready), "waiting");

    const buffer = new Uint8Array(total);
    const first = await ends.far.readInto(buffer.subarray(0, CREDIT_BYTES / 2 - 1));
    await run(ends);
    assertEquals([first, await outcomeOf(written)], [CREDIT_BYTES / 2 - 1, "waiting"]);
    await ends.far.readInto(buffer.subarray(CREDIT_BYTES / 2 - 1, CREDIT_BYTES / 2));
    await run(ends);
    assertEquals([await outcomeOf(written), writer.desiredSize], [undefined, 1]);
    assertEquals(ends.far.unread, total - CREDIT_BYTES / 2);
    await ends.far.readInto(buffer.subarray(CREDIT_BYTES / 2));
    assertEquals(buffer, pattern(total));
  },
);

Deno.test("writableOf() lets many small writes wait too", PURE, async () => {
  const ends = joined();
  const writer = writableOf(ends.near).getWriter();
  let written = 1;
  while (await outcomeOf(writer.write(new Uint8Array(4_096))) !== "waiting") {
    written++;
    pump(ends.dialer, ends.listener);
  }
  // The credit, what may lie besides, and the write that waits.
  assertEquals(written, CREDIT_BYTES / 4_096 + 16_384 / 4_096 + 1);
  await ends.far.readInto(new Uint8Array(CREDIT_BYTES));
  await run(ends);
  assertEquals([await outcomeOf(writer.ready), ends.near.unsent], [undefined, 0]);
});

Deno.test("a pipe through a stream carries everything at the reader's pace", PURE, async () => {
  const ends = joined();
  const total = 3_000_000;
  let made = 0;
  const source = new ReadableStream<Bytes>({
    pull(controller) {
      const length = Math.min(50_001, total - made);
      if (length === 0) return controller.close();
      controller.enqueue(pattern(length, made));
      made += length;
    },
  }, { highWaterMark: 0 });
  const piped = source.pipeTo(writableOf(ends.near));
  await run(ends);
  // Nobody has read: credit, what is being written, and what the pipe holds in its hand.
  assert(made <= CREDIT_BYTES + 3 * 50_001, `${made} bytes were made`);
  let read = 0;
  const readable = readableOf(ends.far);
  const reading = (async () => {
    for await (const piece of readable) {
      assertEquals(piece, pattern(piece.length, read));
      read += piece.length;
    }
  })();
  await run(ends);
  await Promise.all([piped, reading]);
  assertEquals([read, made], [total, total]);
});

Deno.test("writableOf() closed ends our direction alone", PURE, async () => {
  const { side, stream } = accepted();
  const writer = writableOf(stream).getWriter();
  writer.write(HI);
  await writer.close();
  assertEquals(side.sent(), ["data 2 #2", "close 2"]);
  side.receive(dataFrame(2, HI));
  assertEquals(await stream.read(), HI);
  await assertRejects(() => writer.write(HI), TypeError);
});

Deno.test("writableOf() aborted resets the stream", PURE, async () => {
  const { side, stream } = accepted();
  const writable = writableOf(stream);
  await writable.abort("whatever");
  assertEquals([side.sent(), stream.error?.code], [["reset 2 cancelled"], "cancelled"]);
});

Deno.test("writableOf() with a signal that was aborted sends nothing", PURE, async () => {
  const side = new Side();
  const stream = side.mux.open();
  const writer = writableOf(stream, AbortSignal.abort()).getWriter();
  assertEquals(await codeOf(() => writer.write(HI)), "cancelled");
  assertEquals(await codeOf(() => writer.closed), "cancelled");
  assertEquals([side.sent(), side.mux.streams], [[], 0]);
});

Deno.test("writableOf() is aborted by its signal, whether or not a write waits", PURE, async () => {
  for (const length of [0, 400_000]) {
    const { side, stream } = accepted();
    const controller = new AbortController();
    const writer = writableOf(stream, controller.signal).getWriter();
    const codes = codesOf([writer.closed, writer.write(new Uint8Array(length))]);
    await settle();
    controller.abort();
    assertEquals(await codes, ["cancelled", length === 0 ? undefined : "cancelled"]);
    assertEquals(side.sent(), ["reset 2 cancelled"]);
    assertEquals(await codeOf(() => writer.write(HI)), "cancelled");
  }
});

Deno.test("writableOf() has nothing to abort once the stream is over", PURE, async () => {
  const { side, stream } = accepted();
  const controller = new AbortController();
  await writableOf(stream, controller.signal).close();
  side.receive(closeFrame(2));
  assertEquals([side.sent(), await outcomeOf(stream.closed)], [["close 2"], undefined]);
  controller.abort();
  assertEquals([side.sent(), stream.error], [[], undefined]);
});

Deno.test("writableOf() fails when the peer resets or the session is lost", PURE, async () => {
  for (const code of ["no_room", "lost"]) {
    const { side, stream } = accepted();
    const writer = writableOf(stream).getWriter();
    const codes = codesOf([writer.write(new Uint8Array(400_000)), writer.closed, writer.ready]);
    await settle();
    if (code === "lost") side.mux.close("broken");
    else side.receive(resetFrame(2, code));
    assertEquals(await codes, [code, code, code]);
    assertEquals(await codeOf(() => writer.write(HI)), code);
  }
});
