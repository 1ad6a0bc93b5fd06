/** One participant of one job, sans-IO. */

import type { JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import type { Evaluation } from "../worker/evaluator.ts";
import type {
  EvolutionMessage,
  JobNodeOptions,
  JobOutcome,
  JobPeers,
  JobPhase,
  JobView,
} from "./job_outlet.ts";
import type { OrderAction } from "./order.ts";

export class JobNode {
  constructor(_options: JobNodeOptions, _nowMs: number) {}

  /** From what {@link snapshot} gave. Throws `FieldError` for what it cannot read. */
  static restore(_options: JobNodeOptions, _snapshot: unknown, _nowMs: number): JobNode {
    throw new Error("Cannot restore a job: not written yet");
  }

  get phase(): JobPhase {
    return "searching";
  }

  get outcome(): JobOutcome | undefined {
    return undefined;
  }

  /** When {@link advance} is wanted next, at the latest. */
  get deadlineMs(): number {
    return Infinity;
  }

  advance(_nowMs: number): void {}

  /** A message of this job. What is malformed or forged in it is dropped. */
  receive(_from: PeerId, _type: EvolutionMessage, _data: JsonObject, _nowMs: number): void {}

  setPeers(_peers: JobPeers, _nowMs: number): void {}

  /** How many evaluations can run at a time now. */
  setSlots(_slots: number, _nowMs: number): void {}

  /** One outcome for each genome of the batch, in order. */
  evaluated(_batchId: number, _evaluations: readonly Evaluation[], _nowMs: number): void {}

  /** Begins no new evaluation until {@link resume}; `reason` is told to the others. */
  pause(_reason: string, _nowMs: number): void {}

  resume(_nowMs: number): void {}

  /** Stops the job for everybody, or lets it go on. Throws `JobError` `stranger` unless we own it or are an admin. */
  order(_action: OrderAction, _nowMs: number): void {}

  /** Says that we take part no more. */
  leave(_nowMs: number): void {}

  view(_nowMs: number): JobView {
    throw new Error("Cannot show a job: not written yet");
  }

  /** Everything we know of the job, for who does not take part, in pages that fit into messages. */
  statePages(): readonly JsonObject[] {
    return [];
  }

  /** A checkpoint, as JSON. */
  snapshot(_nowMs: number): JsonObject {
    return {};
  }
}
