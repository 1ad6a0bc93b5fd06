/**
 * The demo: starts a village, shows it while it forms, and sums up.
 *
 * ```
 * start all --> wait until complete or the limit --> keep for --seconds --> look once more --> stop all
 * ```
 *
 * The verdict is about the last look: a session that was lost while the village was kept and did not come
 * back does not count.
 * Detection overhead is measured after everything has stopped, when the machine is quiet.
 */

import { type Clock, pause } from "../base/clock.ts";
import type { Self } from "../base/self.ts";
import { Display } from "./display.ts";
import { measureOverhead } from "./overhead.ts";
import { findProblems, renderSummary } from "./report.ts";
import type { VillageSample } from "./sample.ts";
import {
  countSessions,
  type DemoSummary,
  expectedSessions,
  isComplete,
  summarise,
} from "./summary.ts";
import type { TerminalSize } from "./view.ts";
import { Village } from "./village.ts";

export interface DemoOptions {
  /** Agents to start, {@link MIN_NODES}..{@link MAX_NODES}. */
  readonly nodes?: number;
  /** Old nodes to start, 0..{@link MAX_LEGACY}. */
  readonly legacy?: number;
  /**
   * How long the complete village is kept alive and shown. Also the time to become complete in, where it
   * is longer than the limit that follows from the number of agents.
   */
  readonly seconds?: number;
  /** Prints the summary as one JSON object and nothing else. */
  readonly json?: boolean;
  /** How this program is started again. */
  readonly self: Self;
  readonly clock: Clock;
  /** The terminal's size where output is one: then the table is redrawn in place. */
  readonly terminal?: TerminalSize | undefined;
  /** Ends the demo early; all its processes are gone when {@link runDemo} settles. */
  readonly signal: AbortSignal;
  /** Writes to standard output. */
  write(text: string): void;
}

export interface DemoResult {
  readonly summary: DemoSummary;
  /** What is missing and what to do, a line each; empty when all is well. */
  readonly problems: readonly string[];
}

/** A small neighbourhood, and old nodes enough to see both directions work. */
export const DEFAULT_NODES = 10;
export const DEFAULT_LEGACY = 2;
export const MIN_NODES = 2;
/** 60 MB each, and N (N - 1) / 2 sessions: beyond this the machine is measured, not the protocol. */
export const MAX_NODES = 200;
export const MAX_LEGACY = 50;
export const MAX_SECONDS = 36_000;

/** Both limits are for a small machine under load: a village that is not complete by then never will be. */
const START_LIMIT_MS = 30_000;
/** From the moment at which all are ready. */
const COMPLETE_LIMIT_MS = 30_000;
/** Processes run side by side, but a small machine takes them one after the other. */
const LIMIT_PER_NODE_MS = 1_000;
/** Old nodes end by themselves, in case this process is killed; never before it is done. */
const LEGACY_SPARE_S = 10;
/** While processes start, the machine has enough to do: only people are worth a look. */
const START_LOOK_EVERY_MS = 400;
const LOOK_EVERY_MS = 150;
/**
 * Once all sessions are there. Looking costs every agent time, and an agent whose processor is busy is no
 * candidate: looking often would prevent what it waits for.
 */
const CALM_LOOK_EVERY_MS = 1_000;

interface Plan {
  readonly nodes: number;
  readonly legacy: number;
  readonly keepMs: number;
  readonly completeLimitMs: number;
  readonly startLimitMs: number;
}

/**
 * Runs the demo and prints it. Throws `RangeError` for numbers out of their range and `VillageError` when
 * processes cannot be started; everything else that goes wrong is in the result.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { clock, self, signal, terminal } = options;
  const write = (text: string) => options.write(text);
  const plan = planOf(options);
  const { nodes, legacy } = plan;
  const wholeMs = plan.startLimitMs + plan.completeLimitMs + plan.keepMs;
  const legacySeconds = Math.ceil(wholeMs / 1000) + LEGACY_SPARE_S;
  const village = new Village({ self, clock, nodes, legacy, legacySeconds });
  const sample = () => village.sample;
  const display = options.json ? undefined : new Display({ clock, terminal, write, sample });
  let last: VillageSample;
  try {
    await runVillage(village, plan, options);
    last = village.sample;
  } finally {
    display?.close();
    await village.close();
  }
  const summary = summarise(last, measureOverhead(clock));
  const problems = findProblems(last, signal.aborted);
  if (options.json) write(`${JSON.stringify(summary)}\n`);
  else write(`\n${renderSummary(summary, problems).join("\n")}\n`);
  return { summary, problems };
}

/** From the first process to the last look. */
async function runVillage(village: Village, plan: Plan, options: DemoOptions): Promise<void> {
  const { clock, signal } = options;
  await start(village, plan, options);
  await untilComplete(village, plan, clock, signal);
  const wasComplete = isComplete(village.sample);
  if (wasComplete) await keep(village, plan, clock, signal);
  if (!signal.aborted) await village.look("all");
  // What was lost on the way has the same time to come back.
  if (wasComplete) await untilComplete(village, plan, clock, signal);
}

/** Starts all processes; those that are ready are shown while the others start. */
async function start(village: Village, plan: Plan, options: DemoOptions): Promise<void> {
  const { clock, signal, json } = options;
  const tooLate = new AbortController();
  const timer = clock.schedule(plan.startLimitMs, () => tooLate.abort());
  const over = new AbortController();
  const started = village.start(AbortSignal.any([signal, tooLate.signal])).finally(() => {
    timer.cancel();
    over.abort();
  });
  started.catch(() => {
    // It is awaited below, after the last pause.
  });
  while (!over.signal.aborted) {
    await pause(clock, START_LOOK_EVERY_MS, over.signal);
    if (!json && !over.signal.aborted) await village.look("missing");
  }
  await started;
}

/** Resolves when the village is complete, can no longer become so, or has had its time. */
async function untilComplete(
  village: Village,
  plan: Plan,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = clock.now() + plan.completeLimitMs;
  while (!signal.aborted && clock.now() < untilMs && !isHopeless(village.sample)) {
    if (isComplete(village.sample)) return;
    await village.look("missing");
    if (isComplete(village.sample)) return;
    const isCalm = countSessions(village.sample.agents) === expectedSessions(plan.nodes);
    await pause(clock, isCalm ? CALM_LOOK_EVERY_MS : LOOK_EVERY_MS, signal);
  }
}

/** Shows the complete village for as long as was asked. */
async function keep(
  village: Village,
  plan: Plan,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = clock.now() + plan.keepMs;
  while (!signal.aborted && !isHopeless(village.sample)) {
    const leftMs = untilMs - clock.now();
    if (leftMs <= 0) return;
    await pause(clock, Math.min(leftMs, CALM_LOOK_EVERY_MS), signal);
    if (!signal.aborted) await village.look("all");
  }
}

/** Whether a process is missing: the rest cannot make up for it. */
function isHopeless({ agents, legacy }: VillageSample): boolean {
  return agents.some(({ readyUnixMs }) => readyUnixMs === undefined) ||
    [...agents, ...legacy].some(({ failure }) => failure !== undefined);
}

function planOf(options: DemoOptions): Plan {
  const nodes = whole("nodes", options.nodes ?? DEFAULT_NODES, MIN_NODES, MAX_NODES);
  const legacy = whole("legacy", options.legacy ?? DEFAULT_LEGACY, 0, MAX_LEGACY);
  const seconds = options.seconds ?? 0;
  if (!(seconds >= 0 && seconds <= MAX_SECONDS)) throw outOfRange("seconds", 0, MAX_SECONDS);
  return {
    nodes,
    legacy,
    keepMs: seconds * 1000,
    completeLimitMs: Math.max(COMPLETE_LIMIT_MS + nodes * LIMIT_PER_NODE_MS, seconds * 1000),
    startLimitMs: START_LIMIT_MS + nodes * LIMIT_PER_NODE_MS,
  };
}

function whole(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) throw outOfRange(name, min, max);
  return value;
}

function outOfRange(name: string, min: number, max: number): RangeError {
  return new RangeError(`Cannot run the demo: ${name} is outside ${min}..${max}`);
}
