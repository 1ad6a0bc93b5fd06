/**
 * What one neighbour may make us do in comparisons of tables: a digest of ten bytes asks for eleven bytes a member, an
 * empty summary for every record that we hold.
 *
 * | what                        | how much                                                                |
 * |-----------------------------|-------------------------------------------------------------------------|
 * | our summary                 | one, then none for as many seconds as it had messages                   |
 * | records, and looks for them | four times our table in a minute: an honest newcomer needs it once      |
 * | its summaries               | only after we asked with a digest of ours                               |
 *
 * What exceeds it is not answered: the neighbour may be honest and links slow, and the next comparison makes up for it.
 */

/** The rest after a summary, for each message that it had. */
const SUMMARY_REST_MS = 1_000;
const WINDOW_MS = 60_000;
const TABLES_A_WINDOW = 4;
/** Beside the share of a table, so that a small village can change often. */
const MIN_RECORDS = 256;
/** How long after a digest of ours summaries are taken, and how many: a table at its cap has 32 parts. */
const ASKED_MS = 30_000;
const MAX_PARTS = 64;

export class Allowance {
  #summaryMs = -Infinity;
  #windowMs = -Infinity;
  #records = 0;
  #askedMs = -Infinity;
  #parts = 0;

  /** Whether a summary of ours, in `parts` messages, may go; it then counts as sent. */
  takeSummary(parts: number, nowMs: number): boolean {
    if (nowMs < this.#summaryMs) return false;
    this.#summaryMs = nowMs + parts * SUMMARY_REST_MS;
    return true;
  }

  /** Whether `count` records of a table of `members` may be looked for or sent; they then count as sent. */
  takeRecords(count: number, members: number, nowMs: number): boolean {
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs;
      this.#records = 0;
    }
    if (this.#records + count > MIN_RECORDS + TABLES_A_WINDOW * members) return false;
    this.#records += count;
    return true;
  }

  /** We sent a digest: the neighbour may answer. */
  ask(nowMs: number): void {
    this.#askedMs = nowMs;
    this.#parts = MAX_PARTS;
  }

  /** Whether a summary of the neighbour's was asked for; it then counts as received. */
  takeAnswer(nowMs: number): boolean {
    if (nowMs - this.#askedMs > ASKED_MS || this.#parts === 0) return false;
    this.#parts--;
    return true;
  }
}
