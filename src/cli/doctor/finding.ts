/**
 * What the doctor says: one line for each thing that was looked at, and what to do about it.
 */

/**
 * - `ok`: as it should be
 * - `warn`: works, but not as well as it could, or not for long
 * - `broken`: something that should work does not
 * - `unknown`: could not be looked at here and now
 */
export type Verdict = "ok" | "warn" | "broken" | "unknown";

export interface Finding {
  /** What was looked at, one or two words. Stable. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found, in a few words. */
  readonly text: string;
  /** What a person can do. */
  readonly next?: string;
  /** The figures behind it, for programs. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

const MARKS: Readonly<Record<Verdict, string>> = Object.freeze({
  ok: "ok",
  warn: "warn",
  broken: "BROKEN",
  unknown: "unknown",
});
const MARK_COLUMNS = 7;
const CHECK_COLUMNS = 12;
const MARGIN = " ".repeat(MARK_COLUMNS + CHECK_COLUMNS + 2);
/** No line is longer, whatever the terminal. */
const COLUMNS = 80;

/** A finding for people: `ok  check  text`, and below it what to do. */
export function renderFinding({ check, verdict, text, next }: Finding): string {
  const head = `${MARKS[verdict].padEnd(MARK_COLUMNS)} ${check.padEnd(CHECK_COLUMNS)} `;
  const lines = [...wrap(text), ...(next === undefined ? [] : wrap(`-> ${next}`))];
  return lines.map((line, index) => (index === 0 ? head : MARGIN) + line + "\n").join("");
}

/** How many there are of each, for the last line. */
export function summarize(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((each) => each.verdict === verdict).length;
  const parts = (["broken", "warn", "unknown", "ok"] as const).map((verdict) =>
    [verdict, count(verdict)] as const
  ).filter(([, number]) => number > 0);
  return parts.map(([verdict, number]) => `${number} ${verdict}`).join(", ");
}

export function isBroken(findings: readonly Finding[]): boolean {
  return findings.some(({ verdict }) => verdict === "broken");
}

/** Lines that fit beside the margin; a word that does not is left whole, to be copied. */
function wrap(text: string): readonly string[] {
  const width = COLUMNS - MARGIN.length;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
