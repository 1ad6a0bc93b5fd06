import { assert, assertEquals, assertThrows } from "@std/assert";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { MAX_BUCKET_BYTES, TokenBucket } from "../../src/base/token_bucket.ts";

const PURE = { permissions: "none" } as const;

/** 1,000 bytes a second: a byte a millisecond. */
function byteAMillisecond(burst = 100, nowMs = 0): TokenBucket {
  return new TokenBucket({ perSecond: 1_000, burst }, nowMs);
}

Deno.test("TokenBucket starts with a burst", PURE, () => {
  const bucket = byteAMillisecond(100, 5_000);
  assertEquals(bucket.available(5_000), 100);
  bucket.take(100, 5_000);
  assertEquals(bucket.available(5_000), 0);
});

Deno.test("TokenBucket.available() grows with time and stops at the burst", PURE, () => {
  const bucket = byteAMillisecond();
  bucket.take(100, 0);
  assertEquals([1, 2, 50, 99, 100, 101].map((ms) => bucket.available(ms)), [
    1,
    2,
    50,
    99,
    100,
    100,
  ]);
  assertEquals(bucket.available(Number.MAX_SAFE_INTEGER), 100);
});

Deno.test("TokenBucket.available() keeps the fractions of a byte", PURE, () => {
  // 3 bytes a second: a byte after 334, 667 and 1,000 ms.
  const bucket = new TokenBucket({ perSecond: 3, burst: 10 }, 0);
  bucket.take(10, 0);
  for (let ms = 0; ms <= 3_000; ms++) {
    assertEquals(bucket.available(ms), Math.floor(ms * 3 / 1000), `${ms} ms`);
  }
});

Deno.test("TokenBucket.available() gives the same however often it was asked", PURE, () => {
  const often = new TokenBucket({ perSecond: 7, burst: 1_000 }, 0);
  const once = new TokenBucket({ perSecond: 7, burst: 1_000 }, 0);
  for (const bucket of [often, once]) bucket.take(1_000, 0);
  for (let quarter = 0; quarter <= 400_000; quarter++) often.available(quarter / 4);
  // 100 s of 7 bytes.
  assertEquals([often.available(100_000), once.available(100_000)], [700, 700]);
});

Deno.test("TokenBucket counts whole milliseconds and loses no part of one", PURE, () => {
  const bucket = byteAMillisecond(100, 0.9);
  bucket.take(100, 0.9);
  assertEquals(bucket.available(0.99), 0);
  assertEquals(bucket.available(1), 1);
  assertEquals(bucket.available(1.999), 1);
  assertEquals(bucket.available(2.000_1), 2);
});

Deno.test("TokenBucket.take() debits what is not there, and time pays it back", PURE, () => {
  const bucket = byteAMillisecond();
  bucket.take(130, 0);
  assertEquals([bucket.available(0), bucket.available(30), bucket.available(31)], [0, 0, 1]);
  bucket.take(0, 31);
  assertEquals(bucket.available(31), 1);
});

Deno.test("TokenBucket.take() runs up a debt of one burst and no more", PURE, () => {
  for (const bytes of [200, 201, 1e9, Number.MAX_SAFE_INTEGER]) {
    const bucket = byteAMillisecond();
    bucket.take(bytes, 0);
    assertEquals([bucket.available(100), bucket.available(101)], [0, 1], `${bytes}`);
    assertEquals(bucket.available(200), 100, `${bytes}`);
  }
  const bucket = byteAMillisecond();
  bucket.take(199, 0);
  assertEquals([bucket.available(99), bucket.available(100)], [0, 1]);
});

Deno.test("TokenBucket.waitMs() ends a burst after a flood, however long it was", PURE, () => {
  const bucket = byteAMillisecond();
  for (let ms = 0; ms < 10_000; ms++) bucket.take(65_536, ms);
  assertEquals(bucket.waitMs(1, 9_999), 101);
  assertEquals(bucket.waitMs(100, 9_999), 200);
});

Deno.test("TokenBucket.waitMs() is 0 when the bytes are there", PURE, () => {
  const bucket = byteAMillisecond();
  for (const bytes of [0, 1, 99, 100]) assertEquals(bucket.waitMs(bytes, 0), 0, `${bytes}`);
  bucket.take(1_000, 0);
  assertEquals(bucket.waitMs(0, 0), 0, "nothing is available even in debt");
});

Deno.test("TokenBucket.waitMs() counts more than a burst as a burst", PURE, () => {
  const bucket = byteAMillisecond();
  for (const bytes of [100, 101, 1e12]) assertEquals(bucket.waitMs(bytes, 0), 0, `${bytes}`);
  bucket.take(40, 0);
  for (const bytes of [100, 101, 1e12]) assertEquals(bucket.waitMs(bytes, 0), 40, `${bytes}`);
  assertEquals(bucket.waitMs(99, 0), 39);
});

Deno.test("TokenBucket.waitMs() rounds up to whole milliseconds", PURE, () => {
  const bucket = new TokenBucket({ perSecond: 3, burst: 10 }, 0);
  bucket.take(10, 0);
  assertEquals([1, 2, 3].map((bytes) => bucket.waitMs(bytes, 0)), [334, 667, 1_000]);
  assertEquals(bucket.waitMs(1, 333), 1);
  assertEquals(bucket.waitMs(1, 333.5), 1);
});

Deno.test("TokenBucket.waitMs() is the shortest wait that suffices", PURE, () => {
  const random = seededRandom(20_260_401);
  for (let round = 0; round < 2_000; round++) {
    const options = {
      perSecond: 1 + randomBelow(random, round % 2 ? 50 : 1e9),
      burst: 1 + randomBelow(random, round % 3 ? 1_000 : 1e8),
    };
    const startMs = randomBelow(random, 1e9) + random.next();
    const taken = randomBelow(random, options.burst * 3);
    const bytes = 1 + randomBelow(random, options.burst * 2);
    const wanted = Math.min(bytes, options.burst);
    const bucket = () => {
      const fresh = new TokenBucket(options, startMs);
      fresh.take(taken, startMs);
      return fresh;
    };
    const waitMs = bucket().waitMs(bytes, startMs);
    const label = JSON.stringify({ round, options, startMs, taken, bytes, waitMs });
    assert(bucket().available(startMs + waitMs) >= wanted, label);
    // The floor, since only whole milliseconds count.
    const sooner = Math.floor(startMs) + waitMs - 1;
    assert(waitMs === 0 || bucket().available(sooner) < wanted, label);
  }
});

Deno.test(
  "TokenBucket credits nothing when time goes back, nor the way forward again",
  PURE,
  () => {
    const bucket = byteAMillisecond(100, 1_000);
    bucket.take(100, 1_000);
    for (const ms of [999, 0, -5_000, 1_000, 500, 1_000]) {
      assertEquals(bucket.available(ms), 0, `${ms}`);
    }
    assertEquals(bucket.available(1_001), 1);
    bucket.take(1, 400);
    assertEquals([bucket.available(400), bucket.available(1_001), bucket.available(1_002)], [
      0,
      0,
      1,
    ]);
  },
);

Deno.test("TokenBucket.waitMs() counts what a clock that went back must make up", PURE, () => {
  const bucket = byteAMillisecond(100, 1_000);
  bucket.take(100, 1_000);
  assertEquals(bucket.waitMs(5, 990), 15);
  assertEquals([bucket.available(1_004), bucket.available(1_005)], [4, 5]);
});

Deno.test("TokenBucket credits nothing for a time that is no number", PURE, () => {
  const bucket = byteAMillisecond();
  bucket.take(100, 0);
  assertEquals(bucket.available(NaN), 0);
  assertEquals(bucket.available(7), 7);
});

Deno.test("TokenBucket lets a greedy sender have its rate and one burst, exactly", PURE, () => {
  const bucket = new TokenBucket({ perSecond: 1_234_567, burst: 65_536 }, 0);
  let sent = 0;
  for (let ms = 0; ms <= 60_000; ms += 10) {
    const bytes = bucket.available(ms);
    bucket.take(bytes, ms);
    sent += bytes;
  }
  assertEquals(sent, 65_536 + 60 * 1_234_567);
});

Deno.test("TokenBucket agrees with a naive bucket of integers", PURE, () => {
  const random = seededRandom(20_260_402);
  for (let round = 0; round < 100; round++) {
    const perSecond = 1 + randomBelow(random, 5_000);
    const burst = 1 + randomBelow(random, 500);
    const bucket = new TokenBucket({ perSecond, burst }, 0);
    let thousandths = BigInt(burst) * 1000n;
    let nowMs = 0;
    for (let step = 0; step < 100; step++) {
      for (let left = randomBelow(random, 60); left > 0; left--) {
        nowMs++;
        thousandths += BigInt(perSecond);
        if (thousandths > BigInt(burst) * 1000n) thousandths = BigInt(burst) * 1000n;
      }
      const bytes = randomBelow(random, burst);
      bucket.take(bytes, nowMs);
      thousandths -= BigInt(bytes) * 1000n;
      if (thousandths < BigInt(-burst) * 1000n) thousandths = BigInt(-burst) * 1000n;
      const expected = thousandths < 0n ? 0 : Number(thousandths / 1000n);
      assertEquals(bucket.available(nowMs), expected, `round ${round}, step ${step}`);
    }
  }
});

Deno.test("TokenBucket stays exact at its largest", PURE, () => {
  const most = 2 ** 40;
  assertEquals(MAX_BUCKET_BYTES, most);
  const bucket = new TokenBucket({ perSecond: most, burst: most }, 0);
  assertEquals(bucket.available(0), most);
  bucket.take(Number.MAX_SAFE_INTEGER, 0);
  assertEquals([bucket.available(1_000), bucket.available(2_000)], [0, most]);
  bucket.take(most - 1, 2_000);
  assertEquals(bucket.available(2_000), 1);
  assertEquals(bucket.available(1e300), most);
});

Deno.test("TokenBucket refuses options out of their bounds", PURE, () => {
  const bad = [0, -1, 0.5, NaN, Infinity, MAX_BUCKET_BYTES + 1];
  for (const value of bad) {
    assertThrows(() => new TokenBucket({ perSecond: value, burst: 1 }, 0), RangeError, "perSecond");
    assertThrows(() => new TokenBucket({ perSecond: 1, burst: value }, 0), RangeError, "burst");
  }
  assertEquals(new TokenBucket({ perSecond: 1, burst: 1 }, 0).available(0), 1);
});

Deno.test("TokenBucket.take() and waitMs() refuse what is no count of bytes", PURE, () => {
  const bucket = byteAMillisecond();
  for (const bytes of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => bucket.take(bytes, 0), RangeError, "bytes");
    assertThrows(() => bucket.waitMs(bytes, 0), RangeError, "bytes");
  }
  assertEquals(bucket.available(0), 100);
});
