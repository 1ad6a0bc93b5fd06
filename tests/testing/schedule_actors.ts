/** Who writes a tape into a stream and who reads it, in the ways that a stream can be used. */

import type { Bytes } from "../../src/base/bytes.ts";
import { CodedError } from "../../src/base/errors.ts";
import { type Random, randomBelow } from "../../src/base/random.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import { readableOf, writableOf } from "../../src/channel/web_stream.ts";
import { chance, type HalfPlan, pick, type WriteSizes } from "./schedule_plan.ts";
import type { Tape } from "./tape.ts";

/** How a direction went, as its writer or its reader saw it. */
export interface Result {
  readonly bytes: number;
  /** `stopped` is by its own wish; `code` says why it failed. */
  readonly end: "ended" | "stopped" | "failed";
  readonly code?: string;
}

export interface Stage {
  readonly random: Random;
  /** Rests for a while; cut short when the session ends. */
  pause(): Promise<void>;
  onViolation(rule: string): void;
}

/** What those say who reset a stream; one that goes through a web stream cannot choose. */
export const STOP_CODES: readonly string[] = ["writer_stopped", "reader_stopped", "cancelled"];
const REST_PROBABILITY = 0.2;
const SPOIL = 0xee;

/** Writes `plan.bytes` of `tape` and ends the direction, unless it is to stop before. */
export async function writeTape(
  stream: MuxStream,
  tape: Tape,
  { plan, stage }: { readonly plan: HalfPlan; readonly stage: Stage },
): Promise<Result> {
  const { random } = stage;
  const sink = plan.writing === "web" ? webSink(stream) : plainSink(stream);
  const stop = plan.stop?.by === "writer" ? plan.stop : undefined;
  const until = stop?.at ?? plan.bytes;
  let rests = plan.writerPauses;
  let bytes = 0;
  try {
    while (bytes < until) {
      const writes: Promise<void>[] = [];
      for (let n = plan.writing === "burst" ? 1 + randomBelow(random, 4) : 1; n > 0; n--) {
        const piece = tape.copy(bytes, Math.min(drawSize(random, plan.writes), until - bytes));
        if (piece.length === 0) break;
        bytes += piece.length;
        const written = sink.write(piece);
        if (written) writes.push(written.then(() => spoil(piece)));
        else spoil(piece);
      }
      await allOf(writes);
      if (rests > 0 && chance(random, REST_PROBABILITY)) {
        rests--;
        await stage.pause();
      }
    }
    if (stop) await sink.stop();
    else await sink.end();
    return { bytes, end: stop ? "stopped" : "ended" };
  } catch (error) {
    return { bytes, end: "failed", code: codeOf(error) };
  }
}

/** Reads `stream` to its end, unless it is to stop before, and compares all of it with `tape`. */
export async function readTape(
  stream: MuxStream,
  tape: Tape,
  { plan, stage }: { readonly plan: HalfPlan; readonly stage: Stage },
): Promise<Result> {
  const stop = plan.stop?.by === "reader" ? plan.stop : undefined;
  const source = openSource(stream, plan, stage.random);
  const isLent = plan.reading === "into";
  const checker = new TapeChecker(tape, { stage, label: `stream ${stream.id}`, isLent });
  let rests = plan.readerPauses;
  try {
    for (;;) {
      if (stop && checker.bytes >= stop.at) {
        await source.cancel();
        return { bytes: checker.bytes, end: "stopped" };
      }
      const piece = await source.next();
      if (!piece) return { bytes: checker.bytes, end: "ended" };
      checker.check(piece);
      if (rests > 0 && chance(stage.random, REST_PROBABILITY)) {
        rests--;
        await stage.pause();
      }
    }
  } catch (error) {
    return { bytes: checker.bytes, end: "failed", code: codeOf(error) };
  }
}

interface CheckerOptions {
  readonly stage: Stage;
  readonly label: string;
  /** Whether pieces share a buffer that the next one overwrites. */
  readonly isLent?: boolean;
}

/** Compares what is read with a tape, when it comes and once more when the next piece has come. */
export class TapeChecker {
  bytes = 0;
  readonly #tape: Tape;
  readonly #options: CheckerOptions;
  #held: { readonly piece: Bytes; readonly at: number } | undefined;

  constructor(tape: Tape, options: CheckerOptions) {
    this.#tape = tape;
    this.#options = options;
  }

  check(piece: Bytes): void {
    this.#compare(piece, this.bytes);
    // It is the reader's, who may keep it and may write into it.
    if (this.#held && !this.#options.isLent) {
      this.#compare(this.#held.piece, this.#held.at);
      spoil(this.#held.piece);
    }
    this.#held = { piece, at: this.bytes };
    this.bytes += piece.length;
  }

  #compare(piece: Bytes, at: number): void {
    const wrong = this.#tape.mismatch(piece, at);
    if (wrong === undefined) return;
    const { stage, label } = this.#options;
    stage.onViolation(`${label} differs at byte ${wrong}`);
  }
}

export function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : String(error);
}

interface Sink {
  write(bytes: Bytes): Promise<void> | undefined;
  end(): Promise<void> | void;
  stop(): Promise<void> | void;
}

function plainSink(stream: MuxStream): Sink {
  return {
    write: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    stop: () => stream.reset("writer_stopped"),
  };
}

function webSink(stream: MuxStream): Sink {
  const writer = writableOf(stream).getWriter();
  return {
    write: (bytes) => writer.write(bytes),
    // Of a stream that has failed `closed` tells why.
    end: () => writer.close().catch(() => writer.closed),
    stop: () => writer.abort(),
  };
}

interface Source {
  next(): Promise<Bytes | undefined>;
  cancel(): Promise<void> | void;
}

function openSource(stream: MuxStream, plan: HalfPlan, random: Random): Source {
  if (plan.reading === "web") {
    const reader = readableOf(stream).getReader();
    return {
      next: async () => (await reader.read()).value,
      cancel: () => reader.cancel(),
    };
  }
  const cancel = () => stream.reset("reader_stopped");
  if (plan.reading === "read") return { next: () => stream.read(), cancel };
  const most = pick(random, plan.bytes < 20_000 ? [16, 1_000, 40_000] : [1_000, 16_384, 131_072]);
  const buffer = new Uint8Array(most);
  return {
    async next() {
      const count = await stream.readInto(buffer.subarray(0, 1 + randomBelow(random, most)));
      return count === undefined ? undefined : buffer.subarray(0, count);
    },
    cancel,
  };
}

function drawSize(random: Random, sizes: WriteSizes): number {
  if (sizes === "small") return 1 + randomBelow(random, 400);
  const isLarge = sizes === "large" || chance(random, 0.2);
  return 1 + randomBelow(random, isLarge ? 81_920 : 2_000);
}

/** Waits for all, and then throws what the first threw that failed. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  if (promises.length === 0) return;
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === "rejected") throw result.reason;
  }
}

function spoil(bytes: Bytes): void {
  bytes.fill(SPOIL);
}
