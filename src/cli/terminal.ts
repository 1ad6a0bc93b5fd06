/**
 * The terminal that standard output is, if it is one.
 */

/** Characters in a line of it; no limit where it is none, since a program or a file has room. */
export function terminalColumns(): number {
  if (!Deno.stdout.isTerminal()) return Infinity;
  try {
    return Deno.consoleSize().columns || Infinity;
  } catch {
    // Some terminals do not tell.
    return Infinity;
  }
}
