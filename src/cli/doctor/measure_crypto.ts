/**
 * How fast the cryptography in use is on this very device.
 */

import { NO_BYTES } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { Backend } from "../../noise/backend.ts";
import { InitiatorHello, ResponderHello, SUPPORTED_VERSIONS } from "../../noise/hello.ts";
import { KEY_BYTES, NONCE_BYTES, type Primitives, randomBytes } from "../../noise/primitives.ts";
import { TAG_BYTES } from "../../wire/limits.ts";
import type { CryptoFacts } from "./judge_device.ts";

/** Long enough for the compiler to have done its work, short enough to be borne. */
const MEASURE_MS = 200;
const WARM_UP_ROUNDS = 3;
const RECORD_BYTES = 65_536;

export function measureCrypto({ primitives, report }: Backend, clock: Clock): CryptoFacts {
  const perSecond = roundsPerSecond(clock, sealer(primitives));
  return {
    aead: report.aead,
    refused: report.refused,
    bytesPerSecond: perSecond * RECORD_BYTES,
    handshakesPerSecond: roundsPerSecond(clock, () => shakeHands(primitives)),
  };
}

function roundsPerSecond(clock: Clock, round: () => void): number {
  for (let i = 0; i < WARM_UP_ROUNDS; i++) round();
  const startMs = clock.now();
  let rounds = 0;
  let elapsedMs = 0;
  while (elapsedMs < MEASURE_MS) {
    round();
    rounds++;
    elapsedMs = clock.now() - startMs;
  }
  return rounds * 1_000 / elapsedMs;
}

/** Seals a record and opens it again. */
function sealer({ aead }: Primitives): () => void {
  const key = randomBytes(KEY_BYTES);
  const nonce = new Uint8Array(NONCE_BYTES);
  const counter = new DataView(nonce.buffer);
  const plaintext = [new Uint8Array(RECORD_BYTES)];
  const sealed = new Uint8Array(RECORD_BYTES + TAG_BYTES);
  let used = 0;
  return () => {
    counter.setUint32(0, used++);
    aead.seal(key, nonce, NO_BYTES, plaintext, sealed);
    if (aead.open(key, nonce, NO_BYTES, sealed)?.length !== RECORD_BYTES) {
      throw new TypeError("Cannot measure the cipher: it does not open what it sealed");
    }
  };
}

/** Both sides of one Noise XX handshake. */
function shakeHands(primitives: Primitives): void {
  const options = () => ({
    primitives,
    s: primitives.generateDhKeyPair(),
    versions: SUPPORTED_VERSIONS,
  });
  const initiator = new InitiatorHello(options());
  const responder = new ResponderHello(options(), initiator.begin());
  initiator.readReply(responder.reply(NO_BYTES));
  responder.readLast(initiator.finish(NO_BYTES).frame);
}
