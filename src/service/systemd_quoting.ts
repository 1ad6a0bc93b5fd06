/**
 * Text in the syntax of systemd's unit files (systemd.syntax(7), "Quoting", and systemd.unit(5),
 * "Specifiers").
 *
 * What is written here comes back as it was: spaces, quotes, backslashes, `%` (a specifier elsewhere) and, in a
 * command line, `$` (a variable elsewhere). A control character in a path is told apart from a line's end, which
 * would begin another setting.
 */

/** Letters that need no quotes. */
const PLAIN = /^[\w@%+=:,./-]+$/;
const MAX_LENGTH = 4_096;

/** One argument of `ExecStart=`. Throws `RangeError` for what no argument can hold. */
export function quoteArgument(text: string): string {
  // A variable is expanded after the quotes are gone, so that quoting does not help.
  return quote(text).replaceAll("$", "$$$$");
}

/** The program of `ExecStart=`: it begins the line, where some letters mean something, and takes no variables. */
export function quoteProgram(path: string): string {
  if (!path.startsWith("/")) {
    throw new RangeError(`Cannot write unit: the program ${JSON.stringify(path)} is no full path`);
  }
  return quote(path);
}

/** One entry of a list that is separated by spaces, such as `ReadWritePaths=`, or of `Environment=`. */
export function quoteEntry(text: string): string {
  return quote(text);
}

/** The rest of a line that is taken as it stands, such as `Description=`. */
export function escapeValue(text: string): string {
  check(text);
  if (/[\p{Cc}]|\\$|^\s|\s$/u.test(text)) {
    throw new RangeError(`Cannot write unit: ${JSON.stringify(text)} does not fit into a line`);
  }
  return text.replaceAll("%", "%%");
}

function quote(text: string): string {
  check(text);
  const escaped = text.replaceAll("%", "%%").replace(/["\\\p{Cc}]/gu, escapeLetter);
  return PLAIN.test(escaped) ? escaped : `"${escaped}"`;
}

function escapeLetter(letter: string): string {
  if (letter === '"' || letter === "\\") return `\\${letter}`;
  // Two digits are a byte: what lies above takes the form for a code point.
  const code = letter.charCodeAt(0);
  return code < 0x80
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}

function check(text: string): void {
  if (text.includes("\0") || !text.isWellFormed()) {
    throw new RangeError("Cannot write unit: a text holds what no path and no argument can");
  }
  if (text.length > MAX_LENGTH) {
    throw new RangeError(`Cannot write unit: a text of ${text.length} exceeds ${MAX_LENGTH}`);
  }
}
