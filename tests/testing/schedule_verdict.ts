/** Whether what the actors of a schedule saw is what the channel promises. */

import type { FrameLedger } from "./frame_ledger.ts";
import { otherSide, type SideIndex, SIDES } from "./link_pair.ts";
import type { Result } from "./schedule_actors.ts";
import type { Party, StreamRecord } from "./schedule_party.ts";
import type { HalfPlan, StreamPlan } from "./schedule_plan.ts";
import { outcomesOf } from "./schedule_requests.ts";

interface Judging {
  readonly isLost: boolean;
  /** Where violations are noted. */
  readonly notes: string[];
}

export function judgeStreams(
  records: readonly StreamRecord[],
  ledger: FrameLedger,
  { isLost, notes }: Judging,
): void {
  for (const record of records) {
    const codes = codesOf(record.plan);
    if (isLost) codes.push("lost");
    for (const writer of SIDES) {
      const half = new Half(record, writer, ledger);
      for (const rule of half.broken(codes, isLost)) {
        notes.push(`stream ${record.id} from side ${writer}: ${rule}; ${half}`);
      }
    }
  }
}

export function judgeRequests(parties: readonly Party[], { isLost, notes }: Judging): void {
  for (const { replies } of parties) {
    for (const [plan, outcome] of replies) {
      const outcomes = outcomesOf(plan);
      // A reply that has begun to come ends as its stream does.
      const allowed = isLost ? [...outcomes, "closed", "lost"] : outcomes;
      if (allowed.includes(outcome)) continue;
      notes.push(`request ${plan.number} ${plan.type} came to ${outcome}, not ${allowed}`);
    }
  }
}

/** The reasons for which a stream may be reset. */
function codesOf({ forth, back }: StreamPlan): string[] {
  const codes: string[] = [];
  for (const { stop, writing, reading } of [forth, back]) {
    if (!stop) continue;
    const isWeb = (stop.by === "writer" ? writing : reading) === "web";
    codes.push(isWeb ? "cancelled" : `${stop.by}_stopped`);
  }
  return codes;
}

/** One direction of a stream, from both ends. */
class Half {
  readonly #plan: HalfPlan;
  readonly #written: Result | undefined;
  readonly #read: Result | undefined;
  readonly #closed: readonly (string | undefined)[];
  readonly #sentBytes: number;
  /** All of it left, and the reader's side wanted it to the end. */
  readonly #isReadable: boolean;

  constructor(record: StreamRecord, writer: SideIndex, ledger: FrameLedger) {
    const { id, plan, written, read, closed } = record;
    const reader = otherSide(writer);
    this.#plan = writer === plan.opener ? plan.forth : plan.back;
    this.#written = written[writer];
    this.#read = read[reader];
    this.#closed = closed;
    const sent = ledger.sentOn(writer, id);
    this.#sentBytes = sent?.sentBytes ?? 0;
    const isReset = ledger.sentOn(reader, id)?.isResetSent ?? false;
    this.#isReadable = (sent?.isCloseSent ?? false) && !isReset;
  }

  /** The promises that were not kept; `codes` are those with which the stream may fail. */
  *broken(codes: readonly string[], isLost: boolean): Generator<string> {
    const { bytes } = this.#plan;
    const read = this.#read;
    for (const result of [this.#written, read]) {
      if (result?.code !== undefined && !codes.includes(result.code)) {
        yield `failed as ${result.code}`;
      }
    }
    for (const code of this.#closed) {
      if (code !== undefined && code !== "ok" && !codes.includes(code)) yield `closed as ${code}`;
    }
    if (read && read.bytes > this.#sentBytes) yield `read more than ${this.#sentBytes}`;
    if (read?.end === "ended" && read.bytes !== bytes) yield "ended elsewhere";
    if (isLost) return;
    if (this.#isReadable && read?.end === "failed") yield "ended, and could not be read to its end";
    if (codes.length > 0) return;
    if (this.#written?.end !== "ended" || read?.end !== "ended") yield "did not end";
    if (this.#closed.join() !== "ok,ok") yield `closed as ${this.#closed.join()}`;
  }

  toString(): string {
    return `${JSON.stringify(this.#plan)}, written ${JSON.stringify(this.#written)}, read ` +
      JSON.stringify(this.#read);
  }
}
