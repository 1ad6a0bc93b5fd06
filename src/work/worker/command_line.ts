/**
 * Splits a line into a program and its arguments as a shell's simplest words are split, and refuses what only a
 * shell could do: nothing is expanded, piped or redirected (POSIX.1-2024, Shell Command Language, 2.2 Quoting).
 */

/** What a shell would act upon where it is not quoted. */
const OPERATORS = /[|&;<>()`$\n]/;
/** What a backslash takes the meaning of within double quotes. */
const ESCAPABLE = '"\\$`';

/** The words of `line`. Throws `TypeError` for an open quote and for what needs a shell. */
export function splitCommandLine(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === " " || char === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'" || char === '"') {
      const quoted = readQuoted(line, at);
      word = (word ?? "") + quoted.text;
      at = quoted.end;
    } else if (char === "\\") {
      at += 1;
      if (at === line.length) throw new TypeError("a backslash is followed by nothing");
      word = (word ?? "") + line.charAt(at);
    } else if (OPERATORS.test(char)) {
      throw new TypeError(`no shell is there for ${JSON.stringify(char)}; quote it to mean itself`);
    } else word = (word ?? "") + char;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The text within the quotes that open at `start`, and where they close. */
function readQuoted(line: string, start: number): { readonly text: string; readonly end: number } {
  const quote = line.charAt(start);
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === quote) return { text, end: at };
    const next = line.charAt(at + 1);
    if (quote === '"' && char === "\\" && next && ESCAPABLE.includes(next)) {
      text += next;
      at += 1;
    } else text += char;
  }
  throw new TypeError(`a quote ${quote} is not closed`);
}
