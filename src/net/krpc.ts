/**
 * Screens the DHT's datagrams (KRPC: BEP 5, BEP 44) before the package that speaks it sees them.
 *
 * The package trusts what it decodes: a four-byte datagram with a negative string length keeps it looping
 * until memory is gone, and fields of another type than it expects make it throw. So its datagrams are
 * decoded here first, within bounds, and one that no DHT node has reason to send goes no further:
 *
 * `d 1:t <id> 1:y 1:q 1:q <method> 1:a d 2:id <20 bytes> ... e e`, or `y` = `r` with `r`, or `y` = `e` with `e`
 */

/** Longer than any of a DHT's messages: a stored value of 1,000 bytes, or a hundred peers, and its envelope. */
export const MAX_KRPC_BYTES = 2_048;
/** Message, body, list of values; what others store may nest somewhat further. */
const MAX_DEPTH = 8;
/** Beyond these a double is not exact. */
const MAX_INTEGER_DIGITS = 15;
const MAX_LENGTH_DIGITS = 4;

type Value = number | Uint8Array | readonly Value[] | ReadonlyMap<string, Value>;
type Check = (value: Value) => boolean;

const isNumber: Check = (value) => typeof value === "number";
const isDictionary = (value: Value | undefined): value is ReadonlyMap<string, Value> =>
  value instanceof Map;
const isText = (minLength: number, maxLength = minLength): Check => (value) =>
  value instanceof Uint8Array && value.length >= minLength && value.length <= maxLength;

/** IPv4 address and port. */
const isEndpoint = isText(6);
/** A node's id, IPv4 address and port. */
const NODE_BYTES = 26;

/** What the package reads of a query's arguments and a response's results. */
const BODY: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["id", isText(20)],
  ["target", isText(20)],
  ["info_hash", isText(20)],
  ["token", isText(1, 64)],
  ["nodes", (value) => value instanceof Uint8Array && value.length % NODE_BYTES === 0],
  ["values", (value) => Array.isArray(value) && value.every(isEndpoint)],
  ["k", isText(32)],
  ["sig", isText(64)],
  ["salt", isText(0, 64)],
  ["seq", isNumber],
  ["cas", isNumber],
  ["port", isNumber],
  ["implied_port", isNumber],
]);

/** Whether `datagram` is a message that a DHT node may send. */
export function isKrpcMessage(datagram: Uint8Array): boolean {
  if (datagram.length > MAX_KRPC_BYTES) return false;
  const reader = new Reader(datagram);
  const message = reader.value(0);
  if (!isDictionary(message) || !reader.isAtEnd) return false;
  for (const key of ["a", "r"]) if (message.has(key) && !isBody(message.get(key))) return false;
  if (!isText(1, 32)(message.get("t") ?? 0)) return false;
  switch (textOf(message.get("y"))) {
    case "q":
      return isText(1, 32)(message.get("q") ?? 0) && message.has("a");
    case "r":
      return message.has("r");
    case "e":
      return Array.isArray(message.get("e"));
    default:
      return false;
  }
}

function isBody(body: Value | undefined): boolean {
  if (!isDictionary(body) || !body.has("id")) return false;
  for (const [key, value] of body) if (BODY.get(key)?.(value) === false) return false;
  return true;
}

function textOf(value: Value | undefined): string | undefined {
  return value instanceof Uint8Array ? String.fromCharCode(...value) : undefined;
}

/** Reads bencoded values (BEP 3); `undefined` is malformed. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): Value | undefined {
    if (depth > MAX_DEPTH) return undefined;
    if (this.#take("i")) return this.#integer(MAX_INTEGER_DIGITS, "e", this.#take("-"));
    if (this.#take("l")) return this.#list(depth);
    return this.#take("d") ? this.#dictionary(depth) : this.#text();
  }

  #list(depth: number): readonly Value[] | undefined {
    const items: Value[] = [];
    while (!this.#take("e")) {
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }

  #dictionary(depth: number): ReadonlyMap<string, Value> | undefined {
    const members = new Map<string, Value>();
    while (!this.#take("e")) {
      const key = textOf(this.#text());
      const value = key === undefined ? undefined : this.value(depth + 1);
      // The package takes keys for names of properties: of each one only, and no prototype.
      if (key === undefined || value === undefined || members.has(key)) return undefined;
      if (!/^[\x20-\x7e]{1,32}$/.test(key) || key === "__proto__") return undefined;
      members.set(key, value);
    }
    return members;
  }

  #text(): Uint8Array | undefined {
    const length = this.#integer(MAX_LENGTH_DIGITS, ":", false);
    if (length === undefined || length > this.#bytes.length - this.#at) return undefined;
    return this.#bytes.subarray(this.#at, this.#at += length);
  }

  #integer(maxDigits: number, end: string, isNegative: boolean): number | undefined {
    let value = 0;
    for (let digits = 0; digits <= maxDigits; digits++) {
      if (digits > 0 && this.#take(end)) return isNegative ? -value : value;
      const digit = (this.#bytes[this.#at++] ?? 0) - 0x30;
      if (!(digit >= 0 && digit <= 9)) return undefined;
      value = value * 10 + digit;
    }
    return undefined;
  }

  #take(character: string): boolean {
    if (this.#bytes[this.#at] !== character.charCodeAt(0)) return false;
    this.#at++;
    return true;
  }
}
