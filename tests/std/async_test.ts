import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { abortable, deadline, delay, retry, RetryError, type RetryOptions } from "@std/async";

const never = () => new Promise<never>(() => {});

async function* count(to: number, closed: () => void = () => {}) {
  try {
    for (let i = 1; i <= to; i++) yield i;
    return "end";
  } finally {
    closed();
  }
}

Deno.test("delay() resolves", async () => {
  assertStrictEquals(await delay(1), undefined);
  await Promise.all([delay(-1), delay(NaN), delay(0.9), delay(1, { persistent: false })]);
});

Deno.test("delay() rejects with the signal's reason and leaves no timer", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const waits = [60_000, 2 ** 40, Infinity].map((ms) => delay(ms, { signal: controller.signal }));
  controller.abort(reason);
  for (const wait of waits) assertStrictEquals(await assertRejects(() => wait), reason);
  assertStrictEquals(await assertRejects(() => delay(0, { signal: controller.signal })), reason);
});

Deno.test("delay() waits longer than one timer can", async () => {
  const controller = new AbortController();
  let done = false;
  const wait = delay(2 ** 31 + 5, { signal: controller.signal }).then(() => done = true);
  await delay(3);
  assert(!done);
  controller.abort();
  await assertRejects(() => wait, DOMException);
});

Deno.test("deadline() passes on what settles in time", async () => {
  assertStrictEquals(await deadline(Promise.resolve(1), 1_000), 1);
  await assertRejects(() => deadline(Promise.reject(new RangeError("r")), 1_000), RangeError, "r");
});

Deno.test("deadline() rejects with a TimeoutError", async () => {
  const error = await assertRejects(() => deadline(never(), 2), DOMException);
  assertStrictEquals(error.name, "TimeoutError");
});

Deno.test("deadline() rejects with the signal's reason", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const waits = [1_000, Infinity].map((ms) => deadline(never(), ms, { signal }));
  controller.abort(new RangeError("stop"));
  for (const wait of waits) await assertRejects(() => wait, RangeError, "stop");
  await assertRejects(() => deadline(never(), 1_000, { signal }), RangeError, "stop");
});

Deno.test("deadline() rejects with a TimeoutError although a signal is given", async () => {
  const { signal } = new AbortController();
  const error = await assertRejects(() => deadline(never(), 2, { signal }), DOMException);
  assertStrictEquals(error.name, "TimeoutError");
});

Deno.test("deadline() without an end is the promise itself, and NaN is refused", async () => {
  const promise = Promise.resolve(1);
  assertStrictEquals(deadline(promise, Infinity), promise);
  assertThrows(() => deadline(promise, NaN), TypeError);
  await promise;
});

Deno.test("abortable() passes on what the promise does", async () => {
  const { signal } = new AbortController();
  assertStrictEquals(await abortable(Promise.resolve(1), signal), 1);
  await assertRejects(() => abortable(Promise.reject(new RangeError("r")), signal), RangeError);
});

Deno.test("abortable() rejects when the signal aborts or has aborted", async () => {
  const controller = new AbortController();
  const wait = abortable(never(), controller.signal);
  controller.abort();
  const error = await assertRejects(() => wait, DOMException);
  assertStrictEquals(error.name, "AbortError");
  const signal = AbortSignal.abort(new RangeError("stop"));
  await assertRejects(() => abortable(Promise.resolve(1), signal), RangeError, "stop");
  await assertRejects(() => abortable(Promise.reject(new TypeError("t")), signal), RangeError);
});

Deno.test("abortable() yields and returns what the iterable does", async () => {
  const items: AsyncGenerator<number> = abortable(count(2), new AbortController().signal);
  const plain = count(2);
  for (let i = 0; i < 3; i++) {
    const [item, same] = [await items.next(), await plain.next()];
    assertStrictEquals(item.done, same.done);
    if (!same.done) assertStrictEquals(item.value, same.value);
  }
  assertEquals(await items.next(), { value: undefined, done: true });
});

Deno.test("abortable() ends the iteration and closes the source", async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  let closed = false;
  await assertRejects(
    async () => {
      for await (const item of abortable(count(9, () => closed = true), controller.signal)) {
        seen.push(item);
        if (item === 2) controller.abort(new RangeError("stop"));
      }
    },
    RangeError,
    "stop",
  );
  assertEquals(seen, [1, 2]);
  assert(closed);
});

Deno.test("abortable() does not touch an iterable when the signal has aborted", async () => {
  const items = abortable(count(1), AbortSignal.abort(new RangeError("stop")));
  await assertRejects(() => items.next(), RangeError, "stop");
});

const QUICK: RetryOptions = { minTimeout: 0, maxTimeout: 1 };

function failing(times: number) {
  let calls = 0;
  return {
    calls: () => calls,
    fn: () => {
      if (++calls <= times) throw new Error(`failure ${calls}`);
      return calls;
    },
  };
}

Deno.test("retry() returns the first success", async () => {
  assertStrictEquals(await retry(failing(0).fn), 1);
  assertStrictEquals(await retry(failing(4).fn, QUICK), 5);
  const { fn } = failing(2);
  assertStrictEquals(await retry(() => Promise.resolve().then(fn), QUICK), 3);
});

Deno.test("retry() gives up after five attempts, or after maxAttempts", async () => {
  for (const [options, attempts] of [[QUICK, 5], [{ ...QUICK, maxAttempts: 2 }, 2]] as const) {
    const { fn, calls } = failing(Infinity);
    const error = await assertRejects(
      () => retry(fn, options),
      RetryError,
      `Retrying exceeded the maxAttempts (${attempts}).`,
    );
    assertStrictEquals(error.name, "RetryError");
    assertStrictEquals(calls(), attempts);
    assertStrictEquals((error.cause as Error).message, `failure ${attempts}`);
  }
});

Deno.test("retry() throws an error that is not retriable as it is", async () => {
  const { fn, calls } = failing(Infinity);
  const isRetriable = (error: unknown) => error instanceof Error && error.message !== "failure 2";
  const error = await assertRejects(() => retry(fn, { ...QUICK, isRetriable }), Error, "failure 2");
  assert(!(error instanceof RetryError));
  assertStrictEquals(calls(), 2);
});

Deno.test("retry() refuses options out of range before the first call", async (t) => {
  const cases: [RetryOptions, string][] = [
    [{ maxAttempts: 0 }, "'maxAttempts' must be a positive integer: current value is 0"],
    [{ multiplier: 0.5 }, "'multiplier' must be a finite number >= 1: current value is 0.5"],
    [{ maxTimeout: 0 }, "'maxTimeout' must be a positive number: current value is 0"],
    [{ minTimeout: -1 }, "'minTimeout' must be >= 0: current value is -1"],
    [{ jitter: 2 }, "'jitter' must be between 0 and 1: current value is 2"],
    [
      { minTimeout: 1000, maxTimeout: 100 },
      "'minTimeout' must be <= 'maxTimeout': current values 'minTimeout=1000', 'maxTimeout=100'",
    ],
  ];
  for (const [options, message] of cases) {
    await t.step(message, async () => {
      const { fn, calls } = failing(0);
      await assertRejects(() => retry(fn, options), RangeError, `Cannot retry as ${message}`);
      assertStrictEquals(calls(), 0);
    });
  }
});

/** The waits between five failing attempts, recorded instead of waited for. */
async function waitsOf(options: RetryOptions, random: number): Promise<number[]> {
  const { setTimeout } = globalThis;
  const { random: realRandom } = Math;
  const waits: number[] = [];
  globalThis.setTimeout = ((fn: () => void, ms: number) => {
    waits.push(ms);
    return setTimeout(fn, 0);
  }) as unknown as typeof setTimeout;
  Math.random = () => random;
  try {
    await assertRejects(() => retry(failing(Infinity).fn, options), RetryError);
  } finally {
    globalThis.setTimeout = setTimeout;
    Math.random = realRandom;
  }
  return waits;
}

Deno.test("retry() waits longer each time, up to maxTimeout", async () => {
  assertEquals(await waitsOf({ jitter: 0 }, 0.5), [1000, 2000, 4000, 8000]);
  const options = { jitter: 0, minTimeout: 10, multiplier: 3, maxTimeout: 100 };
  assertEquals(await waitsOf(options, 0.5), [10, 30, 90, 100]);
});

Deno.test("retry() shortens each wait by a random part of at most jitter", async () => {
  assertEquals(await waitsOf({}, 0.75), [250, 500, 1000, 2000]);
  assertEquals(await waitsOf({ jitter: 0.5 }, 0.5), [750, 1500, 3000, 6000]);
});
