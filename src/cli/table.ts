/**
 * Tables for people.
 */

/** A column: its heading, and whether its cells are numbers, which are aligned right. */
export interface Column {
  readonly heading: string;
  readonly isNumber?: boolean;
  /** Whether it goes where there is no room for all; the last of them first. */
  readonly canGo?: boolean;
}

const GAP = "  ";

/** Rows under headings, in columns as wide as their widest cell. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const widths = widthsOf(columns, rows);
  const line = (cells: readonly string[]) =>
    columns.map(({ isNumber }, index) => {
      const cell = cells[index] ?? "";
      const width = widths[index] ?? 0;
      return isNumber ? cell.padStart(width) : cell.padEnd(width);
    }).join(GAP).trimEnd();
  return [line(columns.map(({ heading }) => heading)), ...rows.map(line)].join("\n") + "\n";
}

/**
 * A table of at most `width` characters a line, if leaving columns out makes it so; below it, which those are. They
 * are in `--json`, as ever.
 */
export function renderFittingTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const widths = widthsOf(columns, rows);
  const kept = new Set(columns.keys());
  const total = () => [...kept].reduce((sum, index) => sum + (widths[index] ?? 0) + GAP.length, 0);
  for (const index of [...columns.keys()].reverse()) {
    if (total() - GAP.length <= width) break;
    if (columns[index]?.canGo) kept.delete(index);
  }
  const isKept = (_: unknown, index: number) => kept.has(index);
  const table = renderTable(columns.filter(isKept), rows.map((row) => row.filter(isKept)));
  const gone = columns.filter((_, index) => !kept.has(index)).map(({ heading }) => heading);
  return gone.length === 0 ? table : `${table}(no room for ${gone.join(", ")}; see: --json)\n`;
}

function widthsOf(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly number[] {
  return columns.map(({ heading }, index) =>
    Math.max(heading.length, ...rows.map((row) => (row[index] ?? "").length))
  );
}

/** A value that may be unknown. */
export function cell(value: unknown, unit = ""): string {
  return value === null || value === undefined ? "-" : `${value}${unit}`;
}
