import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { ByteQueue } from "../../src/channel/byte_queue.ts";
import { byte } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

function bytes(...values: readonly number[]): Bytes {
  return Uint8Array.from(values);
}

/** All that is left, piece by piece. */
function drain(queue: ByteQueue): Bytes[] {
  const pieces: Bytes[] = [];
  for (let piece = queue.shift(); piece; piece = queue.shift()) pieces.push(piece);
  return pieces;
}

Deno.test("ByteQueue is empty at first, and ignores what is empty", PURE, () => {
  const queue = new ByteQueue();
  queue.push(bytes());
  queue.pushCopy(bytes());
  assertEquals([queue.length, queue.shift(), queue.shift(5)], [0, undefined, undefined]);
});

Deno.test("push() keeps the bytes themselves, piece by piece", PURE, () => {
  const queue = new ByteQueue();
  const [first, second] = [bytes(1, 2), bytes(3)];
  queue.push(first);
  queue.push(second);
  assertEquals(queue.length, 3);
  assertStrictEquals(queue.shift(), first);
  assertStrictEquals(queue.shift(), second);
  assertEquals(queue.length, 0);
});

Deno.test("pushCopy() is not touched by what becomes of the original", PURE, () => {
  for (const length of [1, 255, 256, 1_024, 1_025, 20_000]) {
    const queue = new ByteQueue();
    const original = new Uint8Array(length).fill(7);
    // Alone in the queue, and behind another piece.
    for (let copies = 1; copies <= 2; copies++) {
      queue.pushCopy(original);
      original.fill(0);
      assertEquals(queue.length, copies * length);
      original.fill(7);
    }
    const expected = new Uint8Array(2 * length).fill(7);
    original.fill(0);
    assertEquals(concatBytes(...drain(queue)), expected, `${length} bytes`);
  }
});

Deno.test("pushCopy() behind a pushed piece leaves the buffer behind that alone", PURE, () => {
  const queue = new ByteQueue();
  const buffer = new Uint8Array(8);
  queue.push(buffer.subarray(0, 2));
  queue.pushCopy(bytes(9, 9));
  assertEquals(buffer, new Uint8Array(8));
  assertEquals(drain(queue), [bytes(0, 0), bytes(9, 9)]);
});

Deno.test("shift() takes at most `max`, and never more than a piece", PURE, () => {
  const queue = new ByteQueue();
  queue.push(bytes(1, 2, 3));
  queue.push(bytes(4, 5));
  assertEquals(queue.shift(2), bytes(1, 2));
  assertEquals(queue.length, 3);
  assertEquals(queue.shift(2), bytes(3));
  assertEquals(queue.shift(2), bytes(4, 5));
  assertEquals([queue.shift(2), queue.length], [undefined, 0]);
});

Deno.test("unshift() puts the rest back in front", PURE, () => {
  const queue = new ByteQueue();
  queue.push(bytes(1, 2, 3));
  queue.push(bytes(4));
  for (let taken = 1; taken <= 2; taken++) {
    const piece = queue.shift();
    assert(piece);
    queue.unshift(piece.subarray(1));
  }
  assertEquals(queue.length, 2);
  assertEquals(drain(queue), [bytes(3), bytes(4)]);
  // The last piece, put back into a queue that is empty by then.
  queue.push(bytes(5, 6));
  const last = queue.shift();
  assert(last);
  queue.unshift(last.subarray(1));
  queue.pushCopy(bytes(7));
  assertEquals(concatBytes(...drain(queue)), bytes(6, 7));
});

Deno.test("ByteQueue keeps the order of many pieces while it is never empty", PURE, () => {
  const queue = new ByteQueue();
  const [taken, expected]: [number[], number[]] = [[], []];
  for (let value = 0; value < 250; value++) {
    queue.push(bytes(value));
    expected.push(value);
    if (value >= 100) taken.push(...queue.shift() ?? []);
  }
  assertEquals(queue.length, 100);
  for (const piece of drain(queue)) taken.push(...piece);
  assertEquals([taken, queue.length], [expected, 0]);
});

Deno.test("moveInto() gathers pieces at an offset", PURE, () => {
  const queue = new ByteQueue();
  queue.push(bytes(1, 2));
  queue.push(bytes(3, 4));
  const out = new Uint8Array(5);
  queue.moveInto(out, 1, 3);
  assertEquals(out, bytes(0, 1, 2, 3, 0));
  queue.moveInto(out, 0, 0);
  assertEquals(queue.length, 1);
});

Deno.test("moveInto() refuses one more than is held", PURE, () => {
  const queue = new ByteQueue();
  queue.push(bytes(1, 2));
  const error = assertThrows(() => queue.moveInto(new Uint8Array(3), 0, 3), RangeError);
  assertEquals(error.message, "Cannot move 3 bytes: fewer are held");
});

Deno.test("own() gives the owners their bytes back", PURE, () => {
  const queue = new ByteQueue();
  const originals = [bytes(1, 2, 3), new Uint8Array(5_000).fill(4)];
  for (const original of originals) queue.push(original);
  queue.shift(1);
  queue.own();
  for (const original of originals) original.fill(0);
  assertEquals(queue.length, 5_002);
  const expected = concatBytes(bytes(2, 3), new Uint8Array(5_000).fill(4));
  assertEquals(concatBytes(...drain(queue)), expected);
});

Deno.test("clear() drops all of it, and the queue goes on", PURE, () => {
  const queue = new ByteQueue();
  queue.pushCopy(bytes(1));
  queue.pushCopy(bytes(2));
  queue.clear();
  assertEquals([queue.length, queue.shift()], [0, undefined]);
  queue.pushCopy(bytes(3));
  assertEquals(drain(queue), [bytes(3)]);
});

Deno.test("what was shifted is not written to by what is pushed later", PURE, () => {
  const queue = new ByteQueue();
  for (let value = 0; value < 10; value++) queue.pushCopy(bytes(value));
  const [slab, gathered] = [queue.shift(), queue.shift(4)];
  for (let value = 10; value < 300; value++) queue.pushCopy(bytes(value));
  assertEquals([slab, gathered], [bytes(0), bytes(1, 2, 3, 4)]);
  const rest = concatBytes(...drain(queue));
  assertEquals(rest, Uint8Array.from({ length: 295 }, (_, i) => i + 5));
});

Deno.test(
  "pushCopy() gathers single bytes, so that they cost little more than they are",
  PURE,
  () => {
    const queue = new ByteQueue();
    const total = 100_000;
    for (let i = 0; i < total; i++) queue.pushCopy(bytes(i));
    const pieces = drain(queue);
    assertEquals(concatBytes(...pieces), Uint8Array.from({ length: total }, (_, i) => i));
    // The first alone, then buffers of 256, 512 and so on up to 16,384, and those that then follow.
    const growing = [256, 512, 1_024, 2_048, 4_096, 8_192];
    const left = total - 1 - growing.reduce((sum, size) => sum + size);
    assertEquals(pieces.length, 1 + growing.length + Math.ceil(left / 16_384));
    const buffers = new Set(pieces.map(({ buffer }) => buffer));
    const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
    assert(held <= total + 2 * 16_384, `${held} bytes are held for ${total}`);
  },
);

/** The simple second implementation: numbers in an array. */
class NaiveQueue {
  readonly #held: number[] = [];

  get length(): number {
    return this.#held.length;
  }

  push(piece: Bytes): void {
    this.#held.push(...piece);
  }

  take(count: number): Bytes {
    return Uint8Array.from(this.#held.splice(0, count));
  }

  unshift(piece: Bytes): void {
    this.#held.unshift(...piece);
  }
}

/** A queue, its naive twin, and what others hold on to meanwhile. */
class Trial {
  readonly #random: Random;
  readonly #queue = new ByteQueue();
  readonly #naive = new NaiveQueue();
  /** Pushed uncopied. */
  readonly #lent: Bytes[] = [];
  /** Shifted, and what it was then. */
  readonly #kept: { readonly piece: Bytes; readonly was: Bytes }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  step(label: string): void {
    const steps = [
      this.#push,
      this.#pushCopy,
      this.#pushCopy,
      this.#shift,
      this.#putBack,
      this.#move,
    ];
    const isRare = randomBelow(this.#random, 40) === 0;
    if (isRare) this.#own(label);
    else steps[randomBelow(this.#random, steps.length)]?.call(this, label);
    assertEquals(this.#queue.length, this.#naive.length, label);
  }

  finish(label: string): void {
    for (const piece of drain(this.#queue)) {
      assertEquals(piece, this.#naive.take(piece.length), label);
    }
    assertEquals(this.#naive.length, 0, label);
    this.#checkKept(label);
  }

  #piece(): Bytes {
    const most = [4, 300, 3_000][randomBelow(this.#random, 3)] ?? 1;
    return Uint8Array.from({ length: randomBelow(this.#random, most) }, () => byte(this.#random));
  }

  #push(): void {
    const piece = this.#piece();
    this.#naive.push(piece);
    this.#queue.push(piece);
    this.#lent.push(piece);
  }

  #pushCopy(): void {
    const piece = this.#piece();
    this.#naive.push(piece);
    this.#queue.pushCopy(piece);
    piece.fill(0xee);
  }

  #shift(label: string): Bytes | undefined {
    const max = randomBelow(this.#random, 2) === 0 ? Infinity : 1 + randomBelow(this.#random, 500);
    const piece = this.#queue.shift(max);
    assertEquals(piece === undefined, this.#naive.length === 0, label);
    if (!piece) return undefined;
    assert(piece.length > 0 && piece.length <= max, label);
    const was = this.#naive.take(piece.length);
    assertEquals(piece, was, label);
    this.#kept.push({ piece, was });
    return piece;
  }

  #putBack(label: string): void {
    const piece = this.#shift(label);
    if (!piece || piece.length < 2) return;
    const rest = piece.subarray(1 + randomBelow(this.#random, piece.length - 1));
    this.#naive.unshift(rest);
    this.#queue.unshift(rest);
  }

  #move(label: string): void {
    const count = randomBelow(this.#random, this.#naive.length + 1);
    const out = new Uint8Array(count + 3);
    this.#queue.moveInto(out, 2, count);
    assertEquals(out, concatBytes(bytes(0, 0), this.#naive.take(count), bytes(0)), label);
  }

  /** Whoever lent bytes uses them for something else. */
  #own(label: string): void {
    this.#queue.own();
    this.#checkKept(label);
    for (const piece of this.#lent.splice(0)) piece.fill(0xdd);
  }

  #checkKept(label: string): void {
    for (const { piece, was } of this.#kept.splice(0)) assertEquals(piece, was, label);
  }
}

Deno.test("ByteQueue does what a naive one does, whatever the order", PURE, () => {
  const random = seededRandom(5);
  for (let round = 0; round < 30; round++) {
    const trial = new Trial(random);
    for (let step = 0; step < 300; step++) trial.step(`round ${round}, step ${step}`);
    trial.finish(`round ${round}`);
  }
});
