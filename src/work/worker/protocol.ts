/**
 * What a slot and its worker say to each other: one JSON object a line. PROTOCOL.md, "Workers".
 *
 * A worker is foreign code, or a program that talks to foreign code: of its answers nothing is believed but their
 * form, and whatever is not of that form is a {@link WorkerError} `protocol`.
 */

import { FieldError, Fields, isShallow, type JsonObject, toPrintable } from "../../base/guards.ts";
import type { Genome, Space } from "../evolve/space.ts";
import { MAX_DIMS, readSpace } from "../evolve/space.ts";
import { type Evaluation, WorkerError } from "./evaluator.ts";

/** Of this protocol. */
export const WORKER_PROTOCOL_VERSION = 1;
/** Of an answer, and of a request other than `load`. */
export const MAX_LINE_BYTES = 4 * 2 ** 20;
/** A module of 1 MiB, each byte escaped as `\u0000`. */
export const MAX_LOAD_LINE_BYTES = 8 * 2 ** 20;
/** Genomes in one batch. */
export const MAX_BATCH = 4_096;
/** Of a state that a worker wants to remember, as JSON. */
export const MAX_STATE_BYTES = 2 ** 20;
const MAX_NAME_LENGTH = 64;
const MAX_MESSAGE_LENGTH = 200;
/** So deep a state may nest. */
const MAX_STATE_DEPTH = 64;
const DIRECTIONS = ["minimize", "maximize"] as const;
/** Beyond it no fitness is of use; the search squares some. */
const MAX_TARGET = 1e300;

/** What a worker is asked. */
export type WorkerRequest =
  | { readonly type: "load"; readonly language: "js" | "ts"; readonly source: string }
  | { readonly type: "describe" }
  | {
    readonly type: "init";
    readonly version: number;
    readonly job: string;
    readonly space: Space;
    readonly seed: number;
    readonly options: JsonObject;
    /** What it wanted to remember; absent at first. */
    readonly state?: unknown;
  }
  | { readonly type: "evaluate"; readonly id: number; readonly genomes: readonly Genome[] }
  | { readonly type: "checkpoint" }
  | { readonly type: "stop" };

/** What a worker answers. */
export type WorkerAnswer =
  | { readonly type: "ready"; readonly name: string | null; readonly batch: number | null }
  | { readonly type: "description"; readonly description: ModuleDescription }
  /** `progress`: the first evaluations of a batch; `result`: all of them. */
  | {
    readonly type: "progress" | "result";
    readonly id: number;
    readonly evaluations: readonly Evaluation[];
  }
  | { readonly type: "checkpoint"; readonly state: unknown }
  | {
    readonly type: "error";
    readonly code: "invalid_module" | "init_failed";
    readonly message: string;
  };

/** What a module says of itself; `null` where it does not. */
export interface ModuleDescription {
  readonly name: string | null;
  readonly space: Space | null;
  readonly dims: number | null;
  /** The same for every dimension. */
  readonly bounds: readonly [lower: number, upper: number] | null;
  readonly direction: typeof DIRECTIONS[number] | null;
  readonly target: number | null;
}

/** `request` as a line, its end included. */
export function encodeRequest(request: WorkerRequest): string {
  return JSON.stringify(request) + "\n";
}

/** Reads one line of a worker's. Throws {@link WorkerError} `protocol`. */
export function decodeAnswer(line: string): WorkerAnswer {
  try {
    return readAnswer(Fields.of(JSON.parse(line), "answer"));
  } catch (error) {
    if (error instanceof WorkerError) throw error;
    const reason = error instanceof FieldError ? error.message : "it is not JSON";
    throw new WorkerError("protocol", `Cannot read a worker's line: ${reason}`, { cause: error });
  }
}

function readAnswer(fields: Fields): WorkerAnswer {
  const type = fields.oneOf("type", [
    "ready",
    "description",
    "progress",
    "result",
    "checkpoint",
    "error",
  ]);
  switch (type) {
    case "ready":
      return {
        type,
        name: fields.textOrNull("name", { maxLength: MAX_NAME_LENGTH }),
        batch: fields.raw("batch") === undefined
          ? null
          : fields.integer("batch", { min: 1, max: MAX_BATCH }),
      };
    case "description":
      return { type, description: readDescription(fields.object("description", { absent: {} })) };
    case "progress":
    case "result":
      return {
        type,
        id: fields.integer("id", { min: 0, max: Number.MAX_SAFE_INTEGER }),
        evaluations: fields.list("fitness", { maxItems: MAX_BATCH }).map(readFitness),
      };
    case "checkpoint":
      return { type, state: readState(fields.raw("state")) };
    case "error":
      return {
        type,
        code: fields.oneOf("code", ["invalid_module", "init_failed"]),
        message: shorten(fields.raw("message")),
      };
  }
}

/** A number, `null` for what is none, or what went wrong. */
function readFitness(item: unknown): Evaluation {
  if (typeof item === "number" && Number.isFinite(item)) return { isOk: true, fitness: item };
  if (typeof item === "object" && item !== null && Object.hasOwn(item, "error")) {
    return { isOk: false, code: "threw", message: shorten((item as { error: unknown }).error) };
  }
  return { isOk: false, code: "not_a_number", message: "the fitness is not a finite number" };
}

function readDescription(fields: Fields): ModuleDescription {
  const given = (key: string) => fields.raw(key) !== undefined && fields.raw(key) !== null;
  const dims = given("dims") ? fields.integer("dims", { min: 1, max: MAX_DIMS }) : null;
  const bounds = given("bounds") ? readBounds(fields) : null;
  return {
    name: fields.textOrNull("name", { maxLength: MAX_NAME_LENGTH }),
    space: given("space") ? readSpace(fields.raw("space")) : spaceOf(dims, bounds),
    dims,
    bounds,
    direction: given("direction") ? fields.oneOf("direction", DIRECTIONS) : null,
    target: fields.numberOrNull("target", { min: -MAX_TARGET, max: MAX_TARGET }),
  };
}

function readBounds(fields: Fields): readonly [number, number] {
  const list = fields.list("bounds", { maxItems: 2 });
  // The space's own guard knows what bounds may be.
  const space = readSpace({ kind: "real", dims: 1, lower: [list[0]], upper: [list[1]] });
  return space.kind === "real" ? [space.lower[0] ?? NaN, space.upper[0] ?? NaN] : [NaN, NaN];
}

function spaceOf(dims: number | null, bounds: readonly [number, number] | null): Space | null {
  if (dims === null || bounds === null) return null;
  const all = (bound: number) => new Array<number>(dims).fill(bound);
  return { kind: "real", dims, lower: all(bounds[0]), upper: all(bounds[1]) };
}

function readState(state: unknown): unknown {
  if (!isShallow(state, MAX_STATE_DEPTH)) {
    throw new FieldError(
      "invalid_field",
      "answer.state",
      `it nests deeper than ${MAX_STATE_DEPTH}`,
    );
  }
  const length = JSON.stringify(state ?? null).length;
  if (length > MAX_STATE_BYTES) {
    throw new FieldError("invalid_field", "answer.state", `${length} exceed ${MAX_STATE_BYTES}`);
  }
  return state ?? undefined;
}

/** A stranger's text as one short line. */
function shorten(text: unknown): string {
  if (typeof text !== "string") return "no reason was given";
  return toPrintable(
    text.slice(0, 2 * MAX_MESSAGE_LENGTH).replaceAll(/\s+/g, " "),
    MAX_MESSAGE_LENGTH,
  );
}
