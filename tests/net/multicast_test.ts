import { assert, assertEquals, assertRejects } from "@std/assert";
import { createSocket } from "node:dgram";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import type { Address } from "../../src/net/address.ts";
import type { DnsMessage } from "../../src/net/dns_message.ts";
import {
  isOnLink,
  MDNS_PORT,
  multicastInterfaces,
  type MulticastSocket,
  openMulticast,
} from "../../src/net/multicast.ts";

const PURE = { permissions: "none" } as const;
const LOOPBACK = { name: "loopback", address: "127.0.0.1", netmask: "255.0.0.0" };
const GROUP = "224.0.0.251";

/** What comes in, one after the other. */
class Inbox<T> {
  readonly #items: T[] = [];
  #wake = Promise.withResolvers<void>();

  put(item: T): void {
    this.#items.push(item);
    this.#wake.resolve();
  }

  async next(): Promise<T> {
    for (;;) {
      const [item] = this.#items.splice(0, 1);
      if (item !== undefined) return item;
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
  }
}

/** A host of the loopback link that speaks bytes, on a port of its own. */
interface Stranger {
  readonly address: Address;
  readonly inbox: Inbox<Bytes>;
  say(bytes: Uint8Array): Promise<void>;
}

interface Parties {
  readonly socket: MulticastSocket;
  readonly stranger: Stranger;
  /** What the socket heard from the stranger. */
  readonly heard: Inbox<DnsMessage>;
  readonly counts: { malformed: number; errors: unknown[] };
}

async function withParties(use: (parties: Parties) => Promise<void>): Promise<void> {
  const raw = createSocket({ type: "udp4", reuseAddr: true });
  const inbox = new Inbox<Bytes>();
  raw.on("message", (bytes: Uint8Array) => inbox.put(new Uint8Array(bytes)));
  await new Promise<void>((resolve) => raw.bind(0, "127.0.0.1", resolve));
  raw.setMulticastInterface("127.0.0.1");
  const address = { host: "127.0.0.1", port: raw.address().port };
  const heard = new Inbox<DnsMessage>();
  const counts = { malformed: 0, errors: [] as unknown[] };
  const socket = await openMulticast(LOOPBACK, {
    onMessage: (message, from) => from.port === address.port && heard.put(message),
    onMalformed: () => void counts.malformed++,
    onError: (error) => void counts.errors.push(error),
  });
  const say = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) =>
      raw.send(bytes, MDNS_PORT, GROUP, (error) => error ? reject(error) : resolve())
    );
  try {
    await use({ socket, stranger: { address, inbox, say }, heard, counts });
  } finally {
    await socket.close();
    await new Promise<void>((resolve) => raw.close(() => resolve()));
  }
}

/** The wire form of a name (RFC 1035 section 3.1). */
function name(text: string): Bytes {
  const labels = text.split(".").map((label) =>
    concatBytes(Uint8Array.of(label.length), encodeUtf8(label))
  );
  return concatBytes(...labels, Uint8Array.of(0));
}

function u16(...values: readonly number[]): Bytes {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 255]));
}

/** A query for the PTR records of `text`. */
function query(text: string, dnsClass = 1): Bytes {
  return concatBytes(u16(0x1234, 0, 1, 0, 0, 0), name(text), u16(12, dnsClass));
}

/** A response of `count` pointers, the first of which spells the name that the others point to. */
function pointers(count: number): Bytes {
  const first = concatBytes(name("a.local"), u16(12, 1, 0, 120, 2, 0xc00c));
  const other = u16(0xc00c, 12, 1, 0, 120, 2, 0xc00c);
  const others = Array.from({ length: count - 1 }, () => other);
  return concatBytes(u16(0, 0x8400, 0, count, 0, 0), first, ...others);
}

Deno.test("isOnLink() compares what the netmask leaves of two addresses", PURE, () => {
  const table: readonly (readonly [string, string, string, boolean])[] = [
    ["192.168.1.5", "255.255.255.0", "192.168.1.200", true],
    ["192.168.1.5", "255.255.255.0", "192.168.2.5", false],
    ["192.168.1.5", "255.255.255.255", "192.168.1.5", true],
    ["192.168.1.5", "255.255.255.255", "192.168.1.6", false],
    ["10.1.2.3", "255.128.0.0", "10.127.9.9", true],
    ["10.1.2.3", "255.128.0.0", "10.128.9.9", false],
    ["200.1.2.3", "128.0.0.0", "255.1.2.3", true],
    ["10.0.0.1", "255.255.255.0", "fe80::1", false],
    ["10.0.0.1", "255.255.255.0", "10.0.0", false],
    ["10.0.0.1", "255.255.255.0", "10.0.0.256", false],
    ["10.0.0.1", "255.255.255.0", "10.0.0.x", false],
  ];
  for (const [address, netmask, host, expected] of table) {
    assertEquals(
      isOnLink({ name: "eth0", address, netmask }, host),
      expected,
      `${host} ${netmask}`,
    );
  }
});

Deno.test("multicastInterfaces() leaves out loopback and IPv6", () => {
  for (const { address } of multicastInterfaces()) {
    assert(/^\d+\.\d+\.\d+\.\d+$/.test(address) && !address.startsWith("127."), address);
  }
});

Deno.test("multicastInterfaces() is empty where nothing may be asked", PURE, () => {
  assertEquals(multicastInterfaces(), []);
});

Deno.test("openMulticast() hears the group, and answers one host in golden bytes", async () => {
  await withParties(async ({ socket, stranger, heard, counts }) => {
    await stranger.say(query("_golden._tcp.local"));
    const asked = await heard.next();
    assertEquals(asked, {
      kind: "query",
      id: 0x1234,
      isTruncated: false,
      questions: [{ name: "_golden._tcp.local", type: "PTR", wantsUnicast: false }],
      answers: [],
      additionals: [],
    });
    await socket.send({
      kind: "response",
      id: 0x1234,
      isTruncated: false,
      questions: asked.questions,
      answers: [{
        name: "_golden._tcp.local",
        type: "PTR",
        target: "x._golden._tcp.local",
        ttlSeconds: 10,
        flush: false,
      }],
      additionals: [
        {
          name: "x._golden._tcp.local",
          type: "SRV",
          target: "h.local",
          port: 9000,
          ttlSeconds: 120,
          flush: true,
        },
        {
          name: "x._golden._tcp.local",
          type: "TXT",
          texts: [encodeUtf8("v=1"), encodeUtf8("k=")],
          ttlSeconds: 4_500,
          flush: true,
        },
        { name: "h.local", type: "A", address: "10.1.2.3", ttlSeconds: 120, flush: true },
      ],
    }, stranger.address);
    const target = name("x._golden._tcp.local");
    assertEquals(
      await stranger.inbox.next(),
      concatBytes(
        u16(0x1234, 0x8400, 1, 1, 0, 3),
        name("_golden._tcp.local"),
        u16(12, 1),
        name("_golden._tcp.local"),
        u16(12, 1, 0, 10, target.length),
        target,
        target,
        u16(33, 0x8001, 0, 120, 6 + name("h.local").length, 0, 0, 9000),
        name("h.local"),
        target,
        u16(16, 0x8001, 0, 4_500, 7),
        Uint8Array.of(3, 0x76, 0x3d, 0x31, 2, 0x6b, 0x3d),
        name("h.local"),
        u16(1, 0x8001, 0, 120, 4),
        Uint8Array.of(10, 1, 2, 3),
      ),
    );
    assertEquals(counts, { malformed: 0, errors: [] });
  });
});

Deno.test("openMulticast() sees the QU bit of a question", async () => {
  await withParties(async ({ stranger, heard }) => {
    await stranger.say(query("_qu._tcp.local", 0x8001));
    assertEquals((await heard.next()).questions, [
      { name: "_qu._tcp.local", type: "PTR", wantsUnicast: true },
    ]);
  });
});

Deno.test("openMulticast() hears what it sent itself", async () => {
  const heard = new Inbox<Address>();
  const socket = await openMulticast(LOOPBACK, {
    onMessage: (message, from) =>
      message.questions[0]?.name === "_echo._tcp.local" && heard.put(from),
    onMalformed: () => {},
    onError: () => {},
  });
  await socket.send({
    kind: "query",
    id: 0,
    isTruncated: false,
    questions: [{ name: "_echo._tcp.local", type: "PTR" }],
    answers: [],
    additionals: [],
  });
  assertEquals(await heard.next(), { host: "127.0.0.1", port: MDNS_PORT });
  await Promise.all([socket.close(), socket.close()]);
});

Deno.test("openMulticast() counts what it cannot read, and reads on", async () => {
  await withParties(async ({ stranger, heard, counts }) => {
    const hostile = [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      query("_cut._tcp.local").slice(0, 20),
      // A name that points to itself.
      concatBytes(u16(0, 0x8400, 0, 1, 0, 0), u16(0xc00c, 12, 1, 0, 120, 2, 0xc00c)),
      // Longer than 9,000 bytes, though all of it is well-formed.
      pointers(700),
      new Uint8Array(20_000),
    ];
    for (const bytes of hostile) await stranger.say(bytes);
    await stranger.say(query("_next._tcp.local"));
    assertEquals((await heard.next()).questions[0]?.name, "_next._tcp.local");
    // Whatever else speaks on this machine may count too.
    assert(counts.malformed >= hostile.length, `${counts.malformed}`);
    assertEquals(counts.errors, []);
  });
});

Deno.test("openMulticast() looks at 64 records of a packet", async () => {
  await withParties(async ({ stranger, heard }) => {
    for (const [sent, seen] of [[64, 64], [65, 64], [600, 64]] as const) {
      await stranger.say(pointers(sent));
      const { answers } = await heard.next();
      assertEquals(answers.length, seen);
      assertEquals(answers.at(-1), {
        name: "a.local",
        type: "PTR",
        target: "a.local",
        ttlSeconds: 120,
        flush: false,
      });
    }
  });
});

Deno.test("openMulticast() passes over errors and other opcodes", async () => {
  await withParties(async ({ stranger, heard }) => {
    const refused = query("_refused._tcp.local");
    refused[3] = 5;
    const update = query("_update._tcp.local");
    update[2] = 0x28;
    await stranger.say(refused);
    await stranger.say(update);
    await stranger.say(query("_good._tcp.local"));
    assertEquals((await heard.next()).questions[0]?.name, "_good._tcp.local");
  });
});

Deno.test("openMulticast() tells whether a packet left", async () => {
  await withParties(async ({ socket }) => {
    const empty = { id: 0, isTruncated: false, questions: [], answers: [], additionals: [] };
    await assertRejects(
      () => socket.send({ kind: "query", ...empty }, { host: "255.255.255.255", port: 9 }),
      Error,
      "Cannot send multicast DNS",
    );
  });
});
