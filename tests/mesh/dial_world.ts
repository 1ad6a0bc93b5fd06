/** A dial plan in a world that answers as the test wants, under a time that moves when told to. */

import { seededRandom } from "../../src/base/random.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { type Dial, DialPlan } from "../../src/mesh/dial_plan.ts";
import type { Target } from "../../src/mesh/dial_targets.ts";
import { type Address, formatAddress } from "../../src/net/address.ts";
import type { DialOutcome } from "../../src/node/node_events.ts";

/** What becomes of a dial, and how long that takes. */
export interface Answer {
  readonly outcome: DialOutcome;
  readonly tookMs: number;
}

export const REFUSED: Answer = failed("refused");
export const SILENT: Answer = failed("timeout", 3_000);
export const OLD_NODE: Answer = { outcome: { type: "answered", id: "python-node" }, tookMs: 0 };

/** How often the plan is asked; real agents ask half as often. */
const STEP_MS = 50;

export function failed(code: string, tookMs = 0): Answer {
  return { outcome: { type: "failed", code }, tookMs };
}

export function at(n: number): Address {
  return { host: `10.0.${n >> 8}.${n & 255}`, port: 9000 };
}

/** An id that nobody has a key of. */
export function madeUp(n: number): PeerId {
  return `${n}`.padStart(52, "a") as PeerId;
}

export class DialWorld {
  readonly plan = new DialPlan(seededRandom(4));
  /** Every dial: when, where to and whom. */
  readonly dials: { readonly atMs: number; readonly to: string; readonly target: Target }[] = [];
  /** Peers in session with us, which nobody wants to dial. */
  readonly connected = new Set<PeerId>();
  answer: (dial: Dial) => Answer = () => REFUSED;
  nowMs = 0;
  maxInFlight = 0;
  readonly #pending: { readonly dial: Dial; readonly endMs: number; readonly answer: Answer }[] =
    [];

  /** Lets time pass; at each step what is over is settled and what is due is dialled. */
  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    this.step();
    while (this.nowMs < untilMs) {
      this.nowMs += STEP_MS;
      this.step();
    }
  }

  /** Settles and dials until nothing more happens at this moment. */
  step(): void {
    do {
      while (this.#settleOne()) {
        // Each in turn.
      }
    } while (this.#dial() > 0);
  }

  /** When each of the dials began that went to `host`, ms. */
  timesOf(host: string): readonly number[] {
    return this.dials.filter(({ to }) => to === `${host}:9000`).map(({ atMs }) => atMs);
  }

  /** The hosts dialled since `fromMs`, in order. */
  hostsSince(fromMs: number): readonly string[] {
    return this.dials.filter(({ atMs }) => atMs >= fromMs).map(({ to }) => to.replace(":9000", ""));
  }

  #dial(): number {
    const dials = this.plan.due(
      this.nowMs,
      ({ id }) => id === undefined || !this.connected.has(id),
    );
    for (const dial of dials) {
      const answer = this.answer(dial);
      const to = formatAddress(dial.address);
      this.dials.push({ atMs: this.nowMs, to, target: dial.target });
      this.#pending.push({ dial, endMs: this.nowMs + answer.tookMs, answer });
    }
    this.maxInFlight = Math.max(this.maxInFlight, this.plan.stats(this.nowMs).inFlight);
    return dials.length;
  }

  #settleOne(): boolean {
    const index = this.#pending.findIndex(({ endMs }) => endMs <= this.nowMs);
    const [ended] = index < 0 ? [] : this.#pending.splice(index, 1);
    if (!ended) return false;
    this.plan.settle(ended.dial, this.nowMs, ended.answer.outcome);
    return true;
  }
}

/** The waits between one instant and the next. */
export function gapsOf(times: readonly number[]): readonly number[] {
  return times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
}
