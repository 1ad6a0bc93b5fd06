/**
 * Jobs: what is searched for, by whom it is wanted, and what it may cost. A job is a signed JSON object; its id is
 * a hash of that, so nobody can change a job and keep its name (PROTOCOL.md section 13).
 *
 * Within the job's core a fitness is always a cost, lower is better; {@link toCost} and {@link toFitness} stand
 * between that and what the job's worker returns and people see.
 */

import { encodeBase32, encodeUtf8 } from "../../base/bytes.ts";
import { CodedError } from "../../base/errors.ts";
import { FieldError, Fields, isShallow, type JsonObject } from "../../base/guards.ts";
import { parsePeerId, type PeerId, publicKeyOf } from "../../base/peer_id.ts";
import { isSignedBy, type MessageSigner, signed, signedBytes } from "../../discovery/signature.ts";
import type { Primitives } from "../../noise/primitives.ts";
import { MAX_DIMS, readSpace, type Space } from "../evolve/space.ts";

declare const brand: unique symbol;
/** The first 16 bytes of SHA-256 of what a job's signature covers, in lower-case base32: 26 characters. */
export type JobId = string & { readonly [brand]: "JobId" };

export const JOB_TYPES = Object.freeze(["nightly", "breakthrough", "emergency"] as const);
export type JobType = typeof JOB_TYPES[number];

/** What of cryptography a job needs. */
export type JobCrypto = Pick<Primitives, "verify" | "sha256">;

export type JobWorker =
  | {
    readonly kind: "module";
    /** Lower-case hexadecimal, of the module's bytes. */
    readonly sha256: string;
    readonly bytes: number;
    readonly language: "js" | "ts";
  }
  /** A program that each device's owner configured under this name. */
  | { readonly kind: "command"; readonly name: string };

export interface JobLimits {
  readonly timeS: number;
  /** Of all participants together. */
  readonly evaluations: number | null;
  /** How long one evaluation may take. */
  readonly evaluationMs: number;
  readonly memoryMb: number;
}

/** Two measurements agree when they differ by no more than the larger of both. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** What its owner wants. */
export interface JobSpec {
  readonly name: string;
  readonly owner: PeerId;
  readonly createdUnixMs: number;
  readonly type: JobType;
  readonly space: Space;
  readonly direction: "minimize" | "maximize";
  /** The fitness that ends the job, as the worker returns it. */
  readonly target: number | null;
  readonly limits: JobLimits;
  readonly worker: JobWorker;
  readonly tolerance: Tolerance;
  readonly seed: number;
  readonly maxParticipants: number | null;
  /** Handed to the worker as it is. */
  readonly options: JsonObject;
}

/** A job as the village knows it. */
export interface Job {
  readonly id: JobId;
  readonly spec: JobSpec;
  /** As it was signed by its owner. */
  readonly signed: JsonObject;
}

/**
 * `malformed`: it cannot be read. `forged`: its owner did not sign it. `stranger`: its owner does not belong here.
 * `too_large`: a message could not carry it.
 */
export class JobError extends CodedError<"malformed" | "forged" | "stranger" | "too_large"> {
  override readonly name = "JobError";
}

export const DEFAULT_LIMITS: Pick<JobLimits, "evaluations" | "evaluationMs" | "memoryMb"> = Object
  .freeze({ evaluations: null, evaluationMs: 60_000, memoryMb: 256 });
export const DEFAULT_TOLERANCE: Tolerance = Object.freeze({ relative: 1e-6, absolute: 1e-9 });

export const MAX_TIME_S = 7 * 86_400;
export const MAX_EVALUATIONS = 1e15;
export const MAX_MODULE_BYTES = 2 ** 20;
export const MAX_PARTICIPANTS = 1_024;
/** UTF-8 bytes of a job's options as JSON. */
export const MAX_OPTIONS_BYTES = 4_096;
/** Canonical JSON that the signature covers: with a list of candidates it still fits into one envelope. */
export const MAX_JOB_BYTES = 32_768;
/** Beyond it sums and differences could overflow. */
export const MAX_FITNESS = 1e300;
const MAX_OPTIONS_DEPTH = 8;
const JOB_ID = /^[a-z2-7]{26}$/;
const TYPE = "EVOLUTION_JOB";
const KEYS = [
  "type",
  "version",
  "name",
  "owner",
  "created_unix_ms",
  "evolution_type",
  "space",
  "direction",
  "target",
  "limits",
  "worker",
  "tolerance",
  "seed",
  "max_participants",
  "options",
  "signature",
];

/** Reads a job's id; `undefined` where `text` is none. */
export function parseJobId(text: unknown): JobId | undefined {
  return typeof text === "string" && JOB_ID.test(text) ? text as JobId : undefined;
}

/** Signs a job with the key of its owner. Throws {@link JobError} for what nobody would accept. */
export function signJob(spec: JobSpec, signer: MessageSigner, crypto: JobCrypto): Job {
  return readJob(signed(writeSpec(spec), signer), crypto);
}

/**
 * Reads a job that came from outside. `belongs` says whose jobs are taken; without it, anybody's. Throws
 * {@link JobError}.
 */
export function readJob(
  value: unknown,
  crypto: JobCrypto,
  belongs: (owner: PeerId) => boolean = () => true,
): Job {
  try {
    const fields = Fields.of(value, "job");
    const spec = readSpec(fields);
    checkSignature(fields.value, spec.owner, crypto);
    if (!belongs(spec.owner)) {
      throw new JobError("stranger", "Cannot take job: its owner does not belong to this network");
    }
    return Object.freeze({ id: jobIdOf(fields.value, crypto), spec, signed: fields.value });
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new JobError("malformed", error.message, { cause: error });
  }
}

/** What a worker's `fitness` costs: lower is better. */
export function toCost({ direction }: Pick<JobSpec, "direction">, fitness: number): number {
  return direction === "maximize" ? -fitness : fitness;
}

/** The worker's fitness that a cost stands for. */
export function toFitness(spec: Pick<JobSpec, "direction">, cost: number): number {
  return toCost(spec, cost);
}

/** Whether `cost` is what the job was after. */
export function reachesTarget(spec: JobSpec, cost: number): boolean {
  return spec.target !== null && cost <= toCost(spec, spec.target);
}

/** Whether two measurements of one genome agree. */
export function agree({ relative, absolute }: Tolerance, a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(absolute, relative * Math.max(Math.abs(a), Math.abs(b)));
}

function checkSignature(value: JsonObject, owner: PeerId, crypto: JobCrypto): void {
  const length = signedBytes(value).length;
  if (length > MAX_JOB_BYTES) {
    throw new JobError("too_large", `Cannot take job: length ${length} exceeds ${MAX_JOB_BYTES}`);
  }
  if (!isSignedBy(publicKeyOf(owner), value, crypto.verify)) {
    throw new JobError("forged", "Cannot take job: its owner did not sign it");
  }
}

function jobIdOf(value: JsonObject, { sha256 }: JobCrypto): JobId {
  return encodeBase32(sha256(signedBytes(value)).slice(0, 16)) as JobId;
}

function writeSpec(spec: JobSpec): JsonObject {
  return {
    type: TYPE,
    version: 1,
    name: spec.name,
    owner: spec.owner,
    created_unix_ms: spec.createdUnixMs,
    evolution_type: spec.type,
    space: writeSpace(spec.space),
    direction: spec.direction,
    target: spec.target,
    limits: writeLimits(spec.limits),
    worker: { ...spec.worker },
    tolerance: { ...spec.tolerance },
    seed: spec.seed,
    max_participants: spec.maxParticipants,
    options: spec.options,
  };
}

/** A job's limits as they travel, and as people are shown them. */
export function writeLimits({ timeS, evaluations, evaluationMs, memoryMb }: JobSpec["limits"]) {
  return { time_s: timeS, evaluations, evaluation_ms: evaluationMs, memory_mb: memoryMb };
}

/** Bounds that are the same everywhere are written once. */
function writeSpace(space: Space): JsonObject {
  if (space.kind !== "real") return { ...space };
  return { ...space, lower: writeBounds(space.lower), upper: writeBounds(space.upper) };
}

function writeBounds(bounds: readonly number[]): number | readonly number[] {
  const [first] = bounds;
  return first !== undefined && bounds.every((bound) => bound === first) ? first : bounds;
}

function readSpec(fields: Fields): JobSpec {
  onlyKeys(fields, KEYS, "job");
  fields.oneOf("type", [TYPE]);
  fields.integer("version", { min: 1, max: 1 });
  const owner = parsePeerId(fields.text("owner", { maxLength: 64 }));
  if (!owner) throw new FieldError("invalid_field", "job.owner", "it is no peer id");
  return Object.freeze({
    name: fields.text("name", { maxLength: 64 }),
    owner,
    createdUnixMs: fields.integer("created_unix_ms", { min: 0, max: 1e14 }),
    type: fields.oneOf("evolution_type", JOB_TYPES),
    space: readSpace(widened(fields.object("space"))),
    direction: fields.oneOf("direction", ["minimize", "maximize"]),
    target: fields.numberOrNull("target", { min: -MAX_FITNESS, max: MAX_FITNESS }),
    limits: readLimits(fields.object("limits")),
    worker: readWorker(fields.object("worker")),
    tolerance: readTolerance(fields.object("tolerance")),
    seed: fields.integer("seed", { min: 0, max: 0xffff_ffff }),
    maxParticipants: integerOrNull(fields, "max_participants", MAX_PARTICIPANTS),
    options: readOptions(fields),
  });
}

/** Gives each dimension its bounds; `dims` is checked first, since it says how many that are. */
function widened(fields: Fields): JsonObject {
  const { value } = fields;
  if (fields.raw("kind") !== "real") {
    onlyKeys(fields, ["kind", "dims"], "space");
    return value;
  }
  onlyKeys(fields, ["kind", "dims", "lower", "upper"], "space");
  const dims = fields.integer("dims", { min: 1, max: MAX_DIMS });
  const each = (bound: unknown) =>
    typeof bound === "number" ? Array.from({ length: dims }, () => bound) : bound;
  return { ...value, lower: each(value["lower"]), upper: each(value["upper"]) };
}

function readLimits(fields: Fields): JobLimits {
  onlyKeys(fields, ["time_s", "evaluations", "evaluation_ms", "memory_mb"], "limits");
  return {
    timeS: fields.number("time_s", { min: 1, max: MAX_TIME_S }),
    evaluations: integerOrNull(fields, "evaluations", MAX_EVALUATIONS),
    evaluationMs: fields.integer("evaluation_ms", { min: 1, max: 86_400_000 }),
    memoryMb: fields.integer("memory_mb", { min: 16, max: 1_048_576 }),
  };
}

function readWorker(fields: Fields): JobWorker {
  const kind = fields.oneOf("kind", ["module", "command"]);
  if (kind === "command") {
    onlyKeys(fields, ["kind", "name"], "worker");
    return { kind, name: fields.text("name", { maxLength: 64 }) };
  }
  onlyKeys(fields, ["kind", "sha256", "bytes", "language"], "worker");
  const sha256 = fields.text("sha256", { minLength: 64, maxLength: 64 });
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new FieldError("invalid_field", "job.worker.sha256", "it is no SHA-256");
  }
  const bytes = fields.integer("bytes", { min: 1, max: MAX_MODULE_BYTES });
  return { kind, sha256, bytes, language: fields.oneOf("language", ["js", "ts"]) };
}

function readTolerance(fields: Fields): Tolerance {
  onlyKeys(fields, ["relative", "absolute"], "tolerance");
  return {
    relative: fields.number("relative", { min: 0, max: 1 }),
    absolute: fields.number("absolute", { min: 0, max: MAX_FITNESS }),
  };
}

function readOptions(fields: Fields): JsonObject {
  const { value } = fields.object("options");
  if (!isShallow(value, MAX_OPTIONS_DEPTH)) {
    throw new FieldError("invalid_field", "job.options", `deeper than ${MAX_OPTIONS_DEPTH} levels`);
  }
  const length = encodeUtf8(JSON.stringify(value)).length;
  if (length > MAX_OPTIONS_BYTES) {
    throw new FieldError(
      "invalid_field",
      "job.options",
      `${length} bytes exceed ${MAX_OPTIONS_BYTES}`,
    );
  }
  return value;
}

function integerOrNull(fields: Fields, key: string, max: number): number | null {
  return fields.raw(key) === null ? null : fields.integer(key, { min: 1, max });
}

/** Nothing beyond `keys` is kept or passed on, however well it is signed. */
export function onlyKeys(fields: Fields, keys: readonly string[], path: string): void {
  if (!Object.keys(fields.value).every((key) => keys.includes(key))) {
    throw new FieldError("invalid_field", path, "it has a field that is not known");
  }
}
