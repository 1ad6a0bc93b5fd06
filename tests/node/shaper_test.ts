import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { ManualClock, settle } from "../../src/base/clock.ts";
import { UNLIMITED } from "../../src/channel/send_queue.ts";
import { type Bandwidth, Shaper } from "../../src/node/shaper.ts";

const PURE = { permissions: "none" } as const;
/** 8 kbit/s, 1 Mbit/s and 1 Gbit/s in bytes a second, and how long they are watched. */
const RATES = [
  { perSecond: 1_000, seconds: 600 },
  { perSecond: 125_000, seconds: 120 },
  { perSecond: 125_000_000, seconds: 20 },
] as const;
/** The plaintext of the largest record, and what a record costs besides. */
const RECORD_BYTES = 65_519;
const RECORD_OVERHEAD_BYTES = 21;
const CREDIT_BYTES = 262_144;

function setUp(bandwidth: Bandwidth) {
  const clock = new ManualClock();
  return { clock, shaper: new Shaper(clock, bandwidth) };
}

/** A link that always has bulk to send, and does so in records whenever it may. */
class BulkLink {
  sent = 0;
  readonly #shaper: Shaper;

  constructor(shaper: Shaper) {
    this.#shaper = shaper;
  }

  readonly flush = (): void => {
    for (let { bulkBytes } = this.#shaper.limits(); bulkBytes > 0;) {
      const bytes = Math.min(bulkBytes, RECORD_BYTES) + RECORD_OVERHEAD_BYTES;
      this.#shaper.sent(bytes);
      this.sent += bytes;
      ({ bulkBytes } = this.#shaper.limits());
    }
    this.#shaper.wait(this.flush);
  };
}

/** A link whose peer sends whatever credit it has at once, and whose reader is as fast. */
class FedLink {
  received = 0;
  readonly #shaper: Shaper;

  constructor(shaper: Shaper) {
    this.#shaper = shaper;
    this.#receive(CREDIT_BYTES);
  }

  readonly flush = (): void => {
    while (this.#shaper.limits().mayGrant) this.#receive(CREDIT_BYTES / 2);
    this.#shaper.wait(this.flush);
  };

  #receive(bytes: number): void {
    this.#shaper.received(bytes);
    this.received += bytes;
  }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function assertWithin(actual: number, expected: number, label: string): void {
  const ratio = actual / expected;
  assert(ratio >= 0.98 && ratio <= 1.02, `${label}: ${ratio.toFixed(4)} of the limit`);
}

Deno.test("Shaper without limits limits nothing", PURE, () => {
  const { clock, shaper } = setUp({});
  assertStrictEquals(shaper.limits(), UNLIMITED);
  shaper.sent(1e12);
  shaper.received(1e12);
  assertStrictEquals(shaper.limits(), UNLIMITED);
  assertEquals(clock.pending, 0);
});

Deno.test("Shaper.limits() lets a burst of 100 ms go, and then what time brings", PURE, () => {
  const { clock, shaper } = setUp({ up: 1_000_000 });
  assertEquals(shaper.limits(), { bulkBytes: 100_000, mayGrant: true });
  shaper.sent(100_000);
  assertEquals(shaper.limits(), { bulkBytes: 0, mayGrant: true });
  // Bulk goes in turns of 16 KiB, so as not to be cut into crumbs: 17 ms bring 17,000 bytes.
  clock.advance(16);
  assertEquals(shaper.limits().bulkBytes, 0);
  clock.advance(1);
  assertEquals(shaper.limits().bulkBytes, 17_000);
  clock.advance(10_000);
  assertEquals(shaper.limits().bulkBytes, 100_000);
});

Deno.test(
  "Shaper.limits() holds bulk back for control traffic, which itself may always go",
  PURE,
  () => {
    const { clock, shaper } = setUp({ up: 1_000_000 });
    // Half a second's worth of control traffic on top of the burst.
    shaper.sent(600_000);
    assertEquals(shaper.limits().bulkBytes, 0);
    clock.advance(500);
    assertEquals(shaper.limits().bulkBytes, 0);
    clock.advance(17);
    assertEquals(shaper.limits().bulkBytes, 17_000);
  },
);

Deno.test("Shaper.limits() holds back grants while what came is above the limit", PURE, () => {
  const { clock, shaper } = setUp({ down: 10_000 });
  assertEquals(shaper.limits(), { bulkBytes: Infinity, mayGrant: true });
  // The burst is 1,024 bytes, so 9,000 more are paid for in 900 ms.
  shaper.received(1_024 + 9_000);
  assertEquals(shaper.limits(), { bulkBytes: Infinity, mayGrant: false });
  clock.advance(900);
  assertEquals(shaper.limits().mayGrant, false);
  clock.advance(1);
  assertEquals(shaper.limits().mayGrant, true);
});

Deno.test("Shaper.limits() counts each way by itself", PURE, () => {
  const { shaper } = setUp({ up: 1_000_000, down: 1_000_000 });
  shaper.sent(1e7);
  assertEquals(shaper.limits(), { bulkBytes: 0, mayGrant: true });
  const other = setUp({ up: 1_000_000, down: 1_000_000 }).shaper;
  other.received(1e7);
  assertEquals(other.limits(), { bulkBytes: 100_000, mayGrant: false });
});

Deno.test("Shaper.wait() wakes once there is room, and each that waits once", PURE, () => {
  const { clock, shaper } = setUp({ up: 1_000_000 });
  shaper.sent(100_000);
  const woken: number[] = [];
  const wake = () => void woken.push(clock.now());
  shaper.wait(wake);
  shaper.wait(wake);
  assertEquals(clock.pending, 1);
  // 16,384 bytes take 16.4 ms, in whole ones 17.
  clock.advance(16);
  assertEquals(woken, []);
  clock.advance(1_000);
  assertEquals([woken, clock.pending], [[17], 0]);
});

Deno.test("Shaper.wait() for a grant wakes once it may be given", PURE, () => {
  const { clock, shaper } = setUp({ down: 10_000 });
  shaper.received(1_024 + 500);
  const woken: (readonly [number, boolean])[] = [];
  const wake = () => {
    const { mayGrant } = shaper.limits();
    woken.push([clock.now(), mayGrant]);
    if (!mayGrant) shaper.wait(wake);
  };
  shaper.wait(wake);
  clock.advance(1_000);
  assertEquals(woken.at(-1), [51, true]);
});

Deno.test(
  "Shaper.wait() wakes in the order of asking, those that come back last",
  PURE,
  async () => {
    const { clock, shaper } = setUp({ up: 1_000_000 });
    shaper.sent(100_000);
    const order: string[] = [];
    const add = (name: string) => {
      const wake = () => {
        const { bulkBytes } = shaper.limits();
        if (bulkBytes === 0) return shaper.wait(wake);
        order.push(name);
        shaper.sent(bulkBytes);
        // As a link does, once its write has left.
        queueMicrotask(() => shaper.wait(wake));
      };
      shaper.wait(wake);
    };
    ["a", "b", "c"].forEach(add);
    for (let turn = 0; turn < 8; turn++) {
      // Enough for one of them.
      clock.advance(17);
      await settle();
      if (turn === 3) add("d");
    }
    assertEquals(order.join(""), "abcabcad");
  },
);

Deno.test("Shaper.close() frees the timer and forgets who waits", PURE, () => {
  const { clock, shaper } = setUp({ up: 1_000, down: 1_000 });
  shaper.sent(10_000);
  shaper.wait(() => assert(false, "woken after close()"));
  assertEquals(clock.pending, 1);
  shaper.close();
  shaper.close();
  assertEquals(clock.pending, 0);
  clock.advance(60_000);
});

Deno.test(
  "Shaper keeps what is sent within 2 % of the limit, over one link and several",
  PURE,
  () => {
    for (const { perSecond, seconds } of RATES) {
      for (const count of [1, 2, 7]) {
        const { clock, shaper } = setUp({ up: perSecond });
        const links = Array.from({ length: count }, () => new BulkLink(shaper));
        links.forEach((link) => link.flush());
        clock.advance(seconds * 1_000);
        const label = `${count} links at ${perSecond} bytes a second`;
        assertWithin(total(links.map(({ sent }) => sent)), perSecond * seconds, label);
        shaper.close();
      }
    }
  },
);

Deno.test("Shaper keeps bulk and control traffic together within 2 % of the limit", PURE, () => {
  for (const { perSecond, seconds } of RATES) {
    const { clock, shaper } = setUp({ up: perSecond });
    const link = new BulkLink(shaper);
    link.flush();
    let control = 0;
    // A third of the limit, in messages four times a second.
    for (let quarter = 0; quarter < seconds * 4; quarter++) {
      const bytes = Math.floor(perSecond / 12);
      shaper.sent(bytes);
      control += bytes;
      clock.advance(250);
    }
    assertWithin(link.sent + control, perSecond * seconds, `${perSecond} bytes a second`);
    assertWithin(link.sent, perSecond * seconds * 2 / 3, `bulk at ${perSecond} bytes a second`);
    shaper.close();
  }
});

Deno.test(
  "Shaper keeps what is received within 2 % of the limit behind the first credit",
  PURE,
  () => {
    for (const { perSecond } of RATES) {
      // Of two links the first credit is less than the ten minutes' worth that are not forgiven.
      for (const count of [1, 2]) {
        const { clock, shaper } = setUp({ down: perSecond });
        const links = Array.from({ length: count }, () => new FedLink(shaper));
        links.forEach((link) => link.flush());
        const seconds = Math.max(20, Math.ceil(50 * CREDIT_BYTES / perSecond));
        clock.advance(seconds * 1_000);
        const label = `${count} links at ${perSecond} bytes a second`;
        assertWithin(total(links.map(({ received }) => received)), perSecond * seconds, label);
        shaper.close();
      }
    }
  },
);
