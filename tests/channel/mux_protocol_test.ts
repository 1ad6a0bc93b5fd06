import { assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { MuxError, type MuxErrorCode } from "../../src/channel/mux_frame.ts";
import { StreamError } from "../../src/channel/mux_stream.ts";
import {
  closeFrame,
  dataFrame,
  frame,
  goawayFrame,
  messageFrame,
  openFrame,
  pingFrame,
  resetFrame,
  Side,
  windowFrame,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const HI = encodeUtf8("hi");
const EIGHT = new Uint8Array(8);
const CREDIT = { kind: 3, stream: 2, body: new Uint8Array(4) } as const;

Deno.test("Mux writes the golden bytes", PURE, async (test) => {
  const cases: readonly (readonly [name: string, act: (side: Side) => unknown, hex: string])[] = [
    ["an open names its priority", ({ mux }) => mux.open(2), "0102000000010000"],
    [
      "data and a close follow in the record",
      ({ mux }) => {
        const stream = mux.open();
        stream.write(HI);
        stream.end();
      },
      "0101000000010000" + "0200000000010002" + "6869" + "0400000000010000",
    ],
    ["a message has no stream", ({ mux }) => mux.sendMessage(HI), "09000000000000026869"],
    ["a ping is eight zeros", ({ mux }) => mux.ping(), "06000000000000080000000000000000"],
    [
      "a pong has the ping's bytes",
      (side) => side.receive(pingFrame(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))),
      "06010000000000080102030405060708",
    ],
    ["a goaway says why", ({ mux }) => mux.goAway("leaving"), "08000000000000076c656176696e67"],
    [
      "a reset says why",
      (side) => side.opened().reset("cancelled"),
      "050000000001000963616e63656c6c6564",
    ],
    [
      "a window gives what was read",
      async (side) => {
        const stream = side.opened();
        for (let i = 0; i < 8; i++) side.receive(dataFrame(1, 16_384));
        for (let i = 0; i < 8; i++) await stream.read();
      },
      "030000000001000400020000",
    ],
  ];
  for (const [name, act, hex] of cases) {
    await test.step(name, async () => {
      const side = new Side();
      await act(side);
      assertEquals(side.take().toHex(), hex);
      assertEquals(side.take().length, 0);
    });
  }
});

Deno.test("a session without streams carries messages and nothing else", PURE, () => {
  const side = new Side({ hasStreams: false });
  assertEquals(assertThrows(() => side.mux.open(), StreamError).code, "unsupported");
  side.mux.goAway("leaving");
  side.mux.sendMessage(HI);
  assertEquals(side.sent(), ["message #2"]);
  side.receive(messageFrame(HI));
  assertEquals(side.messages, [HI]);
  const others: readonly Bytes[] = [
    openFrame(2),
    dataFrame(2, 1),
    windowFrame(2, 1),
    closeFrame(2),
    resetFrame(2, "cancelled"),
    pingFrame(),
    frame({ kind: 7 }),
    goawayFrame("leaving"),
  ];
  for (const other of others) {
    assertEquals(assertThrows(() => side.receive(other), MuxError).code, "unknown_kind");
  }
  assertEquals([side.take().length, side.mux.streams], [0, 0]);
});

/** What ends the link, whoever sends it; stream 2 is open. */
const VIOLATIONS: Readonly<Record<string, readonly [code: MuxErrorCode, record: Bytes]>> = {
  "kind 0": ["unknown_kind", frame({ kind: 0 })],
  "kind 7, which belongs to the record layer": ["unknown_kind", frame({ kind: 7 })],
  "kind 10": ["unknown_kind", frame({ kind: 10 })],
  "kind 255": ["unknown_kind", frame({ kind: 255, stream: 2 })],
  "a message with a flag": ["malformed_frame", frame({ kind: 9, flags: 1, body: HI })],
  "a message on a stream": ["malformed_frame", frame({ kind: 9, stream: 2, body: HI })],
  "an open with a body": ["malformed_frame", frame({ kind: 1, stream: 4, body: HI })],
  "an open of priority 4": ["malformed_frame", openFrame(4, 4)],
  "an open without stream": ["bad_stream", openFrame(0)],
  "an open of one of our ids": ["bad_stream", openFrame(3)],
  "an open of an id that is in use": ["bad_stream", openFrame(2)],
  "data with a flag": ["malformed_frame", frame({ kind: 2, flags: 1, stream: 2, body: HI })],
  "data without bytes": ["malformed_frame", frame({ kind: 2, stream: 2 })],
  "data without stream": ["bad_stream", dataFrame(0, 1)],
  "data after a close": ["bad_stream", concatBytes(closeFrame(2), dataFrame(2, 1))],
  "credit with a flag": ["malformed_frame", frame({ ...CREDIT, flags: 1 })],
  "credit of 3 bytes": ["malformed_frame", frame({ ...CREDIT, body: new Uint8Array(3) })],
  "credit of 5 bytes": ["malformed_frame", frame({ ...CREDIT, body: new Uint8Array(5) })],
  "credit without stream": ["bad_stream", windowFrame(0, 1)],
  "credit beyond 32 bits": ["credit_exceeded", windowFrame(2, 2 ** 32 - 262_144)],
  "a close with a flag": ["malformed_frame", frame({ kind: 4, flags: 1, stream: 2 })],
  "a close with a body": ["malformed_frame", frame({ kind: 4, stream: 2, body: HI })],
  "a close without stream": ["bad_stream", closeFrame(0)],
  "a second close": ["bad_stream", concatBytes(closeFrame(2), closeFrame(2))],
  "a reset without reason": ["malformed_frame", frame({ kind: 5, stream: 2 })],
  "a reset whose reason is no code": ["malformed_frame", resetFrame(2, "No Code")],
  "a reset of 65 characters": ["malformed_frame", resetFrame(2, "a".repeat(65))],
  "a reset without stream": ["bad_stream", resetFrame(0, "cancelled")],
  "a ping on a stream": ["malformed_frame", frame({ kind: 6, stream: 2, body: EIGHT })],
  "a ping with flag 2": ["malformed_frame", frame({ kind: 6, flags: 2, body: EIGHT })],
  "a ping of 7 bytes": ["malformed_frame", pingFrame(new Uint8Array(7))],
  "a ping of 9 bytes": ["malformed_frame", pingFrame(new Uint8Array(9))],
  "a goaway on a stream": ["malformed_frame", frame({ kind: 8, stream: 2, body: HI })],
  "a goaway without reason": ["malformed_frame", frame({ kind: 8 })],
  "half a header": ["truncated", openFrame(4).slice(0, 4)],
  "half a body": ["truncated", dataFrame(2, 10).slice(0, 12)],
};

Deno.test("Mux.receive() ends the link at", PURE, async (test) => {
  for (const [name, [code, record]] of Object.entries(VIOLATIONS)) {
    await test.step(name, () => {
      const side = new Side();
      side.receive(openFrame(2));
      const error = assertThrows(() => side.receive(messageFrame(HI), record), MuxError);
      assertEquals(error.code, code);
      // What was whole in front of it has been read.
      assertEquals(side.messages, [HI]);
    });
  }
});

Deno.test("Mux.receive() takes the opposite ids from a dialer", PURE, () => {
  const listener = new Side({ isDialer: false });
  listener.receive(openFrame(1), openFrame(0xffffffff));
  assertEquals([listener.accept().id, listener.accept().id], [1, 0xffffffff]);
  for (const id of [2, 0xfffffffe]) {
    assertEquals(assertThrows(() => listener.receive(openFrame(id)), MuxError).code, "bad_stream");
  }
});

Deno.test("Mux.receive() takes what is just allowed", PURE, () => {
  const side = new Side();
  side.receive(openFrame(2, 0), openFrame(0xfffffffe, 3), windowFrame(2, 2 ** 32 - 1 - 262_144));
  assertEquals(side.accept().credit, 2 ** 32 - 1);
  side.receive(windowFrame(2, 0), resetFrame(2, "a".repeat(64)), messageFrame(new Uint8Array(0)));
  assertEquals([side.mux.streams, side.messages.length], [1, 1]);
});

Deno.test("Mux.receive() passes over what comes for a stream that is over", PURE, () => {
  const side = new Side();
  const stream = side.opened();
  stream.reset("cancelled");
  assertEquals(side.sent(), ["reset 1 cancelled"]);
  side.receive(dataFrame(1, 60_000), windowFrame(1, 5), closeFrame(1), resetFrame(1, "late"));
  // More than the stream had credit for: nobody counts any more.
  for (let i = 0; i < 5; i++) side.receive(dataFrame(1, 60_000));
  assertEquals([side.mux.streams, side.mux.hasOutput(), stream.unread], [0, false, 0]);
  assertEquals(stream.error?.code, "cancelled");
});

Deno.test("Mux.receive() lets the peer use an id again once the stream is over", PURE, async () => {
  const side = new Side();
  for (let round = 0; round < 3; round++) {
    side.receive(openFrame(2), dataFrame(2, HI), closeFrame(2));
    const stream = side.accept();
    stream.end();
    assertEquals(side.sent(), ["close 2"]);
    assertEquals([await stream.read(), await stream.read()], [HI, undefined]);
    assertEquals(side.mux.streams, 0);
  }
});
