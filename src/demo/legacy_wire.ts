/**
 * An old node's framing, written apart from the agent's: a 4-byte big-endian length, then one JSON object in
 * UTF-8.
 */

import { isObject, type JsonObject } from "../base/guards.ts";

export const HEADER_BYTES = 4;
/** The deployed reader's own cap. */
export const MAX_FRAME_BYTES = 1_048_576;

/** A message with its length in front. */
export function encodeLegacyFrame(message: JsonObject): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** The length that a whole header says. */
export function lengthOf(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(0);
}

/** The JSON object that `body` spells, if it does. */
export function parseObject(body: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return isObject(value) ? value : undefined;
  } catch {
    // Not JSON: the old node goes on as if nothing had come.
    return undefined;
  }
}

/** `readexactly`: `undefined` when the connection ends before. */
export async function readExactly(
  connection: Deno.TcpConn,
  count: number,
): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const read = await connection.read(buffer.subarray(filled));
    if (read === null) return undefined;
    filled += read;
  }
  return buffer;
}
