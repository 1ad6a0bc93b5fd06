/** How a caller's own message joins ours: `...: msg`, or a full stop when there is none. */
export function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}
