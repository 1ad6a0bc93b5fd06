/** The handshake's frames: layout, version negotiation, refusals, and what tampering does. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { HandshakeState } from "../../src/noise/handshake.ts";
import {
  encodeRefusal,
  type HelloOptions,
  InitiatorHello,
  type Refusal,
  ResponderHello,
  SUPPORTED_VERSIONS,
  type VersionRange,
} from "../../src/noise/hello.ts";
import { NoiseError, type NoiseErrorCode } from "../../src/noise/symmetric_state.ts";
import { assertBytes, BACKENDS, fast, fixedBytes, flipped } from "./fixtures.ts";

const EMPTY: Bytes = new Uint8Array(0);
const PSK = fixedBytes(32, 9);
const REPLY = encodeUtf8("from the responder");
const LAST = encodeUtf8("from the initiator");

/** What each side speaks, and the version they agree on. */
const NEGOTIATION: readonly {
  readonly initiator: VersionRange;
  readonly responder: VersionRange;
  readonly version: number | undefined;
}[] = [
  { initiator: { min: 1, max: 1 }, responder: { min: 1, max: 1 }, version: 1 },
  { initiator: { min: 1, max: 3 }, responder: { min: 2, max: 5 }, version: 3 },
  { initiator: { min: 2, max: 5 }, responder: { min: 1, max: 3 }, version: 3 },
  { initiator: { min: 1, max: 2 }, responder: { min: 2, max: 2 }, version: 2 },
  { initiator: { min: 3, max: 3 }, responder: { min: 1, max: 9 }, version: 3 },
  { initiator: { min: 1, max: 255 }, responder: { min: 255, max: 255 }, version: 255 },
  { initiator: { min: 1, max: 1 }, responder: { min: 2, max: 3 }, version: undefined },
  { initiator: { min: 2, max: 3 }, responder: { min: 1, max: 1 }, version: undefined },
  { initiator: { min: 200, max: 255 }, responder: { min: 1, max: 199 }, version: undefined },
];

/** What no honest initiator claims to speak; a responder must still answer it. */
const FOREIGN_RANGES: typeof NEGOTIATION = [
  { initiator: { min: 0, max: 1 }, responder: { min: 1, max: 1 }, version: 1 },
  { initiator: { min: 0, max: 9 }, responder: { min: 1, max: 3 }, version: 3 },
  { initiator: { min: 0, max: 0 }, responder: { min: 1, max: 1 }, version: undefined },
  { initiator: { min: 0, max: 0 }, responder: { min: 1, max: 255 }, version: undefined },
  { initiator: { min: 5, max: 2 }, responder: { min: 1, max: 9 }, version: undefined },
];

/** What a header cannot carry, or what is no range. */
const NO_RANGES: readonly VersionRange[] = [
  { min: 0, max: 0 },
  { min: 0, max: 1 },
  { min: -1, max: 1 },
  { min: 1, max: 256 },
  { min: 256, max: 256 },
  { min: 3, max: 2 },
  { min: 255, max: 1 },
  { min: 1, max: 1.5 },
  { min: 0.5, max: 1 },
  { min: NaN, max: 1 },
  { min: 1, max: NaN },
  { min: 1, max: Infinity },
];

for (const primitives of BACKENDS) {
  for (const psk of [undefined, PSK]) {
    const label = `${psk ? "XXpsk3" : "XX"}, ${primitives.aead.name}`;
    Deno.test({
      name:
        `InitiatorHello and ResponderHello end in one session and carry both payloads [${label}]`,
      permissions: "none",
      fn() {
        const initiator = new InitiatorHello(options({ primitives, psk }));
        const responder = new ResponderHello(options({ primitives, psk }), initiator.begin());
        const reply = initiator.readReply(responder.reply(REPLY));
        assertEquals([reply.version, responder.version], [1, 1]);
        assertBytes(reply.payload, REPLY);
        const last = initiator.finish(LAST);
        const first = responder.readLast(last.frame);
        assertBytes(first.payload, LAST);
        assertBytes(last.result.h, first.result.h);
        const sealed = last.result.send.encryptWithAd(EMPTY, LAST);
        assertBytes(first.result.receive.decryptWithAd(EMPTY, sealed), LAST);
        const back = first.result.send.encryptWithAd(EMPTY, REPLY);
        assertBytes(last.result.receive.decryptWithAd(EMPTY, back), REPLY);
      },
    });
  }
}

Deno.test({
  name: "InitiatorHello and ResponderHello write PROTOCOL.md's bytes and lengths",
  permissions: "none",
  fn() {
    for (const psk of [undefined, PSK]) {
      const versions = { min: 2, max: 7 };
      const initiator = new InitiatorHello(options({ versions, psk }));
      const first = initiator.begin();
      assertBytes(first.subarray(0, 5), Uint8Array.of(0xf8, 1, psk ? 2 : 1, 2, 7));
      // With a psk even the empty first payload is sealed.
      assertEquals(first.length, 5 + 32 + (psk ? 16 : 0));
      const responder = new ResponderHello(options({ versions: { min: 1, max: 5 }, psk }), first);
      const second = responder.reply(REPLY);
      assertBytes(second.subarray(0, 3), Uint8Array.of(0xf8, 2, 5));
      assertEquals(second.length, 3 + 32 + (32 + 16) + REPLY.length + 16);
      initiator.readReply(second);
      const third = initiator.finish(LAST).frame;
      assertBytes(third.subarray(0, 2), Uint8Array.of(0xf8, 3));
      assertEquals(third.length, 2 + (32 + 16) + LAST.length + 16);
    }
  },
});

Deno.test({
  name: "InitiatorHello's prologue is 'hamlet' and the first frame's five header bytes",
  permissions: "none",
  fn() {
    const initiator = new InitiatorHello(options());
    const first = initiator.begin();
    const responder = new HandshakeState({
      primitives: fast,
      protocolName: "Noise_XX_25519_ChaChaPoly_SHA256",
      role: "responder",
      prologue: concatBytes(encodeUtf8("hamlet"), Uint8Array.of(0xf8, 1, 1, 1, 1)),
      s: fast.importDhKeyPair(fixedBytes(32, 12)),
    });
    responder.readMessage(first.slice(5));
    const second = concatBytes(Uint8Array.of(0xf8, 2, 1), responder.writeMessage(REPLY));
    assertBytes(initiator.readReply(second).payload, REPLY);
    responder.readMessage(initiator.finish(LAST).frame.slice(2));
    assert(responder.isFinished);
  },
});

Deno.test({
  name: "SUPPORTED_VERSIONS is a range that meets itself",
  permissions: "none",
  fn() {
    const { min, max } = SUPPORTED_VERSIONS;
    assert(1 <= min && min <= max && max <= 255);
  },
});

for (const { initiator: ours, responder: theirs, version } of NEGOTIATION) {
  const ranges = `${ours.min}..${ours.max} with ${theirs.min}..${theirs.max}`;
  Deno.test({
    name: version === undefined
      ? `ResponderHello refuses ${ranges}, and both sides name both ranges`
      : `ResponderHello chooses version ${version} for ${ranges}`,
    permissions: "none",
    fn() {
      const initiator = new InitiatorHello(options({ versions: ours }));
      const first = initiator.begin();
      const respond = () => new ResponderHello(options({ versions: theirs }), first);
      if (version !== undefined) {
        const responder = respond();
        assertEquals(responder.version, version);
        assertEquals(initiator.readReply(responder.reply(EMPTY)).version, version);
        return;
      }
      const here = assertCode(respond, "version_mismatch");
      const refusal = encodeRefusal("version_mismatch", theirs);
      const there = assertCode(() => initiator.readReply(refusal), "version_mismatch");
      for (const { message } of [here, there]) {
        assertMatch(message, new RegExp(`\\b${ours.min}\\.\\.${ours.max}\\b`));
        assertMatch(message, new RegExp(`\\b${theirs.min}\\.\\.${theirs.max}\\b`));
      }
    },
  });
}

for (const { initiator: theirs, responder: ours, version } of FOREIGN_RANGES) {
  const ranges = `a foreign ${theirs.min}..${theirs.max} with ${ours.min}..${ours.max}`;
  Deno.test({
    name: version === undefined
      ? `ResponderHello refuses ${ranges} and names both ranges`
      : `ResponderHello chooses version ${version} for ${ranges}`,
    permissions: "none",
    fn() {
      const header = Uint8Array.of(0xf8, 1, 1, theirs.min, theirs.max);
      const initiator = new HandshakeState({
        primitives: fast,
        protocolName: "Noise_XX_25519_ChaChaPoly_SHA256",
        role: "initiator",
        prologue: concatBytes(encodeUtf8("hamlet"), header),
        s: fast.importDhKeyPair(fixedBytes(32, 12)),
      });
      const first = concatBytes(header, initiator.writeMessage(EMPTY));
      const respond = () => new ResponderHello(options({ versions: ours }), first);
      if (version !== undefined) {
        const responder = respond();
        assertEquals(responder.version, version);
        const second = responder.reply(REPLY);
        assertBytes(second.slice(0, 3), Uint8Array.of(0xf8, 2, version));
        assertBytes(initiator.readMessage(second.slice(3)), REPLY);
        return;
      }
      const { message } = assertCode(respond, "version_mismatch");
      assertMatch(message, new RegExp(`\\b${ours.min}\\.\\.${ours.max}\\b`));
      assertMatch(message, new RegExp(`\\b${theirs.min}\\.\\.${theirs.max}\\b`));
    },
  });
}

Deno.test({
  name: "InitiatorHello and ResponderHello refuse version ranges that their header cannot carry",
  permissions: "none",
  fn() {
    const first = new InitiatorHello(options()).begin();
    for (const versions of NO_RANGES) {
      const { min, max } = versions;
      const text = `${min}..${max} are no range within 1..255`;
      assertThrows(() => new InitiatorHello(options({ versions })), RangeError, text);
      // Our own mistake comes first, whatever the peer sent.
      for (const frame of [first, EMPTY]) {
        assertThrows(() => new ResponderHello(options({ versions }), frame), RangeError, text);
      }
    }
  },
});

Deno.test({
  name: "InitiatorHello.readReply() refuses a version outside its own range",
  permissions: "none",
  fn() {
    for (const version of [0, 1, 4, 255]) {
      const initiator = new InitiatorHello(options({ versions: { min: 2, max: 3 } }));
      const frame = concatBytes(Uint8Array.of(0xf8, 2, version), fixedBytes(96, 1));
      initiator.begin();
      assertCode(() => initiator.readReply(frame), "version_mismatch");
    }
  },
});

Deno.test({
  name: "A first frame with any header byte altered never ends in a session",
  permissions: "none",
  fn() {
    // Both sides speak 2..7, so that most altered ranges still meet.
    const versions = { min: 2, max: 7 };
    for (const initiatorPsk of [undefined, PSK]) {
      for (const responderPsk of [undefined, PSK]) {
        for (let index = 0; index < 5; index++) {
          for (let value = 0; value < 256; value += value < 16 ? 1 : 15) {
            const initiator = new InitiatorHello(options({ versions, psk: initiatorPsk }));
            const frame = initiator.begin();
            if (frame[index] === value) continue;
            frame[index] = value;
            assertThrows(() => {
              const responder = new ResponderHello(
                options({ versions, psk: responderPsk }),
                frame,
              );
              initiator.readReply(responder.reply(REPLY));
            }, NoiseError);
          }
        }
      }
    }
  },
});

for (const psk of [undefined, PSK]) {
  const label = psk ? "XXpsk3" : "XX";

  Deno.test({
    name: `Hello frames cut at any byte fail with a NoiseError [${label}]`,
    permissions: "none",
    fn() {
      for (const [index, length] of frameLengths(psk).entries()) {
        for (let cut = 0; cut < length; cut++) {
          assertThrows(
            () => exchange(psk, (i, frame) => i === index ? frame.slice(0, cut) : frame),
            NoiseError,
          );
        }
      }
    },
  });

  Deno.test({
    name: `Hello frames with any byte flipped fail with a NoiseError [${label}]`,
    permissions: "none",
    fn() {
      for (const [index, length] of frameLengths(psk).entries()) {
        for (let at = 0; at < length; at++) {
          for (const mask of [0x01, 0x80]) {
            assertThrows(
              () => exchange(psk, (i, frame) => i === index ? flipped(frame, at, mask) : frame),
              NoiseError,
            );
          }
        }
      }
    },
  });

  Deno.test({
    name: `Hello frames with garbage behind them fail with a NoiseError [${label}]`,
    permissions: "none",
    fn() {
      for (const index of [0, 1, 2]) {
        for (const extra of [1, 16, 500]) {
          const longer: Wire = (i, frame) =>
            i === index ? concatBytes(frame, fixedBytes(extra, 1)) : frame;
          assertThrows(() => exchange(psk, longer), NoiseError);
        }
      }
    },
  });

  Deno.test({
    name: `Hello frames in another's place are bad messages [${label}]`,
    permissions: "none",
    fn() {
      const frames: Bytes[] = [];
      exchange(psk, (_, frame) => {
        frames.push(frame);
        return frame;
      });
      const [first, second, third] = frames;
      assert(first && second && third);
      for (const wrong of [second, third]) {
        assertCode(() => new ResponderHello(options({ psk }), wrong), "bad_message");
      }
      for (const wrong of [first, third]) {
        const initiator = new InitiatorHello(options({ psk }));
        initiator.begin();
        assertCode(() => initiator.readReply(wrong), "bad_message");
      }
      for (const wrong of [first, second]) {
        const responder = new ResponderHello(options({ psk }), first);
        responder.reply(EMPTY);
        assertCode(() => responder.readLast(wrong), "bad_message");
      }
    },
  });

  Deno.test({
    name: `ResponderHello refuses frames of an earlier handshake [${label}]`,
    permissions: "none",
    fn() {
      const frames: Bytes[] = [];
      exchange(psk, (_, frame) => {
        frames.push(frame);
        return frame;
      });
      // A recorded first frame is answered, but its recorded third frame proves nothing.
      assertThrows(() => exchange(psk, (i, frame) => i === 0 ? frame : frames[i] ?? frame));
      const [first, , third] = frames;
      assert(first && third);
      const responder = new ResponderHello(options({ psk }), first);
      responder.reply(EMPTY);
      assertCode(() => responder.readLast(third), "bad_tag");
    },
  });
}

Deno.test({
  name: "ResponderHello finds another psk at the third frame",
  permissions: "none",
  fn() {
    const initiator = new InitiatorHello(options({ psk: PSK }));
    const responder = new ResponderHello(options({ psk: flipped(PSK, 0) }), initiator.begin());
    initiator.readReply(responder.reply(REPLY));
    const { frame } = initiator.finish(LAST);
    assertCode(() => responder.readLast(frame), "bad_tag");
  },
});

Deno.test({
  name: "ResponderHello with a psk insists on the psk pattern",
  permissions: "none",
  fn() {
    const first = new InitiatorHello(options()).begin();
    assertCode(() => new ResponderHello(options({ psk: PSK }), first), "unsupported_pattern");
  },
});

Deno.test({
  name: "ResponderHello without a psk refuses the psk pattern",
  permissions: "none",
  fn() {
    const first = new InitiatorHello(options({ psk: PSK })).begin();
    assertCode(() => new ResponderHello(options(), first), "unsupported_pattern");
  },
});

Deno.test({
  name: "ResponderHello refuses every pattern that is not spoken",
  permissions: "none",
  fn() {
    const first = new InitiatorHello(options()).begin();
    for (const pattern of [0, 3, 4, 127, 255]) {
      const frame = first.slice();
      frame[2] = pattern;
      assertCode(() => new ResponderHello(options(), frame), "unsupported_pattern");
      assertCode(() => new ResponderHello(options({ psk: PSK }), frame), "unsupported_pattern");
    }
  },
});

Deno.test({
  name: "ResponderHello names the versions before the pattern, which a later version may define",
  permissions: "none",
  fn() {
    const frame = new InitiatorHello(options({ versions: { min: 8, max: 9 } })).begin();
    frame[2] = 77;
    assertCode(() => new ResponderHello(options(), frame), "version_mismatch");
  },
});

Deno.test({
  name: "ResponderHello.reply() reports a low-order ephemeral",
  permissions: "none",
  fn() {
    const frame = concatBytes(Uint8Array.of(0xf8, 1, 1, 1, 1), new Uint8Array(32));
    const responder = new ResponderHello(options(), frame);
    assertCode(() => responder.reply(REPLY), "low_order_point");
  },
});

Deno.test({
  name: "encodeRefusal() writes F8 00, the reason and the range",
  permissions: "none",
  fn() {
    const versions = { min: 2, max: 7 };
    assertBytes(encodeRefusal("version_mismatch", versions), Uint8Array.of(0xf8, 0, 1, 2, 7));
    assertBytes(encodeRefusal("unsupported_pattern", versions), Uint8Array.of(0xf8, 0, 2, 2, 7));
    assertBytes(encodeRefusal("busy", versions), Uint8Array.of(0xf8, 0, 3, 2, 7));
  },
});

const REFUSED: readonly (readonly [Refusal, NoiseErrorCode])[] = [
  ["version_mismatch", "version_mismatch"],
  ["unsupported_pattern", "unsupported_pattern"],
  ["busy", "rejected"],
];

for (const [reason, code] of REFUSED) {
  Deno.test({
    name: `InitiatorHello.readReply() reports a refusal for ${reason} as ${code}`,
    permissions: "none",
    fn() {
      const initiator = new InitiatorHello(options());
      initiator.begin();
      assertCode(() => initiator.readReply(encodeRefusal(reason, { min: 1, max: 1 })), code);
    },
  });
}

Deno.test({
  name: "InitiatorHello.readReply() reports an unknown refusal as rejected",
  permissions: "none",
  fn() {
    for (const reason of [0, 7, 99, 255]) {
      assertCode(() => begun().readReply(Uint8Array.of(0xf8, 0, reason, 1, 1)), "rejected");
    }
  },
});

Deno.test({
  name: "InitiatorHello.readReply() calls a refusal of any other length than 5 a bad message",
  permissions: "none",
  fn() {
    for (const reason of [0, 1, 2, 3, 4, 255]) {
      const frame = concatBytes(Uint8Array.of(0xf8, 0, reason, 1, 1), fixedBytes(200, 1));
      for (const length of [2, 3, 4, 6, 7, frame.length]) {
        assertCode(() => begun().readReply(frame.slice(0, length)), "bad_message");
      }
    }
  },
});

Deno.test({
  name: "InitiatorHello.readReply() calls a foreign first byte a bad message",
  permissions: "none",
  fn() {
    const refusal = encodeRefusal("busy", { min: 1, max: 1 });
    const reply = new ResponderHello(options(), new InitiatorHello(options()).begin()).reply(REPLY);
    for (const first of [0, 1, 0xf7, 0xf9, 0xff]) {
      for (const frame of [refusal, reply]) {
        const foreign = concatBytes(Uint8Array.of(first), frame.subarray(1));
        assertCode(() => begun().readReply(foreign), "bad_message");
      }
    }
  },
});

Deno.test({
  name: "InitiatorHello.readReply() calls a reply cut before its version a bad message",
  permissions: "none",
  fn() {
    // Not version 0, which no byte of the frame names.
    for (const frame of [EMPTY, Uint8Array.of(0xf8), Uint8Array.of(0xf8, 2)]) {
      assertCode(() => begun().readReply(frame), "bad_message");
    }
    assertCode(() => begun().readReply(Uint8Array.of(0xf8, 2, 1)), "bad_message");
    assertCode(() => begun().readReply(Uint8Array.of(0xf8, 2, 0)), "version_mismatch");
  },
});

Deno.test({
  name: "ResponderHello calls a first frame cut inside its header a bad message",
  permissions: "none",
  fn() {
    const first = new InitiatorHello(options()).begin();
    for (let cut = 0; cut <= 5; cut++) {
      assertCode(() => new ResponderHello(options(), first.slice(0, cut)), "bad_message");
    }
  },
});

Deno.test({
  name: "InitiatorHello and ResponderHello call our own steps out of order TypeErrors",
  permissions: "none",
  fn() {
    assertThrows(() => new InitiatorHello(options()).finish(LAST), TypeError);
    const initiator = new InitiatorHello(options());
    const responder = new ResponderHello(options(), initiator.begin());
    assertThrows(() => initiator.begin(), TypeError);
    assertThrows(() => initiator.finish(LAST), TypeError);
    const second = responder.reply(REPLY);
    assertThrows(() => responder.reply(REPLY), TypeError);
    initiator.readReply(second);
    initiator.finish(LAST);
    assertThrows(() => initiator.begin(), TypeError);
    assertThrows(() => initiator.finish(LAST), TypeError);
  },
});

Deno.test({
  name: "InitiatorHello and ResponderHello call the peer's frames out of order bad messages",
  permissions: "none",
  fn() {
    const initiator = new InitiatorHello(options());
    const first = initiator.begin();
    const second = new ResponderHello(options(), first).reply(REPLY);
    assertCode(() => new InitiatorHello(options()).readReply(second), "bad_message");
    const third = concatBytes(Uint8Array.of(0xf8, 3), fixedBytes(64, 1));
    const early = new ResponderHello(options(), first);
    assertCode(() => early.readLast(third), "bad_message");

    initiator.readReply(second);
    assertCode(() => initiator.readReply(second), "bad_message");
    const fresh = new InitiatorHello(options());
    const responder = new ResponderHello(options(), fresh.begin());
    const reply = responder.reply(REPLY);
    fresh.readReply(reply);
    const { frame } = fresh.finish(LAST);
    responder.readLast(frame);
    assertCode(() => responder.readLast(frame), "bad_message");
    assertCode(() => fresh.readReply(reply), "bad_message");
  },
});

type Wire = (index: number, frame: Bytes) => Bytes;

function options(changes: Partial<HelloOptions> = {}): HelloOptions {
  const primitives = changes.primitives ?? fast;
  return {
    primitives,
    s: primitives.importDhKeyPair(fixedBytes(32, 11)),
    versions: { min: 1, max: 1 },
    ...changes,
  };
}

/** An initiator that waits for its reply. */
function begun(): InitiatorHello {
  const initiator = new InitiatorHello(options());
  initiator.begin();
  return initiator;
}

function exchange(psk: Bytes | undefined, wire: Wire): void {
  const initiator = new InitiatorHello(options({ psk }));
  const responder = new ResponderHello(options({ psk }), wire(0, initiator.begin()));
  initiator.readReply(wire(1, responder.reply(REPLY)));
  responder.readLast(wire(2, initiator.finish(LAST).frame));
}

function frameLengths(psk: Bytes | undefined): number[] {
  const lengths: number[] = [];
  exchange(psk, (index, frame) => {
    lengths[index] = frame.length;
    return frame;
  });
  return lengths;
}

function assertCode(action: () => unknown, code: NoiseErrorCode): NoiseError {
  const error = assertThrows(action, NoiseError);
  assertEquals(error.code, code);
  return error;
}
