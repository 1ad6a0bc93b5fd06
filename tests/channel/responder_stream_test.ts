import { assert, assertEquals } from "@std/assert";
import { decodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { codeOf, headOf, noise, RequestPair, turns, withSlowHandler } from "../testing/channel.ts";

const PURE = { permissions: "none" } as const;

const HEAD = headOf('{"type":"T","data":{"n":1}}');

Deno.test("Responder resets a stream whose head does not come in 10 s", PURE, async () => {
  for (const length of [0, 3, 4, HEAD.length - 1]) {
    const pair = new RequestPair();
    const stream = pair.muxes.dialer.open();
    stream.write(HEAD.slice(0, length));
    const closed = codeOf(stream.closed);
    await turns();
    assertEquals(pair.responder.active, 1);
    await pair.pass(9_999);
    assertEquals(stream.error, undefined);
    await pair.pass(1);
    assertEquals(stream.error?.code, "timeout", `${length} bytes`);
    assertEquals(await closed, "timeout");
    await pair.assertNothingLeft(`${length} bytes`);
  }
});

Deno.test("Responder does not hold the 10 s against a request that has come", PURE, async () => {
  const { pair, started, finishAll } = withSlowHandler();
  const stream = pair.muxes.dialer.open();
  for (const byte of HEAD) {
    stream.write(Uint8Array.of(byte));
    await turns(1);
  }
  stream.end();
  assertEquals(started.length, 1);
  await pair.pass(60_000);
  assertEquals([stream.error, started[0]?.signal.aborted], [undefined, false]);
  finishAll();
  await turns();
  assertEquals(await stream.read(), headOf('{"data":{"n":1}}'));
  await pair.assertNothingLeft();
});

Deno.test("Responder resets a stream whose head is none, or ends too soon", PURE, async () => {
  const cases = [
    decodeHex("00000000"),
    decodeHex("00000001"),
    decodeHex("00010001"),
    encodeUtf8("GET / HTTP/1.1\r\n\r\n"),
    headOf("[]"),
    headOf('{"type":"lower"}'),
    headOf('{"type":"T","data":[]}'),
    headOf('{"__proto__":{"type":"T"}}'),
    headOf('{"type":"T","deadline_ms":-1}'),
    noise(1_000, 7),
  ];
  const pair = new RequestPair();
  pair.handlers.set("T", () => ({}));
  for (const bytes of cases) {
    const stream = pair.muxes.dialer.open();
    stream.write(bytes);
    await turns();
    assertEquals(stream.error?.code, "malformed_head", bytes.toHex());
  }
  for (let length = 0; length < HEAD.length; length += 3) {
    const stream = pair.muxes.dialer.open();
    stream.write(HEAD.slice(0, length));
    stream.end();
    await turns();
    assertEquals(stream.error?.code, "malformed_head", `${length} bytes`);
  }
  assertEquals(pair.faults, []);
  await pair.assertNothingLeft();
});

Deno.test(
  "Responder aborts the signal at the deadline, also one that was not asked for before",
  PURE,
  async () => {
    const { pair, started, finishAll } = withSlowHandler();
    const stream = pair.muxes.dialer.open();
    stream.write(headOf('{"type":"T","deadline_ms":2000}'));
    await turns();
    await pair.pass(1_999);
    assertEquals(stream.error, undefined);
    await pair.pass(1);
    assertEquals(stream.error?.code, "timeout");
    const signal = started[0]?.signal;
    assertEquals([signal?.aborted, signal?.reason.code], [true, "timeout"]);
    assert(started[0]?.signal === signal, "it is the same one each time");
    assertEquals(pair.responder.active, 1, "until the handler settles");
    finishAll();
    await pair.assertNothingLeft();
  },
);

Deno.test("Responder frees the stream of a handler that does not read the body", PURE, async () => {
  const pair = new RequestPair();
  pair.handlers.set("NOW", () => ({ data: { ok: true } }));
  pair.handlers.set("LATER", async () => {
    await turns(1);
    return { data: { ok: true } };
  });
  for (const type of ["NOW", "LATER"]) {
    for (const length of [1, 10_000, 262_144, 1_000_000]) {
      const reply = await pair.requester.request(type, {}, { body: noise(length) });
      assertEquals([reply.data, await reply.body.read()], [{ ok: true }, undefined]);
      await turns();
      assertEquals(pair.muxes.listener.streams, 0, `${type} ${length}`);
    }
  }
  await pair.assertNothingLeft();
});
