/**
 * The body of `POST /v1/evolve`: what is to be searched, and the code that evaluates.
 */

import type { JobView } from "../agent/job_views.ts";
import type { JsonObject } from "../base/guards.ts";
import type { EvolutionType } from "../node/envelope.ts";
import type { Space } from "../work/evolve/space.ts";

/** A job that somebody asks for. Its bounds are those of the job's specification (`work/job/`). */
export interface EvolveBody extends Pick<JobView, "direction" | "target" | "limits"> {
  readonly name: string;
  readonly type: EvolutionType;
  readonly space: Space;
  readonly worker:
    /** `code` in base64url, at most 1 MiB of it. */
    | { readonly kind: "module"; readonly language: "js" | "ts"; readonly code: string }
    | { readonly kind: "command"; readonly name: string };
  readonly tolerance: { readonly relative: number; readonly absolute: number };
  readonly seed: number;
  readonly max_participants: number | null;
  readonly options: JsonObject;
}
