/**
 * Security randomness that follows from a seed, for a simulation and nothing else.
 *
 * The product has no switch for it: its ephemeral keys come from the `Primitives` that an agent is given, and here are
 * imported from seeded scalars; nonces, message ids and secrets come from the runtime's `crypto`, two functions of
 * which are replaced for as long as a simulation runs, in its own process.
 */

import type { Bytes } from "../../../src/base/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../../../src/base/random.ts";
import { type Backend, chooseBackend } from "../../../src/noise/backend.ts";
import { KEY_BYTES } from "../../../src/noise/primitives.ts";

/** The agent's own cryptography, but for where its keys come from. */
export function seededBackend(seed: number): Backend {
  const backend = chooseBackend();
  const { primitives } = backend;
  const random = seededRandom(seed);
  return {
    report: backend.report,
    settled: backend.settled,
    primitives: {
      ...primitives,
      generateDhKeyPair: () => primitives.importDhKeyPair(bytesOf(random, KEY_BYTES)),
    },
  };
}

/** Has the runtime's `crypto` draw from `seed`, until disposed of. One at a time. */
export function seedCrypto(seed: number): Disposable {
  const random = seededRandom(seed);
  Object.assign(crypto, {
    getRandomValues<T extends ArrayBufferView>(view: T): T {
      const { buffer, byteOffset, byteLength } = view;
      new Uint8Array(buffer, byteOffset, byteLength).set(bytesOf(random, byteLength));
      return view;
    },
    randomUUID: () => uuidOf(bytesOf(random, 16)),
  });
  return {
    [Symbol.dispose]() {
      // What was put before the prototype's own is taken away again.
      Reflect.deleteProperty(crypto, "getRandomValues");
      Reflect.deleteProperty(crypto, "randomUUID");
    },
  };
}

export function bytesOf(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => randomBelow(random, 256));
}

/** Version 4, variant 1 (RFC 9562 section 5.4). */
function uuidOf(bytes: Bytes): string {
  bytes[6] = (bytes[6] as number) & 0x0f | 0x40;
  bytes[8] = (bytes[8] as number) & 0x3f | 0x80;
  const hex = bytes.toHex();
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([a, b]) => hex.slice(a, b)).join("-");
}
