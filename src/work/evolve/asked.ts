/**
 * What CMA-ES remembers of the points that it gave away, and of their results until a generation is full, and how both
 * are kept.
 */

import type { Fields } from "../../base/guards.ts";
import { readFitness, readVector, writeFitness, writeVector } from "./search_state.ts";
import type { Vector } from "./vectors.ts";

/** A point that is under way. */
export interface Asked {
  readonly point: Vector;
  readonly run: number;
  /** The generation of its run that it was made for. */
  readonly generation: number;
}

/** A result that waits for its generation to fill. */
export interface Waiting extends Asked {
  readonly fitness: number;
  readonly isMigrant: boolean;
}

const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

export function writeAsked({ point, run, generation }: Asked) {
  return { point: writeVector(point), run, generation };
}

/** Throws {@link FieldError}, as {@link readWaiting} does. */
export function readAsked(fields: Fields, dims: number): Asked {
  return {
    point: readVector(fields, "point", dims),
    run: fields.integer("run", COUNT),
    generation: fields.integer("generation", COUNT),
  };
}

export function writeWaiting(waiting: Waiting) {
  return {
    ...writeAsked(waiting),
    fitness: writeFitness(waiting.fitness),
    is_migrant: waiting.isMigrant,
  };
}

export function readWaiting(fields: Fields, dims: number): Waiting {
  return {
    ...readAsked(fields, dims),
    fitness: readFitness(fields, "fitness"),
    isMigrant: fields.boolean("is_migrant"),
  };
}
