/**
 * What `hamlet evolve` asks for: its flags, and what the module says of itself where they leave something out
 * (`export function describe()`). Everything is checked here, so that a mistake is told in the words of the flags.
 */

import { FieldError, Fields, isPrintable, type JsonObject } from "../base/guards.ts";
import type { EvolveBody } from "../control/job_request.ts";
import { MAX_DIMS, readSpace, type Space } from "../work/evolve/space.ts";
import type { ModuleDescription } from "../work/worker/protocol.ts";
import { type GivenFlags, oneOf, wholeNumber } from "./flags.ts";
import { parseByteSize, parseDuration } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const SPACES = ["real", "bits", "permutation"] as const;
const TYPES = ["nightly", "breakthrough", "emergency"] as const;

const DEFAULT_TIME_S = 600;
const MAX_TIME_S = 7 * 86_400;
const DEFAULT_EVALUATION_S = 60;
const MAX_EVALUATION_S = 3_600;
const DEFAULT_MEMORY_MB = 256;
const MEMORY_MB = Object.freeze({ min: 32, max: 65_536 });
const MAX_EVALUATIONS = 1e15;
const MAX_PARTICIPANTS = 1_024;
const MAX_NAME_LENGTH = 64;
const MAX_OPTIONS_BYTES = 4_096;
const TOLERANCE = Object.freeze({ relative: 1e-6, absolute: 1e-9 });
const MAX_SEED = 2 ** 32 - 1;

export interface JobSource {
  readonly worker: EvolveBody["worker"];
  /** What it is called unless a flag says so: after the file or the worker. */
  readonly name: string;
  /** What its `describe` says, as far as it does. */
  readonly description: Partial<ModuleDescription>;
  /** For a job that names none. */
  readonly seed: number;
}

/** The request for a job. Throws {@link UsageError}. */
export function readJobRequest(flags: GivenFlags, source: JobSource): EvolveBody {
  const described = source.description;
  const evaluations = flags.text("evaluations");
  const participants = flags.text("max-participants");
  const seed = flags.text("seed");
  return {
    name: readName(flags.text("name") ?? described.name ?? source.name),
    type: oneOf("--type", flags.text("type") ?? "breakthrough", TYPES),
    space: readSearchSpace(flags, described),
    direction: flags.has("maximize") ? "maximize" : described.direction ?? "minimize",
    target: readTarget(flags.text("target")) ?? described.target ?? null,
    limits: {
      time_s: durationOf(flags, "time", { absent: DEFAULT_TIME_S, max: MAX_TIME_S }),
      evaluations: evaluations === undefined
        ? null
        : wholeNumber("--evaluations", evaluations, { min: 1, max: MAX_EVALUATIONS }),
      evaluation_ms: 1_000 *
        durationOf(flags, "evaluation-time", {
          absent: DEFAULT_EVALUATION_S,
          max: MAX_EVALUATION_S,
        }),
      memory_mb: readMemory(flags.text("memory")),
    },
    worker: source.worker,
    tolerance: readTolerance(flags.text("tolerance")),
    seed: seed === undefined ? source.seed : wholeNumber("--seed", seed, { min: 0, max: MAX_SEED }),
    max_participants: participants === undefined
      ? null
      : wholeNumber("--max-participants", participants, { min: 1, max: MAX_PARTICIPANTS }),
    options: readOptions(flags.text("options")),
  };
}

function readName(text: string): string {
  const name = text.trim();
  if (name && name.length <= MAX_NAME_LENGTH && isPrintable(name)) return name;
  throw new UsageError(`--name takes 1 to ${MAX_NAME_LENGTH} printable characters`);
}

function readSearchSpace(flags: GivenFlags, described: JobSource["description"]): Space {
  const { space } = described;
  const kind = oneOf("--space", flags.text("space") ?? space?.kind ?? "real", SPACES);
  const dims = readDims(flags.text("dims") ?? space?.dims ?? described.dims, kind);
  const given = flags.list("bounds");
  if (kind !== "real") {
    if (given.length > 0) throw new UsageError(`--bounds is for --space real, not ${kind}`);
    return { kind, dims };
  }
  if (given.length === 0 && space?.kind === "real" && space.dims === dims) return space;
  const pairs = given.length > 0
    ? given.map(readBoundsFlag)
    : described.bounds && [described.bounds];
  if (!pairs) {
    throw new UsageError(
      "--bounds is missing: what each number lies between, e.g. --bounds -5,5; or return bounds " +
        "from the module's describe()",
    );
  }
  if (pairs.length !== 1 && pairs.length !== dims) {
    throw new UsageError(
      `--bounds takes one pair for all, or one for each of the ${dims} dimensions, ` +
        `not ${pairs.length}`,
    );
  }
  const pairAt = (index: number) => pairs[pairs.length === 1 ? 0 : index] ?? [NaN, NaN];
  const each = Array.from({ length: dims }, (_, index) => pairAt(index));
  return checked({
    kind,
    dims,
    lower: each.map(([low]) => low),
    upper: each.map(([, high]) => high),
  });
}

function checked(space: Space): Space {
  try {
    return readSpace(space);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new UsageError(`these bounds cannot be searched: ${error.message}`);
  }
}

function readDims(given: string | number | null | undefined, kind: Space["kind"]): number {
  if (given === undefined || given === null) {
    throw new UsageError(
      "--dims is missing: how many numbers a genome has, e.g. --dims 20; or return dims from the " +
        "module's describe()",
    );
  }
  return wholeNumber("--dims", String(given), {
    min: kind === "permutation" ? 2 : 1,
    max: MAX_DIMS,
  });
}

function readBoundsFlag(text: string): readonly [number, number] {
  const [low = NaN, high = NaN, ...rest] = text.split(",").map(numberOf);
  if (rest.length > 0 || Number.isNaN(low) || Number.isNaN(high)) {
    throw new UsageError(`--bounds takes LOW,HIGH, e.g. -5,5, not "${text}"`);
  }
  if (low < high) return [low, high];
  const hint = low > high ? `; did you mean --bounds ${high},${low}?` : "";
  throw new UsageError(`--bounds takes LOW,HIGH with LOW below HIGH, not "${text}"${hint}`);
}

function readTarget(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const target = numberOf(text);
  if (Number.isFinite(target)) return target;
  throw new UsageError(`--target takes a number, e.g. 1e-8, not "${text}"`);
}

function readTolerance(text: string | undefined): EvolveBody["tolerance"] {
  if (text === undefined) return TOLERANCE;
  const [relative = NaN, absolute = TOLERANCE.absolute, ...rest] = text.split(",").map(numberOf);
  const isSane = relative >= 0 && relative <= 1 && absolute >= 0 && absolute < Infinity;
  if (rest.length === 0 && isSane) return { relative, absolute };
  throw new UsageError(
    `--tolerance takes RELATIVE or RELATIVE,ABSOLUTE, e.g. 1e-6,1e-9, not "${text}"`,
  );
}

function readMemory(text: string | undefined): number {
  if (text === undefined) return DEFAULT_MEMORY_MB;
  const mb = Math.round(parseByteSize("--memory", text) / 2 ** 20);
  if (mb >= MEMORY_MB.min && mb <= MEMORY_MB.max) return mb;
  throw new UsageError(
    `--memory takes ${MEMORY_MB.min}MiB to ${MEMORY_MB.max / 1_024}GiB, not "${text}"`,
  );
}

function readOptions(text: string | undefined): JsonObject {
  if (text === undefined) return {};
  const wrong = (why: string) => new UsageError(`--options takes a JSON object${why}`);
  if (text.length > MAX_OPTIONS_BYTES) throw wrong(` of at most ${MAX_OPTIONS_BYTES} bytes`);
  try {
    return Fields.of(JSON.parse(text), "options").value;
  } catch {
    throw wrong(`, e.g. '{"episodes":100}'`);
  }
}

function durationOf(
  flags: GivenFlags,
  name: string,
  { absent, max }: { readonly absent: number; readonly max: number },
): number {
  const text = flags.text(name);
  return text === undefined ? absent : parseDuration(`--${name}`, text, { min: 1, max });
}

/** Decimal notation alone: `Number` reads more than that. */
function numberOf(text: string): number {
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : NaN;
}
