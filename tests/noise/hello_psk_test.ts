/** Handshakes under one of several shared secrets, beside plain ones: how an invitation is used. */

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { CodedError } from "../../src/base/errors.ts";
import {
  encodeRefusal,
  type HelloOptions,
  InitiatorHello,
  type Refusal,
  REFUSALS,
  ResponderHello,
} from "../../src/noise/hello.ts";
import { NoiseError } from "../../src/noise/symmetric_state.ts";
import { assertBytes, BACKENDS, fast, fixedBytes, flipped } from "./fixtures.ts";

const PURE = { permissions: "none" } as const;
const EMPTY: Bytes = new Uint8Array(0);
const REPLY = encodeUtf8("from the responder");
const LAST = encodeUtf8("from the initiator");
const PSK = fixedBytes(32, 9);
const ID = fixedBytes(8, 3);

class Missing extends CodedError<Refusal> {}

/** A responder's secrets: one that is good, and reasons why others are not. */
function pskOf(id: Bytes): Bytes {
  if (encodeHex(id) === encodeHex(ID)) return PSK;
  throw new Missing("invitation_unknown", "no such secret");
}

function options(changes: Partial<HelloOptions> = {}): HelloOptions {
  const primitives = changes.primitives ?? fast;
  const s = primitives.importDhKeyPair(fixedBytes(32, 11));
  return { primitives, s, versions: { min: 1, max: 1 }, ...changes };
}

function code(action: () => unknown): string {
  return assertThrows(action, CodedError).code;
}

for (const primitives of BACKENDS) {
  Deno.test(
    `ResponderHello finds the secret that the initiator names [${primitives.aead.name}]`,
    PURE,
    () => {
      const initiator = new InitiatorHello(options({ primitives, psk: PSK, pskId: ID }));
      const responder = new ResponderHello(options({ primitives, pskOf }), initiator.begin());
      assertBytes(responder.pskId, ID);
      assertBytes(initiator.readReply(responder.reply(REPLY)).payload, REPLY);
      const last = initiator.finish(LAST);
      const { payload, result } = responder.readLast(last.frame);
      assertBytes(payload, LAST);
      assertBytes(last.result.h, result.h);
      const sealed = result.send.encryptWithAd(EMPTY, REPLY);
      assertBytes(last.result.receive.decryptWithAd(EMPTY, sealed), REPLY);
    },
  );
}

Deno.test("ResponderHello with several secrets still takes a plain handshake", PURE, () => {
  const initiator = new InitiatorHello(options());
  const responder = new ResponderHello(options({ pskOf }), initiator.begin());
  assertEquals(responder.pskId, undefined);
  initiator.readReply(responder.reply(REPLY));
  assertBytes(responder.readLast(initiator.finish(LAST).frame).payload, LAST);
});

Deno.test("ResponderHello with one secret asks nobody for another", PURE, () => {
  const refuse = () => {
    throw new Error("asked");
  };
  const initiator = new InitiatorHello(options({ psk: PSK, pskId: ID }));
  const responder = new ResponderHello(options({ psk: PSK, pskOf: refuse }), initiator.begin());
  assertEquals(responder.pskId, undefined);
  initiator.readReply(responder.reply(REPLY));
  responder.readLast(initiator.finish(LAST).frame);
});

Deno.test("ResponderHello without secrets refuses the pattern", PURE, () => {
  const first = new InitiatorHello(options({ psk: PSK, pskId: ID })).begin();
  assertEquals(code(() => new ResponderHello(options(), first)), "unsupported_pattern");
});

Deno.test("ResponderHello passes on why there is no such secret", PURE, () => {
  for (
    const reason of ["invitation_unknown", "invitation_used", "invitation_expired"] as const
  ) {
    const none = () => {
      throw new Missing(reason, "no");
    };
    const first = new InitiatorHello(options({ psk: PSK, pskId: ID })).begin();
    assertEquals(code(() => new ResponderHello(options({ pskOf: none }), first)), reason);
  }
});

Deno.test("ResponderHello hands an id of any length to who knows", PURE, () => {
  const unnamed = new InitiatorHello(options({ psk: PSK })).begin();
  assertEquals(code(() => new ResponderHello(options({ pskOf }), unnamed)), "unsupported_pattern");
  for (const length of [1, 8, 9, 3_000]) {
    const pskId = fixedBytes(length, 1);
    const first = new InitiatorHello(options({ psk: PSK, pskId })).begin();
    const asked: Bytes[] = [];
    const record = (id: Bytes) => {
      asked.push(id);
      return pskOf(id);
    };
    const action = () => new ResponderHello(options({ pskOf: record }), first);
    assertEquals(code(action), "invitation_unknown");
    assertEquals(asked.length, 1);
    assertBytes(asked[0], pskId);
  }
});

Deno.test("InitiatorHello does not show its secret's id in the clear", PURE, () => {
  const first = new InitiatorHello(options({ psk: PSK, pskId: ID })).begin();
  assertEquals(first.length, 5 + 32 + ID.length + 16);
  assertFalse(encodeHex(first).includes(encodeHex(ID)));
});

Deno.test("ResponderHello finds who names a secret without having it", PURE, () => {
  const initiator = new InitiatorHello(options({ psk: flipped(PSK, 0), pskId: ID }));
  const responder = new ResponderHello(options({ pskOf }), initiator.begin());
  initiator.readReply(responder.reply(REPLY));
  const { frame } = initiator.finish(LAST);
  assertEquals(code(() => responder.readLast(frame)), "bad_tag");
});

Deno.test(
  "ResponderHello tells the two patterns apart, whatever the header says",
  PURE,
  () => {
    // An attacker on the way turns one pattern into the other.
    const plain = new InitiatorHello(options()).begin();
    plain[2] = 2;
    assertThrows(() => new ResponderHello(options({ pskOf }), plain), NoiseError);
    const sealed = new InitiatorHello(options({ psk: PSK, pskId: ID }));
    const frame = sealed.begin();
    frame[2] = 1;
    const responder = new ResponderHello(options({ pskOf }), frame);
    assertEquals(responder.pskId, undefined);
    const reply = responder.reply(REPLY);
    assertThrows(() => sealed.readReply(reply), NoiseError);
  },
);

Deno.test("ResponderHello asks for no secret before a damaged id is found out", PURE, () => {
  const first = new InitiatorHello(options({ psk: PSK, pskId: ID })).begin();
  for (let at = 5; at < first.length; at++) {
    const asked: Bytes[] = [];
    const record = (id: Bytes) => {
      asked.push(id);
      return PSK;
    };
    const frame = flipped(first, at, 0x01);
    assertThrows(() => new ResponderHello(options({ pskOf: record }), frame), NoiseError);
    assertEquals(asked, [], `byte ${at}`);
  }
  for (let cut = 5; cut < 5 + 32 + 16; cut++) {
    assertThrows(() => new ResponderHello(options({ pskOf }), first.slice(0, cut)), NoiseError);
  }
  const longer = concatBytes(first, Uint8Array.of(0));
  assertThrows(() => new ResponderHello(options({ pskOf }), longer), NoiseError);
});

Deno.test("ResponderHello refuses a recorded end of an earlier handshake", PURE, () => {
  const initiator = new InitiatorHello(options({ psk: PSK, pskId: ID }));
  const first = initiator.begin();
  const earlier = new ResponderHello(options({ pskOf }), first);
  initiator.readReply(earlier.reply(REPLY));
  const { frame } = initiator.finish(LAST);
  earlier.readLast(frame);
  const later = new ResponderHello(options({ pskOf }), first);
  later.reply(REPLY);
  assertEquals(code(() => later.readLast(frame)), "bad_tag");
});

Deno.test("encodeRefusal() spells the refusals of invitations", PURE, () => {
  const versions = { min: 1, max: 1 };
  const bytes = { invitation_unknown: 4, invitation_used: 5, invitation_expired: 6 } as const;
  for (const [reason, byte] of Object.entries(bytes)) {
    const frame = encodeRefusal(reason as Refusal, versions);
    assertBytes(frame, Uint8Array.of(0xf8, 0, byte, 1, 1));
    const initiator = new InitiatorHello(options({ psk: PSK, pskId: ID }));
    initiator.begin();
    assertEquals(code(() => initiator.readReply(frame)), reason);
  }
  assertEquals(new Set(Object.values(REFUSALS)).size, Object.keys(REFUSALS).length);
  assert(Object.isFrozen(REFUSALS));
});
