/**
 * The recruiter: dials whom the plan says, for ever, and remembers who lives at which given address.
 *
 * An address whose owner is not known may be asked in JSON first, for it may be an old node's, and upgraded
 * where it can; a peer known by its key is dialled sealed at once. An address that the owner gave and that
 * turns out to be our own is not dialled again.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { parsePeerId, type PeerId, shortId } from "../base/peer_id.ts";
import type { Dial, DialPlan } from "../mesh/dial_plan.ts";
import type { Target } from "../mesh/dial_targets.ts";
import { formatAddress } from "../net/address.ts";
import type { Node } from "../node/node.ts";
import type { DialOutcome } from "../node/node_events.ts";

export interface RecruiterOptions {
  readonly plan: DialPlan;
  readonly node: Node;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a session with a peer is wanted now: in a large village not with everybody. */
  readonly wants: (id: PeerId) => boolean;
  /** Whether a peer is known to live, whoever has a session with it. */
  readonly knows: (id: PeerId) => boolean;
  /** A dial of a peer that is known by its key has come to an end. */
  readonly onSettled: (id: PeerId, outcome: DialOutcome) => void;
}

/** Half the distance between two redials, so that none waits for much more than that. */
const TICK_MS = 125;

export class Recruiter {
  readonly #options: RecruiterOptions;
  readonly #timer: Timer;
  /** Who answered at a given address; `self` for our own. */
  readonly #owners = new Map<string, PeerId | "self">();
  /** Given addresses whose failure has been told: the first of a row is news, the others are not. */
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
    for (const due of plan.due(clock.now(), (each) => this.#isWanted(each))) {
      const dial = this.#dial(due).finally(() => this.#dials.delete(dial));
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
    if (owner === undefined) return true;
    const { node, wants, knows } = this.#options;
    if (node.isConnected(owner)) return false;
    // What the owner of this device named is dialled, unless it is where a large village has let us go.
    return wants(owner) || (target.kind === "given" && !knows(owner));
  }

  async #dial(due: Dial): Promise<void> {
    const { node, plan, clock } = this.#options;
    const { target, address } = due;
    const expected = target.id && { expected: target.id };
    const outcome = await node.dial(address, { approach: target.approach, ...expected });
    this.#report(due, outcome);
    const id = outcome.type === "answered" ? parsePeerId(outcome.id) : undefined;
    // Who says no more because we are in session with it already.
    const isConnected = id !== undefined && node.isConnected(id);
    plan.settle(due, clock.now(), id && isConnected ? { type: "session", id } : outcome);
    if (target.id) this.#options.onSettled(target.id, outcome);
    this.dialDue();
  }

  #report({ target, address }: Dial, outcome: DialOutcome): void {
    const isGiven = target.kind === "given";
    if (outcome.type !== "failed") {
      const id = parsePeerId(outcome.id);
      if (isGiven && id && this.#options.node.isConnected(id)) this.#owners.set(target.key, id);
      return void this.#failing.delete(target.key);
    }
    if (isGiven && outcome.code === "self_connection") this.#owners.set(target.key, "self");
    const level = isGiven && !this.#failing.has(target.key) ? "warn" : "debug";
    if (isGiven) this.#failing.add(target.key);
    this.#options.log(level, "peer not reached", {
      address: formatAddress(address),
      peer: target.id && shortId(target.id),
      code: outcome.code,
      reason: outcome.reason,
      next: "dialled again",
    });
  }
}
