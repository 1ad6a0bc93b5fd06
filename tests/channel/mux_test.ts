import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { settle } from "../../src/base/clock.ts";
import { MAX_STREAMS, MAX_UNACCEPTED, type Mux } from "../../src/channel/mux.ts";
import { MuxError } from "../../src/channel/mux_frame.ts";
import { type MuxStream, StreamError } from "../../src/channel/mux_stream.ts";
import {
  closeFrame,
  dataFrame,
  frame,
  framesIn,
  goawayFrame,
  messageFrame,
  openFrame,
  outcomeOf,
  pingFrame,
  pump,
  resetFrame,
  Side,
  sides,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const HI = encodeUtf8("hi");
/** Answers that may wait for a peer that does not read. */
const MAX_REPLIES = 1_024;

function openMany(mux: Mux, count: number): readonly MuxStream[] {
  return Array.from({ length: count }, () => mux.open());
}

/** The peer opens `count` streams from `first` on, which are accepted unless there is nobody to. */
function receiveMany(side: Side, count: number, { first = 2, isAccepted = true } = {}): void {
  for (let i = 0; i < count; i++) {
    side.receive(openFrame(first + 2 * i));
    if (isAccepted) side.accept();
  }
}

Deno.test(
  "Mux.open() numbers the dialer's streams 1, 3, 5 and the listener's 2, 4, 6",
  PURE,
  () => {
    const [dialer, listener] = sides();
    assertEquals(openMany(dialer.mux, 3).map(({ id }) => id), [1, 3, 5]);
    assertEquals(openMany(listener.mux, 3).map(({ id }) => id), [2, 4, 6]);
    pump(dialer, listener);
    assertEquals([dialer.mux.streams, listener.mux.streams], [6, 6]);
    assertEquals([1, 2, 3].map(() => listener.accept().id), [1, 3, 5]);
    assertEquals([1, 2, 3].map(() => dialer.accept().id), [2, 4, 6]);
  },
);

Deno.test("Mux.open() does not use an id again that has just become free", PURE, () => {
  const side = new Side();
  side.opened().reset("done");
  assertEquals([side.mux.streams, side.mux.open().id], [0, 3]);
});

Deno.test("Mux.accept() gives the peer's streams in order, with their priority", PURE, () => {
  const side = new Side();
  assertEquals(side.mux.accept(), undefined);
  side.receive(openFrame(6, 0), openFrame(2, 3), openFrame(4, 2));
  const accepted = [1, 2, 3].map(() => side.accept());
  assertEquals(accepted.map(({ id, priority }) => [id, priority]), [[6, 0], [2, 3], [4, 2]]);
  assert(accepted.every(({ isOurs }) => !isOurs));
  assertEquals(side.mux.accept(), undefined);
});

Deno.test("Mux.accept() leaves out what the peer has reset meanwhile", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2), openFrame(4), openFrame(6), resetFrame(4, "cancelled"));
  assertEquals([side.accept().id, side.accept().id, side.mux.accept()], [2, 6, undefined]);
});

Deno.test("Mux tells of incoming streams once a record, when all of it was read", PURE, () => {
  const side = new Side();
  const unread: number[] = [];
  side.onIncoming = () => unread.push(side.accept().unread, side.accept().unread);
  side.receive(openFrame(2), openFrame(4), dataFrame(4, 5), dataFrame(2, 7));
  assertEquals([side.incoming, unread], [1, [7, 5]]);
  side.receive(dataFrame(2, 1), messageFrame(HI));
  assertEquals(side.incoming, 1);
});

Deno.test("Mux takes 256 streams of ours, and not one more", PURE, () => {
  const side = new Side();
  const streams = openMany(side.mux, 256);
  assertEquals([MAX_STREAMS, side.mux.streams], [256, 256]);
  const error = assertThrows(() => side.mux.open(), StreamError);
  assertEquals(error.code, "too_many_streams");
  streams[7]?.reset("done");
  assertEquals([side.mux.open().id, side.mux.streams], [513, 256]);
});

Deno.test("Mux takes 256 streams of both sides together, and refuses the next", PURE, () => {
  const side = new Side();
  openMany(side.mux, 200);
  side.take();
  receiveMany(side, 56);
  assertEquals([side.mux.streams, side.sent()], [256, []]);
  side.receive(openFrame(1_000));
  assertEquals(side.sent(), ["reset 1000 refused"]);
  assertEquals(assertThrows(() => side.mux.open(), StreamError).code, "too_many_streams");
  assertEquals([side.mux.streams, side.mux.accept()], [256, undefined]);
  side.receive(resetFrame(1, "done"), openFrame(1_000));
  assertEquals([side.mux.streams, side.accept().id, side.sent()], [256, 1_000, []]);
});

Deno.test("Mux takes 256 streams of the peer alone, and refuses the next", PURE, () => {
  const side = new Side();
  receiveMany(side, 256);
  assertEquals(side.mux.streams, 256);
  side.receive(openFrame(600), dataFrame(600, 100), closeFrame(600));
  assertEquals([side.mux.streams, side.sent()], [256, ["reset 600 refused"]]);
});

Deno.test("Mux takes 64 streams that nobody accepts, and refuses the next", PURE, () => {
  const side = new Side();
  receiveMany(side, 64, { isAccepted: false });
  assertEquals([MAX_UNACCEPTED, side.mux.streams, side.sent()], [64, 64, []]);
  side.receive(openFrame(600));
  assertEquals([side.mux.streams, side.sent()], [64, ["reset 600 refused"]]);
  side.accept();
  side.receive(openFrame(600), openFrame(602));
  assertEquals([side.mux.streams, side.sent()], [65, ["reset 602 refused"]]);
  // One that the peer resets makes room too.
  side.receive(resetFrame(600, "cancelled"), openFrame(604));
  assertEquals([side.mux.streams, side.sent()], [65, []]);
});

Deno.test("a refused open is told to whoever opened", PURE, async () => {
  const [dialer, listener] = sides();
  openMany(listener.mux, 256);
  const stream = dialer.mux.open();
  listener.receive(dialer.take());
  dialer.receive(listener.take());
  assertEquals([stream.error?.code, stream.error?.isRemote], ["refused", true]);
  assertEquals(await outcomeOf(stream.read()), "refused");
});

Deno.test("Mux takes 1,024 pings that it cannot answer yet, and not one more", PURE, () => {
  const side = new Side();
  for (let i = 0; i < MAX_REPLIES; i++) side.receive(pingFrame());
  assertEquals(assertThrows(() => side.receive(pingFrame()), MuxError).code, "flooded");

  const reading = new Side();
  for (let i = 0; i < 3 * MAX_REPLIES; i++) {
    reading.receive(pingFrame());
    if (i % MAX_REPLIES === MAX_REPLIES - 1) assertEquals(reading.sent().length, MAX_REPLIES);
  }
});

Deno.test("Mux takes 1,024 opens that it cannot refuse yet, and not one more", PURE, () => {
  const side = new Side();
  receiveMany(side, 64 + MAX_REPLIES, { isAccepted: false });
  assertEquals(side.mux.streams, 64);
  const error = assertThrows(() => side.receive(openFrame(90_000)), MuxError);
  assertEquals([error.code, side.mux.streams], ["flooded", 64]);
});

Deno.test("Mux answers no pong, and hears it in silence", PURE, () => {
  const side = new Side();
  side.receive(frame({ kind: 6, flags: 1, body: new Uint8Array(8) }));
  assertEquals([side.take().length, side.messages, side.incoming], [0, [], 0]);
});

Deno.test("Mux.receive() gives messages in order, as views that the receiver keeps", PURE, () => {
  const side = new Side();
  const bodies = [HI, encodeUtf8(""), encodeUtf8("last")];
  assertEquals(side.receive(...bodies.map(messageFrame)), true);
  assertEquals(side.messages, bodies);
  const buffers = new Set(side.messages.map(({ buffer }) => buffer));
  assertEquals(buffers.size, 1);
});

Deno.test("Mux.sendMessage() takes 65,511 bytes, and not one more", PURE, () => {
  const [dialer, listener] = sides();
  const longest = new Uint8Array(65_511).fill(7);
  dialer.mux.sendMessage(longest);
  assertEquals(dialer.mux.messageBytes, 65_511);
  pump(dialer, listener);
  assertEquals([dialer.mux.messageBytes, listener.messages], [0, [longest]]);
  const error = assertThrows(() => dialer.mux.sendMessage(new Uint8Array(65_512)), RangeError);
  assertEquals(error.message, "Cannot send message: length 65512 exceeds 65511");
});

Deno.test(
  "Mux.goAway() refuses new streams on both sides, and those that are open go on",
  PURE,
  async () => {
    const [dialer, listener] = sides();
    const ours = dialer.opened();
    listener.receive(openFrame(1));
    dialer.mux.goAway("leaving");
    dialer.mux.goAway("leaving");
    assertEquals(assertThrows(() => dialer.mux.open(), StreamError).code, "going_away");
    dialer.receive(openFrame(2));
    ours.write(HI);
    const record = dialer.take();
    assertEquals(framesIn(record).map(({ kind }) => kind), [8, 5, 2]);
    listener.receive(record);
    assertEquals(assertThrows(() => listener.mux.open(), StreamError).code, "going_away");
    assertEquals(await listener.accept().read(), HI);
  },
);

Deno.test("Mux.receive() of a goaway refuses what either side opens from then on", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2), goawayFrame("leaving"), openFrame(4));
  assertEquals(side.sent(), ["reset 4 going_away"]);
  assertEquals(assertThrows(() => side.mux.open(), StreamError).code, "going_away");
  assertEquals(side.accept().id, 2);
});

Deno.test("Mux.close() ends every stream and whoever waits for one", PURE, async () => {
  const side = new Side();
  const [reading, writing] = [side.opened(), side.opened()];
  side.receive(openFrame(2));
  const waiting = [
    reading.read(),
    writing.write(new Uint8Array(100_000)),
    reading.closed,
    writing.closed,
  ];
  const outcomes = waiting.map(outcomeOf);
  side.mux.close("broken");
  assertEquals(await Promise.all(outcomes), ["lost", "lost", "lost", "lost"]);
  assertEquals([side.mux.streams, side.mux.accept(), side.sent()], [0, undefined, []]);
  assertEquals(assertThrows(() => side.mux.open(), StreamError).code, "lost");
  const { error } = reading;
  assertEquals([error?.code, error?.isRemote], ["lost", false]);
  side.mux.close("broken");
  assertStrictEquals(reading.error, error);
});

Deno.test("Mux tells of output once a turn", PURE, async () => {
  const side = new Side();
  const stream = side.mux.open();
  stream.write(HI);
  side.mux.sendMessage(HI);
  side.mux.ping();
  assertEquals(side.outputs, 0);
  await settle();
  assertEquals(side.outputs, 1);
  await settle();
  assertEquals(side.outputs, 1);
  assertEquals(side.sent(), ["ping", "message #2", "open 1 @1", "data 1 #2"]);
  side.mux.sendMessage(HI);
  await settle();
  assertEquals(side.outputs, 2);
});

Deno.test("Mux tells of no output that a received record caused", PURE, async () => {
  const side = new Side();
  side.receive(pingFrame(), openFrame(2), goawayFrame("leaving"), openFrame(4));
  await settle();
  assertEquals([side.outputs, side.mux.hasOutput()], [0, true]);
  assertEquals(side.sent(), ["pong", "reset 4 going_away"]);
  side.accept().write(HI);
  await settle();
  assertEquals(side.outputs, 1);
});
