/**
 * A second, naive canonicaliser (RFC 8785), written from the RFC's text: no library, no cleverness. Expected
 * values for signatures come from here.
 */

/** RFC 8785 section 3.2 for values that `JSON.parse` gives. */
export function naiveCanonical(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("not in I-JSON");
    return value === 0 ? "0" : String(value);
  }
  if (typeof value === "string") return naiveText(value);
  if (Array.isArray(value)) return `[${value.map(naiveCanonical).join(",")}]`;
  const members = Object.entries(value as Record<string, unknown>);
  members.sort(([a], [b]) => compareCodeUnits(a, b));
  return `{${members.map(([key, item]) => `${naiveText(key)}:${naiveCanonical(item)}`).join(",")}}`;
}

function compareCodeUnits(a: string, b: string): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return a.charCodeAt(i) - b.charCodeAt(i);
  }
  return a.length - b.length;
}

const SHORT: Readonly<Record<number, string>> = {
  0x08: "\\b",
  0x09: "\\t",
  0x0a: "\\n",
  0x0c: "\\f",
  0x0d: "\\r",
  0x22: '\\"',
  0x5c: "\\\\",
};

function naiveText(text: string): string {
  let quoted = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const short = SHORT[unit];
    if (short) quoted += short;
    else if (unit < 0x20) quoted += "\\u" + unit.toString(16).padStart(4, "0");
    else quoted += text[i];
  }
  return quoted + '"';
}
