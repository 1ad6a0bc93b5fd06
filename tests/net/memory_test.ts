import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Address } from "../../src/net/address.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "../../src/net/memory.ts";
import { type ByteStream, NetError, type NetErrorCode } from "../../src/net/stream.ts";

const SERVER: Address = { host: "10.0.0.1", port: 9000 };
const CLIENT_HOST = "10.0.0.2";

interface World {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
}

function world(options: Partial<MemoryNetworkOptions> = {}, seed = 1): World {
  const clock = new ManualClock();
  return { clock, network: new MemoryNetwork(clock, seededRandom(seed), options) };
}

/** A link from `clientHost` to a fresh listener at `SERVER`. */
async function connect(
  { clock, network }: World,
  clientHost = CLIENT_HOST,
): Promise<{ client: ByteStream; server: ByteStream }> {
  const listener = network.listen(SERVER);
  const dialing = network.dialerFrom(clientHost).dial(SERVER, { timeoutMs: 1_000_000 });
  clock.advance(10_000);
  const client = await dialing;
  const server = await listener.accept();
  assert(server);
  listener.close();
  return { client, server };
}

async function readSome(stream: ByteStream, largest = 1_000): Promise<Bytes | undefined> {
  const buffer = new Uint8Array(largest);
  const count = await stream.read(buffer);
  return count === null ? undefined : buffer.slice(0, count);
}

/** Everything until the end of the stream. */
async function readAll(stream: ByteStream, nextSize = () => 1_000): Promise<Bytes> {
  const parts: Bytes[] = [];
  for (;;) {
    const part = await readSome(stream, nextSize());
    if (part === undefined) return concatBytes(...parts);
    assert(part.length > 0, "a read gives at least one byte");
    parts.push(part);
  }
}

/** Whether `promise` is still pending once everything that could settle it has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settled = () => void (pending = false);
  promise.then(settled, settled);
  await settle();
  return pending;
}

/** How `promise` ended: a code, or `"done"`. It is observed from here on, so it may reject early. */
function endOf(promise: Promise<unknown>): Promise<NetErrorCode | "done"> {
  return promise.then(() => "done" as const, (error: unknown) => {
    if (error instanceof NetError) return error.code;
    throw error;
  });
}

Deno.test("MemoryNetwork.dialerFrom() joins a dialer and a listener", {
  permissions: "none",
}, async () => {
  const { client, server } = await connect(world());
  assertEquals(client.remote, SERVER);
  assertEquals(server.local, SERVER);
  assertEquals(client.local, server.remote);
  assertEquals(client.local.host, CLIENT_HOST);
  await client.write(encodeUtf8("ping"));
  assertEquals(await readSome(server), encodeUtf8("ping"));
  await server.write(encodeUtf8("pong"));
  assertEquals(await readSome(client), encodeUtf8("pong"));
  client.close();
  assertEquals(await readSome(server), undefined);
  server.close();
});

Deno.test(
  "MemoryStream.read() fills no more than its buffer",
  { permissions: "none" },
  async () => {
    const { client, server } = await connect(world());
    await client.write(encodeUtf8("abcdef"));
    assertEquals(await readSome(server, 4), encodeUtf8("abcd"));
    assertEquals(await readSome(server, 4), encodeUtf8("ef"));
  },
);

Deno.test("MemoryStream.write() keeps no hold on the caller's bytes", {
  permissions: "none",
}, async () => {
  const { client, server } = await connect(world());
  const bytes = encodeUtf8("abc");
  await client.write(bytes);
  bytes.fill(0);
  assertEquals(await readSome(server), encodeUtf8("abc"));
});

Deno.test("MemoryNetwork keeps order under random delays and splits", {
  permissions: "none",
}, async () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed + 1_000);
    const room = world({ delayMs: [0, 40], maxSegmentBytes: 9 }, seed);
    const { client, server } = await connect(room);
    const sent: Bytes[] = [];
    for (let message = 0; message < 30; message++) {
      const length = 1 + Math.floor(random.next() * 25);
      const bytes = Uint8Array.from({ length }, () => Math.floor(random.next() * 256));
      sent.push(bytes);
      await client.write(bytes);
      // Fractions of a millisecond, so that instants do not add up exactly.
      room.clock.advance(random.next() * 7);
    }
    await client.closeWrite();
    room.clock.advance(1_000);
    const received = await readAll(server, () => 1 + Math.floor(random.next() * 30));
    assertEquals(received, concatBytes(...sent), `seed ${seed}`);
  }
});

Deno.test("MemoryNetwork keeps order when two segments are due at once", {
  permissions: "none",
}, async () => {
  // b waits for a, so both are due at the same instant; but laterMs + (dueMs - laterMs) can round to
  // just below dueMs. Search for instants at which it does.
  const random = seededRandom(17);
  const fullPrecision = () => (random.next() + random.next() * 2 ** -21) % 1;
  let trials = 0;
  while (trials < 20) {
    const share = fullPrecision();
    const dueMs = share * 40;
    const laterMs = fullPrecision() / 3;
    if (laterMs > dueMs || laterMs + (dueMs - laterMs) >= dueMs) continue;
    trials++;
    const delays = [0, share, 0];
    const scripted = { next: () => delays.shift() ?? 0 };
    const clock = new ManualClock();
    const network = new MemoryNetwork(clock, scripted, { delayMs: [0, 40] });
    const listener = network.listen(SERVER);
    const dialing = network.dialerFrom(CLIENT_HOST).dial(SERVER, { timeoutMs: 1_000 });
    clock.advance(0);
    const client = await dialing;
    const server = await listener.accept();
    assert(server);
    await client.write(encodeUtf8("a"));
    clock.advance(laterMs);
    await client.write(encodeUtf8("b"));
    clock.advance(100);
    await client.closeWrite();
    assertEquals(await readAll(server), encodeUtf8("ab"), `due at ${dueMs}, written at ${laterMs}`);
  }
});

Deno.test("MemoryNetwork delays each segment within its bounds", {
  permissions: "none",
}, async () => {
  const room = world({ delayMs: [20, 30] });
  const { client, server } = await connect(room);
  await client.write(encodeUtf8("a"));
  const reading = readSome(server);
  room.clock.advance(19);
  assert(await isPending(reading), "nothing arrives before the least delay");
  room.clock.advance(11);
  assertEquals(await reading, encodeUtf8("a"));
});

Deno.test("MemoryNetwork cuts writes into segments of every size", {
  permissions: "none",
}, async () => {
  const { client, server } = await connect(world({ maxSegmentBytes: 4 }));
  await client.write(new Uint8Array(400));
  await client.closeWrite();
  const sizes = new Set<number>();
  for (let part = await readSome(server); part; part = await readSome(server)) {
    sizes.add(part.length);
  }
  assertEquals([...sizes].sort(), [1, 2, 3, 4]);
});

Deno.test("MemoryNetwork repeats itself for the same seed", { permissions: "none" }, async () => {
  const run = async (seed: number) => {
    const room = world({ delayMs: [0, 50], maxSegmentBytes: 5 }, seed);
    const { client, server } = await connect(room);
    await client.write(new Uint8Array(60));
    const trace: string[] = [];
    for (let ms = 0; ms < 60; ms++) {
      room.clock.advance(1);
      const reading = readSome(server);
      if (await isPending(reading)) {
        client.close();
        break;
      }
      trace.push(`${ms}:${(await reading)?.length}`);
      if (trace.length > 20) break;
    }
    return trace;
  };
  assertEquals(await run(3), await run(3));
});

Deno.test("MemoryStream.write() waits at windowBytes unread", { permissions: "none" }, async () => {
  const { client, server } = await connect(world({ windowBytes: 100 }));
  await client.write(new Uint8Array(60));
  await client.write(new Uint8Array(39));
  const full = client.write(new Uint8Array(1));
  assert(await isPending(full), "100 bytes are unread");
  assertEquals((await readSome(server, 1))?.length, 1);
  await full;
});

Deno.test("MemoryStream.write() waits until less than windowBytes are unread", {
  permissions: "none",
}, async () => {
  const { client, server } = await connect(world({ windowBytes: 100 }));
  const writing = client.write(new Uint8Array(300));
  // 300 sent: 201 must be read before 99 are left.
  for (let read = 0; read < 200; read++) {
    await readSome(server, 1);
    if (read % 50 === 0) assert(await isPending(writing), `${read + 1} bytes were read`);
  }
  assert(await isPending(writing), "100 bytes are unread");
  await readSome(server, 1);
  await writing;
});

Deno.test("MemoryStream.write() holds a fast writer to the pace of a slow reader", {
  permissions: "none",
}, async () => {
  const { client, server } = await connect(world({ windowBytes: 100, maxSegmentBytes: 10 }));
  let written = 0;
  const writer = (async () => {
    for (let i = 0; i < 100; i++) {
      await client.write(new Uint8Array(10));
      written += 10;
    }
    await client.closeWrite();
  })();
  let read = 0;
  for (let part = await readSome(server, 7); part; part = await readSome(server, 7)) {
    read += part.length;
    await settle();
    assert(written - read <= 100 + 10, `${written} written, ${read} read`);
  }
  await writer;
  assertEquals(read, 1_000);
});

Deno.test("MemoryStream.close() releases the writer at the other end", {
  permissions: "none",
}, async () => {
  const room = world({ windowBytes: 100 });
  const { client, server } = await connect(room);
  const writing = client.write(new Uint8Array(100));
  assert(await isPending(writing));
  server.close();
  room.clock.advance(1_000);
  assertFalse(await isPending(writing), "nobody will ever read what it waits for");
  assertEquals(await endOf(client.write(new Uint8Array(1))), "closed");
});

Deno.test("MemoryStream.close() ends the calls that are pending on it", {
  permissions: "none",
}, async () => {
  const { client, server } = await connect(world({ windowBytes: 10 }));
  const reading = readSome(client);
  const writing = client.write(new Uint8Array(20));
  assert(await isPending(reading));
  assert(await isPending(writing));
  client.close();
  assertEquals(await reading, undefined);
  assertFalse(await isPending(writing));
  server.close();
});

Deno.test("MemoryStream.close() is idempotent and final", { permissions: "none" }, async () => {
  const { client, server } = await connect(world());
  client.close();
  client.close();
  assertEquals(await readSome(client), undefined);
  assertEquals(await endOf(client.write(new Uint8Array(1))), "closed");
  assertEquals(await readSome(server), undefined);
  server.close();
  server.close();
});

Deno.test("MemoryStream.read() after close gives nothing, unread bytes or not", {
  permissions: "none",
}, async () => {
  const { client, server } = await connect(world());
  await client.write(encodeUtf8("late"));
  server.close();
  assertEquals(await readSome(server), undefined);
});

Deno.test(
  "MemoryStream.closeWrite() ends one direction only",
  { permissions: "none" },
  async () => {
    const room = world({ delayMs: [1, 20], maxSegmentBytes: 3 });
    const { client, server } = await connect(room);
    await client.write(encodeUtf8("request"));
    await client.closeWrite();
    room.clock.advance(100);
    assertEquals(await readAll(server), encodeUtf8("request"));
    assertEquals(await readSome(server), undefined);
    await server.write(encodeUtf8("reply"));
    await server.closeWrite();
    room.clock.advance(100);
    assertEquals(await readAll(client), encodeUtf8("reply"));
  },
);

Deno.test(
  "MemoryStream.write() after closeWrite() is refused",
  { permissions: "none" },
  async () => {
    const { client, server } = await connect(world());
    await client.closeWrite();
    assertEquals(await endOf(client.write(encodeUtf8("more"))), "closed");
    assertEquals(await readSome(server), undefined);
    assertEquals(await readSome(server), undefined);
  },
);

Deno.test("Dialer.dial() to nobody is refused", { permissions: "none" }, async () => {
  const { clock, network } = world({ delayMs: [5, 5] });
  const dialer = network.dialerFrom(CLIENT_HOST);
  const dialing = dialer.dial(SERVER, { timeoutMs: 1_000 });
  const end = endOf(dialing);
  clock.advance(100);
  assertEquals(await end, "refused");
  network.listen({ ...SERVER, port: 9001 });
  const wrongPort = endOf(dialer.dial(SERVER, { timeoutMs: 1_000 }));
  clock.advance(100);
  assertEquals(await wrongPort, "refused");
});

Deno.test(
  "Dialer.dial() across a partition times out on time",
  { permissions: "none" },
  async () => {
    const { clock, network } = world();
    network.listen(SERVER);
    network.partition([SERVER.host], [CLIENT_HOST]);
    const dialing = network.dialerFrom(CLIENT_HOST).dial(SERVER, { timeoutMs: 500 });
    const end = endOf(dialing);
    clock.advance(499);
    assert(await isPending(dialing));
    clock.advance(1);
    assertEquals(await end, "timeout");
  },
);

Deno.test("Dialer.dial() keeps its deadline however slow the wire", {
  permissions: "none",
}, async () => {
  for (const [delayMs, isCut] of [[100, true], [400, false], [2_000, false]] as const) {
    const { clock, network } = world({ delayMs: [delayMs, delayMs] });
    network.listen(SERVER);
    if (isCut) network.partition([SERVER.host], [CLIENT_HOST]);
    const dialing = network.dialerFrom(CLIENT_HOST).dial(SERVER, { timeoutMs: 500 });
    const ended = dialing.then(() => "connected", (error: NetError) => error.code);
    clock.advance(500);
    assertFalse(await isPending(ended), `delay ${delayMs}`);
    assertEquals(await ended, "timeout");
  }
});

Deno.test("MemoryNetwork.listen() refuses an address in use", { permissions: "none" }, () => {
  const { network } = world();
  const listener = network.listen(SERVER);
  const error = assertThrows(() => network.listen(SERVER), NetError);
  assertEquals(error.code, "address_in_use");
  network.listen({ ...SERVER, port: SERVER.port + 1 });
  network.listen({ ...SERVER, host: "10.0.0.9" });
  listener.close();
});

Deno.test("MemoryNetwork.listen() picks a free port for 0", { permissions: "none" }, () => {
  const { network } = world();
  const first = network.listen({ host: "10.0.0.1", port: 0 });
  assert(first.address.port > 0 && first.address.port < 65_536);
  // The next ones are taken by name: port 0 must step over them.
  for (let next = 1; next <= 3; next++) {
    network.listen({ host: "10.0.0.1", port: first.address.port + next });
  }
  const second = network.listen({ host: "10.0.0.1", port: 0 });
  assert(second.address.port !== first.address.port);
});

Deno.test(
  "Listener.close() frees the port and ends accept()",
  { permissions: "none" },
  async () => {
    const { clock, network } = world();
    const listener = network.listen(SERVER);
    const accepting = listener.accept();
    listener.close();
    listener.close();
    assertEquals(await accepting, undefined);
    assertEquals(await listener.accept(), undefined);
    const end = endOf(network.dialerFrom(CLIENT_HOST).dial(SERVER, { timeoutMs: 1_000 }));
    clock.advance(10);
    assertEquals(await end, "refused");
    const second = network.listen(SERVER);
    listener.close();
    assertThrows(() => network.listen(SERVER), NetError);
    second.close();
  },
);

Deno.test("Listener.close() closes the streams that nobody accepted", {
  permissions: "none",
}, async () => {
  const { clock, network } = world();
  const listener = network.listen(SERVER);
  const dialing = network.dialerFrom(CLIENT_HOST).dial(SERVER, { timeoutMs: 1_000 });
  clock.advance(10);
  const client = await dialing;
  listener.close();
  assertEquals(await readSome(client), undefined);
});

Deno.test("Listener.accept() gives streams in the order of dialling", {
  permissions: "none",
}, async () => {
  const { clock, network } = world();
  const listener = network.listen(SERVER);
  const hosts = ["10.0.1.1", "10.0.1.2", "10.0.1.3"];
  const dialing = hosts.map((host) => network.dialerFrom(host).dial(SERVER, { timeoutMs: 1_000 }));
  clock.advance(10);
  await Promise.all(dialing);
  for (const host of hosts) assertEquals((await listener.accept())?.remote.host, host);
});

Deno.test("MemoryNetwork.partition() swallows bytes and heal() breaks the link", {
  permissions: "none",
}, async () => {
  const room = world();
  const { client, server } = await connect(room);
  room.network.partition([SERVER.host], [CLIENT_HOST]);
  await client.write(encodeUtf8("lost"));
  const reading = readSome(server);
  const end = endOf(reading);
  room.clock.advance(60_000);
  assert(await isPending(reading), "a partition is silent");
  room.network.heal();
  assertEquals(await end, "closed", "the gap must not go unnoticed");
  assertEquals(await endOf(readSome(client)), "closed");
  assertEquals(await endOf(client.write(encodeUtf8("x"))), "closed");
  assertEquals(await endOf(server.write(encodeUtf8("x"))), "closed");
});

Deno.test("MemoryNetwork.heal() leaves a link that lost nothing", {
  permissions: "none",
}, async () => {
  const room = world();
  const { client, server } = await connect(room);
  room.network.partition([SERVER.host], [CLIENT_HOST]);
  room.clock.advance(1_000);
  room.network.heal();
  await client.write(encodeUtf8("on"));
  assertEquals(await readSome(server), encodeUtf8("on"));
});

Deno.test("MemoryNetwork.partition() swallows the end of a stream too", {
  permissions: "none",
}, async () => {
  for (const end of ["close", "closeWrite"] as const) {
    const room = world();
    const { client, server } = await connect(room);
    room.network.partition([SERVER.host], [CLIENT_HOST]);
    await client.write(encodeUtf8("lost"));
    await client[end]();
    const reading = readSome(server);
    const ended = endOf(reading);
    room.clock.advance(60_000);
    assert(await isPending(reading), `${end}() crossed the partition`);
    room.network.heal();
    assertEquals(await ended, "closed", end);
  }
});

Deno.test("MemoryNetwork.partition() keeps those of a group together", {
  permissions: "none",
}, async () => {
  const room = world();
  const { client, server } = await connect(room);
  room.network.partition([SERVER.host, CLIENT_HOST], ["10.0.0.3"]);
  await client.write(encodeUtf8("near"));
  assertEquals(await readSome(server), encodeUtf8("near"));
  // A new partition replaces the old one.
  room.network.partition([SERVER.host], [CLIENT_HOST, "10.0.0.3"]);
  await client.write(encodeUtf8("far"));
  assert(await isPending(readSome(server)));
});

Deno.test("MemoryNetwork.breakLinks() breaks the links of one host", {
  permissions: "none",
}, async () => {
  const room = world();
  const first = await connect(room, "10.0.0.2");
  const second = await connect(room, "10.0.0.3");
  const reading = endOf(readSome(first.server));
  room.network.breakLinks("10.0.0.2");
  assertEquals(await reading, "closed");
  assertEquals(await endOf(readSome(first.client)), "closed");
  assertEquals(await endOf(first.client.write(new Uint8Array(1))), "closed");
  await second.client.write(encodeUtf8("fine"));
  assertEquals(await readSome(second.server), encodeUtf8("fine"));
  room.network.breakLinks(SERVER.host);
  assertEquals(await endOf(readSome(second.client)), "closed");
});

Deno.test("MemoryNetwork.breakLinks() releases a writer that waits", {
  permissions: "none",
}, async () => {
  const room = world({ windowBytes: 10 });
  const { client } = await connect(room);
  const writing = client.write(new Uint8Array(30));
  assert(await isPending(writing));
  room.network.breakLinks(CLIENT_HOST);
  assertFalse(await isPending(writing));
});

Deno.test("MemoryNetwork.breakLinks() lets nothing arrive afterwards", {
  permissions: "none",
}, async () => {
  const room = world({ delayMs: [10, 10] });
  const { client, server } = await connect(room);
  await client.write(encodeUtf8("in flight"));
  room.network.breakLinks(CLIENT_HOST);
  assertEquals(await endOf(readSome(server)), "closed");
  room.clock.advance(100);
  assertEquals(await endOf(readSome(server)), "closed", "a broken stream stays broken");
});
