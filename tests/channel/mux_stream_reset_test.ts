import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import {
  closeFrame,
  dataFrame,
  openFrame,
  outcomeOf,
  pump,
  resetFrame,
  Side,
  sides,
  windowFrame,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const HI = encodeUtf8("hi");

Deno.test("reset() drops what has not left and tells the peer why, once", PURE, async () => {
  const side = new Side();
  const stream = side.opened();
  const outcomes = [stream.write(new Uint8Array(100_000)), stream.read(), stream.closed].map(
    outcomeOf,
  );
  stream.reset("cancelled");
  stream.reset("again");
  stream.end();
  assertEquals(await Promise.all(outcomes), ["cancelled", "cancelled", "cancelled"]);
  assertEquals(side.sent(), ["reset 1 cancelled"]);
  assertEquals([stream.error?.code, stream.error?.isRemote], ["cancelled", false]);
  assertEquals([stream.unsent, stream.unread, side.mux.streams], [0, 0, 0]);
});

Deno.test("reset() before the open has left sends nothing", PURE, () => {
  const side = new Side();
  const stream = side.mux.open();
  stream.write(HI);
  stream.reset("cancelled");
  assertEquals([side.mux.hasOutput(), side.sent(), side.mux.streams], [false, [], 0]);
});

Deno.test("reset() takes back a credit that was to be given", PURE, async () => {
  const side = new Side();
  side.receive(openFrame(2));
  const stream = side.accept();
  for (let i = 0; i < 8; i++) side.receive(dataFrame(2, 16_384));
  for (let i = 0; i < 8; i++) await stream.read();
  stream.reset("cancelled");
  assertEquals(side.sent(), ["reset 2 cancelled"]);
});

Deno.test("reset() is told to the peer as an error of its own", PURE, async () => {
  const [dialer, listener] = sides();
  const ours = dialer.mux.open();
  pump(dialer, listener);
  const theirs = listener.accept();
  const outcomes = [theirs.read(), theirs.closed, theirs.write(new Uint8Array(20_000))].map(
    outcomeOf,
  );
  ours.reset("too_cold");
  pump(dialer, listener);
  assertEquals(await Promise.all(outcomes), ["too_cold", "too_cold", "too_cold"]);
  assertEquals([theirs.error?.code, theirs.error?.isRemote], ["too_cold", true]);
  assertEquals([dialer.mux.streams, listener.mux.streams], [0, 0]);
});

Deno.test("reset() of one stream leaves the others alone", PURE, () => {
  const side = new Side();
  const streams = [side.mux.open(), side.mux.open(), side.mux.open()];
  for (const stream of streams) stream.write(HI);
  streams[1]?.reset("cancelled");
  assertEquals(side.sent(), ["open 1 @1", "data 1 #2", "open 5 @1", "data 5 #2"]);
});

Deno.test("what the peer sent before its close stays readable after its reset", PURE, async () => {
  const side = new Side();
  const stream = side.opened();
  side.receive(dataFrame(1, HI), dataFrame(1, new Uint8Array(3_000)), closeFrame(1));
  side.receive(resetFrame(1, "unread"));
  assertEquals([stream.error?.code, side.mux.streams], ["unread", 0]);
  assertEquals([await stream.read(), (await stream.read())?.length], [HI, 3_000]);
  assertEquals(await stream.read(), undefined);
  assertEquals(await stream.readInto(new Uint8Array(5)), undefined);
});

Deno.test("what the peer sent before it broke off is read, and then the error", PURE, async () => {
  const side = new Side();
  const stream = side.opened();
  side.receive(dataFrame(1, HI), resetFrame(1, "cancelled"));
  assertEquals(await stream.read(), HI);
  assertEquals(await outcomeOf(stream.read()), "cancelled");
  assertEquals(await outcomeOf(stream.readInto(new Uint8Array(5))), "cancelled");
});

Deno.test("a reset of a stream that nobody has accepted is told to nobody", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2), dataFrame(2, HI));
  side.receive(resetFrame(2, "cancelled"));
  assertEquals([side.mux.accept(), side.mux.streams, side.sent()], [undefined, 0, []]);
});

Deno.test("finish() ends our direction and resets the peer's once ours has left", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2), dataFrame(2, HI));
  const stream = side.accept();
  stream.write(HI);
  stream.finish("unread");
  assertEquals(stream.unread, 0);
  side.receive(dataFrame(2, 5_000));
  assertEquals(stream.unread, 0);
  assertEquals(side.sent(), ["data 2 #2", "close 2", "reset 2 unread"]);
  assertEquals(side.mux.streams, 0);
});

Deno.test("finish() waits for credit that our direction needs", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2));
  const stream = side.accept();
  stream.write(new Uint8Array(262_144 + 10));
  stream.finish("unread");
  assert(side.sent().every((words) => words.startsWith("data 2 ")));
  assertEquals([stream.unsent, side.mux.streams], [10, 1]);
  side.receive(windowFrame(2, 131_072));
  assertEquals(side.sent(), ["data 2 #10", "close 2", "reset 2 unread"]);
});

Deno.test("finish() resets nothing where the peer ends by itself", PURE, () => {
  for (const order of ["before", "between", "after"]) {
    const side = new Side();
    side.receive(openFrame(2), dataFrame(2, HI));
    const stream = side.accept();
    if (order === "before") side.receive(closeFrame(2));
    stream.finish("unread");
    if (order === "between") side.receive(dataFrame(2, HI), closeFrame(2));
    assertEquals(side.sent(), order === "after" ? ["close 2", "reset 2 unread"] : ["close 2"]);
    if (order === "after") side.receive(dataFrame(2, HI), closeFrame(2));
    assertEquals([side.mux.streams, stream.unread], [0, 0], order);
  }
});

Deno.test("finish() behind a close that has left resets at once", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2));
  const stream = side.accept();
  stream.end();
  assertEquals(side.sent(), ["close 2"]);
  stream.finish("unread");
  assertEquals([side.sent(), side.mux.streams], [["reset 2 unread"], 0]);
});

Deno.test("finish() lets the peer read all of our answer", PURE, async () => {
  const [dialer, listener] = sides();
  const ours = dialer.mux.open();
  ours.write(new Uint8Array(100_000));
  listener.receive(dialer.take());
  const theirs = listener.accept();
  theirs.write(HI);
  theirs.finish("unread");
  pump(dialer, listener);
  assertEquals([ours.error?.code, ours.error?.isRemote], ["unread", true]);
  assertEquals([await ours.read(), await ours.read()], [HI, undefined]);
  assertEquals([dialer.mux.streams, listener.mux.streams], [0, 0]);
});

Deno.test(
  "a stream that failed stays so: no later end, reset or loss changes its error",
  PURE,
  () => {
    const side = new Side();
    const stream = side.opened();
    side.receive(resetFrame(1, "first"));
    const { error } = stream;
    assert(error);
    stream.reset("second");
    stream.finish("third");
    side.receive(resetFrame(1, "fourth"));
    side.mux.close("broken");
    assertStrictEquals(stream.error, error);
    assertEquals(side.sent(), []);
  },
);
