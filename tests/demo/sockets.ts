/** Frames and sockets for the tests of the old node, written by hand: none of its own code. */

export const HOST = "127.0.0.1";

/** `length u32 | body`, written by hand. */
export function framed(body: string | Uint8Array): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const { length } = bytes;
  return Uint8Array.from([
    length >>> 24,
    length >>> 16 & 255,
    length >>> 8 & 255,
    length & 255,
    ...bytes,
  ]);
}

/** A JSON frame. */
export function framedJson(value: unknown): Uint8Array {
  return framed(JSON.stringify(value));
}

/** Reads until the other side closes. */
export async function readAll(connection: Deno.TcpConn): Promise<Uint8Array> {
  const parts: number[] = [];
  const buffer = new Uint8Array(65_536);
  try {
    for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
      parts.push(...buffer.subarray(0, n));
    }
  } catch {
    // A reset is an end as well.
  }
  return Uint8Array.from(parts);
}

/** The JSON frames in `bytes`. */
export function framesIn(bytes: Uint8Array): unknown[] {
  const frames: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = new DataView(bytes.buffer, at).getUint32(0);
    frames.push(JSON.parse(new TextDecoder().decode(bytes.subarray(at + 4, at + 4 + length))));
    at += 4 + length;
  }
  return frames;
}

/** Runs `use` against a server that writes `answer` to each connection and waits for its end. */
export async function withServer<T>(
  answer: Uint8Array,
  use: (port: number, requests: Promise<unknown>[]) => Promise<T>,
): Promise<T> {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const requests: Promise<unknown>[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      requests.push((async () => {
        using open = connection;
        if (answer.length > 0) await open.write(answer);
        return framesIn(await readAll(open))[0];
      })());
    }
  })().catch(() => {});
  const result = await use(listener.addr.port, requests);
  await Promise.all(requests);
  listener.close();
  await serving;
  return result;
}

/** Joins bytes. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** `bytes` cut at each of `at`. */
export function cut(bytes: Uint8Array, ...at: readonly number[]): Uint8Array[] {
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i]));
}
