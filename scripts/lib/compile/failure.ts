/** What stops the making of a file, in one line for whoever asked for it. */

export class CompileError extends Error {
  override readonly name = "CompileError";
}
