/** What happens in one simulated session, drawn at random: the same seed draws the same. */

import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import type { Priority } from "../../src/channel/scheduler.ts";
import type { MemoryNetworkOptions } from "../../src/net/memory.ts";
import type { Bandwidth } from "../../src/node/shaper.ts";
import type { SideIndex } from "./link_pair.ts";
import { MAX_TAPE_BYTES } from "./tape.ts";

/** One direction of a stream: who writes how, and who reads how. */
export interface HalfPlan {
  readonly bytes: number;
  /** Each write waited for, several at a time, or through a web stream. */
  readonly writing: "single" | "burst" | "web";
  readonly writes: WriteSizes;
  readonly reading: "read" | "into" | "web";
  /** How often each side rests, for {@link SchedulePlan.pauseMs}. */
  readonly writerPauses: number;
  readonly readerPauses: number;
  /** Who resets the stream, and at which byte; absent, the direction ends by itself. */
  readonly stop?: { readonly by: "writer" | "reader"; readonly at: number } | undefined;
}

export type WriteSizes = "small" | "mixed" | "large";

export interface StreamPlan {
  readonly opener: SideIndex;
  readonly atMs: number;
  readonly priority: Priority;
  /** From the opener, and back to it. */
  readonly forth: HalfPlan;
  readonly back: HalfPlan;
}

/** What the answering side does: see the handlers in `schedule_requests.ts`. */
export const REQUEST_TYPES = ["COUNT", "FETCH", "ECHO", "IGNORE", "REFUSE", "WAIT"] as const;

export interface RequestPlan {
  readonly number: number;
  readonly asker: SideIndex;
  readonly atMs: number;
  readonly type: typeof REQUEST_TYPES[number];
  readonly priority: Priority;
  /** What makes its head longer. */
  readonly paddingBytes: number;
  readonly bodyBytes: number;
  readonly isBodyStreamed: boolean;
  readonly replyBytes: number;
  /** When the asker gives up; `Infinity` is never. */
  readonly cancelAfterMs: number;
  readonly deadlineMs: number;
}

export interface MessagePlan {
  readonly from: SideIndex;
  readonly atMs: number;
  readonly priority: Priority;
  readonly bytes: number;
}

/** `broken`: at once. `healed`: what is sent is swallowed for a while. `silent`: for ever. */
export interface LossPlan {
  readonly kind: "broken" | "healed" | "silent";
  readonly atMs: number;
}

export interface SchedulePlan {
  readonly seed: number;
  readonly network: Partial<MemoryNetworkOptions>;
  readonly bandwidth: Bandwidth | undefined;
  readonly pauseMs: number;
  /** How long a side takes to accept what came. */
  readonly acceptLagMs: number;
  /** Turns that promises get before the clock moves, and how far it moves at least. */
  readonly turns: number;
  readonly graceMs: number;
  readonly streams: readonly StreamPlan[];
  readonly requests: readonly RequestPlan[];
  readonly messages: readonly MessagePlan[];
  readonly pings: readonly { readonly from: SideIndex; readonly atMs: number }[];
  readonly loss: LossPlan | undefined;
}

const MAX_STREAMS = 24;
const MAX_REQUESTS = 6;
const MAX_MESSAGES = 8;
const MAX_MESSAGE_BYTES = 65_511;
const MAX_PADDING_BYTES = 60_000;
/** Longer than any schedule lasts. */
const PATIENT_MS = 3_600_000;
/** What a schedule of tiny segments may send in a direction. */
const DRIZZLE_BYTES = 1_000;

export function drawSchedule(seed: number): SchedulePlan {
  const random = seededRandom(seed);
  const isDrizzle = chance(random, 0.05);
  const isLong = chance(random, 0.03);
  const maxBytes = isDrizzle ? DRIZZLE_BYTES : MAX_TAPE_BYTES;
  const spanMs = pick(random, [0, 20, 200]);
  const draw = { random, maxBytes, spanMs };
  const streams = times(1 + randomBelow(random, MAX_STREAMS), () => drawStream(draw));
  return {
    seed,
    network: drawNetwork(random, isDrizzle),
    bandwidth: chance(random, 0.15) ? drawBandwidth(random) : undefined,
    pauseMs: isLong ? 40_000 : pick(random, [1, 10, 60]),
    acceptLagMs: chance(random, 0.2) ? randomBelow(random, 30) : 0,
    turns: pick(random, [1, 10, 60]),
    graceMs: pick(random, [0, 0.5, 3]),
    streams,
    requests: times(randomBelow(random, MAX_REQUESTS + 1), (n) => drawRequest(draw, n)),
    messages: times(randomBelow(random, MAX_MESSAGES + 1), () => ({
      from: side(random),
      atMs: randomBelow(random, spanMs + 1),
      priority: priority(random),
      bytes: 5 + randomBelow(random, Math.min(maxBytes, MAX_MESSAGE_BYTES) - 4),
    })),
    pings: times(randomBelow(random, 4), () => ({ from: side(random), atMs: instant(draw) })),
    loss: chance(random, 0.2) ? drawLoss(draw) : undefined,
  };
}

interface Draw {
  readonly random: Random;
  /** The most that a direction sends. */
  readonly maxBytes: number;
  /** When the last of it begins. */
  readonly spanMs: number;
}

function drawNetwork(random: Random, isDrizzle: boolean): Partial<MemoryNetworkOptions> {
  return {
    delayMs: pick(random, [[0, 0], [1, 1], [0, 5], [10, 40]]),
    maxSegmentBytes: isDrizzle
      ? 1 + randomBelow(random, 64)
      : pick(random, [Infinity, 65_536, 16_384, 4_096]),
    windowBytes: pick(random, [262_144, 65_536, 16_384]),
  };
}

function drawBandwidth(random: Random): Bandwidth {
  const rate = () => chance(random, 0.7) ? 500_000 + randomBelow(random, 4_000_000) : undefined;
  return { up: rate(), down: rate() };
}

function drawLoss(draw: Draw): LossPlan {
  const { random } = draw;
  return {
    kind: pick(random, ["broken", "broken", "broken", "healed", "silent"]),
    atMs: randomBelow(random, draw.spanMs + 60),
  };
}

function drawStream(draw: Draw): StreamPlan {
  const { random } = draw;
  const isStopped = chance(random, 0.15);
  const isForth = chance(random, 0.5);
  return {
    opener: side(random),
    atMs: instant(draw),
    priority: priority(random),
    forth: drawHalf(draw, isStopped && isForth),
    back: drawHalf(draw, isStopped && !isForth),
  };
}

function drawHalf(draw: Draw, isStopped: boolean): HalfPlan {
  const { random } = draw;
  const bytes = drawBytes(draw);
  const by = pick(random, ["writer", "reader"] as const);
  return {
    bytes,
    writing: pick(random, ["single", "burst", "web"]),
    writes: pick(random, ["small", "mixed", "mixed", "large"]),
    reading: pick(random, ["read", "into", "web"]),
    writerPauses: pauses(random),
    readerPauses: pauses(random),
    stop: isStopped ? { by, at: randomBelow(random, bytes + 1) } : undefined,
  };
}

/** Nothing, little or up to the most: few are long, and of those a third needs credit given back. */
function drawBytes({ random, maxBytes }: Draw): number {
  const most = pick(random, [
    0,
    100,
    2_000,
    2_000,
    20_000,
    40_000,
    40_000,
    100_000,
    MAX_TAPE_BYTES,
  ]);
  return randomBelow(random, Math.min(most, maxBytes) + 1);
}

function drawRequest(draw: Draw, number: number): RequestPlan {
  const { random } = draw;
  const type = pick(random, REQUEST_TYPES);
  return {
    number,
    asker: side(random),
    atMs: instant(draw),
    type,
    priority: priority(random),
    paddingBytes: chance(random, 0.2)
      ? randomBelow(random, Math.min(draw.maxBytes, MAX_PADDING_BYTES))
      : 0,
    bodyBytes: drawBytes(draw),
    isBodyStreamed: chance(random, 0.5),
    replyBytes: type === "FETCH" ? drawBytes(draw) : 0,
    cancelAfterMs: chance(random, 0.15) ? randomBelow(random, 20) : Infinity,
    deadlineMs: type === "WAIT" && chance(random, 0.5) ? 5 : PATIENT_MS,
  };
}

/** Half of the streams rest now and then. */
function pauses(random: Random): number {
  return chance(random, 0.5) ? 0 : randomBelow(random, 5);
}

function instant({ random, spanMs }: Draw): number {
  return randomBelow(random, spanMs + 1);
}

/** Normal more often than the others. */
function priority(random: Random): Priority {
  return pick<Priority>(random, [0, 0, 1, 1, 1, 2, 2, 3]);
}

function side(random: Random): SideIndex {
  return chance(random, 0.5) ? 0 : 1;
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[randomBelow(random, items.length)];
  if (item === undefined) throw new RangeError("Cannot pick: there is nothing to choose from");
  return item;
}

function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
