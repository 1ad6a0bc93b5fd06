/**
 * Jobs that this device takes no part in: it asks those who told of them for the signed records, and shows what these
 * prove. The owner and admins may stop a job from here too: an order is signed here and sent to who takes part.
 */

import { FieldError, Fields } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Identity } from "../node/identity.ts";
import type { JobPolicy } from "../work/job/job_outlet.ts";
import { readLedger } from "../work/job/job_snapshot.ts";
import type { Ledger } from "../work/job/ledger.ts";
import { type OrderAction, signOrder } from "../work/job/order.ts";
import { type Job, type JobCrypto, JobError, type JobId, readJob } from "../work/job/spec.ts";
import type { HeardJob } from "./heard_jobs.ts";
import { holdersOf, observedView } from "./job_lookup.ts";
import type { JobMail } from "./job_mail.ts";
import { type Courier, fetchState, JobRequestError } from "./job_requests.ts";
import type { ViewContext } from "./job_view_writer.ts";
import type { JobView } from "./job_views.ts";

export interface JobObserverOptions {
  readonly identity: Identity;
  readonly crypto: JobCrypto;
  readonly policy: JobPolicy;
  readonly courier: Courier;
  readonly mail: JobMail;
}

type Context = Pick<ViewContext, "self" | "nameOf"> & { readonly wallMs: number };

/** Participants that an order is sent to: each tells all others. */
const TOLD = 8;

export class JobObserver {
  readonly #options: JobObserverOptions;

  constructor(options: JobObserverOptions) {
    this.#options = options;
  }

  /** How a job is. Rejects with `JobRequestError` where nobody can say. */
  async look(id: JobId, heard: HeardJob | undefined, context: Context): Promise<JobView> {
    const { job, ledger } = await this.#fetch(id, heard);
    return observedView(job, ledger, context);
  }

  /** Stops a job, or lets it go on. Rejects with `JobError` `stranger` unless this device may. */
  async order(
    id: JobId,
    action: OrderAction,
    heard: HeardJob | undefined,
    context: Context,
  ): Promise<JobView> {
    const { identity, crypto, policy, mail } = this.#options;
    const { job, ledger } = await this.#fetch(id, heard);
    checkMayOrder(job, action, { self: identity.id, policy });
    const unixMs = Math.floor(context.wallMs);
    const seq = Math.max((ledger.order?.seq ?? 0) + 1, unixMs);
    const self = { id: identity.id, signer: identity.signing };
    const order = signOrder(id, self, { seq, action, unixMs }, crypto);
    const state = action === "stop" ? "stopped" : "running";
    const data = { state, order: order.signed, consensus: null };
    for (const to of recipients(ledger, heard)) {
      mail.send(to, { job, type: "EVOLUTION_COMPLETE", data });
    }
    ledger.addOrder(order);
    return observedView(job, ledger, context);
  }

  async #fetch(
    id: JobId,
    heard: HeardJob | undefined,
  ): Promise<{ readonly job: Job; readonly ledger: Ledger }> {
    const { crypto, policy, courier } = this.#options;
    const fields = await fetchState(courier, id, holdersOf(heard, heard?.owner));
    try {
      const job = readJob(fields.raw("job"), crypto, policy.belongs);
      if (job.id !== id) throw new FieldError("invalid_field", "state.job", "it is another");
      const mayOrder = (who: PeerId) => who === job.spec.owner || policy.isAdmin(who);
      return {
        job,
        ledger: readLedger(Fields.of(fields.raw("ledger")), { job, crypto, mayOrder }),
      };
    } catch (error) {
      if (!(error instanceof FieldError || error instanceof JobError)) throw error;
      throw new JobRequestError("no_state", `Cannot tell how the job is: ${error.message}`, {
        cause: error,
      });
    }
  }
}

/** Throws `JobError` `stranger` unless `self` may stop the job, or let it go on. */
export function checkMayOrder(
  { spec: { owner } }: Job,
  action: OrderAction,
  { self, policy }: { readonly self: PeerId; readonly policy: Pick<JobPolicy, "isAdmin"> },
): void {
  if (owner === self || policy.isAdmin(self)) return;
  throw new JobError(
    "stranger",
    `Cannot ${action} the job: only its owner and admins of the network may`,
  );
}

/** Those heard of last first. */
function recipients(ledger: Ledger, heard: HeardJob | undefined): readonly PeerId[] {
  const participants = [...ledger.participants.values()]
    .filter(({ state }) => state !== "left")
    .sort((a, b) => b.unixMs - a.unixMs).map(({ node }) => node);
  return [...new Set([...participants, ...(heard?.from ?? [])])].slice(0, TOLD);
}
