/**
 * The line diff in the failure message of the equality assertions: the longest common subsequence
 * of lines, after the common head and tail are set aside.
 *
 * @module
 */
import { styleText } from "node:util";
import { format } from "./_format.ts";

/**
 * Cells of the table that finds common lines. Past it (two wholly different arrays of 2,000 lines)
 * everything between head and tail is shown as replaced: a worse diff, but at once.
 */
const MAX_TABLE_CELLS = 4_000_000;

type Kind = "common" | "removed" | "added";
interface Line {
  readonly kind: Kind;
  readonly text: string;
}

/** A header and the lines of both values: `-` only in `actual`, `+` only in `expected`. */
export function renderDiff(actual: unknown, expected: unknown): string {
  const [before, after] = typeof actual === "string" && typeof expected === "string"
    ? [stringLines(actual), stringLines(expected)]
    : [format(actual).split("\n"), format(expected).split("\n")];
  const header = `${paint("gray", "[Diff]")} ${paint("red", "Actual")} / ` +
    paint("green", "Expected");
  return ["", "", `    ${header}`, "", "", ...diffLines(before, after).map(renderLine), ""]
    .join("\n");
}

/** Which lines to drop from `before` and which to add to get `after`, in reading order. */
export function diffLines(before: readonly string[], after: readonly string[]): Line[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [
    ...mark("common", before.slice(0, head)),
    ...diffMiddle(
      before.slice(head, before.length - tail),
      after.slice(head, after.length - tail),
    ),
    ...mark("common", before.slice(before.length - tail)),
  ];
}

function diffMiddle(before: readonly string[], after: readonly string[]): Line[] {
  if ((before.length + 1) * (after.length + 1) > MAX_TABLE_CELLS) {
    return [...mark("removed", before), ...mark("added", after)];
  }
  const width = after.length + 1;
  const common = commonLengths(before, after);
  const lengthAt = (i: number, j: number) => common[i * width + j] ?? 0;
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    const [left = "", right = ""] = [before[i], after[j]];
    if (left === right) {
      lines.push({ kind: "common", text: left });
      i++;
      j++;
    } else if (lengthAt(i + 1, j) >= lengthAt(i, j + 1)) {
      lines.push({ kind: "removed", text: left });
      i++;
    } else {
      lines.push({ kind: "added", text: right });
      j++;
    }
  }
  return [...lines, ...mark("removed", before.slice(i)), ...mark("added", after.slice(j))];
}

/** Cell `[i][j]`: length of the longest common subsequence of `before[i...]` and `after[j...]`. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array {
  const width = after.length + 1;
  const table = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const below = (i + 1) * width + j;
      table[i * width + j] = before[i] === after[j]
        ? (table[below + 1] ?? 0) + 1
        : Math.max(table[below] ?? 0, table[i * width + j + 1] ?? 0);
    }
  }
  return table;
}

/** Lines of a string, each quoted, so that blanks and line ends can be told apart. */
function stringLines(text: string): string[] {
  return text.split(/(?<=\n)/).map((line) => JSON.stringify(line));
}

function mark(kind: Kind, texts: readonly string[]): Line[] {
  return texts.map((text) => ({ kind, text }));
}

function renderLine({ kind, text }: Line): string {
  switch (kind) {
    case "common":
      return `    ${text}`;
    case "removed":
      return paint("red", `-   ${text}`);
    case "added":
      return paint("green", `+   ${text}`);
    default:
      return kind satisfies never;
  }
}

function paint(color: "gray" | "red" | "green", text: string): string {
  return Deno.noColor ? text : styleText(["bold", color], text, { validateStream: false });
}
