import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createSocket } from "node:dgram";
import { type Bytes, concatBytes, decodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { type Clock, ManualClock, systemClock } from "../../src/base/clock.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type Address, formatAddress } from "../../src/net/address.ts";
import { type DhtNode, MAX_ITEM_BYTES, openDht } from "../../src/net/dht.ts";
import { NetError } from "../../src/net/stream.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import { mutateBytes } from "../testing/mutate.ts";
import { startPrivateDht } from "../testing/private_dht.ts";

const HOST = "127.0.0.1";
const KEY = new Uint8Array(20).fill(5);
const ID = "20:abcdefghij0123456789";
const PING = encodeUtf8(`d1:ad2:id${ID}e1:q4:ping1:t2:aa1:y1:qe`);
const PONG_TEXT = /^d1:rd2:id20:[^]{20}e1:t2:aa1:y1:re$/;
const signer = noblePrimitives.importSigningKeyPair(new Uint8Array(32).fill(3));

function join(bootstrap: readonly Address[], clock: Clock = systemClock): Promise<DhtNode> {
  return openDht({ host: HOST, port: 0, bootstrap, verify: noblePrimitives.verify, clock });
}

/** Runs `use` with two nodes that joined a private DHT. */
async function withTwo(use: (a: DhtNode, b: DhtNode) => Promise<void>): Promise<void> {
  const dht = await startPrivateDht(4);
  const nodes = await Promise.all([join(dht.bootstrap), join(dht.bootstrap)]);
  try {
    await use(nodes[0], nodes[1]);
  } finally {
    await Promise.all([...nodes, dht].map((each) => each.close()));
  }
}

async function peersAt(node: DhtNode, key: Bytes): Promise<ReadonlySet<string>> {
  const peers = new Set<string>();
  await node.lookup(key, (peer) => peers.add(formatAddress(peer)));
  return peers;
}

/** A plain socket beside a node, for datagrams that no DHT node would send. */
class Stranger {
  readonly #socket = createSocket("udp4");
  readonly #port: number;
  readonly #received: string[] = [];
  #onReceived = () => {};

  constructor(node: DhtNode) {
    this.#port = node.port;
    this.#socket.on("message", (bytes) => {
      const text = String.fromCharCode(...bytes);
      // A node asks whoever asked it; only its answers matter here.
      if (!text.endsWith("1:y1:re")) return;
      this.#received.push(text);
      this.#onReceived();
    });
  }

  send(datagram: Bytes): Promise<void> {
    return new Promise((resolve) => this.#socket.send(datagram, this.#port, HOST, () => resolve()));
  }

  /** The next response, one character a byte. */
  async receive(): Promise<string> {
    while (this.#received.length === 0) {
      await new Promise<void>((resolve) => this.#onReceived = resolve);
    }
    return this.#received.shift() ?? "";
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** Tells when it is asked for the time, which happens at each datagram. */
class WatchedClock extends ManualClock {
  #onAsked = () => {};

  asked(): Promise<void> {
    return new Promise((resolve) => this.#onAsked = resolve);
  }

  override now(): number {
    this.#onAsked();
    return super.now();
  }
}

async function withStranger(
  use: (stranger: Stranger) => Promise<void>,
  clock: Clock = systemClock,
): Promise<void> {
  const node = await join([], clock);
  const stranger = new Stranger(node);
  try {
    await use(stranger);
  } finally {
    await stranger.close();
    await node.close();
  }
}

Deno.test("DhtNode.lookup() finds who announced a port under the key", async () => {
  await withTwo(async (a, b) => {
    assertEquals(await peersAt(b, KEY), new Set());
    assertEquals(await a.announce(KEY, 7001) > 0, true);
    assertEquals(await peersAt(b, KEY), new Set([`${HOST}:7001`]));
    assertEquals(await peersAt(b, new Uint8Array(20).fill(6)), new Set());
    assert(a.nodes > 0);
  });
});

Deno.test("DhtNode.get() gives the newest value that was put", async () => {
  await withTwo(async (a, b) => {
    const put = (text: string, seq: number) => a.put({ signer, seq, value: encodeUtf8(text) });
    assertEquals(await b.get(signer.publicKey), undefined);
    assert(await put("first", 1_764_000_000_000) > 0);
    assertEquals(await b.get(signer.publicKey), encodeUtf8("first"));
    assert(await put("second", 1_764_000_000_001) > 0);
    assertEquals(await b.get(signer.publicKey), encodeUtf8("second"));
    assertEquals(await put("late", 1_764_000_000_000), 0);
    assertEquals(await b.get(signer.publicKey), encodeUtf8("second"));
  });
});

Deno.test("DhtNode.put() takes a value of 995 bytes and none that is longer", async () => {
  await withTwo(async (a, b) => {
    const value = new Uint8Array(MAX_ITEM_BYTES).fill(0xee);
    assert(await a.put({ signer, seq: 1, value }) > 0);
    assertEquals(await b.get(signer.publicKey), value);
    const tooLong = new Uint8Array(996);
    assertThrows(
      () => a.put({ signer, seq: 2, value: tooLong }),
      RangeError,
      "996 bytes exceed 995",
    );
  });
});

Deno.test("DhtNode stores what is signed as in BEP 44's test vector, and no forgery", async () => {
  const publicKey = decodeHex("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548");
  const signature = decodeHex(
    "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff" +
      "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01",
  );
  const target = decodeHex("4a533d47ec9c7d95b1ad75f576cffc641853b750");
  await withStranger(async (stranger) => {
    const get = async () => {
      const query = [`d1:ad2:id${ID}6:target20:`, "e1:q3:get1:t2:aa1:y1:qe"].map(encodeUtf8);
      await stranger.send(concatBytes(query[0] ?? PING, target, query[1] ?? PING));
      return await stranger.receive();
    };
    const token = /5:token20:([^]{20})/.exec(await get())?.[1];
    assert(token);
    const put = (sig: Bytes) =>
      stranger.send(
        concatBytes(
          encodeUtf8(`d1:ad2:id${ID}1:k32:`),
          publicKey,
          encodeUtf8("3:seqi1e3:sig64:"),
          sig,
          encodeUtf8("5:token20:"),
          Uint8Array.from(token, (character) => character.charCodeAt(0)),
          encodeUtf8("1:v12:Hello World!e1:q3:put1:t2:aa1:y1:qe"),
        ),
      );
    await put(signature.with(0, 0x31) as Bytes);
    // The forged one is not answered at all: this answers the question that follows it.
    assertEquals((await get()).includes("1:v"), false);
    await put(signature);
    assert(PONG_TEXT.test(await stranger.receive()));
    assert((await get()).includes("1:v12:Hello World!"));
  });
});

Deno.test("DhtNode goes on after datagrams that hang or break the package", async () => {
  await withStranger(async (stranger) => {
    const hostile = [
      // A negative length: the package's decoder would go back for ever.
      "l-3:",
      `d1:ad2:id${ID}6:targeti5ee1:q9:find_node1:t2:aa1:y1:qe`,
      `d1:ad2:id${ID}9:info_hashi5ee1:q9:get_peers1:t2:aa1:y1:qe`,
      `d1:ad2:id${ID}9:info_hash${ID}4:porti1e5:tokeni1ee1:q13:announce_peer1:t2:aa1:y1:qe`,
      `d1:rd2:idi1ee1:t2:\0\x011:y1:re`,
      "l".repeat(2_000),
    ].map(encodeUtf8);
    const random = seededRandom(44);
    const mutated = Array.from(
      { length: 300 },
      (_, n) =>
        mutateBytes(random, n % 2 === 0 ? PING : hostile[(n >> 1) % hostile.length] ?? PING),
    );
    for (const [n, datagram] of [...hostile, ...mutated].entries()) {
      await stranger.send(datagram);
      const name = `1:t6:${n + 100_000}`;
      await stranger.send(encodeUtf8(`d1:ad2:id${ID}e1:q4:ping${name}1:y1:qe`));
      // Damaged pings may have been answered too.
      while (!(await stranger.receive()).includes(name));
    }
  });
});

Deno.test("DhtNode answers 1,000 datagrams at once and then 500 a second", async () => {
  const clock = new WatchedClock();
  await withStranger(async (stranger) => {
    const ask = (n: number) =>
      stranger.send(encodeUtf8(`d1:ad2:id${ID}e1:q4:ping1:t8:${`${n}`.padStart(8)}1:y1:qe`));
    const answered = async () => Number(/1:t8:(.{8})/.exec(await stranger.receive())?.[1]);
    for (let n = 1; n <= 1_000; n++) {
      await ask(n);
      assertEquals(await answered(), n);
    }
    const isReceived = clock.asked();
    await ask(1_001);
    await isReceived;
    clock.advance(2);
    await ask(1_002);
    assertEquals(await answered(), 1_002);
  }, clock);
});

Deno.test("openDht() takes another port where the wanted one is taken", async () => {
  const first = await join([]);
  const options = { host: HOST, bootstrap: [], verify: noblePrimitives.verify, clock: systemClock };
  const second = await openDht({ ...options, port: first.port });
  assert(second.port > 0 && second.port !== first.port);
  await first.close();
  const third = await openDht({ ...options, port: first.port });
  assertEquals(third.port, first.port);
  await Promise.all([second, third].map((node) => node.close()));
});

Deno.test("openDht() fails on a host that is not this machine's", async () => {
  // TEST-NET-1 (RFC 5737) belongs to nobody.
  const options = {
    host: "192.0.2.1",
    port: 0,
    verify: noblePrimitives.verify,
    clock: systemClock,
  };
  const error = await assertRejects(() => openDht(options), NetError);
  assertEquals(error.code, "failed");
});

Deno.test("DhtNode.close() settles what is under way, and what is asked later", async () => {
  // Nobody answers at the discard port.
  const node = await join([{ host: HOST, port: 9 }]);
  const item = { signer, seq: 1, value: encodeUtf8("value") };
  const calls = () => [
    node.lookup(KEY, () => {}),
    node.announce(KEY, 7001),
    node.put(item),
    node.get(signer.publicKey),
  ];
  const underWay = calls();
  await Promise.all([node.close(), node.close()]);
  assertEquals(await Promise.all(underWay), [undefined, 0, 0, undefined]);
  assertEquals(await Promise.all(calls()), [undefined, 0, 0, undefined]);
  await node.close();
});
