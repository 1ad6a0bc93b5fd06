/**
 * What is done to the village and when: pure, and the same for the same seed.
 *
 * Time is cut into rounds. In each there are some seconds of trouble, and then quiet until it ends, so that
 * what is measured at the end of a round is what trouble has left behind. Whoever is killed is started again in
 * the same round. The first nodes are never killed: growth is theirs.
 */

import { type Random, randomBelow, seededRandom, shuffled } from "../../../src/base/random.ts";

export type Act = { readonly atMs: number } & Deed;

export type Deed =
  /** Ends `node`, and starts it again after `downMs`. */
  | {
    readonly kind: "kill";
    readonly node: number;
    readonly signal: "SIGKILL" | "SIGTERM";
    readonly downMs: number;
  }
  /** Connections that say what no protocol does. */
  | {
    readonly kind: "garbage";
    readonly node: number;
    readonly count: number;
    readonly seed: number;
  }
  /** Connections that say nothing, or the beginning of something. */
  | {
    readonly kind: "idle";
    readonly node: number;
    readonly count: number;
    readonly holdMs: number;
  }
  /** Old nodes that nobody has heard of, each with a name of its own. */
  | {
    readonly kind: "legacy";
    readonly node: number;
    readonly count: number;
    readonly seed: number;
  }
  /** Handshakes that are not finished. */
  | {
    readonly kind: "handshakes";
    readonly node: number;
    readonly count: number;
    readonly seed: number;
  }
  | { readonly kind: "send"; readonly from: number; readonly to: number; readonly bytes: number }
  | { readonly kind: "event"; readonly from: number; readonly name: string; readonly bytes: number }
  | { readonly kind: "query"; readonly from: number }
  | { readonly kind: "ping"; readonly from: number; readonly to: number };

export interface ScheduleOptions {
  readonly seed: number;
  readonly nodes: number;
  /** The first so many are never killed. */
  readonly survivors: number;
  readonly rounds: number;
}

/** A round, and the part of it in which there is trouble. */
export const ROUND_MS = 10_000;
export const TROUBLE_MS = 6_000;
/** Who is killed must be back by the end of the round. */
const LAST_KILL_MS = 1_500;
const MAX_DOWN_MS = 2_000;
const MAX_FILE_BYTES = 2_097_152;
const MAX_EVENT_BYTES = 1_024;

/** One list of acts a round, in order of time within the round. */
export function scheduleOf(options: ScheduleOptions): readonly (readonly Act[])[] {
  const random = seededRandom(options.seed);
  return Array.from({ length: options.rounds }, () => roundOf(random, options));
}

function roundOf(random: Random, { nodes, survivors }: ScheduleOptions): readonly Act[] {
  const mortal = Array.from({ length: nodes - survivors }, (_, index) => survivors + index);
  const killed = shuffled(random, mortal).slice(0, pick(random, [0, 1, 1, 1, 2]));
  const deeds: Act[] = killed.map((node) => ({
    atMs: randomBelow(random, LAST_KILL_MS),
    kind: "kill",
    node,
    signal: pick(random, ["SIGKILL", "SIGKILL", "SIGTERM"]),
    downMs: 200 + randomBelow(random, MAX_DOWN_MS - 200),
  }));
  const steady = Array.from({ length: nodes }, (_, node) => node)
    .filter((node) => !killed.includes(node));
  // Survivors are flooded: it is they who are measured.
  const victim = () => randomBelow(random, survivors);
  const seed = () => randomBelow(random, 2 ** 31);
  const pair = () => {
    const [from = 0, to = 1] = shuffled(random, steady);
    return { from, to };
  };
  const one = () => pair().from;
  const floods: readonly (() => Deed)[] = [
    () => ({ kind: "garbage", node: victim(), count: 5 + randomBelow(random, 30), seed: seed() }),
    () => ({
      kind: "idle",
      node: victim(),
      count: 5 + randomBelow(random, 60),
      holdMs: randomBelow(random, 3_000),
    }),
    () => ({ kind: "legacy", node: victim(), count: 20 + randomBelow(random, 200), seed: seed() }),
    () => ({
      kind: "handshakes",
      node: victim(),
      count: 5 + randomBelow(random, 20),
      seed: seed(),
    }),
  ];
  const work: readonly (() => Deed)[] = [
    () => ({ kind: "send", ...pair(), bytes: 1 + randomBelow(random, MAX_FILE_BYTES) }),
    () => ({
      kind: "event",
      from: one(),
      name: `soak-${randomBelow(random, 50)}`,
      bytes: randomBelow(random, MAX_EVENT_BYTES),
    }),
    () => ({ kind: "query", from: one() }),
    () => ({ kind: "ping", ...pair() }),
  ];
  const some = (kinds: readonly (() => Deed)[], count: number) =>
    Array.from({ length: count }, () => deeds.push(at(random, pick(random, kinds)())));
  some(floods, 2 + randomBelow(random, 3));
  some(work, 4 + randomBelow(random, 6));
  return deeds.sort((a, b) => a.atMs - b.atMs);
}

function at(random: Random, deed: Deed): Act {
  return { atMs: randomBelow(random, TROUBLE_MS - 3_000), ...deed };
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomBelow(random, items.length)] as T;
}
