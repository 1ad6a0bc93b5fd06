/**
 * The rounds of the link benchmark: contenders take turns, so that each ratio compares neighbours in
 * time.
 */

import { systemClock } from "../../../src/base/clock.ts";
import type { Agreements } from "./agreements.ts";
import type { Affinity } from "./affinity.ts";
import type { Contender } from "./contender.ts";
import { type Dialers, ROUND_DIALS } from "./dials.ts";
import type { IrohDialers } from "./iroh.ts";

/** Everything that takes part. */
export interface Contenders {
  readonly raw: Contender;
  readonly loop: Contender;
  readonly sealed: Contender;
  readonly dialers: Dialers;
  readonly agreements: Agreements;
  readonly iroh?: IrohDialers | undefined;
}

const NAMES = ["raw", "loop", "sealed"] as const;
export type ContenderName = typeof NAMES[number];

/** One figure for each contender. */
export type Round<T> = Readonly<Record<ContenderName, T>>;

/** What was measured, round by round. */
export interface Measurements {
  /** Megabytes of payload a second. */
  readonly oneWay: readonly Round<number>[];
  /** Microseconds of each round trip. */
  readonly roundTrips: readonly Round<Float64Array>[];
  readonly dials: readonly DialRound[];
}

/** Handshakes a second. */
export interface DialRound {
  /** With all that makes a session of one. */
  readonly sealed: number;
  /** Of the same keys, if there were nothing else to do. */
  readonly agreed: number;
  /** By iroh, if it takes part. */
  readonly iroh: number | undefined;
}

/** Round trips of one round; enough for a 99th percentile of its own. */
const ROUND_TRIPS = 1_000;
/** Rounds that warm up the compiler and are not counted. */
const WARM_UP_ROUNDS = 2;
/** How the measuring time is shared. */
const SHARES = Object.freeze({ oneWay: 0.3, roundTrips: 0.35, dials: 0.35 });

/** Measures for about `seconds`. */
export async function measure(
  contenders: Contenders,
  options: { readonly seconds: number; readonly affinity: Affinity | undefined },
): Promise<Measurements> {
  const { seconds, affinity } = options;
  const oneWay = await repeat(
    seconds * SHARES.oneWay,
    (index) => inTurn(index, (name) => measureOneWay(contenders[name])),
  );
  const dials = await repeat(seconds * SHARES.dials, () => measureDials(contenders));
  await affinity?.pin();
  try {
    const roundTrips = await repeat(
      seconds * SHARES.roundTrips,
      (index) => inTurn(index, (name) => contenders[name].echo(ROUND_TRIPS)),
    );
    return { oneWay, roundTrips, dials };
  } finally {
    await affinity?.release();
  }
}

/** Runs rounds until `seconds` have passed; the first ones are dropped. */
async function repeat<T>(seconds: number, round: (index: number) => Promise<T>): Promise<T[]> {
  const untilMs = systemClock.now() + seconds * 1000;
  const rounds: T[] = [];
  for (let index = 0; index <= WARM_UP_ROUNDS || systemClock.now() < untilMs; index++) {
    const result = await round(index);
    if (index >= WARM_UP_ROUNDS) rounds.push(result);
  }
  return rounds;
}

/** One figure from each contender; who begins changes from round to round. */
async function inTurn<T>(
  index: number,
  figure: (name: ContenderName) => Promise<T>,
): Promise<Round<T>> {
  const results = new Map<ContenderName, T>();
  for (let i = 0; i < NAMES.length; i++) {
    const name = NAMES[(index + i) % NAMES.length] ?? "raw";
    results.set(name, await figure(name));
  }
  return Object.fromEntries(results) as Round<T>;
}

async function measureOneWay(contender: Contender): Promise<number> {
  const startedMs = systemClock.now();
  await contender.pushRound();
  return contender.roundBytes / 1000 / (systemClock.now() - startedMs);
}

async function measureDials({ dialers, agreements, iroh }: Contenders): Promise<DialRound> {
  const agreed = await agreements.round();
  const startedMs = systemClock.now();
  await dialers.dialRound();
  const sealed = ROUND_DIALS / (systemClock.now() - startedMs) * 1000;
  return { sealed, agreed, iroh: await iroh?.round() };
}
