/**
 * Text in lines of a width that terminals have.
 */

/** Lines of at most `width` characters; a longer word has one of its own. */
export function fill(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line ? `${line} ${word}` : word;
    if (longer.length <= width || !line) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return line ? [...lines, line] : lines;
}

/** Paragraphs, set anew in `width`; lines that begin with a space stay as they are. */
export function fillParagraphs(text: string, width: number): string {
  const out: string[] = [];
  let paragraph: string[] = [];
  const flush = () => {
    out.push(...fill(paragraph.join(" "), width));
    paragraph = [];
  };
  for (const line of text.split("\n")) {
    if (line && !line.startsWith(" ")) {
      paragraph.push(line);
      continue;
    }
    flush();
    out.push(line);
  }
  flush();
  return out.join("\n");
}

/** Two columns: `left` beside `right`, which is filled; where `left` is wide, `right` begins below it. */
export function fillColumns(
  rows: readonly (readonly [left: string, right: string])[],
  { width, maxLeft }: { readonly width: number; readonly maxLeft: number },
): readonly string[] {
  const leftWidth = Math.min(maxLeft, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const [first = "", ...rest] = fill(right, width - leftWidth - 4);
    const indent = " ".repeat(leftWidth + 4);
    const beside = left.length <= leftWidth
      ? [`  ${left.padEnd(leftWidth)}  ${first}`.trimEnd()]
      : [`  ${left}`, indent + first];
    return [...beside, ...rest.map((line) => indent + line)];
  });
}
