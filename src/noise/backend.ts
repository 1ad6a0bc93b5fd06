/**
 * Chooses the cryptography: at start the runtime's where it agrees with the reference on a self-test, the
 * reference otherwise; for small records a faster cipher, once there are so many that it is worth its
 * memory. `hamlet status` shows what is in use.
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import { nativePrimitives } from "./native.ts";
import { noblePrimitives } from "./noble.ts";
import { OnDemand } from "./on_demand.ts";
import type { Aead, Primitives } from "./primitives.ts";
import { selfTest, selfTestSmall } from "./self_test.ts";
import { loadSmallAead, withSmallRecords } from "./wasm_aead.ts";

/** The primitives in use and why. */
export interface Backend {
  readonly primitives: Primitives;
  /** Which implementation does what at this moment, for people. */
  readonly report: {
    readonly aead: string;
    readonly x25519: string;
    readonly ed25519: string;
    /** Why the faster candidates were refused, if they were. */
    readonly refused: string | null;
  };
  /** Resolves when no faster cipher is being loaded. Never rejects. */
  readonly settled: Promise<void>;
}

/**
 * So many small records within so long make an agent busy: 200 a second. Forming a village of fifty takes
 * some hundreds in all, an idle agent with ten peers a few a second.
 */
const BUSY = Object.freeze({ uses: 2_048, withinMs: 10_000 });

/** Picks the fastest primitives that agree with the reference. `"noble"` forces the reference. */
export function chooseBackend(
  wanted: "auto" | "noble" = "auto",
  clock: Clock = systemClock,
): Backend {
  if (wanted === "noble") return referenceBackend(null);
  try {
    selfTest(nativePrimitives);
    return nativeBackend(clock);
  } catch (error) {
    return referenceBackend(describeError(error));
  }
}

/** Loads the cipher for small records. Rejects unless it agrees with the reference. */
async function loadTestedAead(): Promise<Aead> {
  const aead = await loadSmallAead();
  selfTestSmall(aead, nativePrimitives);
  return aead;
}

function nativeBackend(clock: Clock): Backend {
  const { aead: large, name } = nativePrimitives;
  const small = new OnDemand({ ...BUSY, clock, load: loadTestedAead });
  const aead = withSmallRecords(large, () => small.use());
  const report = {
    get aead() {
      return small.value ? `${large.name}+${small.value.name}` : large.name;
    },
    x25519: name,
    ed25519: name,
    get refused() {
      return small.refused ?? null;
    },
  };
  return Object.freeze({
    primitives: Object.freeze({ ...nativePrimitives, aead }),
    report: Object.freeze(report),
    get settled() {
      return small.settled;
    },
  });
}

function referenceBackend(refused: string | null): Backend {
  const { name, aead } = noblePrimitives;
  const report = { aead: aead.name, x25519: name, ed25519: name, refused };
  return Object.freeze({
    primitives: noblePrimitives,
    report: Object.freeze(report),
    settled: Promise.resolve(),
  });
}
