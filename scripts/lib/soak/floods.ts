/**
 * What strangers do to an agent: garbage, connections that wait, made-up old nodes, handshakes left half done.
 */

import { encodeUtf8, writeU32 } from "../../../src/base/bytes.ts";
import { pause, systemClock } from "../../../src/base/clock.ts";
import { type Random, randomBelow, seededRandom } from "../../../src/base/random.ts";
import { LOOPBACK } from "../../../src/demo/launch.ts";
import { encodeFrame } from "../../../src/wire/frame.ts";

/** The longest that an answer is waited for. */
const PATIENCE_MS = 2_000;
/** Old nodes that share a connection. */
const SENDERS_PER_CONNECTION = 10;
const HANDSHAKE_MESSAGE_1 = [0xf8, 0x01];

/** Connects `count` times, each time saying something that no protocol says. */
export async function floodGarbage(port: number, count: number, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const words = Array.from({ length: count }, () => garbage(random));
  await Promise.all(words.map((bytes) => visit(port, bytes)));
}

/** Holds `count` connections open that say nothing, or five bytes and no more. */
export async function floodIdle(port: number, count: number, holdMs: number): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: count }, () => connect(port)),
  );
  for (const [index, connection] of connections.entries()) {
    const frame = encodeFrame(encodeUtf8("{}"));
    if (index % 2 === 0) await connection?.write(frame.subarray(0, 5)).catch(() => {});
  }
  await pause(systemClock, holdMs);
  for (const connection of connections) close(connection);
}

/** `count` old nodes ask who is there, each under a name that was not heard before. */
export async function floodLegacy(port: number, count: number, seed: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `flood-${seed}-${index}`);
  const groups = Array.from(
    { length: Math.ceil(count / SENDERS_PER_CONNECTION) },
    (_, at) => names.slice(at * SENDERS_PER_CONNECTION, (at + 1) * SENDERS_PER_CONNECTION),
  );
  await Promise.all(groups.map(async (group) => {
    const requests = group.map((name, index) =>
      encodeFrame(encodeUtf8(JSON.stringify({
        type: "PEER_DISCOVERY",
        sender_id: name,
        sender_port: 20_000 + index,
        timestamp: systemClock.wallMs() / 1000,
        capabilities: { cpu_cores: 4, ram_mb: 1024 },
      })))
    );
    await visit(port, ...requests);
  }));
}

/** Begins `count` handshakes: half of garbage, half with a key that could be one, and finishes none. */
export async function floodHandshakes(port: number, count: number, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const openings = Array.from(
    { length: count },
    (_, index) =>
      encodeFrame(
        Uint8Array.of(...HANDSHAKE_MESSAGE_1, ...randomBytes(random, index % 2 === 0 ? 34 : 100)),
      ),
  );
  await Promise.all(openings.map((frame) => visit(port, frame)));
}

function garbage(random: Random): Uint8Array {
  const bytes = randomBytes(random, 1 + randomBelow(random, 4_096));
  switch (randomBelow(random, 4)) {
    case 0:
      return encodeUtf8("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    case 1: // A length that fits, and a body that is nothing.
      writeU32(bytes.length < 5 ? new Uint8Array(5) : bytes, 0, Math.max(1, bytes.length - 4));
      return bytes;
    case 2: // JSON that is none.
      return encodeFrame(encodeUtf8(`{"type":${randomBelow(random, 1e9)}`));
    default:
      return bytes;
  }
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => randomBelow(random, 256));
}

/** Connects, says `words`, and listens for a moment. */
async function visit(port: number, ...words: readonly Uint8Array[]): Promise<void> {
  const connection = await connect(port);
  if (!connection) return;
  const timer = systemClock.schedule(PATIENCE_MS, () => close(connection));
  try {
    for (const bytes of words) await connection.write(bytes);
    const buffer = new Uint8Array(4_096);
    for (let read = 0; read < words.length; read++) {
      if (await connection.read(buffer) === null) break;
    }
  } catch {
    // It hung up on us, as it should.
  } finally {
    timer.cancel();
    close(connection);
  }
}

async function connect(port: number): Promise<Deno.TcpConn | undefined> {
  try {
    return await Deno.connect({ hostname: LOOPBACK, port });
  } catch {
    return undefined; // It is just being killed.
  }
}

function close(connection: Deno.TcpConn | undefined): void {
  try {
    connection?.close();
  } catch {
    // Closed already.
  }
}
