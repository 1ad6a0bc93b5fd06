/**
 * How a job went, as `history.csv` keeps it: a row now and then, of which there are never more than so many.
 *
 * When there are too many, every second one goes, so that a job of a week is as long as one of an hour and its start is
 * never forgotten. Rows that cannot be read back are left out: a history is for looking at.
 */

export interface HistoryRow {
  readonly unixMs: number;
  /** Since the job was made. */
  readonly elapsedS: number;
  /** Of all participants. */
  readonly evaluations: number;
  readonly perSecond: number;
  readonly participants: number;
  /** The best fitness so far, as the job's owner counts it; `null` before the first. */
  readonly best: number | null;
}

export const MAX_ROWS = 2_048;
const HEAD = "unix_ms,elapsed_s,evaluations,evaluations_per_s,participants,best_fitness";

export class JobHistory {
  #rows: HistoryRow[];
  /** Rows nearer than this replace one another. */
  #stepS: number;

  constructor(rows: readonly HistoryRow[] = []) {
    this.#rows = [...rows];
    this.#stepS = 0;
    this.#thin();
  }

  get rows(): readonly HistoryRow[] {
    return this.#rows;
  }

  /** Adds what is so now. Time that went back, as a clock that was set does, adds nothing. */
  add(row: HistoryRow): void {
    const rows = this.#rows;
    const last = rows.at(-1);
    if (last && row.elapsedS < last.elapsedS) return;
    const before = rows.at(-2);
    if (before && row.elapsedS - before.elapsedS < this.#stepS) rows.pop();
    rows.push(row);
    this.#thin();
  }

  #thin(): void {
    while (this.#rows.length > MAX_ROWS) {
      const { length } = this.#rows;
      this.#rows = this.#rows.filter((_, index) => index % 2 === 0 || index === length - 1);
      const span = (this.#rows.at(-1)?.elapsedS ?? 0) - (this.#rows[0]?.elapsedS ?? 0);
      this.#stepS = span / this.#rows.length;
    }
  }
}

export function encodeHistory(rows: readonly HistoryRow[]): string {
  const lines = rows.map((row) =>
    [
      Math.round(row.unixMs),
      thousandths(row.elapsedS),
      row.evaluations,
      thousandths(row.perSecond),
      row.participants,
      row.best ?? "",
    ].join(",")
  );
  return [HEAD, ...lines, ""].join("\n");
}

/** The rows of a history; lines that are none are left out. */
export function decodeHistory(text: string): readonly HistoryRow[] {
  const rows: HistoryRow[] = [];
  for (const line of text.split(/\r?\n/).slice(1)) {
    const row = readRow(line);
    if (row && row.elapsedS >= (rows.at(-1)?.elapsedS ?? 0)) rows.push(row);
  }
  return rows;
}

function readRow(line: string): HistoryRow | undefined {
  const cells = line.split(",");
  if (cells.length !== 6) return undefined;
  const numbers = cells.map((cell) => cell === "" ? NaN : Number(cell));
  const [unixMs = NaN, elapsedS = NaN, evaluations = NaN, perSecond = NaN, participants = NaN] =
    numbers;
  const best = cells[5] === "" ? null : numbers[5] ?? NaN;
  const all = [unixMs, elapsedS, evaluations, perSecond, participants, best ?? 0];
  if (!all.every((value) => Number.isFinite(value))) return undefined;
  return { unixMs, elapsedS, evaluations, perSecond, participants, best };
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
