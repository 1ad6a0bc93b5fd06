import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Bytes,
  concatBytes,
  decodeHex,
  encodeUtf8,
  equalBytes,
} from "../../src/base/bytes.ts";
import { BodyError } from "../../src/channel/body.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import { type Reply, RequestError } from "../../src/channel/requests.ts";
import { Refusal } from "../../src/channel/responder.ts";
import { codeOf, headOf, noise, piecesOf, RequestPair, turns } from "../testing/channel.ts";

const PURE = { permissions: "none" } as const;
/** More than the credit of 256 KiB. */
const LARGE = noise(600_000);
/** The most that a sender has given whose reader reads nothing: the credit, what waits, a piece. */
const UNREAD_BYTES = 262_144 + 16_384 + 10_000;

/** A body without end, and what became of it. */
function endless() {
  const state = { asked: 0, isReleased: false };
  const body = async function* (): AsyncGenerator<Bytes> {
    try {
      for (;; await turns(1)) yield* piecesOf(LARGE, 10_000, (bytes) => state.asked += bytes);
    } finally {
      state.isReleased = true;
    }
  };
  return { state, body: body() };
}

/** A body that fails after `bytes`. */
async function* failing(bytes: Bytes): AsyncGenerator<Bytes> {
  yield bytes;
  await turns(1);
  throw new Error("the disk of alice");
}

/** A request, and the listener's end of its stream in the test's own hands. */
async function askRaw(pair: RequestPair): Promise<{ reply: Promise<Reply>; stream: MuxStream }> {
  pair.muxes.onListenerIncoming = () => {};
  const reply = pair.requester.request("T", {});
  reply.catch(() => {});
  await turns();
  const stream = pair.muxes.listener.accept();
  assert(stream && await stream.read());
  return { reply, stream };
}

Deno.test(
  "Requester.request() rejects with an error that comes while it still uploads",
  PURE,
  async () => {
    for (const isLate of [false, true]) {
      const pair = new RequestPair();
      pair.handlers.set("T", async () => {
        if (isLate) await turns();
        throw new Refusal("no_room", "Cannot take it");
      });
      for (const body of [LARGE, ReadableStream.from(piecesOf(LARGE, 50_000))]) {
        assertEquals(await codeOf(pair.requester.request("T", {}, { body })), "no_room");
      }
      const { state, body } = endless();
      assertEquals(await codeOf(pair.requester.request("T", {}, { body })), "no_room");
      await turns();
      assert(state.isReleased);
      assert(state.asked <= UNREAD_BYTES, `${state.asked} bytes were asked for`);
      assertEquals(pair.faults, []);
      await pair.assertNothingLeft();
    }
  },
);

Deno.test(
  "Requester.request() is told to stop by a handler that answers without reading",
  PURE,
  async () => {
    for (const replyBody of [undefined, LARGE]) {
      const pair = new RequestPair();
      pair.handlers.set(
        "T",
        () => ({ data: { enough: true }, ...(replyBody && { body: replyBody }) }),
      );
      const { state, body } = endless();
      const reply = await pair.requester.request("T", {}, { body });
      assertEquals(reply.data, { enough: true });
      const expected = replyBody ?? new Uint8Array(0);
      assert(
        equalBytes(await reply.body.bytes(1e6), expected),
        "what came before the reset is whole",
      );
      await turns();
      assert(state.isReleased);
      assert(state.asked <= UNREAD_BYTES, `${state.asked} bytes were asked for`);
      await pair.assertNothingLeft();
    }
  },
);

Deno.test(
  "Requester.request() may send its body once the reply's head has come",
  PURE,
  async () => {
    const pair = new RequestPair();
    pair.handlers.set("PUT", ({ body }) => ({
      data: { offset: 7 },
      body: async function* () {
        const bytes = await body.bytes(1e6);
        yield encodeUtf8(`took ${bytes.length}`);
      }(),
    }));
    const begun = Promise.withResolvers<void>();
    const upload = async function* () {
      await begun.promise;
      yield* piecesOf(LARGE, 100_000);
    };
    const reply = await pair.requester.request("PUT", {}, { body: upload() });
    assertEquals(reply.data, { offset: 7 });
    begun.resolve();
    assertEquals(await reply.body.bytes(100), encodeUtf8("took 600000"));
    await pair.assertNothingLeft();
  },
);

Deno.test(
  "Requester.request() rejects when its own body breaks off, and the handler is told",
  PURE,
  async () => {
    const pair = new RequestPair();
    const codes: Promise<string>[] = [];
    pair.handlers.set("T", async ({ body, signal }) => {
      const code = codeOf(body.bytes(1e6));
      codes.push(code);
      await code;
      assert(signal.aborted);
      return {};
    });
    for (const length of [10, 300_000]) {
      const reply = pair.requester.request("T", {}, { body: failing(noise(length)) });
      await assertRejects(() => reply);
    }
    assertEquals(await Promise.all(codes), ["cancelled", "cancelled"]);
    await pair.assertNothingLeft();
  },
);

Deno.test("Requester.request() that is aborted lets its body go", PURE, async () => {
  const pair = new RequestPair();
  pair.handlers.set("T", async ({ body }) => {
    await turns(1);
    for await (const piece of body) assert(piece.length > 0);
    return {};
  });
  const controller = new AbortController();
  const { state, body } = endless();
  const code = codeOf(pair.requester.request("T", {}, { body, signal: controller.signal }));
  await turns(5);
  assert(state.asked > UNREAD_BYTES, "the upload is under way");
  controller.abort();
  assertEquals(await code, "cancelled");
  await turns();
  assert(state.isReleased);
  await pair.assertNothingLeft();
});

Deno.test(
  "Reply.body breaks off where the handler's body did, and that is a fault",
  PURE,
  async () => {
    for (const length of [10, 300_000]) {
      const pair = new RequestPair();
      pair.handlers.set("T", () => ({ data: { ok: true }, body: failing(noise(length)) }));
      const reply = await pair.requester.request("T", {});
      assertEquals(reply.data, { ok: true });
      const error = await assertRejects(() => reply.body.bytes(1e6));
      assertEquals(await codeOf(Promise.reject(error)), "internal_error");
      assert(!String(error).includes("alice"));
      assertEquals(pair.faults.map(String), ["Error: the disk of alice"]);
      await pair.assertNothingLeft();
    }
  },
);

Deno.test(
  "Reply.body that is too large, left or cancelled lets the handler's body go",
  PURE,
  async () => {
    const ways: readonly ((reply: Reply) => unknown)[] = [
      ({ body }) => assertRejects(() => body.bytes(300_000), BodyError),
      ({ body }) => body.cancel(),
      ({ body }) => body.readable.cancel(),
      async ({ body }) => {
        for await (const _ of body) break;
      },
    ];
    for (const [index, leave] of ways.entries()) {
      const pair = new RequestPair();
      const { state, body } = endless();
      pair.handlers.set("T", () => ({ body }));
      await leave(await pair.requester.request("T", {}));
      await turns();
      assert(state.isReleased, `way ${index}`);
      assertEquals(pair.faults, []);
      await pair.assertNothingLeft(`way ${index}`);
    }
  },
);

Deno.test("Reply.body rejects when the session is lost on the way", PURE, async () => {
  const pair = new RequestPair();
  const { state, body } = endless();
  pair.handlers.set("T", () => ({ body }));
  const reply = await pair.requester.request("T", {});
  await turns();
  pair.lose();
  assertEquals(await codeOf(reply.body.bytes(1e9)), "lost");
  await turns();
  assert(state.isReleased);
  assertEquals(pair.faults, []);
  await pair.assertNothingLeft();
});

Deno.test("Requester.request() rejects a reply that ends before its head", PURE, async () => {
  const whole = headOf('{"data":{}}');
  for (let length = 0; length < whole.length; length++) {
    const pair = new RequestPair();
    const { reply, stream } = await askRaw(pair);
    stream.write(whole.slice(0, length));
    stream.end();
    const error = await assertRejects(() => reply, RequestError);
    assertEquals(error.code, "malformed_head", `${length} bytes`);
    await pair.assertNothingLeft(`${length} bytes`);
  }
});

Deno.test("Requester.request() rejects a reply whose head cannot be read", PURE, async () => {
  const cases = [
    decodeHex("00000000"),
    decodeHex("00000001"),
    decodeHex("00010001"),
    headOf("[]"),
    headOf('{"data":1}'),
    headOf('{"type":"ERROR","data":{"code":"No Code"}}'),
    concatBytes(decodeHex("00000002"), Uint8Array.of(0xff, 0xfe)),
  ];
  for (const bytes of cases) {
    const pair = new RequestPair();
    const { reply, stream } = await askRaw(pair);
    stream.write(bytes);
    assertEquals(await codeOf(reply), "malformed_head", bytes.toHex());
    assertEquals(stream.error?.code, "malformed_head", "the peer is told");
    await pair.assertNothingLeft(bytes.toHex());
  }
});

Deno.test("Requester.request() reads a reply that comes byte by byte", PURE, async () => {
  const pair = new RequestPair();
  const { reply, stream } = await askRaw(pair);
  for (const byte of concatBytes(headOf('{"data":{"n":1}}'), encodeUtf8("body"))) {
    stream.write(Uint8Array.of(byte));
    pair.muxes.pump();
  }
  stream.end();
  assertEquals((await reply).data, { n: 1 });
  assertEquals(await (await reply).body.bytes(4), encodeUtf8("body"));
  await pair.assertNothingLeft();
});

Deno.test(
  "Requester.request() rejects with the code that its stream was reset with",
  PURE,
  async () => {
    const pair = new RequestPair();
    for (const bytes of [new Uint8Array(0), headOf('{"data":{}}').slice(0, -1)]) {
      const { reply, stream } = await askRaw(pair);
      stream.write(bytes);
      stream.reset("going_away");
      const error = await assertRejects(() => reply, RequestError);
      assertEquals(error.code, "going_away");
      assert(error.cause instanceof Error);
    }
    await pair.assertNothingLeft();
  },
);

Deno.test("Requester.request() takes nothing that follows an error", PURE, async () => {
  const pair = new RequestPair();
  const { reply, stream } = await askRaw(pair);
  const sent = stream.write(concatBytes(headOf('{"type":"ERROR","data":{"code":"busy"}}'), LARGE));
  assertEquals(await codeOf(reply), "busy");
  assert(sent);
  assertEquals([await codeOf(sent), stream.error?.code], ["cancelled", "cancelled"]);
  await pair.assertNothingLeft();
});
