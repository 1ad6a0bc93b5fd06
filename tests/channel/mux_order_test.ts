import { assert, assertEquals } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { type FillLimits, UNLIMITED } from "../../src/channel/send_queue.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import type { Priority } from "../../src/channel/scheduler.ts";
import {
  dataFrame,
  framesIn,
  openFrame,
  pattern,
  pingFrame,
  RECORD_BYTES,
  Side,
  sides,
  windowFrame,
  wordsOf,
} from "../testing/mux_side.ts";

const PURE = { permissions: "none" } as const;
const [LOW, NORMAL, HIGH, CRITICAL] = [0, 1, 2, 3] as const;
const BULK: Bytes = new Uint8Array(200_000);
const NOTHING: FillLimits = { bulkBytes: 0, mayGrant: false };

/** Streams 1, 3, 5 of these priorities, opened, each with more to send than a record holds. */
function backlogged(side: Side, ...priorities: readonly Priority[]): readonly MuxStream[] {
  const streams = priorities.map((priority) => side.mux.open(priority));
  side.take();
  for (const stream of streams) {
    side.receive(windowFrame(stream.id, 2 ** 31));
    stream.write(BULK);
  }
  return streams;
}

/** Bytes of frames by stream. */
function bytesByStream(records: readonly Bytes[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { stream, body } of records.flatMap(framesIn)) {
    counts.set(stream, (counts.get(stream) ?? 0) + 8 + body.length);
  }
  return counts;
}

Deno.test("fill() cuts data at 16,384 bytes, and streams of one priority take turns", PURE, () => {
  const side = new Side();
  backlogged(side, NORMAL, NORMAL);
  // 65,519 less three frames of 8 + 16,384 and a header.
  assertEquals(wordsOf(side.take()), [
    "data 1 #16384",
    "data 3 #16384",
    "data 1 #16384",
    "data 3 #16335",
  ]);
  assertEquals(wordsOf(side.take())[0], "data 1 #16384");
});

Deno.test(
  "fill() writes what is critical first, messages before streams, whenever it came",
  PURE,
  () => {
    const side = new Side();
    backlogged(side, HIGH);
    side.mux.open(LOW).write(new Uint8Array(1));
    side.mux.sendMessage(new Uint8Array(10), NORMAL);
    backlogged(side, CRITICAL);
    side.mux.sendMessage(new Uint8Array(11), CRITICAL);
    side.mux.ping();
    assertEquals(wordsOf(side.take()).slice(0, 4), [
      "ping",
      "message #11",
      "data 5 #16384",
      "data 5 #16384",
    ]);
  },
);

Deno.test(
  "fill() writes everything critical before anything else, record after record",
  PURE,
  () => {
    const side = new Side();
    backlogged(side, HIGH);
    backlogged(side, CRITICAL);
    side.mux.sendMessage(new Uint8Array(10), HIGH);
    let critical = 0;
    for (let isAlone = true; isAlone;) {
      const frames = framesIn(side.take());
      const others = frames.findIndex(({ stream }) => stream !== 3);
      isAlone = others < 0;
      const mine = isAlone ? frames : frames.slice(0, others);
      critical += mine.reduce((sum, { body }) => sum + body.length, 0);
      assert(frames.slice(mine.length).every(({ stream }) => stream !== 3));
    }
    assertEquals(critical, BULK.length);
  },
);

/** Records that leave until a message of `priority` does, behind streams of `bulk`. */
function recordsWaited(priority: Priority, bulk: readonly Priority[], earlier: number): number {
  const side = new Side();
  const streams = backlogged(side, ...bulk);
  const take = () => {
    for (const stream of streams) if (stream.unsent <= RECORD_BYTES) stream.write(BULK);
    return wordsOf(side.take());
  };
  for (let record = 0; record < earlier; record++) take();
  side.mux.sendMessage(new Uint8Array(5), priority);
  for (let waited = 0;; waited++) {
    const words = take();
    if (words.includes("message #5")) return waited;
    if (priority === CRITICAL) assertEquals(words[0], "message #5");
  }
}

Deno.test(
  "a message leaves with the next record, a low one behind low bulk by its share",
  PURE,
  () => {
    // However the shares stand: they repeat after 13 records.
    for (let earlier = 0; earlier < 14; earlier++) {
      for (const priority of [NORMAL, HIGH, CRITICAL] as const) {
        assertEquals(recordsWaited(priority, [LOW, NORMAL, HIGH], earlier), 0);
      }
      assertEquals(recordsWaited(LOW, [NORMAL, HIGH], earlier), 0);
      // One frame of 13 is low, and a record has four.
      assert(recordsWaited(LOW, [LOW, NORMAL, HIGH], earlier) <= 3);
    }
  },
);

Deno.test("a message goes before the streams of its priority", PURE, () => {
  for (const priority of [LOW, NORMAL, HIGH, CRITICAL] as const) {
    const side = new Side();
    backlogged(side, priority);
    side.take();
    side.mux.sendMessage(new Uint8Array(5), priority);
    side.mux.sendMessage(new Uint8Array(6), priority);
    assertEquals(wordsOf(side.take()).slice(0, 3), ["message #5", "message #6", "data 1 #16384"]);
  }
});

Deno.test("backlogged streams share records 8:4:1 by bytes, within a frame", PURE, () => {
  const side = new Side();
  const streams = backlogged(side, LOW, NORMAL, HIGH);
  const records: Bytes[] = [];
  for (let record = 0; record < 200; record++) {
    for (const stream of streams) if (stream.unsent <= 2 * RECORD_BYTES) stream.write(BULK);
    records.push(side.take());
  }
  const counts = bytesByStream(records);
  const total = [...counts.values()].reduce((sum, bytes) => sum + bytes);
  assertEquals(total, 200 * RECORD_BYTES);
  for (const [index, weight] of [1, 4, 8].entries()) {
    const error = Math.abs((counts.get(2 * index + 1) ?? 0) - total * weight / 13);
    assert(error <= 16_392, `weight ${weight} is off by ${error} bytes`);
  }
});

Deno.test("fill() keeps a message for the next record that it does not fit into", PURE, () => {
  const side = new Side();
  side.mux.sendMessage(new Uint8Array(40_000));
  side.mux.sendMessage(new Uint8Array(40_001));
  side.mux.open().write(new Uint8Array(3));
  assertEquals(wordsOf(side.take()), ["message #40000"]);
  assertEquals(side.mux.messageBytes, 40_001);
  assertEquals(wordsOf(side.take()), ["message #40001", "open 1 @1", "data 1 #3"]);
});

Deno.test("fill() writes nothing where there is nothing to send", PURE, () => {
  const side = new Side();
  assertEquals([side.mux.hasOutput(), side.take().length], [false, 0]);
  const stream = side.opened();
  assertEquals([side.mux.hasOutput(), side.take().length], [false, 0]);
  stream.write(new Uint8Array(0));
  assertEquals([side.mux.hasOutput(), side.take().length], [false, 0]);
});

Deno.test(
  "fill() stays within its buffer, and all arrives however long that is",
  PURE,
  async () => {
    const random = seededRandom(21);
    const [dialer, listener] = sides();
    const bodies = [0, 1, 9_000, 60_000].map((length) => pattern(length));
    for (const body of bodies) {
      const stream = dialer.mux.open(randomBelow(random, 4) as Priority);
      stream.write(body);
      stream.end();
      dialer.mux.ping();
    }
    const message = new Uint8Array(12);
    for (let sent = 0; dialer.mux.hasOutput(); sent++) {
      const length = 20 + randomBelow(random, sent % 2 ? 40 : 40_000);
      const record = dialer.take(UNLIMITED, length);
      assert(record.length > 0 && record.length <= length);
      listener.receive(record);
      if (sent < 100) dialer.mux.sendMessage(message, randomBelow(random, 4) as Priority);
    }
    assertEquals(listener.messages.length, 100);
    const accepted = new Map(
      bodies.map(() => listener.accept()).map((stream) => [stream.id, stream]),
    );
    for (const [index, body] of bodies.entries()) {
      const stream = accepted.get(2 * index + 1);
      assert(stream);
      const pieces: Bytes[] = [];
      for (let piece = await stream.read(); piece; piece = await stream.read()) pieces.push(piece);
      assertEquals(concatBytes(...pieces), body);
    }
  },
);

Deno.test("bulkBytes of 0 holds back what is bulk, and nothing else", PURE, () => {
  const side = new Side();
  backlogged(side, HIGH);
  side.mux.open(NORMAL);
  assertEquals([side.mux.hasOutput(NOTHING), side.take(NOTHING).length], [false, 0]);
  side.mux.open(CRITICAL).write(new Uint8Array(20_000));
  side.mux.sendMessage(new Uint8Array(4), LOW);
  side.mux.ping();
  assertEquals(side.mux.hasOutput(NOTHING), true);
  assertEquals(wordsOf(side.take(NOTHING)), [
    "ping",
    "open 5 @3",
    "data 5 #16384",
    "data 5 #3616",
    "message #4",
  ]);
  assertEquals([side.mux.hasOutput(NOTHING), side.mux.hasOutput()], [false, true]);
});

Deno.test("bulkBytes is what bulk may take of the record, headers aside", PURE, () => {
  const cases = [1, 16_384, 16_385, 30_000, 50_000];
  for (const bulkBytes of cases) {
    const side = new Side();
    backlogged(side, HIGH, LOW);
    const frames = framesIn(side.take({ bulkBytes, mayGrant: true }));
    const data = frames.reduce((sum, { body }) => sum + body.length, 0);
    // A frame's header counts against those that follow it.
    const spent = data + 8 * (frames.length - 1);
    assert(data <= bulkBytes && spent >= bulkBytes - 8, `${data} bytes of ${bulkBytes}`);
  }
});

Deno.test("bulkBytes is used up by messages too", PURE, () => {
  const side = new Side();
  backlogged(side, NORMAL);
  side.mux.sendMessage(new Uint8Array(992), NORMAL);
  const limits = { bulkBytes: 1_500, mayGrant: true };
  assertEquals(wordsOf(side.take(limits)), ["message #992", "data 1 #500"]);
});

Deno.test("mayGrant holds back credit, and nothing else", PURE, async () => {
  const side = new Side();
  side.receive(openFrame(2));
  const stream = side.accept();
  for (let i = 0; i < 8; i++) side.receive(dataFrame(2, 16_384));
  for (let i = 0; i < 8; i++) await stream.read();
  const limits = { bulkBytes: Infinity, mayGrant: false };
  assertEquals([side.mux.hasOutput(limits), side.mux.hasOutput()], [false, true]);
  side.receive(pingFrame());
  assertEquals(wordsOf(side.take(limits)), ["pong"]);
  // What is read until it leaves is granted with it.
  side.receive(dataFrame(2, 100));
  await stream.read();
  assertEquals(side.sent(), [`window 2 +${131_072 + 100}`]);
});

Deno.test("answers that do not fit leave with the next records, in order", PURE, () => {
  const side = new Side();
  for (let i = 0; i < 5; i++) {
    side.receive(pingFrame(Uint8Array.of(i, 0, 0, 0, 0, 0, 0, 0)));
  }
  const numbers: number[] = [];
  for (let record = side.take(UNLIMITED, 40); record.length; record = side.take(UNLIMITED, 40)) {
    const frames = framesIn(record);
    assert(frames.length <= 2);
    numbers.push(...frames.map(({ body }) => body[0] ?? -1));
  }
  assertEquals(numbers, [0, 1, 2, 3, 4]);
});
