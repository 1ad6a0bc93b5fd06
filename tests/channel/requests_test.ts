import { assert, assertEquals, assertRejects } from "@std/assert";
import { equalBytes } from "../../src/base/bytes.ts";
import type { OutgoingBody } from "../../src/channel/body.ts";
import { DEFAULT_DEADLINE_MS, RequestError } from "../../src/channel/requests.ts";
import { Refusal } from "../../src/channel/responder.ts";
import {
  codeOf,
  noise,
  piecesOf,
  RequestPair,
  turns,
  withSlowHandler,
} from "../testing/channel.ts";

const PURE = { permissions: "none" } as const;
/** More than the credit of 256 KiB. */
const LARGE = noise(600_000);
const NEVER = new Promise<never>(() => {});

Deno.test("Requester.request() resolves with what the handler answers", PURE, async () => {
  for (const recordBytes of [65_519, 1_000, 80]) {
    const pair = new RequestPair({ recordBytes });
    pair.handlers.set("DOUBLE", ({ data }) => ({ data: { n: Number(data["n"]) * 2 } }));
    pair.handlers.set("LATER", async ({ data }) => {
      await turns(1);
      return { data };
    });
    pair.handlers.set("NOTHING", () => ({}));
    const replies = await Promise.all([
      ...[1, 2, 3].map((n) => pair.requester.request("DOUBLE", { n })),
      pair.requester.request("LATER", { text: "é".repeat(500) }),
      pair.requester.request("NOTHING", {}),
    ]);
    const expected = [{ n: 2 }, { n: 4 }, { n: 6 }, { text: "é".repeat(500) }, {}];
    assertEquals(replies.map(({ data }) => data), expected);
    for (const { body } of replies) assertEquals(await body.read(), undefined);
    await pair.assertNothingLeft(`records of ${recordBytes}`);
  }
});

Deno.test(
  "Requester.request() carries bodies both ways, larger than the credit",
  PURE,
  async () => {
    const bodies: readonly (() => OutgoingBody)[] = [
      () => LARGE,
      () => piecesOf(LARGE, 70_000),
      () => ReadableStream.from(piecesOf(LARGE, 3_000)),
    ];
    for (const recordBytes of [65_519, 2_000]) {
      for (const [index, make] of bodies.entries()) {
        const label = `body ${index}, records of ${recordBytes}`;
        const pair = new RequestPair({ recordBytes });
        pair.handlers.set("SWAP", async ({ body }) => {
          await turns(1);
          return { data: { same: equalBytes(await body.bytes(1e6), LARGE) }, body: make() };
        });
        const reply = await pair.requester.request("SWAP", {}, { body: make() });
        assertEquals(reply.data, { same: true }, label);
        assert(equalBytes(await reply.body.bytes(1e6), LARGE), label);
        await pair.assertNothingLeft(label);
      }
    }
  },
);

Deno.test("Requester.request() can be answered with its own body as that comes", PURE, async () => {
  const pair = new RequestPair({ recordBytes: 5_000 });
  pair.handlers.set("ECHO", ({ body }) => ({ body }));
  const reply = await pair.requester.request("ECHO", {}, { body: piecesOf(LARGE, 10_000) });
  assert(equalBytes(await reply.body.bytes(1e6), LARGE));
  await pair.assertNothingLeft();
});

Deno.test("Requester.request() rejects with the code and message of a refusal", PURE, async () => {
  const pair = new RequestPair();
  const refusal = new Refusal("no_room", "Cannot take it: 12 bytes exceed 5");
  pair.handlers.set("NOW", () => {
    throw refusal;
  });
  pair.handlers.set("LATER", () => Promise.reject(refusal));
  for (const type of ["NOW", "LATER"]) {
    const request = pair.requester.request(type, {});
    const error = await assertRejects(() => request, RequestError);
    assertEquals([error.code, error.message], [refusal.code, refusal.message]);
  }
  const unknown = await assertRejects(() => pair.requester.request("WHAT", {}), RequestError);
  assertEquals(unknown.code, "unsupported_type");
  assertEquals(pair.faults, []);
  await pair.assertNothingLeft();
});

Deno.test(
  "Requester.request() rejects at its deadline, and the handler is told",
  PURE,
  async () => {
    const { pair, started, finishAll } = withSlowHandler();
    const outcome = codeOf(pair.requester.request("T", {}, { deadlineMs: 5_000 }));
    await pair.pass(4_999);
    assertEquals([started[0]?.deadlineMs, started[0]?.signal.aborted], [5_000, false]);
    await pair.pass(1);
    assertEquals([await outcome, started[0]?.signal.aborted], ["timeout", true]);
    finishAll();
    await pair.assertNothingLeft();
  },
);

Deno.test(
  "Requester.request() rejects at its deadline though the peer hears nothing",
  PURE,
  async () => {
    for (const [options, deadlineMs] of [[{}, 30_000], [{ deadlineMs: 10 }, 10]] as const) {
      const pair = new RequestPair();
      assertEquals(DEFAULT_DEADLINE_MS, 30_000);
      pair.muxes.isHeld = true;
      let code = "pending";
      pair.requester.request("T", {}, options).catch((error) => code = error.code);
      await pair.pass(deadlineMs - 1);
      assertEquals(code, "pending");
      await pair.pass(1);
      assertEquals(code, "timeout");
      pair.muxes.isHeld = false;
      pair.muxes.pump();
      await pair.assertNothingLeft();
    }
  },
);

Deno.test(
  "Requester.request() tells the handler how long it waits, and how urgent it is",
  PURE,
  async () => {
    const { pair, started, finishAll } = withSlowHandler();
    const { requester } = pair;
    const all = [
      requester.request("T", {}),
      requester.request("T", {}, { deadlineMs: 1.5, priority: 0 }),
      requester.request("T", {}, { deadlineMs: Infinity, priority: 3 }),
    ];
    await turns();
    const seen = started.map(({ deadlineMs, priority }) => [priority, deadlineMs]);
    // Critical leaves first.
    assertEquals(seen, [[3, Infinity], [1, 30_000], [0, 1.5]]);
    finishAll();
    await Promise.all(all);
    await pair.assertNothingLeft();
  },
);

Deno.test("Requester.request() with Infinity waits for ever", PURE, async () => {
  const { pair, started, finishAll } = withSlowHandler();
  const reply = pair.requester.request("T", {}, { deadlineMs: Infinity });
  await turns();
  assertEquals(pair.clock.pending <= 1, true);
  await pair.pass(10 ** 12);
  assertEquals(started[0]?.signal.aborted, false);
  finishAll();
  assertEquals((await reply).data, {});
  await pair.assertNothingLeft();
});

Deno.test("Requester.request() with an aborted signal sends nothing", PURE, async () => {
  const { pair, started } = withSlowHandler();
  const request = pair.requester.request("T", {}, { signal: AbortSignal.abort() });
  assertEquals(await codeOf(request), "cancelled");
  assertEquals([pair.muxes.dialer.streams, pair.muxes.dialer.hasOutput()], [0, false]);
  await turns();
  assertEquals(started, []);
  await pair.assertNothingLeft();
});

Deno.test(
  "Requester.request() that is aborted rejects at once, and the handler is told",
  PURE,
  async () => {
    for (const body of [undefined, LARGE]) {
      const { pair, started, finishAll } = withSlowHandler();
      const controller = new AbortController();
      const { signal } = controller;
      const request = pair.requester.request("T", {}, { signal, ...(body && { body }) });
      await turns();
      assertEquals(started[0]?.signal.aborted, false);
      controller.abort();
      assertEquals(await codeOf(request), "cancelled");
      await turns();
      assertEquals(started[0]?.signal.aborted, true);
      finishAll();
      await pair.assertNothingLeft();
    }
  },
);

Deno.test("Requester.request() that is aborted before it left was never there", PURE, async () => {
  const { pair, started } = withSlowHandler();
  const controller = new AbortController();
  pair.muxes.isHeld = true;
  const request = pair.requester.request("T", {}, { signal: controller.signal, body: LARGE });
  controller.abort();
  assertEquals(await codeOf(request), "cancelled");
  pair.muxes.isHeld = false;
  assertEquals(pair.muxes.dialer.hasOutput(), false);
  assertEquals(started, []);
  await pair.assertNothingLeft();
});

Deno.test(
  "Requester.request() is not disturbed by a signal that aborts after the reply",
  PURE,
  async () => {
    const pair = new RequestPair();
    pair.handlers.set("T", () => ({ body: LARGE }));
    const controller = new AbortController();
    const reply = await pair.requester.request("T", {}, { signal: controller.signal });
    controller.abort();
    await pair.pass(10 ** 9);
    assert(equalBytes(await reply.body.bytes(1e6), LARGE));
    await pair.assertNothingLeft();
  },
);

Deno.test(
  "Requester rejects all at once when the session is lost, and the handlers are told",
  PURE,
  async () => {
    const { pair, started, finishAll } = withSlowHandler();
    const { requester } = pair;
    const bodies = [undefined, LARGE, ReadableStream.from(piecesOf(LARGE, 1_000))];
    const codes = bodies.map((body) =>
      codeOf(requester.request("T", {}, { ...(body && { body }) }))
    );
    await turns();
    assertEquals(started.map(({ signal }) => signal.aborted), [false, false, false]);
    const reads = started.map(({ body }) => codeOf(body.bytes(1e6)));
    pair.lose("silent");
    assertEquals(await Promise.all(codes), ["closed", "closed", "closed"]);
    assertEquals(started.map(({ signal }) => signal.aborted), [true, true, true]);
    assertEquals((await Promise.all(reads)).slice(1), ["lost", "lost"]);
    assertEquals(await codeOf(requester.request("T", {})), "closed");
    finishAll();
    await pair.assertNothingLeft();
  },
);

Deno.test("Requester.request() rejects when no stream can be opened", PURE, async () => {
  const old = new RequestPair({ hasStreams: false });
  assertEquals(await codeOf(old.requester.request("T", {}, { body: LARGE })), "unsupported");
  await old.assertNothingLeft();

  const leaving = new RequestPair();
  leaving.muxes.listener.goAway("shutdown");
  await turns();
  assertEquals(await codeOf(leaving.requester.request("T", {})), "going_away");
  await leaving.assertNothingLeft();

  const full = new RequestPair();
  full.muxes.isHeld = true;
  const waiting = Array.from({ length: 256 }, () => codeOf(full.requester.request("T", {})));
  assertEquals(await codeOf(full.requester.request("T", {})), "too_many_streams");
  full.lose();
  assertEquals(new Set(await Promise.all(waiting)), new Set(["closed"]));
  await full.assertNothingLeft();
});

Deno.test("Requester.request() rejects the caller's mistakes and opens nothing", PURE, async () => {
  const { pair } = withSlowHandler();
  await assertRejects(() => pair.requester.request("no type", {}), TypeError);
  await assertRejects(() => pair.requester.request("T", { x: "x".repeat(65_536) }), RangeError);
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  await assertRejects(() => pair.requester.request("T", circular), RangeError);
  await pair.assertNothingLeft();
});

Deno.test("Requester keeps no timer of requests that were answered", PURE, async () => {
  const pair = new RequestPair();
  pair.handlers.set("T", () => ({}));
  for (let i = 0; i < 50; i++) await pair.requester.request("T", {}, { deadlineMs: 1_000 + i });
  pair.handlers.set("T", () => NEVER);
  const last = codeOf(pair.requester.request("T", {}, { deadlineMs: 5_000 }));
  assert(pair.clock.pending <= 2, `${pair.clock.pending}`);
  await pair.pass(5_000);
  assertEquals([await last, pair.clock.pending], ["timeout", 0]);
});
