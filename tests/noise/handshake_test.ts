/** Noise XX and XXpsk3: published vectors, turns, and every way to damage a message. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { HandshakeState, PATTERNS, type ProtocolName } from "../../src/noise/handshake.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import type { Primitives } from "../../src/noise/primitives.ts";
import { NoiseError } from "../../src/noise/symmetric_state.ts";
import { assertBytes, BACKENDS, fast, fixedBytes, flipped } from "./fixtures.ts";
import { parseVectors, runVector, type Vector } from "./vector_runner.ts";
import cacophony from "./vectors/cacophony_xx.json" with { type: "json" };
import snow from "./vectors/snow_xx.json" with { type: "json" };

const XX: ProtocolName = "Noise_XX_25519_ChaChaPoly_SHA256";
const NAMES = Object.keys(PATTERNS) as readonly ProtocolName[];
const EMPTY: Bytes = new Uint8Array(0);
const PAYLOADS = [fixedBytes(3, 1), fixedBytes(20, 2), fixedBytes(7, 3)];

const PUBLISHED: readonly { readonly label: string; readonly vector: Vector }[] = [
  ...parseVectors(JSON.stringify(cacophony)).vectors.map((vector) => ({
    label: "cacophony",
    vector,
  })),
  ...parseVectors(JSON.stringify(snow)).vectors.map((vector) => ({ label: "snow", vector })),
];

/** The three messages of a handshake in flight: what the writer sends becomes what the reader gets. */
type Wire = (index: number, message: Bytes) => Bytes;

for (const primitives of BACKENDS) {
  for (const { label, vector } of PUBLISHED) {
    Deno.test({
      name: `HandshakeState plays ${label}'s ${vector.protocolName} [${primitives.aead.name}]`,
      permissions: "none",
      fn: () => assertEquals(runVector(vector, primitives), undefined),
    });
  }
}

Deno.test({
  name: "runVector() names the first message that differs, in either direction",
  permissions: "none",
  fn() {
    for (const { vector } of PUBLISHED) {
      for (const [index, message] of vector.messages.entries()) {
        const changes = [
          { ...message, ciphertext: flipped(message.ciphertext, message.ciphertext.length - 1) },
          { ...message, payload: flipped(message.payload, 0) },
        ];
        for (const changed of changes) {
          const messages = vector.messages.with(index, changed);
          assertEquals(runVector({ ...vector, messages }, fast)?.messageIndex, index);
        }
      }
    }
  },
});

Deno.test({
  name: "runVector() fails on another hash, prologue, pre-shared key or on too few messages",
  permissions: "none",
  fn() {
    const withHash = PUBLISHED.find(({ vector }) => vector.protocolName.includes("psk"))?.vector;
    assert(withHash?.handshakeHash);
    const hash = flipped(withHash.handshakeHash, 0);
    assert(runVector({ ...withHash, handshakeHash: hash }, fast));
    const onlyHandshake = withHash.messages.slice(0, 3);
    assert(runVector({ ...withHash, handshakeHash: hash, messages: onlyHandshake }, fast));
    assertEquals(runVector({ ...withHash, messages: onlyHandshake }, fast), undefined);
    assert(runVector({ ...withHash, messages: withHash.messages.slice(0, 2) }, fast));
    for (const change of [{ prologue: EMPTY }, { psk: fixedBytes(32, 1) }, { psk: undefined }]) {
      assert(runVector({ ...withHash, responder: { ...withHash.responder, ...change } }, fast));
    }
  },
});

for (const protocolName of NAMES) {
  Deno.test({
    name:
      `HandshakeState gives both sides one hash, crossed keys and proved statics: ${protocolName}`,
    permissions: "none",
    fn() {
      for (const ours of BACKENDS) {
        for (const theirs of BACKENDS) {
          const initiator = start("initiator", protocolName, { primitives: ours });
          const responder = start("responder", protocolName, { primitives: theirs });
          assertEquals(play(initiator, responder), PAYLOADS.map((payload) => payload.toHex()));
          const [a, b] = [initiator.split(), responder.split()];
          assertBytes(a.h, b.h);
          assertBytes(a.rs, noblePrimitives.importDhKeyPair(fixedBytes(32, 12)).publicKey);
          assertBytes(b.rs, noblePrimitives.importDhKeyPair(fixedBytes(32, 11)).publicKey);
          const sealed = a.send.encryptWithAd(EMPTY, PAYLOADS[0] ?? EMPTY);
          assertBytes(b.receive.decryptWithAd(EMPTY, sealed), PAYLOADS[0] ?? EMPTY);
          const back = b.send.encryptWithAd(EMPTY, PAYLOADS[1] ?? EMPTY);
          assertBytes(a.receive.decryptWithAd(EMPTY, back), PAYLOADS[1] ?? EMPTY);
        }
      }
    },
  });

  Deno.test({
    name:
      `HandshakeState.writeMessage() calls a turn that is not ours a TypeError: ${protocolName}`,
    permissions: "none",
    fn() {
      for (const written of [0, 1, 2]) {
        const sides = playUntil(protocolName, written);
        const waiting = written % 2 === 0 ? sides.responder : sides.initiator;
        assertThrows(() => waiting.writeMessage(EMPTY), TypeError);
      }
      const { initiator } = playUntil(protocolName, 3);
      assert(initiator.isFinished);
      assertThrows(() => initiator.writeMessage(EMPTY), TypeError);
    },
  });

  Deno.test({
    name: `HandshakeState.writeMessage() is out of turn once all are written: ${protocolName}`,
    permissions: "none",
    fn() {
      const { initiator, responder } = playUntil(protocolName, 3);
      for (const side of [initiator, responder]) {
        assertThrows(() => side.writeMessage(EMPTY), TypeError);
      }
    },
  });

  Deno.test({
    name: `HandshakeState.readMessage() calls a message out of turn a bad one: ${protocolName}`,
    permissions: "none",
    fn() {
      for (const written of [0, 1, 2]) {
        const sides = playUntil(protocolName, written);
        const speaking = written % 2 === 0 ? sides.initiator : sides.responder;
        assertBadMessage(() => speaking.readMessage(sides.last));
        assertBadMessage(() => speaking.readMessage(fixedBytes(200, 1)));
      }
      const { initiator, responder, last } = playUntil(protocolName, 3);
      for (const side of [initiator, responder]) {
        assert(side.isFinished);
        assertBadMessage(() => side.readMessage(last));
        assertBadMessage(() => side.readMessage(fixedBytes(200, 1)));
      }
    },
  });

  Deno.test({
    name: `HandshakeState is dead after a message out of turn: ${protocolName}`,
    permissions: "none",
    fn() {
      for (const written of [0, 1, 2]) {
        const sides = playUntil(protocolName, written);
        const speaking = written % 2 === 0 ? sides.initiator : sides.responder;
        assertBadMessage(() => speaking.readMessage(sides.last));
        assertThrows(() => speaking.writeMessage(EMPTY));
      }
    },
  });

  Deno.test({
    name: `HandshakeState is dead after a message that failed: ${protocolName}`,
    permissions: "none",
    fn() {
      const damages: readonly ((message: Bytes) => Bytes)[] = [
        () => EMPTY,
        (message) => message.slice(0, 31),
        (message) => message.slice(0, -1),
        (message) => flipped(message, message.length - 1),
      ];
      for (const index of PAYLOADS.keys()) {
        for (const [kind, damage] of damages.entries()) {
          const { initiator, responder } = playUntil(protocolName, index);
          const [from, to] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
          const honest = from.writeMessage(EMPTY);
          // Plain XX's first message is one bare key, and any key will do.
          const isBareKey = protocolName === XX && index === 0 && kind === 3;
          if (isBareKey) continue;
          assertThrows(() => to.readMessage(damage(honest)), NoiseError);
          assertBadMessage(() => to.readMessage(honest));
          assertBadMessage(() => to.readMessage(honest));
          assertThrows(() => to.writeMessage(EMPTY), TypeError);
          assertThrows(() => to.split(), TypeError);
          assert(!to.isFinished);
        }
      }
    },
  });

  Deno.test({
    name: `HandshakeState is dead after a message that it could not write: ${protocolName}`,
    permissions: "none",
    fn() {
      const e = { publicKey: new Uint8Array(32), agree: () => fixedBytes(32, 1) };
      const honest = start("responder", protocolName);
      honest.readMessage(start("initiator", protocolName, { e }).writeMessage(EMPTY));
      assertLowOrder(() => honest.writeMessage(EMPTY));
      assertBadMessage(() => honest.writeMessage(EMPTY));
      assertBadMessage(() => honest.readMessage(fixedBytes(200, 1)));
      assertThrows(() => honest.split(), TypeError);
    },
  });

  Deno.test({
    name: `HandshakeState.split() refuses while a message is outstanding: ${protocolName}`,
    permissions: "none",
    fn() {
      const initiator = start("initiator", protocolName);
      const responder = start("responder", protocolName);
      assertThrows(() => initiator.split(), TypeError);
      responder.readMessage(initiator.writeMessage(EMPTY));
      assertThrows(() => responder.split(), TypeError);
      initiator.readMessage(responder.writeMessage(EMPTY));
      assertThrows(() => initiator.split(), TypeError);
      initiator.writeMessage(EMPTY);
      initiator.split();
      assertThrows(() => responder.split(), TypeError);
    },
  });

  Deno.test({
    name: `HandshakeState never completes over a message cut at any byte: ${protocolName}`,
    permissions: "none",
    fn() {
      for (const [index, length] of messageLengths(protocolName).entries()) {
        for (let cut = 0; cut < length; cut++) {
          const error = assertFails(
            protocolName,
            (i, message) => i === index ? message.slice(0, cut) : message,
          );
          assert(error.code === "bad_message" || error.code === "bad_tag", error.code);
        }
      }
    },
  });

  Deno.test({
    name: `HandshakeState never completes over a message with any byte flipped: ${protocolName}`,
    permissions: "none",
    fn() {
      for (const [index, length] of messageLengths(protocolName).entries()) {
        for (let at = 0; at < length; at++) {
          for (const mask of [0x01, 0x80]) {
            assertFails(
              protocolName,
              (i, message) => i === index ? flipped(message, at, mask) : message,
            );
          }
        }
      }
    },
  });

  Deno.test({
    name: `HandshakeState never completes over a message with a byte too many: ${protocolName}`,
    permissions: "none",
    fn() {
      for (const index of PAYLOADS.keys()) {
        assertFails(
          protocolName,
          (i, message) => i === index ? concatBytes(message, Uint8Array.of(0)) : message,
        );
      }
    },
  });

  Deno.test({
    name: `HandshakeState never completes with another prologue: ${protocolName}`,
    permissions: "none",
    fn() {
      const initiator = start("initiator", protocolName, { prologue: fixedBytes(5, 1) });
      const responder = start("responder", protocolName, { prologue: fixedBytes(5, 2) });
      assertThrows(() => play(initiator, responder), NoiseError);
    },
  });

  Deno.test({
    name: `HandshakeState reports a low-order ephemeral from either side: ${protocolName}`,
    permissions: "none",
    fn() {
      // The two points that both X25519 implementations know best: 0 and 1.
      for (const point of [new Uint8Array(32), Uint8Array.from({ length: 32 }, (_, i) => +!i)]) {
        for (const primitives of BACKENDS) {
          const e = { publicKey: point, agree: () => fixedBytes(32, 1) };
          const honest = start("responder", protocolName, { primitives });
          honest.readMessage(start("initiator", protocolName, { e }).writeMessage(EMPTY));
          assertLowOrder(() => honest.writeMessage(EMPTY));

          const initiator = start("initiator", protocolName, { primitives });
          initiator.writeMessage(EMPTY);
          assertLowOrder(() => initiator.readMessage(concatBytes(point, fixedBytes(64, 1))));
        }
      }
    },
  });

  Deno.test({
    name: `HandshakeState does not keep the caller's buffer: ${protocolName}`,
    permissions: "none",
    fn() {
      const initiator = start("initiator", protocolName);
      const responder = start("responder", protocolName);
      let previous: Bytes | undefined;
      play(initiator, responder, (_, message) => {
        previous?.fill(0);
        previous = message;
        return message;
      });
      previous?.fill(0);
      assertBytes(initiator.split().h, responder.split().h);
      assertBytes(
        responder.split().rs,
        noblePrimitives.importDhKeyPair(fixedBytes(32, 11)).publicKey,
      );
    },
  });
}

Deno.test({
  name: "HandshakeState ends in different sessions when ephemerals are fresh",
  permissions: "none",
  fn() {
    const hashes = [0, 1].map(() => {
      const initiator = start("initiator", XX, { e: undefined });
      const responder = start("responder", XX, { e: undefined });
      play(initiator, responder);
      return initiator.split().h.toHex();
    });
    assert(hashes[0] !== hashes[1]);
  },
});

Deno.test({
  name: "HandshakeState refuses a psk pattern without a 32-byte psk",
  permissions: "none",
  fn() {
    for (const psk of [undefined, EMPTY, fixedBytes(31, 1), fixedBytes(33, 1)]) {
      assertThrows(
        () => start("initiator", "Noise_XXpsk3_25519_ChaChaPoly_SHA256", { psk }),
        TypeError,
      );
    }
  },
});

Deno.test({
  name: "HandshakeState ignores a psk that its pattern does not use",
  permissions: "none",
  fn() {
    const initiator = start("initiator", XX, { psk: fixedBytes(32, 1) });
    const responder = start("responder", XX, { psk: undefined });
    play(initiator, responder);
    assertBytes(initiator.split().h, responder.split().h);
  },
});

Deno.test({
  name: "HandshakeState finds another psk at the third message",
  permissions: "none",
  fn() {
    const name = "Noise_XXpsk3_25519_ChaChaPoly_SHA256";
    const initiator = start("initiator", name, { psk: fixedBytes(32, 1) });
    const responder = start("responder", name, { psk: fixedBytes(32, 2) });
    responder.readMessage(initiator.writeMessage(EMPTY));
    initiator.readMessage(responder.writeMessage(EMPTY));
    const third = initiator.writeMessage(EMPTY);
    assertEquals(assertThrows(() => responder.readMessage(third), NoiseError).code, "bad_tag");
    assertThrows(() => responder.split(), TypeError);
  },
});

interface Changes {
  readonly primitives?: Primitives;
  readonly prologue?: Bytes;
  readonly psk?: Bytes | undefined;
  readonly e?:
    | { readonly publicKey: Bytes; agree(publicKey: Bytes): Bytes | undefined }
    | undefined;
}

function start(
  role: "initiator" | "responder",
  protocolName: ProtocolName,
  changes: Changes = {},
): HandshakeState {
  const primitives = changes.primitives ?? fast;
  const seed = role === "initiator" ? 11 : 12;
  return new HandshakeState({
    primitives,
    protocolName,
    role,
    prologue: changes.prologue ?? fixedBytes(5, 1),
    s: primitives.importDhKeyPair(fixedBytes(32, seed)),
    e: "e" in changes ? changes.e : primitives.importDhKeyPair(fixedBytes(32, seed + 10)),
    psk: "psk" in changes ? changes.psk : fixedBytes(32, 9),
  });
}

/** Plays all three messages and returns the payloads read, in hexadecimal. */
function play(
  initiator: HandshakeState,
  responder: HandshakeState,
  wire: Wire = (_, message) => message,
): string[] {
  return PAYLOADS.map((payload, index) => {
    const [from, to] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
    return to.readMessage(wire(index, from.writeMessage(payload))).toHex();
  });
}

/** Both sides after `count` messages without payloads, and the last of them, if any. */
function playUntil(protocolName: ProtocolName, count: number) {
  const initiator = start("initiator", protocolName);
  const responder = start("responder", protocolName);
  let last = EMPTY;
  for (let index = 0; index < count; index++) {
    const [from, to] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
    last = from.writeMessage(EMPTY);
    to.readMessage(last);
  }
  return { initiator, responder, last };
}

function assertFails(protocolName: ProtocolName, wire: Wire): NoiseError {
  const initiator = start("initiator", protocolName);
  const responder = start("responder", protocolName);
  return assertThrows(() => play(initiator, responder, wire), NoiseError);
}

function assertBadMessage(action: () => unknown): void {
  assertEquals(assertThrows(action, NoiseError).code, "bad_message");
}

function assertLowOrder(action: () => unknown): void {
  assertEquals(assertThrows(action, NoiseError).code, "low_order_point");
}

function messageLengths(protocolName: ProtocolName): number[] {
  const lengths: number[] = [];
  play(start("initiator", protocolName), start("responder", protocolName), (index, message) => {
    lengths[index] = message.length;
    return message;
  });
  return lengths;
}
