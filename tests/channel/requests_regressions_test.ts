import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import { type IncomingBody, type OutgoingBody } from "../../src/channel/body.ts";
import { StreamError } from "../../src/channel/mux_stream.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { type OutgoingReply, Refusal } from "../../src/channel/responder.ts";
import { codeOf, noise, piecesOf, RequestPair, turns } from "../testing/channel.ts";

const PURE = { permissions: "none" } as const;
const LARGE = noise(600_000);

const READS: Readonly<Record<string, (body: IncomingBody) => Promise<Bytes>>> = {
  bytes: (body) => body.bytes(1e6),
  iterator: async (body) => concatBytes(...await Array.fromAsync(body)),
  readable: async (body) => concatBytes(...await Array.fromAsync(body.readable)),
  readInto: async (body) => {
    const pieces: Bytes[] = [];
    const buffer = new Uint8Array(10_000);
    for (let count = await body.readInto(buffer); count; count = await body.readInto(buffer)) {
      pieces.push(buffer.slice(0, count));
    }
    return concatBytes(...pieces);
  },
};

Deno.test(
  "Responder gives a handler that reads at once the body in its order",
  PURE,
  async (test) => {
    for (const [name, read] of Object.entries(READS)) {
      for (const isHeld of [false, true]) {
        for (const length of [3, 16_384, 100_000, 600_000]) {
          await test.step(`${name}, ${length} bytes, ${isHeld ? "all at once" : "as written"}`, async () => {
            const pair = new RequestPair();
            const body = LARGE.subarray(0, length);
            pair.handlers.set("T", async (request) => ({
              data: { same: equalBytes(await read(request.body), body) },
            }));
            pair.muxes.isHeld = isHeld;
            const reply = pair.requester.request("T", {}, { body });
            await turns();
            pair.muxes.isHeld = false;
            pair.muxes.pump();
            assertEquals((await reply).data, { same: true });
            await pair.assertNothingLeft();
          });
        }
      }
    }
  },
);

Deno.test(
  "Responder wakes a handler that reads at once for what came with the head",
  PURE,
  async () => {
    const pair = new RequestPair();
    pair.handlers.set("T", async ({ body }) => ({ data: { first: (await body.read())?.length } }));
    const { promise, resolve } = Promise.withResolvers<void>();
    const upload = async function* () {
      yield noise(100);
      await promise;
    };
    pair.muxes.isHeld = true;
    const outcome = codeOf(pair.requester.request("T", {}, { body: upload() }));
    await turns();
    pair.muxes.isHeld = false;
    pair.muxes.pump();
    assertEquals(await outcome, "resolved");
    resolve();
  },
);

Deno.test(
  "Responder reads a head that came in pieces before there was a slot",
  PURE,
  async (test) => {
    for (
      const [recordBytes, length, maxActive] of [
        [65_519, 20_000, 32],
        [65_519, 65_000, 32],
        [1_000, 5_000, 1],
        [100, 300, 1],
      ] as const
    ) {
      await test.step(`${length} in records of ${recordBytes}`, async () => {
        const pair = new RequestPair({ recordBytes, maxActive });
        const gate = Promise.withResolvers<void>();
        pair.handlers.set("FIRST", () => gate.promise.then(() => ({})));
        pair.handlers.set("T", ({ data }) => ({ data: { length: String(data["x"]).length } }));
        const first = maxActive === 1 ? pair.requester.request("FIRST", {}) : undefined;
        const reply = pair.requester.request("T", { x: "x".repeat(length) });
        await turns();
        gate.resolve();
        await first;
        await turns();
        assertEquals(await codeOf(reply), "resolved");
        assertEquals((await reply).data, { length });
        await pair.assertNothingLeft();
      });
    }
  },
);

Deno.test(
  "Responder tells a peer that is still sending that its body is too large",
  PURE,
  async () => {
    const pair = new RequestPair();
    pair.handlers.set("T", async ({ body }) => {
      await turns(1);
      await body.bytes(1_000);
      return {};
    });
    for (const body of [noise(5_000), LARGE, piecesOf(LARGE, 10_000)]) {
      assertEquals(await codeOf(pair.requester.request("T", {}, { body })), "too_large");
    }
    assertEquals(pair.faults, []);
    await pair.assertNothingLeft();
  },
);

Deno.test("Responder answers for a handler that has left the body", PURE, async (test) => {
  const ways: Readonly<Record<string, (body: IncomingBody) => unknown>> = {
    break: async (body) => {
      for await (const _ of body) break;
    },
    cancel: (body) => body.cancel(),
    readable: (body) => body.readable.cancel(),
  };
  for (const [name, leave] of Object.entries(ways)) {
    await test.step(name, async () => {
      const pair = new RequestPair();
      pair.handlers.set("T", async ({ body }) => {
        await turns(1);
        await leave(body);
        return { data: { seen: true } };
      });
      const request = pair.requester.request("T", {}, { body: LARGE });
      assertEquals(await codeOf(request), "resolved");
      await pair.assertNothingLeft();
    });
  }
});

Deno.test(
  "Responder holds the deadline against the reply's head, not its body",
  PURE,
  async () => {
    for (const isAsync of [false, true]) {
      const pair = new RequestPair();
      const gate = Promise.withResolvers<void>();
      const body = async function* () {
        yield noise(10);
        await gate.promise;
        yield noise(10);
      };
      pair.handlers.set("T", (): OutgoingReply | Promise<OutgoingReply> => {
        const reply = { body: body() };
        return isAsync ? Promise.resolve(reply) : reply;
      });
      const reply = await pair.requester.request("T", {}, { deadlineMs: 1_000 });
      await pair.pass(2_000);
      gate.resolve();
      assertEquals(await codeOf(reply.body.bytes(100)), "resolved", `async ${isAsync}`);
      await pair.assertNothingLeft();
    }
  },
);

async function* brokenUpstream(): AsyncGenerator<Bytes> {
  yield noise(10);
  await turns(1);
  throw new StreamError("lost", "Cannot use stream: another session ended");
}

Deno.test(
  "Requester.request() breaks off with a body that another stream broke off",
  PURE,
  async () => {
    const pair = new RequestPair();
    const codes: Promise<string>[] = [];
    pair.handlers.set("T", async ({ body }) => {
      await turns(1);
      codes.push(codeOf(body.bytes(100)));
      await codes[0];
      return {};
    });
    const outcome = await codeOf(pair.requester.request("T", {}, { body: brokenUpstream() }));
    assert(outcome !== "pending" && outcome !== "resolved", outcome);
    assertEquals(await codes[0], "cancelled");
    await pair.assertNothingLeft();
  },
);

Deno.test("Responder breaks a reply off whose body another stream broke off", PURE, async () => {
  const pair = new RequestPair();
  pair.handlers.set("T", () => ({ body: brokenUpstream() }));
  const reply = await pair.requester.request("T", {});
  const outcome = await codeOf(reply.body.bytes(100));
  assert(outcome !== "pending" && outcome !== "resolved", outcome);
  await pair.assertNothingLeft();
});

Deno.test("Requester.request() rejects with what its body threw", PURE, async () => {
  const pair = new RequestPair();
  pair.handlers.set("T", () => new Promise<never>(() => {}));
  const body = async function* (): AsyncGenerator<Bytes> {
    yield noise(10);
    await turns(1);
    throw new Deno.errors.NotFound("the disk");
  };
  await assertRejects(
    () => pair.requester.request("T", {}, { body: body() }),
    Deno.errors.NotFound,
  );
});

Deno.test("Refusal keeps its code, whatever its message", PURE, async (test) => {
  const messages = ["", "two\nlines", "\u001b[2J", "\ud800", "m".repeat(511) + "\u{1f600}"];
  for (const message of messages) {
    await test.step(JSON.stringify(message).slice(0, 20), async () => {
      const pair = new RequestPair();
      pair.handlers.set("T", () => {
        throw new Refusal("busy", message);
      });
      assertEquals(await codeOf(pair.requester.request("T", {})), "busy");
    });
  }
});

Deno.test("Refusal without a code is a defect of ours", PURE, async (test) => {
  for (const code of ["Not A Code", "", "c".repeat(65)]) {
    await test.step(code.slice(0, 20), async () => {
      const pair = new RequestPair();
      pair.handlers.set("T", () => {
        throw new Refusal(code, "m");
      });
      assertEquals(await codeOf(pair.requester.request("T", {})), "internal_error");
      assertEquals(pair.faults.length, 1);
      await pair.assertNothingLeft();
    });
  }
});

Deno.test("Requester.request() refuses a deadline that is none", PURE, async (test) => {
  for (const deadlineMs of [-1, NaN, -Infinity, 86_400_000 * 30 + 1]) {
    await test.step(`${deadlineMs}`, async () => {
      const pair = new RequestPair();
      pair.handlers.set("T", () => ({}));
      await assertRejects(() => pair.requester.request("T", {}, { deadlineMs }), RangeError);
      await pair.assertNothingLeft();
    });
  }
});

Deno.test("Responder lets the body of an answer go that nobody takes", PURE, async (test) => {
  const state = { isReleased: false };
  const bodies: Readonly<Record<string, () => OutgoingBody>> = {
    stream: () => new ReadableStream({ cancel: () => void (state.isReleased = true) }),
    generator: async function* () {
      try {
        yield encodeUtf8("x");
      } finally {
        state.isReleased = true;
      }
    },
  };
  for (const [name, make] of Object.entries(bodies)) {
    await test.step(name, async () => {
      state.isReleased = false;
      const pair = new RequestPair();
      const gate = Promise.withResolvers<void>();
      pair.handlers.set("T", async () => {
        await gate.promise;
        return { body: make() };
      });
      const controller = new AbortController();
      const code = codeOf(pair.requester.request("T", {}, { signal: controller.signal }));
      await turns();
      controller.abort();
      assertEquals(await code, "cancelled");
      await turns();
      gate.resolve();
      await turns();
      assert(state.isReleased);
      await pair.assertNothingLeft();
    });
  }
});

Deno.test("Responder takes 96 requests that come at once", PURE, async () => {
  const pair = new RequestPair();
  const gate = Promise.withResolvers<void>();
  pair.handlers.set("T", () => gate.promise.then(() => ({})));
  const all = Array.from({ length: 96 }, () => pair.requester.request("T", {}));
  const outcomes = Promise.allSettled(all);
  await turns();
  gate.resolve();
  const refused = (await outcomes).filter(({ status }) => status === "rejected");
  assertEquals(refused.length, 0, "32 at once and 64 that wait");
});

Deno.test("Requester.request() refuses data that no peer would read", PURE, async () => {
  const pair = new RequestPair();
  pair.handlers.set("T", () => ({}));
  let data = {};
  for (let level = 0; level < 20; level++) data = { in: data };
  const error = await pair.requester.request("T", data).catch((error) => error);
  assert(!(error instanceof RequestError), `${error}`);
});

Deno.test(
  "a reset at a time when many answers wait does not throw into a timer",
  PURE,
  async () => {
    const pair = new RequestPair();
    // A stream without a head, and a request of ours, to a peer that reads nothing from now on.
    pair.muxes.dialer.open();
    await turns();
    pair.muxes.isHeld = true;
    const ping = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0);
    for (let i = 0; i < 1_024; i++) pair.muxes.listener.receive(ping.slice());
    pair.clock.advance(10_000);
  },
);

Deno.test(
  "Refusal with an overlong code does not throw into the multiplexer",
  PURE,
  async () => {
    const pair = new RequestPair();
    pair.handlers.set("T", () => {
      throw new Refusal("c".repeat(70_000), "m");
    });
    assertEquals(await codeOf(pair.requester.request("T", {})), "internal_error");
  },
);
