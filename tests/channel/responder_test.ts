import { assert, assertEquals } from "@std/assert";
import { Refusal } from "../../src/channel/responder.ts";
import { codeOf, RequestPair, turns, withSlowHandler } from "../testing/channel.ts";

const PURE = { permissions: "none" } as const;

/** So many requests, numbered, and what comes of each. */
function ask({ requester }: RequestPair, count: number): readonly Promise<string>[] {
  return Array.from(
    { length: count },
    (_, n) => requester.request("T", { n }).then(() => "resolved", (error) => error.code),
  );
}

Deno.test("Responder hands a request on as it came", PURE, async () => {
  const { pair, started, finishAll } = withSlowHandler();
  const reply = pair.requester.request("T", { n: 5 }, { priority: 2, deadlineMs: 70 });
  await turns();
  const [request] = started;
  assertEquals(request && [request.type, request.data, request.priority, request.deadlineMs], [
    "T",
    { n: 5 },
    2,
    70,
  ]);
  assertEquals(await request?.body.read(), undefined);
  finishAll();
  assertEquals((await reply).data, { n: 5 });
  await pair.assertNothingLeft();
});

Deno.test(
  "Responder tells its owner what a handler threw, and the peer nothing of it",
  PURE,
  async () => {
    const pair = new RequestPair();
    const secret = new Error("password is 1234");
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    pair.handlers.set("THROWS", () => {
      throw secret;
    });
    pair.handlers.set("REJECTS", () => Promise.reject(secret));
    pair.handlers.set("THROWS_TEXT", () => {
      throw "password is 1234";
    });
    pair.handlers.set("TOO_LARGE", () => ({ data: { x: "1234".repeat(20_000) } }));
    pair.handlers.set("CIRCULAR", () => Promise.resolve({ data: circular }));
    for (const type of [...pair.handlers.keys()]) {
      const error = await pair.requester.request(type, {}).catch((error) => error);
      assertEquals([type, error.code, String(error).includes("1234")], [
        type,
        "internal_error",
        false,
      ]);
    }
    assertEquals(pair.faults.slice(0, 3), [secret, secret, "password is 1234"]);
    assert(pair.faults.slice(3).every((fault) => fault instanceof RangeError));
    await pair.assertNothingLeft();
  },
);

Deno.test("Responder handles 32 requests at once; the 33rd waits and is served", PURE, async () => {
  for (const [maxActive, expected] of [[undefined, 32], [1, 1], [5, 5]] as const) {
    const { pair, started, finishFirst, finishAll } = withSlowHandler({
      ...(maxActive && { maxActive }),
    });
    const outcomes = ask(pair, expected + 2);
    await turns();
    assertEquals([pair.responder.active, started.length], [expected, expected]);
    finishFirst();
    await turns();
    assertEquals([pair.responder.active, started.length], [expected, expected + 1]);
    for (let turn = 0; turn < 2; turn++) {
      finishAll();
      await turns();
    }
    assertEquals(new Set(await Promise.all(outcomes)), new Set(["resolved"]));
    // In the order in which they were asked.
    assertEquals(started.map(({ data }) => data["n"]), started.map((_, n) => n));
    await pair.assertNothingLeft(`${expected} at once`);
  }
});

Deno.test(
  "Responder keeps the slot of a handler whose peer has gone until that settles",
  PURE,
  async () => {
    const { pair, started, active, finishAll } = withSlowHandler({ maxActive: 4 });
    const codes: string[] = [];
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController();
      pair.requester.request("T", {}, { signal: controller.signal }).catch((error) => {
        codes.push(error.code);
      });
      await turns(1);
      controller.abort();
      await turns(1);
    }
    // 4 hold their slots; the streams of the others were reset before there was one for them.
    assertEquals([started.length, active.most, pair.responder.active], [4, 4, 4]);
    assertEquals(started.map(({ signal }) => signal.aborted), [true, true, true, true]);
    assertEquals(codes.length, 50);
    assertEquals([pair.muxes.dialer.streams, pair.muxes.listener.streams], [0, 0]);
    finishAll();
    await pair.assertNothingLeft();
  },
);

Deno.test("Responder starts no more than its slots in a flood of resets", PURE, async () => {
  const { pair, active, finishAll } = withSlowHandler({ maxActive: 8 });
  for (let round = 0; round < 50; round++) {
    const controller = new AbortController();
    const { signal } = controller;
    for (let n = 0; n < 20; n++) void codeOf(pair.requester.request("T", {}, { signal }));
    await turns(1);
    controller.abort();
    if (round % 5 === 4) finishAll();
    await turns(1);
    assert(pair.responder.active <= 8);
  }
  assertEquals(active.most, 8);
  finishAll();
  await turns(20);
  finishAll();
  assertEquals(pair.faults, []);
  await pair.assertNothingLeft();
});

Deno.test("Responder lets 64 wait and has the next refused", PURE, async () => {
  const { pair, finishAll } = withSlowHandler();
  const first = ask(pair, 32);
  await turns();
  const waiting = ask(pair, 64);
  await turns();
  const refused = ask(pair, 3);
  assertEquals(await Promise.all(refused), ["refused", "refused", "refused"]);
  for (let round = 0; round < 3; round++) {
    finishAll();
    await turns();
  }
  const outcomes = await Promise.all([...first, ...waiting]);
  assertEquals([outcomes.length, new Set(outcomes)], [96, new Set(["resolved"])]);
  const late = ask(pair, 1);
  await turns();
  finishAll();
  assertEquals(await Promise.all(late), ["resolved"]);
  await pair.assertNothingLeft();
});

Deno.test("Responder serves none of those that gave up while they waited", PURE, async () => {
  const { pair, started, finishAll } = withSlowHandler({ maxActive: 1 });
  const first = ask(pair, 1);
  const controller = new AbortController();
  const { signal } = controller;
  const second = codeOf(pair.requester.request("T", { n: "second" }, { signal }));
  const third = codeOf(pair.requester.request("T", { n: "third" }));
  await turns();
  controller.abort();
  await turns();
  for (let turn = 0; turn < 2; turn++) {
    finishAll();
    await turns();
  }
  assertEquals(started.map(({ data }) => data["n"]), [0, "third"]);
  assertEquals(await Promise.all([...first, second, third]), ["resolved", "cancelled", "resolved"]);
  await pair.assertNothingLeft();
});

Deno.test(
  "Responder takes what a handler does after the peer has gone for no fault",
  PURE,
  async () => {
    const pair = new RequestPair();
    const ways: readonly (() => Record<string, never>)[] = [
      () => ({}),
      () => {
        throw new Refusal("late", "Cannot answer: too late");
      },
      () => {
        throw new DOMException("aborted", "AbortError");
      },
    ];
    for (const way of ways) {
      pair.handlers.set("T", async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return way();
      });
      assertEquals(await codeOf(pair.requester.request("T", {}, { deadlineMs: 0 })), "pending");
      await pair.pass(0);
    }
    assertEquals(pair.faults, []);
    await pair.assertNothingLeft();
  },
);
