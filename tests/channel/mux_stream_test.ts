import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { INITIAL_CREDIT_BYTES, MuxError } from "../../src/channel/mux_frame.ts";
import { type MuxStream, StreamError } from "../../src/channel/mux_stream.ts";
import { LOW_WATER_BYTES } from "../../src/channel/send_half.ts";
import {
  accepted,
  closeFrame,
  CREDIT_BYTES,
  dataFrame,
  framesIn,
  openFrame,
  outcomeOf,
  pattern,
  pump,
  resetFrame,
  Side,
  sides,
  windowFrame,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const HI = encodeUtf8("hi");
/** A receiver gives credit back by half of what there is. */
const HALF = CREDIT_BYTES / 2;

/** The bytes that `side` sends on its streams until it has nothing more to send. */
function dataFrom(side: Side): Bytes {
  const bodies: Bytes[] = [];
  for (let record = side.take(); record.length > 0; record = side.take()) {
    for (const { kind, body } of framesIn(record)) if (kind === 2) bodies.push(body);
  }
  return concatBytes(...bodies);
}

/** Takes `length` bytes on stream 2, in frames of the common length. */
function receiveData(side: Side, length: number): void {
  for (let left = length; left > 0; left -= 16_384) {
    side.receive(dataFrame(2, Math.min(left, 16_384)));
  }
}

/** Reads `length` bytes that have arrived. */
async function readExactly(stream: MuxStream, length: number): Promise<void> {
  const buffer = new Uint8Array(length);
  for (let read = 0; read < length;) {
    read += await stream.readInto(buffer.subarray(0, length - read)) ?? length;
  }
}

Deno.test("write() takes up to 16,384 bytes at once, as a copy", PURE, () => {
  const side = new Side();
  const stream = side.opened();
  const bytes = pattern(16_384);
  assertEquals([LOW_WATER_BYTES, stream.write(bytes), stream.unsent], [16_384, undefined, 16_384]);
  bytes.fill(0);
  assertEquals(dataFrom(side), pattern(16_384));
  assertEquals(stream.unsent, 0);
  for (let i = 0; i < 16_384; i++) assertEquals(stream.write(Uint8Array.of(i)), undefined);
  assert(stream.write(Uint8Array.of(0)));
});

Deno.test("write() of more waits until all but 16,384 bytes have left", PURE, async () => {
  const side = new Side();
  const stream = side.opened();
  const bytes = pattern(16_384 + 65_511 - 3 * 8);
  const written = stream.write(bytes);
  assertEquals(await outcomeOf(written), "waiting");
  // One record takes four frames of data: 65,519 bytes less their headers.
  const first = framesIn(side.take()).map(({ body }) => body);
  assertEquals([stream.unsent, await outcomeOf(written)], [16_384, undefined]);
  // The bytes are the writer's again.
  bytes.fill(0);
  const all = concatBytes(...first, dataFrom(side));
  assertEquals(all, pattern(all.length));
});

Deno.test("write() after write() waits for both, in order", PURE, async () => {
  const side = new Side();
  const stream = side.opened();
  const pieces = [pattern(100), pattern(90_000, 100), pattern(5, 90_100), pattern(60_000, 90_105)];
  const written = pieces.map((piece) => stream.write(piece));
  assertEquals(written[0], undefined);
  assertEquals(dataFrom(side), pattern(150_105));
  for (const promise of written) assertEquals(await outcomeOf(promise), undefined);
});

Deno.test("give() sends what is given without a copy", PURE, () => {
  const side = new Side();
  const stream = side.opened();
  const bytes = pattern(10);
  stream.give(bytes);
  bytes[0] = 99;
  assertEquals(dataFrom(side), bytes);
});

Deno.test("a stream sends 262,144 bytes without credit, and not one more", PURE, async () => {
  const side = new Side();
  const stream = side.opened();
  assertEquals([INITIAL_CREDIT_BYTES, stream.credit], [CREDIT_BYTES, CREDIT_BYTES]);
  const all = pattern(CREDIT_BYTES + HALF + 1);
  const written = stream.write(all);
  stream.end();
  assertEquals(dataFrom(side), all.slice(0, CREDIT_BYTES));
  assertEquals([stream.credit, side.mux.hasOutput(), stream.unsent], [0, false, HALF + 1]);
  side.receive(windowFrame(1, HALF));
  assertEquals(dataFrom(side), all.slice(CREDIT_BYTES, -1));
  assertEquals([stream.credit, stream.unsent, await outcomeOf(written)], [0, 1, undefined]);
  side.receive(windowFrame(1, HALF));
  assertEquals(side.sent(), ["data 1 #1", "close 1"]);
  assertEquals(stream.credit, HALF - 1);
});

Deno.test("a stream never sends more than its credit, however that comes", PURE, () => {
  const random = seededRandom(31);
  for (let round = 0; round < 5; round++) {
    const side = new Side();
    const stream = side.opened();
    let [credit, sent, written] = [CREDIT_BYTES, 0, 0];
    for (let step = 0; step < 60; step++) {
      const length = 1 + randomBelow(random, 40_000);
      stream.write(pattern(length, written));
      written += length;
      if (randomBelow(random, 3) === 0) {
        const grant = 1 + randomBelow(random, HALF);
        side.receive(windowFrame(1, grant));
        credit += grant;
      }
      const data = dataFrom(side);
      assertEquals(data, pattern(data.length, sent));
      sent += data.length;
      assert(sent <= credit);
      assertEquals(stream.credit, credit - sent);
    }
    side.receive(windowFrame(1, written));
    assertEquals(sent + dataFrom(side).length, written);
  }
});

Deno.test("a peer may send 262,144 bytes without credit, and not one more", PURE, () => {
  const isAccepted = [true, false];
  for (const accepts of isAccepted) {
    const side = new Side();
    side.receive(openFrame(2));
    const stream = accepts ? side.accept() : undefined;
    receiveData(side, CREDIT_BYTES);
    const error = assertThrows(() => side.receive(dataFrame(2, 1)), MuxError);
    assertEquals(error.code, "credit_exceeded");
    assertEquals((stream ?? side.accept()).unread, CREDIT_BYTES);
  }
});

Deno.test("a peer that exceeds its credit by one byte in one frame ends the link", PURE, () => {
  const { side, stream } = accepted();
  receiveData(side, CREDIT_BYTES - 100);
  const error = assertThrows(() => side.receive(dataFrame(2, 101)), MuxError);
  assertEquals([error.code, stream.unread], ["credit_exceeded", CREDIT_BYTES - 100]);
});

Deno.test(
  "a stream gives credit once half of it was read, and as much as was read",
  PURE,
  async () => {
    const { side, stream } = accepted();
    receiveData(side, CREDIT_BYTES);
    await readExactly(stream, HALF - 1);
    assertEquals(side.sent(), []);
    await readExactly(stream, 1);
    assertEquals(side.sent(), [`window 2 +${HALF}`]);
    receiveData(side, HALF);
    assertEquals(
      assertThrows(() => side.receive(dataFrame(2, 1)), MuxError).code,
      "credit_exceeded",
    );
    await readExactly(stream, CREDIT_BYTES);
    assertEquals([stream.unread, side.sent()], [0, [`window 2 +${CREDIT_BYTES}`]]);
  },
);

Deno.test("a stream gives no credit to a peer that has ended or was reset", PURE, async () => {
  for (const last of [closeFrame(2), resetFrame(2, "cancelled")]) {
    // Before its data is read, and between that and the grant.
    for (const isRead of [false, true]) {
      const { side, stream } = accepted();
      receiveData(side, HALF);
      if (isRead) await readExactly(stream, HALF);
      side.receive(last);
      if (!isRead) await readExactly(stream, HALF);
      assertEquals(side.sent(), []);
    }
  }
});

Deno.test("a slow reader stalls its own stream and no other", PURE, async () => {
  const [dialer, listener] = sides();
  const [slow, quick] = [dialer.mux.open(), dialer.mux.open()];
  const length = 3 * CREDIT_BYTES;
  const written = [slow, quick].map((stream) => stream.write(pattern(length)));
  pump(dialer, listener);
  const [unread, read] = [listener.accept(), listener.accept()];
  for (let done = 0; done < length;) {
    const piece = await read.read();
    assertEquals(piece, pattern(piece?.length ?? 0, done));
    done += piece?.length ?? length;
    pump(dialer, listener);
  }
  assertEquals([unread.unread, slow.unsent, quick.unsent], [
    CREDIT_BYTES,
    length - CREDIT_BYTES,
    0,
  ]);
  const outcomes = await Promise.all(written.map(outcomeOf));
  assertEquals(outcomes, ["waiting", undefined]);
});

Deno.test("end() sends a close behind all that was written, once", PURE, () => {
  const side = new Side();
  const stream = side.mux.open();
  stream.write(HI);
  stream.end();
  stream.end();
  assertThrows(() => stream.write(HI), TypeError, "Cannot write to stream: it was ended");
  assertThrows(() => stream.give(HI), TypeError);
  assertEquals(side.sent(), ["open 1 @1", "data 1 #2", "close 1"]);
  stream.end();
  assertEquals([side.sent(), side.mux.streams], [[], 1]);
});

Deno.test("either side may end its direction while the other goes on", PURE, async () => {
  const [dialer, listener] = sides();
  const ours = dialer.mux.open();
  ours.end();
  pump(dialer, listener);
  const theirs = listener.accept();
  assertEquals([theirs.isEnded, await theirs.read()], [true, undefined]);
  for (let turn = 0; turn < 3; turn++) {
    theirs.write(HI);
    pump(dialer, listener);
    assertEquals(await ours.read(), HI);
  }
  assertEquals([dialer.mux.streams, listener.mux.streams, ours.isEnded], [1, 1, false]);
  theirs.end();
  pump(dialer, listener);
  assertEquals(await ours.read(), undefined);
  assertEquals([dialer.mux.streams, listener.mux.streams], [0, 0]);
  assertEquals([await outcomeOf(ours.closed), await outcomeOf(theirs.closed)], [
    undefined,
    undefined,
  ]);
});

Deno.test("closed resolves when both directions have ended and all was read", PURE, async () => {
  const { side, stream } = accepted();
  const { closed } = stream;
  assertStrictEquals(stream.closed, closed);
  stream.end();
  side.receive(dataFrame(2, HI), closeFrame(2));
  assertEquals([await outcomeOf(closed), side.mux.streams], ["waiting", 1]);
  side.take();
  assertEquals([await outcomeOf(closed), side.mux.streams], ["waiting", 1]);
  await stream.read();
  assertEquals([await outcomeOf(closed), side.mux.streams], [undefined, 0]);
  assertEquals(await outcomeOf(stream.closed), undefined);
});

Deno.test("a stream that has failed takes nothing and says why", PURE, async () => {
  const side = new Side();
  const stream = side.opened();
  side.receive(resetFrame(1, "no_room"));
  const error = assertThrows(() => stream.write(HI), StreamError);
  assertEquals([error.code, error.isRemote], ["no_room", true]);
  assertStrictEquals(assertThrows(() => stream.give(HI)), error);
  assertStrictEquals(stream.error, error);
  stream.end();
  assertEquals([await outcomeOf(stream.closed), side.sent()], ["no_room", []]);
});
