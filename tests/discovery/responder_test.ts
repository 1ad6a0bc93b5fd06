import { assert, assertEquals, assertFalse } from "@std/assert";
import { type Bytes, concatBytes, decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { encodeMessage, nonceText, readReply, writeRequest } from "../../src/discovery/message.ts";
import { RateLimiter, type RateLimitOptions } from "../../src/discovery/rate_limit.ts";
import {
  type Answer,
  DiscoveryResponder,
  type LegacyPolicy,
} from "../../src/discovery/responder.ts";
import { ALICE, BOB, describe, LAPTOP, PRIMITIVES } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const NONCE = nonceText(new Uint8Array(16).fill(7));
const PUBLIC = "203.0.113.9";

interface Setting {
  readonly legacy?: LegacyPolicy;
  readonly limitLoopback?: boolean;
  readonly rateLimit?: RateLimitOptions;
}

function setup(options: Setting = {}) {
  const clock = new ManualClock();
  const responder = new DiscoveryResponder({
    clock,
    signer: ALICE.signing,
    verify: PRIMITIVES.verify,
    limiter: new RateLimiter(options.rateLimit),
    legacy: options.legacy ?? "lan",
    limitLoopback: options.limitLoopback ?? false,
    describe: () => describe(ALICE, LAPTOP),
  });
  return { clock, responder };
}

function signedRequest(wallMs: number): Bytes {
  return encodeMessage(
    writeRequest(describe(BOB), BOB.signing, { nonce: NONCE, wallMs }),
  );
}

const OLD: JsonObject = {
  type: "PEER_DISCOVERY",
  sender_id: "python-node",
  sender_port: 9001,
  timestamp: 1_750_000_000,
  capabilities: {},
};

function json(answer: Answer): Record<string, unknown> | undefined {
  return answer.reply && JSON.parse(decodeUtf8(answer.reply));
}

function ask(value: unknown, host = "10.0.0.7"): Answer {
  return setup().responder.answer(encodeUtf8(JSON.stringify(value)), host);
}

Deno.test(
  "DiscoveryResponder.answer() lets old nodes in by policy and scope, signed ones always",
  PURE,
  () => {
    const hosts: readonly (readonly [string, boolean])[] = [
      ["127.0.0.1", true],
      ["::1", true],
      ["10.1.2.3", true],
      ["172.16.0.1", true],
      ["192.168.1.7", true],
      ["fd00::1", true],
      ["169.254.9.9", true],
      ["fe80::1", true],
      ["::ffff:192.168.1.7", true],
      [PUBLIC, false],
      ["8.8.8.8", false],
      ["2001:db8::1", false],
      ["::ffff:8.8.8.8", false],
      ["172.32.0.1", false],
    ];
    for (const legacy of ["off", "lan", "any"] as const) {
      for (const [host, isLan] of hosts) {
        const { clock, responder } = setup({ legacy });
        const mayEnter = legacy === "any" || (legacy === "lan" && isLan);
        const label = `${legacy} ${host}`;

        const old = responder.answer(encodeMessage(OLD), host);
        assertEquals(old.peer?.id, mayEnter ? "python-node" : undefined, label);
        assertEquals(old.error?.code, mayEnter ? undefined : "legacy_disabled", label);
        assertEquals(json(old)?.["type"], mayEnter ? "PEER_DISCOVERY_RESPONSE" : "ERROR", label);

        const nameless = responder.answer(encodeMessage({ type: "PEER_DISCOVERY" }), host);
        assertEquals(nameless.peer, undefined, label);
        assertEquals(
          json(nameless)?.["type"],
          mayEnter ? "PEER_DISCOVERY_RESPONSE" : "ERROR",
          label,
        );

        const signed = responder.answer(signedRequest(clock.wallMs()), host);
        assertEquals(signed.peer?.trust, "authenticated", label);
        assertEquals(json(signed)?.["type"], "PEER_DISCOVERY_RESPONSE", label);
      }
    }
  },
);

Deno.test(
  "DiscoveryResponder.answer() replies to an old node with both ids, unsigned",
  PURE,
  () => {
    const reply = json(ask(OLD));
    assertEquals([reply?.["sender_id"], reply?.["node_id"]], [ALICE.id, ALICE.id]);
    assertEquals([reply?.["protocol_version"], reply?.["signature"]], ["1.0", undefined]);
  },
);

Deno.test(
  "DiscoveryResponder.answer() replies to a new node with a reply that it can verify",
  PURE,
  () => {
    const { clock, responder } = setup();
    const { reply } = responder.answer(signedRequest(clock.wallMs()), PUBLIC);
    assert(reply);
    const options = { verify: PRIMITIVES.verify, nonce: NONCE, wallMs: clock.wallMs() };
    const peer = readReply(JSON.parse(decodeUtf8(reply)), options);
    assertEquals([peer.id, peer.trust], [ALICE.id, "authenticated"]);
  },
);

Deno.test(
  "DiscoveryResponder.answer() answers a request without sender_id and names nobody",
  PURE,
  () => {
    const answer = ask({ type: "PEER_DISCOVERY", sender_port: 1, capabilities: {} });
    assertEquals(answer.peer, undefined);
    assertEquals(json(answer)?.["type"], "PEER_DISCOVERY_RESPONSE");
  },
);

Deno.test("DiscoveryResponder.answer() says what it does not understand", PURE, () => {
  for (const type of ["PING", "HEARTBEAT", "peer_discovery", "__proto__", "x"]) {
    const answer = ask({ type, sender_id: "x" });
    assertEquals([answer.error?.code, answer.peer], ["unsupported_type", undefined]);
    assertEquals(json(answer)?.["code"], "unsupported_type");
  }
});

Deno.test("DiscoveryResponder.answer() is silent on errors and replies", PURE, () => {
  for (const type of ["ERROR", "PEER_DISCOVERY_RESPONSE"]) {
    const answer = ask({ type, sender_id: "x", node_id: "x", code: 1 });
    assertEquals([answer.reply, answer.peer, answer.error], [undefined, undefined, undefined]);
  }
});

Deno.test("DiscoveryResponder.answer() never names itself in an error", PURE, () => {
  for (const value of [{}, { type: 1 }, { type: "X" }, { ...OLD, sender_port: "x" }, [], null, 1]) {
    const reply = json(ask(value));
    assertEquals(reply?.["type"], "ERROR");
    assertEquals(Object.keys(reply ?? {}).sort(), ["code", "message", "type"]);
  }
});

Deno.test("DiscoveryResponder.answer() never repeats what a stranger wrote", PURE, () => {
  const marked = "zzMARKzz";
  for (
    const value of [
      { type: marked },
      { ...OLD, sender_port: marked },
      { ...OLD, capabilities: { network_type: marked } },
      { ...OLD, nonce: marked },
      { ...OLD, signature: marked, [marked]: 1 },
    ]
  ) {
    assertFalse(JSON.stringify(json(ask(value))).includes(marked));
  }
  const broken = setup().responder.answer(encodeUtf8(`{"${marked}`), "10.0.0.7");
  assertFalse(JSON.stringify(json(broken)).includes(marked));
});

Deno.test("DiscoveryResponder.answer() calls malformed what is not one JSON object", PURE, () => {
  const honest = encodeMessage(OLD);
  const text = decodeUtf8(honest);
  const bad: readonly Bytes[] = [
    ...Array.from({ length: honest.length }, (_, length) => honest.subarray(0, length)),
    concatBytes(honest, encodeUtf8("x")),
    concatBytes(honest, honest),
    concatBytes(Uint8Array.of(0xef, 0xbb, 0xbf), honest),
    Uint8Array.from([...text].flatMap((letter) => [letter.charCodeAt(0), 0])),
    concatBytes(honest.subarray(0, 20), Uint8Array.of(0xff), honest.subarray(20)),
    encodeUtf8(`[${text}]`),
    encodeUtf8('{"a":'.repeat(9) + "1" + "}".repeat(9)),
    encodeUtf8('{"a":' + "[".repeat(60_000)),
    encodeUtf8('{"a":' + "[".repeat(30_000) + "]".repeat(30_000) + "}"),
  ];
  const { responder } = setup({ legacy: "any" });
  for (const payload of bad) {
    const answer = responder.answer(payload, "127.0.0.1");
    assertEquals([answer.error?.code, answer.peer], ["malformed_json", undefined]);
    assertEquals(json(answer)?.["code"], "malformed_json");
  }
  assertEquals(responder.answer(honest, "127.0.0.1").peer?.id, "python-node");
});

Deno.test(
  "DiscoveryResponder.answer() never throws on a signed message with unsignable members",
  PURE,
  () => {
    const { clock, responder } = setup();
    const text = decodeUtf8(signedRequest(clock.wallMs()));
    for (
      const extra of ['"x":1e999', '"x":-1e999', '"x":"\\ud800"', '"\\ud800":1', '"x":[[1e999]]']
    ) {
      const answer = responder.answer(encodeUtf8(text.replace("{", `{${extra},`)), PUBLIC);
      assert(answer.error, extra);
      assertEquals(answer.peer, undefined);
    }
  },
);

Deno.test(
  "DiscoveryResponder.answer() limits each host, with one word and then silence",
  PURE,
  () => {
    const { clock, responder } = setup({ legacy: "any" });
    const payload = encodeMessage(OLD);
    for (let i = 0; i < 100; i++) {
      assertEquals(json(responder.answer(payload, PUBLIC))?.["type"], "PEER_DISCOVERY_RESPONSE");
    }
    const refusal = responder.answer(payload, PUBLIC);
    assertEquals(refusal.error?.code, "rate_limited");
    assertEquals(json(refusal)?.["retry_after_ms"], 50);
    assertEquals(json(refusal)?.["sender_id"], undefined);
    for (let i = 0; i < 50; i++) {
      assertEquals(responder.answer(payload, PUBLIC), { reply: undefined });
    }
    assertEquals(
      json(responder.answer(payload, "203.0.113.10"))?.["type"],
      "PEER_DISCOVERY_RESPONSE",
    );
    clock.advance(50);
    assertEquals(json(responder.answer(payload, PUBLIC))?.["type"], "PEER_DISCOVERY_RESPONSE");
    assertEquals(responder.answer(payload, PUBLIC).error?.code, "rate_limited");
  },
);

Deno.test("DiscoveryResponder.answer() counts malformed and signed requests too", PURE, () => {
  const { clock, responder } = setup();
  for (let i = 0; i < 50; i++) responder.answer(encodeUtf8("{"), PUBLIC);
  for (let i = 0; i < 50; i++) responder.answer(signedRequest(clock.wallMs()), PUBLIC);
  assertEquals(responder.answer(encodeUtf8("{"), PUBLIC).error?.code, "rate_limited");
});

Deno.test(
  "DiscoveryResponder.answer() keeps a configured rate, and counts what it did",
  PURE,
  () => {
    const { clock, responder } = setup({
      rateLimit: { perSecond: 2, burst: 5, maxAddresses: 8 },
    });
    const payload = encodeMessage(OLD);
    const ask = (count: number) => {
      for (let i = 0; i < count; i++) responder.answer(payload, "10.0.0.7");
    };
    ask(8);
    assertEquals(responder.rateLimit, { allowed: 5, refused: 1, dropped: 2, addresses: 1 });
    clock.advance(1_000);
    ask(4);
    assertEquals(responder.rateLimit, { allowed: 7, refused: 2, dropped: 3, addresses: 1 });
  },
);

Deno.test("DiscoveryResponder.answer() counts loopback only where asked to", PURE, () => {
  for (const limitLoopback of [false, true]) {
    const { responder } = setup({ limitLoopback });
    let served = 0;
    for (let i = 0; i < 500; i++) {
      if (responder.answer(encodeMessage(OLD), "127.0.0.1").peer) served++;
    }
    assertEquals(served, limitLoopback ? 100 : 500);
    assertEquals(
      responder.rateLimit,
      limitLoopback
        ? { allowed: 100, refused: 1, dropped: 399, addresses: 1 }
        : { allowed: 0, refused: 0, dropped: 0, addresses: 0 },
    );
  }
});
