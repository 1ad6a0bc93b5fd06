/**
 * Messages of jobs on their way to other members: at once where there is a session; otherwise the member is dialled, and
 * they wait for that, a little while and in a bounded number.
 */

import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { Priority } from "../channel/scheduler.ts";
import type { Node } from "../node/node.ts";
import type { EvolutionMessage } from "../work/job/job_outlet.ts";
import type { Job } from "../work/job/spec.ts";

export interface JobMailOptions {
  readonly node: Pick<Node, "send" | "isConnected">;
  /** Dials a member before all others. */
  readonly dial: (id: PeerId) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a message is about, and what it says. */
export interface JobMessage {
  readonly job: Pick<Job, "id"> & { readonly spec: Pick<Job["spec"], "type"> };
  readonly type: EvolutionMessage;
  readonly data: JsonObject;
}

interface Waiting {
  readonly message: JobMessage;
  readonly untilMs: number;
}

/** A message that is older than this is worth nothing: the next one says more. */
const PATIENCE_MS = 15_000;
export const MAX_WAITING_FOR_ONE = 16;
export const MAX_ADDRESSEES = 256;
/** A lower one than pings and gossip: jobs can wait. */
const PRIORITIES: Readonly<Record<Job["spec"]["type"], Priority>> = Object.freeze({
  nightly: 0,
  breakthrough: 1,
  emergency: 2,
});

export class JobMail {
  readonly #options: JobMailOptions;
  readonly #waiting = new Map<PeerId, Waiting[]>();

  constructor(options: JobMailOptions) {
    this.#options = options;
  }

  /** Members that messages wait for. */
  get addressees(): number {
    return this.#waiting.size;
  }

  send(to: PeerId, message: JobMessage): void {
    const { node, dial, clock } = this.#options;
    if (node.isConnected(to)) return this.#post(to, message);
    let queue = this.#waiting.get(to);
    if (!queue) {
      if (this.#waiting.size >= MAX_ADDRESSEES) return;
      this.#waiting.set(to, queue = []);
    }
    queue.push({ message, untilMs: clock.now() + PATIENCE_MS });
    if (queue.length > MAX_WAITING_FOR_ONE) queue.shift();
    dial(to);
  }

  /** Sends what can be sent by now, and forgets what has waited too long. */
  flush(): void {
    const { node, clock } = this.#options;
    const nowMs = clock.now();
    for (const [to, queue] of this.#waiting) {
      if (node.isConnected(to)) {
        this.#waiting.delete(to);
        for (const { message } of queue) this.#post(to, message);
        continue;
      }
      while ((queue[0]?.untilMs ?? Infinity) <= nowMs) queue.shift();
      if (queue.length === 0) this.#waiting.delete(to);
    }
  }

  /** A message may be lost; one that cannot even be written is a defect, and is told. */
  #post(to: PeerId, { job, type, data }: JobMessage): void {
    try {
      this.#options.node.send(to, type, data, {
        priority: PRIORITIES[job.spec.type],
        evolutionId: job.id,
        evolutionType: job.spec.type,
      });
    } catch (error) {
      if (!(error instanceof CodedError || error instanceof RangeError)) throw error;
      const reason = describeError(error);
      this.#options.log("warn", "job message not sent", { peer: shortId(to), type, reason });
    }
  }
}
