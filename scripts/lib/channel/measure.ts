/**
 * The rounds of the channel benchmark: contenders take turns, so that each ratio compares neighbours in
 * time.
 */

import { pause, systemClock } from "../../../src/base/clock.ts";
import type { Affinity } from "../link/affinity.ts";
import type { Contender } from "../link/contender.ts";
import type { Libp2pContender } from "./libp2p.ts";
import { type ChannelContender, MANY, PING_PERIOD_MS } from "./near.ts";

/** Everything that takes part; js-libp2p where it could be had. */
export interface Contenders {
  readonly raw: Contender;
  readonly sealed: Contender;
  readonly channel: ChannelContender;
  readonly libp2p: Libp2pContender | undefined;
}

/** One round's figures, megabytes a second. */
export interface OneWayRound {
  readonly sealed: number;
  readonly one: number;
  readonly many: number;
  readonly libp2p: number | undefined;
}

/** One round's round trips, microseconds each. */
export interface TripRound {
  readonly raw: ArrayLike<number>;
  readonly sealed: ArrayLike<number>;
  readonly stream: ArrayLike<number>;
  readonly request: ArrayLike<number>;
  readonly libp2pStream: ArrayLike<number> | undefined;
  readonly libp2pRequest: ArrayLike<number> | undefined;
}

/** One round's requests a second with many in flight. */
export interface RequestsRound {
  readonly channel: number;
  readonly libp2p: number | undefined;
}

/** Critical requests beside nothing and beside a transfer. */
export interface PingFigures {
  readonly idleUs: readonly number[];
  readonly loadedUs: readonly number[];
  /** Round trips on a raw connection of its own beside the same transfer: what the machine adds. */
  readonly rawLoadedUs: readonly number[];
  readonly transferMBps: number;
}

const WARM_UP_ROUNDS = 2;
const ROUND_TRIPS = 500;
const LIBP2P_REQUESTS = 200;
const REQUESTS = 20_000;
export const IN_FLIGHT = 64;
export const TRANSFER_BYTES = 1024 ** 3;
const IDLE_PING_MS = 3_000;

export function measureOneWay(contenders: Contenders, seconds: number): Promise<OneWayRound[]> {
  const { sealed, channel, libp2p } = contenders;
  return repeat(seconds, async () => ({
    sealed: await speedOf(sealed),
    one: await channel.push(1),
    many: await channel.push(MANY),
    libp2p: await libp2p?.push(),
  }));
}

/** Holds every process to one core while it lasts, where that can be. */
export async function measureTrips(
  contenders: Contenders,
  seconds: number,
  affinity: Affinity | undefined,
): Promise<TripRound[]> {
  const { raw, sealed, channel, libp2p } = contenders;
  await affinity?.pin();
  try {
    return await repeat(seconds, async () => ({
      raw: await raw.echo(ROUND_TRIPS),
      sealed: await sealed.echo(ROUND_TRIPS),
      stream: await channel.echoStream(ROUND_TRIPS),
      request: await channel.request(ROUND_TRIPS),
      libp2pStream: await libp2p?.echoStream(ROUND_TRIPS),
      libp2pRequest: await libp2p?.request(LIBP2P_REQUESTS),
    }));
  } finally {
    await affinity?.release();
  }
}

export function measureRequests(contenders: Contenders, seconds: number): Promise<RequestsRound[]> {
  return repeat(seconds, async () => ({
    channel: await contenders.channel.requests(REQUESTS, IN_FLIGHT),
    libp2p: await contenders.libp2p?.requests(LIBP2P_REQUESTS * 5, IN_FLIGHT),
  }));
}

export async function measurePings({ channel, raw }: Contenders): Promise<PingFigures> {
  const idleUntil = (ms: number) => channel.ping(passed(ms));
  await idleUntil(IDLE_PING_MS / 3);
  const idleUs = await idleUntil(IDLE_PING_MS);
  await channel.transfer(TRANSFER_BYTES / 16);
  const beside = async (pings: (isOver: () => boolean) => Promise<number[]>) => {
    let isOver = false;
    const pinging = pings(() => isOver);
    const speed = await channel.transfer(TRANSFER_BYTES);
    isOver = true;
    return { us: await pinging, speed };
  };
  const loaded = await beside((isOver) => channel.ping(isOver));
  const rawLoaded = await beside((isOver) => pingRaw(raw, isOver));
  return {
    idleUs,
    loadedUs: loaded.us,
    rawLoadedUs: rawLoaded.us,
    transferMBps: loaded.speed,
  };
}

async function pingRaw(raw: Contender, isOver: () => boolean): Promise<number[]> {
  const tookUs: number[] = [];
  while (!isOver()) {
    tookUs.push(...await raw.echo(1));
    await pause(systemClock, PING_PERIOD_MS);
  }
  return tookUs;
}

async function speedOf(contender: Contender): Promise<number> {
  const startedMs = systemClock.now();
  await contender.pushRound();
  return contender.roundBytes / 1000 / (systemClock.now() - startedMs);
}

function passed(ms: number): () => boolean {
  const untilMs = systemClock.now() + ms;
  return () => systemClock.now() >= untilMs;
}

/** Runs rounds until `seconds` have passed; the first ones are dropped. */
async function repeat<T>(seconds: number, round: () => Promise<T>): Promise<T[]> {
  const untilMs = systemClock.now() + seconds * 1000;
  const rounds: T[] = [];
  for (let index = 0; index <= WARM_UP_ROUNDS || systemClock.now() < untilMs; index++) {
    const result = await round();
    if (index >= WARM_UP_ROUNDS) rounds.push(result);
  }
  return rounds;
}
