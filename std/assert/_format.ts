/**
 * A value as text for failure messages and diffs: in full, one member a line, keys sorted, so that
 * two equal values always give the same lines.
 */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    compact: false,
    depth: Infinity,
    getters: true,
    iterableLimit: Infinity,
    sorted: true,
    strAbbreviateSize: Infinity,
    trailingComma: true,
  });
}
