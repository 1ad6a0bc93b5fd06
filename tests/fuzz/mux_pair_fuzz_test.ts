import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { settle } from "../../src/base/clock.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { type FillLimits, UNLIMITED } from "../../src/channel/send_queue.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import type { Priority } from "../../src/channel/scheduler.ts";
import { fuzzSeed } from "../testing/mutate.ts";
import { openFrame, pattern, RECORD_BYTES, sides } from "../testing/mux_side.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;

/** One direction of a stream: what was written, what was read, and whether that was in order. */
class Flow {
  readonly #from: MuxStream;
  readonly #to: MuxStream;
  readonly #label: string;
  #written = 0;
  #read = 0;
  #isReading = false;
  #isEnded = false;

  constructor(from: MuxStream, to: MuxStream, label: string) {
    this.#from = from;
    this.#to = to;
    this.#label = label;
  }

  /** The writer uses its buffer for something else as soon as it may. */
  write(length: number): void {
    const bytes = pattern(length, this.#written);
    this.#written += length;
    const written = this.#from.write(bytes);
    if (written) void written.then(() => bytes.fill(0xee));
    else bytes.fill(0xee);
  }

  read(buffer: Bytes | undefined): void {
    if (this.#isReading || this.#isEnded) return;
    this.#isReading = true;
    const reading = buffer
      ? this.#to.readInto(buffer).then((count) => count && buffer.subarray(0, count))
      : this.#to.read();
    void reading.then((bytes) => {
      this.#isReading = false;
      this.#isEnded = !bytes;
      if (!bytes) return;
      assertEquals(bytes, pattern(bytes.length, this.#read), this.#label);
      this.#read += bytes.length;
    });
  }

  end(): void {
    this.#from.end();
  }

  get isDone(): boolean {
    return this.#isEnded && this.#read === this.#written;
  }
}

Deno.test(
  `Mux carries what honest sides send, whatever the order, seed ${SEED}`,
  PURE,
  async () => {
    const random = seededRandom(SEED);
    const chance = (of: number) => randomBelow(random, of) === 0;
    for (let round = 0; round < 12; round++) {
      const label = `seed ${SEED}, round ${round}`;
      const [dialer, listener] = sides();
      const flows: Flow[] = [];
      const carry = (limits: FillLimits, length: number) => {
        const [from, to] = chance(2) ? [dialer, listener] : [listener, dialer];
        const record = from.take(limits, length);
        if (record.length > 0) to.receive(record);
      };
      for (let i = 0; i < 4; i++) {
        const ours = dialer.opened(randomBelow(random, 4) as Priority);
        listener.receive(openFrame(ours.id, ours.priority));
        const theirs = listener.accept();
        flows.push(new Flow(ours, theirs, label), new Flow(theirs, ours, label));
      }
      const read = (flow: Flow | undefined) => {
        flow?.read(chance(2) ? new Uint8Array(1 + randomBelow(random, 90_000)) : undefined);
      };
      for (let step = 0; step < 300; step++) {
        const flow = flows[randomBelow(random, flows.length)];
        if (chance(3)) flow?.write(randomBelow(random, chance(4) ? 120_000 : 900));
        if (chance(2)) read(flow);
        if (chance(10)) {
          dialer.mux.sendMessage(
            new Uint8Array(9),
            randomBelow(random, 4) as Priority,
          );
        }
        const bulkBytes = chance(3) ? randomBelow(random, 30_000) : Infinity;
        carry({ bulkBytes, mayGrant: chance(2) }, 40 + randomBelow(random, RECORD_BYTES - 40));
        if (chance(5)) await settle();
      }
      for (const flow of flows) flow.end();
      for (let turns = 0; flows.some(({ isDone }) => !isDone); turns++) {
        assert(turns < 1_000, `${label}: it does not end`);
        for (const flow of flows) read(flow);
        for (let records = 0; records < 8; records++) carry(UNLIMITED, RECORD_BYTES);
        await settle();
      }
      for (const side of [dialer, listener]) {
        while (side.mux.hasOutput()) {
          carry(UNLIMITED, RECORD_BYTES);
        }
      }
      assertEquals([dialer.mux.streams, listener.mux.streams], [0, 0], label);
    }
  },
);
