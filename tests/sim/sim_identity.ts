/**
 * Identities without cryptography: real peer ids that nobody has a key of, signatures that only look like it,
 * and a codec that spells each id once for the whole world.
 */

import { type Bytes, equalBytes, readU32, writeU32 } from "../../src/base/bytes.ts";
import { type PeerId, peerIdOf } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { MessageSigner } from "../../src/discovery/signature.ts";
import { ID_BYTES, type IdCodec } from "../../src/gossip/id_codec.ts";

const SIGNATURE_BYTES = 64;
/** Knuth's multiplicative hashing: odd, so that no two indexes share their first four bytes. */
const SPREAD = 0x9e37_79b1;

/** The 32 bytes that the node `index` of the world `seed` has for a key. */
export function simKey(seed: number, index: number): Bytes {
  const random = seededRandom(mixSeeds(seed, index));
  const key = Uint8Array.from({ length: ID_BYTES }, () => Math.floor(random.next() * 256));
  writeU32(key, 0, Math.imul(index + 1, SPREAD) >>> 0);
  return key;
}

/** A seed of its own for each pair. */
export function mixSeeds(a: number, b: number): number {
  let mixed = Math.imul(a ^ 0x85eb_ca6b, 0xc2b2_ae35) ^ Math.imul(b + 1, SPREAD);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** Spells each id once, the first four bytes telling them apart; for keys of {@link simKey} alone. */
export class InterningIdCodec implements IdCodec {
  readonly #byHead = new Map<number, { readonly id: PeerId; readonly bytes: Bytes }>();
  readonly #bytes = new Map<PeerId, Bytes>();

  read(bytes: Bytes): PeerId {
    const known = this.#byHead.get(readU32(bytes, 0));
    if (known && equalBytes(known.bytes, bytes)) return known.id;
    if (known) throw new RangeError("Cannot read an id: another begins with the same four bytes");
    const kept = bytes.slice();
    const id = peerIdOf(kept);
    this.#byHead.set(readU32(kept, 0), { id, bytes: kept });
    this.#bytes.set(id, kept);
    return id;
  }

  write(id: PeerId): Bytes {
    const bytes = this.#bytes.get(id);
    if (!bytes) throw new RangeError(`Cannot write id ${id}: it was never read`);
    return bytes;
  }
}

/** Signs with what is unique, in its first six bytes already, and says nothing. */
export function simSigner(publicKey: Bytes, seed: number): MessageSigner {
  let count = 0;
  return {
    publicKey,
    sign(message) {
      const signature = new Uint8Array(SIGNATURE_BYTES);
      writeU32(signature, 0, mixSeeds(seed, count));
      writeU32(signature, 4, (count << 16) | (seed >>> 16));
      writeU32(signature, 8, count++);
      writeU32(signature, 12, message.length);
      return signature;
    },
  };
}

/** What a node says that it can do: about as long as a device's word is. */
export function simCapabilities(index: number): string {
  return JSON.stringify({
    os: "linux",
    architecture: "x86_64",
    cpu_cores: 1 + index % 16,
    memory_total_mb: 16_384,
    battery_percent: index % 3 === 0 ? null : index % 100,
    network_type: index % 2 === 0 ? "ethernet" : "wifi",
    load_percent: index % 90,
    accelerators: [],
  });
}
