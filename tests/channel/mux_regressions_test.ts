import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { MuxError } from "../../src/channel/mux_frame.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import { readableOf, writableOf } from "../../src/channel/web_stream.ts";
import {
  accepted,
  closeFrame,
  dataFrame,
  frame,
  openFrame,
  outcomeOf,
  pattern,
  pingFrame,
  resetFrame,
  Side,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const HI = encodeUtf8("hi");
const quiet = { onEnd() {}, onError() {} };

Deno.test("observe() tells of every piece that was there before", PURE, () => {
  const { stream } = accepted(dataFrame(2, pattern(3_000)), dataFrame(2, pattern(3_000, 3_000)));
  const told: Bytes[] = [];
  stream.observe({ ...quiet, onData: (bytes) => told.push(bytes.slice()) && bytes.length });
  assertEquals([concatBytes(...told).length, stream.unread], [6_000, 0]);
});

Deno.test(
  "a read from within onData() of observe() gets the rest, not the end",
  PURE,
  async () => {
    const { stream } = accepted(dataFrame(2, pattern(10)), closeFrame(2));
    let reading: Promise<Bytes | undefined> | undefined;
    stream.observe({
      ...quiet,
      onData() {
        stream.unobserve();
        reading = stream.read();
        return 4;
      },
    });
    assertEquals(await outcomeOf(reading), pattern(6, 4));
  },
);

Deno.test("a read from within onData() of observe() gets the rest at once", PURE, async () => {
  const { stream } = accepted(dataFrame(2, pattern(10)));
  let reading: Promise<Bytes | undefined> | undefined;
  stream.observe({
    ...quiet,
    onData() {
      stream.unobserve();
      reading = stream.read();
      return 4;
    },
  });
  assertEquals(await outcomeOf(reading), pattern(6, 4));
});

Deno.test("a read from within onData() of observe() keeps the order", PURE, async () => {
  const { stream } = accepted(dataFrame(2, pattern(3_000)), dataFrame(2, pattern(3_000, 3_000)));
  let reading: Promise<Bytes | undefined> | undefined;
  stream.observe({
    ...quiet,
    onData() {
      stream.unobserve();
      reading = stream.read();
      return 4;
    },
  });
  assertEquals((await reading)?.slice(0, 10), pattern(10, 4));
});

Deno.test("finish() from within onData() of observe() leaves no stream behind", PURE, () => {
  const { side, stream } = accepted(dataFrame(2, 10), closeFrame(2));
  stream.observe({
    ...quiet,
    onData() {
      stream.finish("unread");
      return 4;
    },
  });
  side.sent();
  assertEquals([stream.unread, side.mux.streams], [0, 0]);
});

Deno.test(
  "observe() of a stream that has ended both ways does not end it before all is read",
  PURE,
  () => {
    const { side, stream } = accepted(dataFrame(2, 10), closeFrame(2));
    stream.end();
    side.sent();
    stream.observe({ ...quiet, onData: () => 4 });
    assertEquals([stream.unread, side.mux.streams], [6, 1]);
  },
);

Deno.test("reset() of a stream that has ended both ways frees it", PURE, () => {
  const { side, stream } = accepted(dataFrame(2, 10), closeFrame(2));
  stream.end();
  side.sent();
  stream.reset("cancelled");
  assertEquals([stream.unread, side.mux.streams], [0, 0]);
});

Deno.test("readableOf() cancelled frees a stream that the peer has ended", PURE, async () => {
  const { side, stream } = accepted(dataFrame(2, 10), closeFrame(2));
  await readableOf(stream).cancel();
  stream.end();
  side.sent();
  assertEquals([stream.unread, side.mux.streams], [0, 0]);
});

Deno.test(
  "read() after our reset() is an error where bytes were dropped, not the end",
  PURE,
  async () => {
    const { stream } = accepted(dataFrame(2, 10), closeFrame(2));
    stream.reset("timeout");
    assertEquals(await outcomeOf(stream.read()), "timeout");
  },
);

for (
  const [name, act] of Object.entries({
    ping: (side: Side) => side.mux.ping(),
    goAway: (side: Side) => side.mux.goAway("leaving"),
    reset: (_: Side, stream: MuxStream) => stream.reset("cancelled"),
  })
) {
  Deno.test(`${name}() throws nothing at its caller while 1,024 answers wait`, PURE, () => {
    const { side, stream } = accepted();
    for (let i = 0; i < 1_024; i++) side.receive(pingFrame());
    act(side, stream);
    // The peer that does not read is still cut off at its next frame.
    assertEquals(assertThrows(() => side.receive(pingFrame()), MuxError).code, "flooded");
  });
}

Deno.test("writableOf() aborted while a write waits rejects that, and resets", PURE, async () => {
  const { side, stream } = accepted();
  const writer = writableOf(stream).getWriter();
  for (const promise of [writer.closed, writer.ready]) promise.catch(() => {});
  const written = outcomeOf(writer.write(new Uint8Array(400_000)));
  await outcomeOf(written);
  side.sent();
  assertEquals(await outcomeOf(writer.abort()), undefined);
  assertEquals(side.sent(), ["reset 2 cancelled"]);
});

Deno.test("Mux tells of an incoming stream in whose record another was reset", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2));
  side.receive(resetFrame(2, "cancelled"), openFrame(4));
  assertEquals(side.incoming, 2);
});

Deno.test("Mux.receive() ends the link at a reset or a goaway with a flag", PURE, () => {
  for (const kind of [5, 8]) {
    const { side } = accepted();
    const stream = kind === 5 ? 2 : 0;
    const record = frame({ kind, flags: 1, stream, body: HI });
    assertEquals(assertThrows(() => side.receive(record), MuxError).code, "malformed_frame");
  }
});

Deno.test("readInto() of an empty buffer does not say that there is an end", PURE, async () => {
  const { side, stream } = accepted(dataFrame(2, 10));
  const reading = stream.readInto(new Uint8Array(0)).catch(() => "refused");
  side.receive(closeFrame(2));
  assert(await reading !== undefined);
});

Deno.test("unread bytes pin little more than they are", PURE, async () => {
  const { side, stream } = accepted();
  for (let sent = 0; sent + 8_190 <= 262_144; sent += 8_190) {
    side.receive(dataFrame(2, 8_190), dataFrame(98, 65_519 - 2 * 8 - 8_190));
  }
  const unread = stream.unread;
  let held = 0;
  while (stream.unread > 0) held += (await stream.read())?.buffer.byteLength ?? 0;
  assert(held <= 2 * unread, `${held} bytes are held for ${unread}`);
});
