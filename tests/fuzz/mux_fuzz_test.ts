import { assert, assertEquals } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { settle } from "../../src/base/clock.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { MuxError } from "../../src/channel/mux_frame.ts";
import { type MuxStream, StreamError } from "../../src/channel/mux_stream.ts";
import type { Priority } from "../../src/channel/scheduler.ts";
import { byte, fuzzSeed, mutateBytes } from "../testing/mutate.ts";
import {
  closeFrame,
  CREDIT_BYTES,
  dataFrame,
  frame,
  goawayFrame,
  messageFrame,
  openFrame,
  outcomeOf,
  pingFrame,
  RECORD_BYTES,
  resetFrame,
  Side,
  windowFrame,
} from "../testing/mux_side.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;

function bytesOf(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => byte(random));
}

/** A frame that may be in order where it comes; `ids` are the streams it may be about. */
function anyFrame(random: Random, ids: number): Bytes {
  const id = 1 + randomBelow(random, ids);
  const length = 1 + randomBelow(random, randomBelow(random, 4) === 0 ? 16_384 : 200);
  const frames = [
    () => openFrame(2 * id, randomBelow(random, 4)),
    () => openFrame(2 * id, randomBelow(random, 4)),
    () => dataFrame(id, length),
    () => dataFrame(2 * id, length),
    () => dataFrame(2 * id, length),
    () => windowFrame(id, randomBelow(random, 100_000)),
    () => closeFrame(id),
    () => resetFrame(id, "cancelled"),
    () => pingFrame(bytesOf(random, 8)),
    () => messageFrame(bytesOf(random, randomBelow(random, 50))),
    () => frame({ kind: 6, flags: 1, body: bytesOf(random, 8) }),
  ];
  return frames[randomBelow(random, frames.length)]?.() ?? openFrame(id);
}

/** Several frames, as many as a record may hold. */
function anyRecord(random: Random, ids: number): Bytes {
  const frames: Bytes[] = [];
  let length = 0;
  for (let count = 1 + randomBelow(random, 20); count > 0; count--) {
    const next = anyFrame(random, ids);
    length += next.length;
    if (length > RECORD_BYTES) break;
    frames.push(next);
  }
  return concatBytes(...frames);
}

/** Someone who uses a multiplexer in every way, and counts what it holds for the peer. */
class Owner {
  readonly side = new Side();
  readonly #random: Random;
  readonly #streams: MuxStream[] = [];
  readonly #waits: Promise<unknown>[] = [];
  readonly #label: string;

  constructor(random: Random, label: string) {
    this.#random = random;
    this.#label = label;
  }

  /** `false` once the peer has broken the rules; anything but a {@link MuxError} fails the round. */
  receive(record: Bytes): boolean {
    try {
      this.side.receive(record);
      return true;
    } catch (error) {
      if (error instanceof MuxError) return false;
      throw new Error(this.#label, { cause: error });
    }
  }

  act(): void {
    const random = this.#random;
    const { mux } = this.side;
    const stream = this.#streams[randomBelow(random, this.#streams.length)];
    const length = randomBelow(random, 40_000);
    const acts = [
      () => this.#keep(mux.accept()),
      () => this.#keep(mux.accept()),
      () => this.#keep(mux.open(randomBelow(random, 4) as Priority)),
      () => mux.sendMessage(bytesOf(random, 10)),
      () => this.side.take(),
      () => this.side.take({ bulkBytes: randomBelow(random, 9_000), mayGrant: length % 2 === 0 }),
      () => this.#wait(stream?.read()),
      () => this.#wait(stream?.readInto(new Uint8Array(1 + length))),
      () => this.#wait(stream?.write(new Uint8Array(length))),
      () => stream?.end(),
      () => length % 4 === 0 ? stream?.reset("cancelled") : undefined,
      () => length % 4 === 0 ? stream?.finish("unread") : undefined,
    ];
    try {
      acts[randomBelow(random, acts.length)]?.();
    } catch (error) {
      // What the peer has ended, or we have, takes no more.
      const isExpected = error instanceof StreamError || error instanceof TypeError;
      if (!isExpected) throw new Error(this.#label, { cause: error });
    }
  }

  checkHeld(): void {
    assert(this.side.mux.streams <= 256, this.#label);
    for (const stream of this.#streams) assert(stream.unread <= CREDIT_BYTES, this.#label);
  }

  /** The session ends, and everybody who waits hears of it. */
  async close(): Promise<void> {
    let unaccepted = 0;
    for (let stream = this.side.mux.accept(); stream; stream = this.side.mux.accept()) {
      unaccepted++;
      this.#keep(stream);
    }
    assert(unaccepted <= 64, this.#label);
    this.checkHeld();
    this.side.mux.close("broken");
    assertEquals(this.side.mux.streams, 0, this.#label);
    const outcome = await outcomeOf(Promise.allSettled(this.#waits));
    assert(outcome !== "waiting", `${this.#label}: somebody waits for ever`);
    for (const stream of this.#streams) {
      while (stream.unread > 0) await stream.read();
      assert(await outcomeOf(stream.read()) !== "waiting", this.#label);
    }
  }

  #keep(stream: MuxStream | undefined): void {
    if (!stream) return;
    this.#streams.push(stream);
    this.#wait(stream.closed);
  }

  #wait(promise: Promise<unknown> | undefined): void {
    if (!promise) return;
    // Failures are expected; what counts is that it ends.
    this.#waits.push(promise.catch(() => {}));
  }
}

Deno.test(`Mux.receive() throws nothing but MuxError on random bytes, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 5_000; round++) {
    const owner = new Owner(random, `seed ${SEED}, round ${round}`);
    const record = bytesOf(random, randomBelow(random, 60));
    // A kind and a length that get further.
    if (round % 2 === 0 && record.length >= 8) {
      record[0] = randomBelow(random, 11);
      record[6] = 0;
      record[7] = randomBelow(random, record.length - 7);
    }
    owner.receive(record);
    owner.checkHeld();
  }
});

Deno.test(
  `Mux.receive() throws nothing but MuxError on mutated records, seed ${SEED}`,
  PURE,
  async () => {
    const random = seededRandom(SEED + 1);
    const original = concatBytes(
      openFrame(2, 3),
      dataFrame(2, 30),
      openFrame(4, 0),
      dataFrame(4, encodeUtf8("head")),
      windowFrame(2, 131_072),
      messageFrame(encodeUtf8("{}")),
      pingFrame(),
      closeFrame(2),
      resetFrame(4, "cancelled"),
      goawayFrame("leaving"),
    );
    let refused = 0;
    for (let round = 0; round < 3_000; round++) {
      const owner = new Owner(random, `seed ${SEED}, round ${round}`);
      for (let act = 0; act < 3; act++) owner.act();
      if (!owner.receive(mutateBytes(random, original))) refused++;
      for (let act = 0; act < 3; act++) owner.act();
      if (round % 100 === 0) await owner.close();
      else owner.side.mux.close("broken");
    }
    assert(refused > 1_000, `only ${refused} were refused`);
  },
);

Deno.test(
  `Mux holds no more than its caps and leaves nobody waiting, seed ${SEED}`,
  PURE,
  async () => {
    const random = seededRandom(SEED + 2);
    let records = 0;
    for (let round = 0; round < 60; round++) {
      const owner = new Owner(random, `seed ${SEED}, round ${round}`);
      const ids = [3, 40, 400][round % 3] ?? 3;
      for (let isUp = true, left = 200; isUp && left > 0; left--, records++) {
        isUp = owner.receive(anyRecord(random, ids));
        for (let act = randomBelow(random, 12); act > 0; act--) owner.act();
        owner.checkHeld();
        if (left % 50 === 0) await settle();
      }
      await owner.close();
    }
    assert(records > 300, `the links ended after ${records} records in all`);
  },
);
