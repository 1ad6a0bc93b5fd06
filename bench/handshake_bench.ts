/**
 * One dial's handshake, both sides, without a network: three messages, two sessions.
 */

import { type Bytes, equalBytes } from "../src/base/bytes.ts";
import { chooseBackend } from "../src/noise/backend.ts";
import { InitiatorHello, ResponderHello, SUPPORTED_VERSIONS } from "../src/noise/hello.ts";
import { noblePrimitives } from "../src/noise/noble.ts";
import { type DhKeyPair, KEY_BYTES, type Primitives } from "../src/noise/primitives.ts";

interface Pair {
  readonly primitives: Primitives;
  readonly initiator: DhKeyPair;
  readonly responder: DhKeyPair;
  readonly psk?: Bytes;
}

/** About what an introduction weighs. */
const PAYLOAD: Bytes = new Uint8Array(600).fill(0x20);

/** Both transcript hashes. */
function shakeHands({ primitives, initiator, responder, psk }: Pair): readonly [Bytes, Bytes] {
  const versions = SUPPORTED_VERSIONS;
  const dialler = new InitiatorHello({ primitives, s: initiator, versions, psk });
  const listener = new ResponderHello({ primitives, s: responder, versions, psk }, dialler.begin());
  dialler.readReply(listener.reply(PAYLOAD));
  const last = dialler.finish(PAYLOAD);
  return [last.result.h, listener.readLast(last.frame).result.h];
}

function pairOf(primitives: Primitives): Pair {
  return {
    primitives,
    initiator: primitives.generateDhKeyPair(),
    responder: primitives.generateDhKeyPair(),
  };
}

const backends = [noblePrimitives, chooseBackend().primitives];
for (const primitives of new Set(backends)) {
  const plain = pairOf(primitives);
  const shared = { ...plain, psk: new Uint8Array(KEY_BYTES).fill(5) };
  for (const [pattern, pair] of [["XX", plain], ["XXpsk3", shared]] as const) {
    if (!equalBytes(...shakeHands(pair))) throw new Error(`Cannot time ${pattern}: it fails`);
    Deno.bench({
      name: `${pattern}, ${primitives.name}`,
      group: `handshake, both sides, ${pattern}`,
      baseline: primitives === noblePrimitives,
      fn: () => void shakeHands(pair),
    });
  }
}
