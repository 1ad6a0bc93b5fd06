/**
 * Tables for people.
 */

/** A column: its heading, and whether its cells are numbers, which are aligned right. */
export interface Column {
  readonly heading: string;
  readonly isNumber?: boolean;
}

/** Rows under headings, in columns as wide as their widest cell. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...rows.map((row) => (row[index] ?? "").length))
  );
  const line = (cells: readonly string[]) =>
    columns.map(({ isNumber }, index) => {
      const cell = cells[index] ?? "";
      const width = widths[index] ?? 0;
      return isNumber ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd();
  return [line(columns.map(({ heading }) => heading)), ...rows.map(line)].join("\n") + "\n";
}

/** A value that may be unknown. */
export function cell(value: unknown, unit = ""): string {
  return value === null || value === undefined ? "-" : `${value}${unit}`;
}
