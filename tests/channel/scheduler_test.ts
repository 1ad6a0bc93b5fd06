import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import {
  charge,
  CRITICAL,
  FRESH_SHARES,
  nextPriority,
  NORMAL,
  PRIORITIES,
  type Priority,
  type Shares,
  WEIGHTS,
} from "../../src/channel/scheduler.ts";

const PURE = { permissions: "none" } as const;

const LOW = 0b0001;
const MIDDLE = 0b0010;
const HIGH = 0b0100;
const URGENT = 0b1000;
const BULK = LOW | MIDDLE | HIGH;

/** Bytes of low, normal, high and critical. */
type Sent = [number, number, number, number];

interface Run {
  readonly shares: Shares;
  readonly sent: Sent;
  /** Whose turn it was, frame by frame. */
  readonly order: readonly Priority[];
}

/** Sends frames of `sizeOf` their priority while all of `ready` always have another. */
function run(
  options: {
    readonly from?: Shares;
    readonly ready: number;
    readonly frames: number;
    readonly sizeOf: (priority: Priority) => number;
  },
  onFrame: (sent: Readonly<Sent>) => void = () => {},
): Run {
  const sent: Sent = [0, 0, 0, 0];
  const order: Priority[] = [];
  let shares = options.from ?? FRESH_SHARES;
  for (let frame = 0; frame < options.frames; frame++) {
    const priority = nextPriority(options.ready, shares);
    assert(priority !== undefined);
    const bytes = options.sizeOf(priority);
    shares = charge(shares, priority, bytes);
    sent[priority] += bytes;
    order.push(priority);
    onFrame(sent);
  }
  return { shares, sent, order };
}

/** How far each of the three is from 8:4:1 of what was sent, bytes. */
function errorsOf([low, normal, high]: Readonly<Sent>): readonly number[] {
  const total = low + normal + high;
  return [low - total / 13, normal - total * 4 / 13, high - total * 8 / 13].map(Math.abs);
}

Deno.test("Priority and WEIGHTS are those of the protocol", PURE, () => {
  assertEquals([NORMAL, CRITICAL, PRIORITIES], [1, 3, 4]);
  assertEquals(WEIGHTS, [1, 4, 8]);
});

Deno.test("nextPriority() is nobody where nobody is ready", PURE, () => {
  assertEquals(nextPriority(0, FRESH_SHARES), undefined);
});

Deno.test("nextPriority() is whoever is alone, and of equals the more urgent", PURE, () => {
  const cases = [[LOW, 0], [MIDDLE, 1], [HIGH, 2], [URGENT, 3]] as const;
  for (const [ready, expected] of cases) assertEquals(nextPriority(ready, FRESH_SHARES), expected);
  assertEquals(nextPriority(BULK, FRESH_SHARES), 2);
  assertEquals(nextPriority(LOW | MIDDLE, FRESH_SHARES), 1);
});

Deno.test("nextPriority() is critical whenever that is ready, whatever was sent", PURE, () => {
  const random = seededRandom(3);
  let shares = FRESH_SHARES;
  for (let round = 0; round < 1_000; round++) {
    shares = charge(shares, randomBelow(random, 4) as Priority, randomBelow(random, 70_000));
    for (let others = 0; others <= BULK; others++) {
      assertEquals(nextPriority(URGENT | others, shares), CRITICAL);
    }
  }
});

Deno.test("charge() leaves critical outside the sharing", PURE, () => {
  const { shares } = run({ ready: BULK, frames: 10, sizeOf: () => 1_000 });
  assertStrictEquals(charge(shares, CRITICAL, 1_000_000), shares);
});

Deno.test(
  "charge() advances one priority by bytes over weight from where it may start",
  PURE,
  () => {
    const afterLow = charge(FRESH_SHARES, 0, 800);
    assertEquals(afterLow, { virtualTime: 0, finished: [800, 0, 0] });
    const afterHigh = charge(afterLow, 2, 800);
    assertEquals(afterHigh, { virtualTime: 0, finished: [800, 0, 100] });
    assertEquals(charge(afterHigh, 2, 80), { virtualTime: 100, finished: [800, 0, 110] });
    assertEquals(charge(charge(afterHigh, 2, 80), 1, 4), {
      virtualTime: 100,
      finished: [800, 101, 110],
    });
  },
);

Deno.test("nextPriority() and charge() change nothing that they are given", PURE, () => {
  const shares: Shares = Object.freeze({
    virtualTime: 7,
    finished: Object.freeze([9, 8, 7] as const),
  });
  const results = [1, 2].map(() => [nextPriority(BULK, shares), charge(shares, 2, 100)]);
  assertEquals(results[0], results[1]);
  assertEquals(shares, { virtualTime: 7, finished: [9, 8, 7] });
  assertEquals(FRESH_SHARES, { virtualTime: 0, finished: [0, 0, 0] });
});

Deno.test("three backlogged priorities share 8:4:1 within a frame at any time", PURE, () => {
  const bytes = 16_392;
  const { sent, order } = run({ ready: BULK, frames: 13_000, sizeOf: () => bytes }, (sent) => {
    for (const error of errorsOf(sent)) assert(error <= bytes, `${error} bytes from the share`);
  });
  // Of each 13 frames 8 are high, 4 normal and 1 low.
  assertEquals(sent, [1_000 * bytes, 4_000 * bytes, 8_000 * bytes, 0]);
  assertEquals(order.slice(0, 3), [2, 1, 0]);
});

Deno.test("priorities with frames of unequal size share by bytes, not by frames", PURE, () => {
  const cases: readonly (readonly number[])[] = [
    [65_519, 16_392, 100],
    [100, 16_392, 65_519],
    [9, 9, 65_519],
    [1_000, 50_000, 333],
  ];
  for (const sizes of cases) {
    const largest = Math.max(...sizes);
    const sizeOf = (priority: Priority) => sizes[priority] ?? 0;
    run({ ready: BULK, frames: 20_000, sizeOf }, (sent) => {
      for (const error of errorsOf(sent)) assert(error <= largest, `${sizes}: off by ${error}`);
    });
  }
});

Deno.test("priorities with frames of random size stay within the bound of the paper", PURE, () => {
  const random = seededRandom(8);
  const largest = 65_519;
  const sizeOf = () => 1 + randomBelow(random, largest);
  run({ ready: BULK, frames: 20_000, sizeOf }, (sent) => {
    const [low, normal, high] = sent;
    const service = [low, normal / 4, high / 8] as const;
    // Goyal, Vin and Cheng 1996, theorem 1: |W_f/r_f - W_m/r_m| <= l_f/r_f + l_m/r_m.
    assert(Math.abs(service[0] - service[1]) <= largest + largest / 4);
    assert(Math.abs(service[0] - service[2]) <= largest + largest / 8);
    assert(Math.abs(service[1] - service[2]) <= largest / 4 + largest / 8);
  });
});

Deno.test("two backlogged priorities share what the third leaves", PURE, () => {
  const cases = [
    [HIGH | MIDDLE, [0, 1_000, 2_000, 0]],
    [HIGH | LOW, [333, 0, 2_667, 0]],
    [MIDDLE | LOW, [600, 2_400, 0, 0]],
  ] as const;
  for (const [ready, expected] of cases) {
    const { sent } = run({ ready, frames: 3_000, sizeOf: () => 1 });
    const errors = sent.map((bytes, priority) => Math.abs(bytes - (expected[priority] ?? 0)));
    assert(Math.max(...errors) <= 1, `${sent} is not ${expected}`);
  }
});

Deno.test("a priority that was idle gains nothing by having waited", PURE, () => {
  const sizeOf = () => 16_392;
  for (const waiting of [LOW, MIDDLE, HIGH]) {
    const { shares } = run({ ready: BULK & ~waiting, frames: 10_000, sizeOf });
    run({ from: shares, ready: BULK, frames: 2_600, sizeOf }, (sent) => {
      for (const error of errorsOf(sent)) {
        assert(error <= 2 * 16_392, `${waiting}: off by ${error}`);
      }
    });
  }
});

Deno.test("a priority that sent while it was alone owes nothing for it", PURE, () => {
  const sizeOf = () => 16_392;
  for (const alone of [LOW, MIDDLE, HIGH]) {
    const { shares } = run({ ready: alone, frames: 10_000, sizeOf });
    run({ from: shares, ready: BULK, frames: 2_600, sizeOf }, (sent) => {
      for (const error of errorsOf(sent)) assert(error <= 2 * 16_392, `${alone}: off by ${error}`);
    });
  }
});

Deno.test("nobody starves: what others send meanwhile is bounded", PURE, () => {
  const largest = 65_519;
  const random = seededRandom(13);
  for (const patient of [0, 1, 2] as const) {
    let [others, waited] = [0, 0];
    let last: Sent = [0, 0, 0, 0];
    const sizeOf = (priority: Priority) => {
      return priority === patient ? largest : 1 + randomBelow(random, largest);
    };
    run({ ready: BULK, frames: 5_000, sizeOf }, (sent) => {
      const isServed = sent[patient] > last[patient];
      const total = (counts: Readonly<Sent>) => counts.reduce((sum, bytes) => sum + bytes);
      others = isServed ? 0 : others + total(sent) - total(last);
      waited = Math.max(waited, others);
      last = [...sent];
    });
    // One frame of its own costs the others its length by their weights, and a frame each.
    const weight = WEIGHTS[patient];
    const bound = largest * (13 - weight) / weight + 2 * largest;
    assert(waited > 0 && waited <= bound, `priority ${patient} waited for ${waited} bytes`);
  }
});

Deno.test("shares are exact after a petabyte", PURE, () => {
  const late = 2 ** 50;
  const from: Shares = { virtualTime: late, finished: [late, late, late] };
  const { order } = run({ from, ready: BULK, frames: 1_300, sizeOf: () => 16_392 });
  const fresh = run({ ready: BULK, frames: 1_300, sizeOf: () => 16_392 });
  assertEquals(order, fresh.order);
});
