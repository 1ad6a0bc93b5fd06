/**
 * The recruiter: dials whom the plan says, for ever, and remembers who lives at which address.
 *
 * A given address (`--peer`) is asked in JSON first, for it may be an old node's, and upgraded where it
 * can; a peer known by its key is dialled sealed at once. An old node is asked again before its entry
 * expires. An address that turns out to be our own is not dialled again.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { parsePeerId, type PeerId, shortId } from "../base/peer_id.ts";
import type { DialPlan, Target } from "../mesh/dial_plan.ts";
import { type Address, formatAddress } from "../net/address.ts";
import type { Node } from "../node/node.ts";
import type { DialOutcome } from "../node/node_events.ts";

export interface RecruiterOptions {
  readonly plan: DialPlan;
  readonly node: Node;
  readonly clock: Clock;
  readonly log: Log;
}

const TICK_MS = 250;
/** Well inside the 120 s after which a silent old node expires. */
const REFRESH_UNVERIFIED_MS = 45_000;

export class Recruiter {
  readonly #options: RecruiterOptions;
  readonly #timer: Timer;
  /** Who answered at a given address; `self` for our own. */
  readonly #owners = new Map<string, PeerId | "self">();
  /** Targets whose failure has been told: the first of a row is news, the others are not. */
  readonly #failing = new Set<string>();
  readonly #dials = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: RecruiterOptions) {
    this.#options = options;
    this.#timer = scheduleEvery(options.clock, TICK_MS, () => this.dialDue());
  }

  /** Dials everything that is due now. */
  dialDue(): void {
    if (this.#isClosed) return;
    const { plan, clock } = this.#options;
    for (const { target, address } of plan.due(clock.now(), (each) => this.#isWanted(each))) {
      const dial = this.#dial(target, address).finally(() => this.#dials.delete(dial));
      this.#dials.add(dial);
    }
  }

  /** Dials no more; resolves when the dials under way are settled. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.cancel();
    await Promise.all(this.#dials);
  }

  #isWanted(target: Target): boolean {
    const owner = target.id ?? this.#owners.get(target.key);
    if (owner === "self") return false;
    return owner === undefined || !this.#options.node.isConnected(owner);
  }

  async #dial(target: Target, address: Address): Promise<void> {
    const { node, plan, clock } = this.#options;
    const outcome = await node.dial(
      address,
      target.id ? { approach: "seal", expected: target.id } : { approach: "ask_then_seal" },
    );
    this.#report(target, address, outcome);
    const nowMs = clock.now();
    if (outcome.type === "answered") plan.settle(target.key, nowMs, REFRESH_UNVERIFIED_MS);
    else plan.settle(target.key, nowMs, outcome.type === "session" ? 0 : undefined);
    this.dialDue();
  }

  #report(target: Target, address: Address, outcome: DialOutcome): void {
    const where = formatAddress(address);
    const id = outcome.type === "failed" ? undefined : parsePeerId(outcome.id);
    if (id && this.#options.node.isConnected(id)) this.#owners.set(target.key, id);
    if (outcome.type !== "failed") return void this.#failing.delete(target.key);
    if (outcome.code === "self_connection" && !target.id) this.#owners.set(target.key, "self");
    const level = target.id || this.#failing.has(target.key) ? "debug" : "warn";
    if (!target.id) this.#failing.add(target.key);
    this.#options.log(level, "peer not reached", {
      address: where,
      peer: target.id && shortId(target.id),
      code: outcome.code,
      next: "dialled again",
    });
  }
}
