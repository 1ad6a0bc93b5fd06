import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Bytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type ByteStream, type Listener, NetError } from "../../src/net/stream.ts";
import { listenTcp, tcpDialer } from "../../src/net/tcp.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const NET = { permissions: { net: ["127.0.0.1"] } } satisfies Partial<Deno.TestDefinition>;

/** Runs `use` on a connected pair, then frees all that was opened. */
async function withPair(
  use: (client: ByteStream, server: ByteStream, listener: Listener) => Promise<void>,
): Promise<void> {
  const listener = listenTcp(LOOPBACK);
  try {
    const dialing = tcpDialer.dial(listener.address, { timeoutMs: 10_000 });
    const server = await listener.accept();
    const client = await dialing;
    assert(server);
    try {
      await use(client, server, listener);
    } finally {
      client.close();
      server.close();
    }
  } finally {
    listener.close();
  }
}

async function readExactly(stream: ByteStream, length: number): Promise<Bytes> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await stream.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.slice(0, filled);
}

async function writeAll(stream: ByteStream, bytes: Bytes): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await stream.write(bytes.subarray(written));
}

Deno.test("tcpDialer.dial() and listenTcp() carry bytes both ways", NET, async () => {
  await withPair(async (client, server, listener) => {
    assertEquals(client.remote, listener.address);
    assertEquals(server.local, listener.address);
    assertEquals(server.remote, client.local);
    assert(listener.address.port > 0);
    await client.write(encodeUtf8("ping"));
    assertEquals(await readExactly(server, 4), encodeUtf8("ping"));
    await server.write(encodeUtf8("pong"));
    assertEquals(await readExactly(client, 4), encodeUtf8("pong"));
  });
});

Deno.test("TcpStream.closeWrite() ends one direction only", NET, async () => {
  await withPair(async (client, server) => {
    await client.write(encodeUtf8("request"));
    await client.closeWrite();
    assertEquals(await readExactly(server, 100), encodeUtf8("request"));
    assertEquals(await server.read(new Uint8Array(1)), null);
    await server.write(encodeUtf8("reply"));
    server.close();
    assertEquals(await readExactly(client, 100), encodeUtf8("reply"));
  });
});

Deno.test("TcpStream.write() delivers 8 MB, piece by piece", NET, async () => {
  const size = 8_000_000;
  const random = seededRandom(8);
  const sent = Uint8Array.from({ length: size }, () => Math.floor(random.next() * 256));
  await withPair(async (client, server) => {
    const writing = writeAll(client, sent).then(() => client.closeWrite());
    const received = await readExactly(server, size + 1);
    await writing;
    assertEquals(received.length, size);
    const digests = await Promise.all(
      [sent, received].map((bytes) => crypto.subtle.digest("SHA-256", bytes)),
    );
    const [sentHex, receivedHex] = digests.map((digest) => new Uint8Array(digest).toHex());
    assertEquals(receivedHex, sentHex);
  });
});

Deno.test("TcpStream.read() after close rejects, unread bytes or not", NET, async () => {
  await withPair(async (client, server) => {
    await server.write(encodeUtf8("unread"));
    client.close();
    await assertRejects(() => client.read(new Uint8Array(8)));
  });
});

Deno.test("TcpStream.close() ends a pending read and is idempotent", NET, async () => {
  await withPair(async (client, server) => {
    const reading = client.read(new Uint8Array(8));
    client.close();
    client.close();
    await assertRejects(() => reading);
    assertEquals(await server.read(new Uint8Array(8)), null);
  });
});

Deno.test("TcpStream.write() and closeWrite() after close reject", NET, async () => {
  await withPair(async (client) => {
    client.close();
    await assertRejects(() => client.write(new Uint8Array(1)));
    const error = await assertRejects(() => client.closeWrite(), NetError);
    assertEquals(error.code, "closed");
    assert(error.cause instanceof Error);
  });
});

Deno.test("TcpStream.write() to a peer that left rejects", NET, async () => {
  await withPair(async (client, server) => {
    server.close();
    await assertRejects(async () => {
      // The first write may still find room in the system's buffer.
      for (;;) await client.write(new Uint8Array(65_536));
    });
  });
});

Deno.test("tcpDialer.dial() to a closed port throws refused", NET, async () => {
  const listener = listenTcp(LOOPBACK);
  const { address } = listener;
  listener.close();
  const error = await assertRejects(
    () => tcpDialer.dial(address, { timeoutMs: 10_000 }),
    NetError,
  );
  assertEquals(error.code, "refused");
  assert(error.cause instanceof Error);
  assert(error.message.startsWith(`Cannot connect to 127.0.0.1:${address.port}: `));
});

Deno.test("tcpDialer.dial() with no time left throws timeout", NET, async () => {
  const listener = listenTcp(LOOPBACK);
  try {
    // What is left of a budget can be nothing, or less than nothing.
    for (const timeoutMs of [0, -1, -1_000.5]) {
      const dialing = tcpDialer.dial(listener.address, { timeoutMs });
      const ended = await dialing.then((stream) => {
        stream.close();
        return "connected";
      }, (error: unknown) => error instanceof NetError ? error.code : String(error));
      assertEquals(ended, "timeout", `timeoutMs ${timeoutMs}`);
    }
  } finally {
    listener.close();
  }
});

Deno.test("listenTcp() refuses an address in use", NET, () => {
  const listener = listenTcp(LOOPBACK);
  try {
    const error = assertThrows(() => listenTcp(listener.address), NetError);
    assertEquals(error.code, "address_in_use");
  } finally {
    listener.close();
  }
});

Deno.test("listenTcp() without permission throws denied", { permissions: "none" }, async () => {
  const error = assertThrows(() => listenTcp(LOOPBACK), NetError);
  assertEquals(error.code, "denied");
  const dialing = () => tcpDialer.dial({ host: "127.0.0.1", port: 9 }, { timeoutMs: 1_000 });
  assertEquals((await assertRejects(dialing, NetError)).code, "denied");
});

Deno.test("TcpListener.close() ends accept(), frees the port and is idempotent", NET, async () => {
  const listener = listenTcp(LOOPBACK);
  const accepting = listener.accept();
  listener.close();
  listener.close();
  assertEquals(await accepting, undefined);
  assertEquals(await listener.accept(), undefined);
  const second = listenTcp(listener.address);
  assertEquals(second.address, listener.address);
  second.close();
});

Deno.test("TcpListener.accept() keeps streams apart", NET, async () => {
  const listener = listenTcp(LOOPBACK);
  const streams: ByteStream[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      const dialing = tcpDialer.dial(listener.address, { timeoutMs: 10_000 });
      const server = await listener.accept();
      const client = await dialing;
      assert(server);
      streams.push(client, server);
      await client.write(Uint8Array.of(i));
    }
    for (let i = 0; i < 3; i++) {
      const server = streams[2 * i + 1];
      assert(server);
      assertEquals(await readExactly(server, 1), Uint8Array.of(i));
    }
  } finally {
    for (const stream of streams) stream.close();
    listener.close();
  }
});
