/** Plays a schedule over two links and notes whatever the channel should not have done. */

import { seededRandom } from "../../src/base/random.ts";
import { FrameLedger } from "./frame_ledger.ts";
import { LinkPair, settleAll } from "./link_pair.ts";
import { Party, priorityOf, type StreamRecord } from "./schedule_party.ts";
import { drawSchedule, type LossPlan, type SchedulePlan } from "./schedule_plan.ts";
import { judgeRequests, judgeStreams } from "./schedule_verdict.ts";

/** What a schedule came to. */
export interface Verdict {
  readonly violations: readonly string[];
  /** A digest of all frames and their times. */
  readonly trace: number;
  readonly isLost: boolean;
  readonly streams: number;
  /** Of tapes, as their readers counted them. */
  readonly bytes: number;
  /** Times a sender had used up its credit. */
  readonly stalls: number;
  readonly resets: number;
}

/** A schedule that takes longer hangs. */
const MAX_SCHEDULE_MS = 1_200_000;
/** Asked after 15 s, given up 10 s later; what was under way may come for a moment. */
const MAX_SILENCE_MS = 15_000 + 10_000 + 100;
/** What a lost link closes as: it breaks while reading or writing, or nothing comes of a frame or at all. */
const LOSS_CODES: readonly string[] = ["broken", "ended_by_peer", "frame_timeout", "silent"];
/** How long what is under way may take. */
const AFTERMATH_MS = 2_000;
const HEAL_AFTER_MS = 30;

export async function runSchedule(seed: number): Promise<Verdict> {
  const plan = drawSchedule(seed);
  const pair = await LinkPair.open(plan);
  return await new ScheduleRun(plan, pair).run();
}

class ScheduleRun {
  readonly #plan: SchedulePlan;
  readonly #pair: LinkPair;
  readonly #ledger: FrameLedger;
  readonly #records = new Map<number, StreamRecord>();
  readonly #parties: readonly Party[];
  readonly #violations: string[] = [];
  #isLossDue: boolean;
  /** The link has just been broken: nothing may take any time from here. */
  #isBroken = false;

  constructor(plan: SchedulePlan, pair: LinkPair) {
    this.#plan = plan;
    this.#pair = pair;
    this.#isLossDue = plan.loss !== undefined;
    const { clock, linkClock } = pair;
    const random = seededRandom(plan.seed + 1);
    const onViolation = (rule: string) => {
      this.#violations.push(`at ${clock.now()} ms: ${rule}`);
    };
    const ledger = this.#ledger = new FrameLedger({
      now: () => clock.now(),
      priorityOf,
      onViolation,
    });
    this.#parties = pair.ends.map((end) => {
      ledger.watch(end.index, end.mux);
      const records = this.#records;
      return new Party({ end, plan, random, clock: linkClock, ledger, records, onViolation });
    });
  }

  async run(): Promise<Verdict> {
    this.#begin();
    await this.#play();
    const isLost = this.#isLost;
    // What follows from a violation would only bury it.
    if (this.#violations.length === 0) await this.#conclude();
    const { trace, stalls, resets } = this.#ledger;
    const results = [...this.#records.values()].flatMap(({ read }) => read);
    return {
      violations: this.#violations,
      trace,
      isLost,
      streams: this.#records.size,
      bytes: results.reduce((sum, result) => sum + (result?.bytes ?? 0), 0),
      stalls,
      resets,
    };
  }

  /** Judges what all of it came to, and that nothing is left. */
  async #conclude(): Promise<void> {
    const isLost = this.#isLost;
    const judging = { isLost, notes: this.#violations };
    const codes = this.#plan.loss ? LOSS_CODES : [];
    for (const { lost, side } of this.#parties) {
      if (lost === undefined || codes.includes(lost)) continue;
      this.#violations.push(`the link of side ${side} closed as ${lost}`);
    }
    if (!isLost) await this.#settle();
    judgeStreams([...this.#records.values()], this.#ledger, judging);
    judgeRequests(this.#parties, judging);
    await this.#close();
  }

  get #isLost(): boolean {
    return this.#parties.some(({ lost }) => lost !== undefined);
  }

  #begin(): void {
    const { streams, requests, messages, pings, loss } = this.#plan;
    for (const party of this.#parties) {
      const { side } = party;
      streams.filter(({ opener }) => opener === side).forEach((plan) => party.openStream(plan));
      requests.filter(({ asker }) => asker === side).forEach((plan) => party.sendRequest(plan));
      messages.filter(({ from }) => from === side).forEach((plan) => party.sendMessage(plan));
      pings.filter(({ from }) => from === side).forEach(({ atMs }) => party.ping(atMs));
    }
    if (loss) this.#pair.clock.schedule(loss.atMs, () => this.#lose(loss));
  }

  /** Straight from the clock, so that nothing else happens between the loss and its being judged. */
  #lose({ kind }: LossPlan): void {
    const { clock } = this.#pair;
    if (kind === "broken") {
      this.#pair.break();
      this.#isBroken = true;
      this.#isLossDue = false;
      return;
    }
    this.#pair.cut();
    const afterMs = kind === "healed" ? HEAL_AFTER_MS : MAX_SILENCE_MS;
    clock.schedule(afterMs, () => {
      if (kind === "healed") this.#pair.heal();
      else this.#isBroken = true;
      this.#isLossDue = false;
    });
  }

  /** Until everybody has finished, and at every loss. */
  async #play(): Promise<void> {
    const { clock } = this.#pair;
    const { turns, graceMs } = this.#plan;
    for (;;) {
      await this.#pair.settle(turns);
      await this.#judgeLoss();
      if (this.#violations.length > 0) return;
      const busy = this.#parties.flatMap((party) => party.busy);
      if (busy.length === 0 && !this.#isLossDue) return;
      if (clock.now() > MAX_SCHEDULE_MS) {
        this.#violations.push(`after ${clock.now()} ms there is no end of ${busy.join("; ")}`);
        return;
      }
      this.#pair.advance(graceMs);
    }
  }

  /** With the session all that it carried is over, and everybody knows. */
  async #judgeLoss(): Promise<void> {
    if (!this.#isBroken && !this.#isLost) return;
    await settleAll();
    const { clock } = this.#pair;
    for (const { lost, busy, side } of this.#parties) {
      if (lost && busy.length > 0) {
        this.#violations.push(
          `at ${clock.now()} ms ${busy.join("; ")} outlive a link lost as ${lost}`,
        );
      } else if (this.#isBroken && !lost) {
        this.#violations.push(`at ${clock.now()} ms side ${side} has not noticed the loss`);
      }
    }
  }

  /** What is under way arrives, and nothing is left of the streams. */
  async #settle(): Promise<void> {
    const { clock } = this.#pair;
    const endMs = clock.now() + AFTERMATH_MS;
    for (await settleAll(); !this.#isQuiet && clock.now() < endMs; await settleAll()) {
      this.#pair.advance();
    }
    this.#ledger.settle();
    for (const { side, end: { mux }, messagesRead } of this.#parties) {
      if (mux.streams > 0) this.#violations.push(`side ${side} has ${mux.streams} streams left`);
      const sent = this.#parties.find((party) => party.side !== side)?.messagesSent ?? [];
      if (sent.join() !== messagesRead.join()) {
        this.#violations.push(`side ${side} has messages ${messagesRead}, not ${sent}`);
      }
    }
  }

  get #isQuiet(): boolean {
    return this.#ledger.isQuiet && this.#parties.every(({ end }) => !end.mux.hasOutput());
  }

  /** Ends what has not ended, after which no timer is left. */
  async #close(): Promise<void> {
    const { ends, linkClock } = this.#pair;
    ends[0]?.link.close("shutdown");
    await this.#pair.until(Promise.all(ends.map(({ link }) => link.ended)));
    for (const party of this.#parties) party.close();
    if (linkClock.pending > 0) this.#violations.push(`${linkClock.pending} timers are left`);
    for (const { faults, index } of ends) {
      for (const fault of faults) {
        this.#violations.push(`the link of side ${index} failed: ${fault}`);
      }
    }
  }
}
