import { assert, assertEquals } from "@std/assert";
import { createSocket } from "node:dgram";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { isPrintable } from "../../src/base/guards.ts";
import { parsePeerId, peerIdOf } from "../../src/base/peer_id.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { describeService, isSpellable, message } from "../../src/discovery/dns_sd.ts";
import {
  DnsSdBrowser,
  type FoundService,
  MAX_SERVICES,
} from "../../src/discovery/dns_sd_browser.ts";
import { DnsSdResponder } from "../../src/discovery/dns_sd_responder.ts";
import { scopeOf } from "../../src/net/address.ts";
import {
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  readMessage,
} from "../../src/net/dns_message.ts";
import { MDNS_PORT, openMulticast } from "../../src/net/multicast.ts";
import { byte, fuzzSeed, mutateBytes, mutateObject } from "../testing/mutate.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const OWN = peerIdOf(new Uint8Array(32));
const HONEST = { id: peerIdOf(new Uint8Array(32).fill(9)), port: 9000, version: "1", hint: "h" };
const HONEST_RECORDS = describeService(HONEST, ["10.0.0.9"]);
const HOSTS = ["10.0.0.5", "127.0.0.1", "0.0.0.0", "224.0.0.1", "::1", "fd00::1", "x", ""];
const LABELS = ["hamlet-aaaaaaaa", "Foo", "a.b", "\u0000", "\u202e", "\ufffd".repeat(30), "x"];
const SUFFIXES = ["._hamlet._tcp.local", "._HAMLET._tcp.LOCAL", ".local", "", "._ipp._tcp.local"];
const PORTS = [0, 1, 9000, 65_535];
const LIVES = [0, 1, 120, 4_500, 2 ** 32 - 1];
const TYPES = ["PTR", "SRV", "TXT", "A", "AAAA"] as const;

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[randomBelow(random, items.length)];
  assert(item !== undefined);
  return item;
}

function anyName(random: Random): string {
  if (randomBelow(random, 4) === 0) return "_hamlet._tcp.local";
  const label = pick(random, LABELS) + (randomBelow(random, 2) ? randomBelow(random, 2_000) : "");
  return label + pick(random, SUFFIXES);
}

function anyText(random: Random): Uint8Array {
  const key = pick(random, ["key=", "v=", "net=", "KEY=", "=", ""]);
  const value = pick(random, [HONEST.id, OWN, "1", "\u001b[2J", "x".repeat(60)]);
  return randomBelow(random, 4) === 0
    ? Uint8Array.from({ length: randomBelow(random, 80) }, () => byte(random))
    : encodeUtf8(key + value);
}

function anyRecord(random: Random): DnsRecord {
  if (randomBelow(random, 8) === 0) return pick(random, HONEST_RECORDS);
  const head = { name: anyName(random), ttlSeconds: pick(random, LIVES), flush: false };
  const type = pick(random, TYPES);
  if (type === "PTR") return { ...head, type, target: anyName(random) };
  if (type === "SRV") return { ...head, type, target: anyName(random), port: pick(random, PORTS) };
  if (type !== "TXT") return { ...head, type, address: pick(random, HOSTS) };
  const count = randomBelow(random, 6);
  return { ...head, type, texts: Array.from({ length: count }, () => anyText(random)) };
}

function anyQuestion(random: Random): DnsQuestion {
  const type = pick(random, [...TYPES, "ANY"] as const);
  const name = randomBelow(random, 2) ? anyName(random) : pick(random, HONEST_RECORDS).name;
  return { name, type, wantsUnicast: randomBelow(random, 2) === 0 };
}

function anyMessage(random: Random): DnsMessage {
  const records = (most: number) =>
    Array.from({ length: randomBelow(random, most) }, () => anyRecord(random));
  return {
    kind: randomBelow(random, 2) ? "query" : "response",
    id: randomBelow(random, 65_536),
    isTruncated: randomBelow(random, 8) === 0,
    questions: Array.from({ length: randomBelow(random, 4) }, () => anyQuestion(random)),
    answers: records(40),
    additionals: records(20),
  };
}

function assertHarmless(found: FoundService, label: string): void {
  const { instance, id, hint, version, addresses } = found;
  assert(isPrintable(instance) && instance.length > 0 && instance.length <= 253, label);
  assert(id === undefined || (parsePeerId(id) === id && id !== OWN), label);
  assert(hint === undefined || /^[\w-]{1,32}$/.test(hint), label);
  assert(version === undefined || (isPrintable(version) && version.length <= 16), label);
  assert(addresses.length >= 1 && addresses.length <= 8, label);
  for (const { host, port } of addresses) {
    assert(["private", "public", "link_local"].includes(scopeOf(host)), `${label}: ${host}`);
    assert(port >= 1 && port <= 65_535, label);
  }
}

Deno.test(`DnsSdBrowser stays bounded and honest under any records, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED);
  const browser = new DnsSdBrowser(OWN);
  let nowMs = 0;
  for (let round = 0; round < 3_000; round++) {
    const label = `seed ${SEED}, round ${round}`;
    nowMs += randomBelow(random, 400);
    for (const found of browser.read(anyMessage(random), pick(random, HOSTS), nowMs)) {
      assertHarmless(found, label);
    }
    assert(browser.size <= MAX_SERVICES, label);
    if (nowMs >= browser.nextMs) {
      const { questions, found } = browser.takePending(nowMs);
      assert(questions.length <= 60 && questions.every(({ name }) => isSpellable(name)), label);
      for (const each of found) assertHarmless(each, label);
      assert(browser.nextMs > nowMs, label);
    }
    assert(browser.knownAnswers(nowMs).length <= 40, label);
    if (round % 100 === 0) browser.restart();
  }
  const answers = HONEST_RECORDS;
  const [found] = browser.read(message("response", { answers }), "10.0.0.9", nowMs);
  assertEquals([found?.id, found?.addresses], [HONEST.id, [{ host: "10.0.0.9", port: 9000 }]]);
});

Deno.test(`DnsSdResponder keeps its pace under any queries, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 1);
  const responder = new DnsSdResponder(random);
  responder.publish(HONEST_RECORDS, 0);
  const own = new Set(HONEST_RECORDS);
  const sentAtMs = new Map<DnsRecord, number>();
  let nowMs = 0;
  for (let round = 0; round < 5_000; round++) {
    const label = `seed ${SEED}, round ${round}`;
    nowMs += randomBelow(random, 100);
    const from = { host: pick(random, HOSTS), port: pick(random, [5353, 40_000]) };
    const reply = responder.ask(anyMessage(random), from, nowMs);
    assert(reply === undefined || reply.answers.length <= own.size, label);
    const multicast = responder.take(nowMs);
    assert(responder.nextMs > nowMs, label);
    for (const record of [...multicast?.answers ?? [], ...multicast?.additionals ?? []]) {
      assert(own.has(record), label);
      assert(nowMs - (sentAtMs.get(record) ?? -Infinity) >= 1_000, label);
      sentAtMs.set(record, nowMs);
    }
  }
  assertEquals(sentAtMs.size, own.size);
});

Deno.test(`readMessage() survives any decoded packet, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 2);
  const head = { name: "a.local", ttl: 120, class: "IN", flush: true };
  const packet = {
    type: "response",
    id: 0,
    flags: 0,
    questions: [{ name: "a.local", type: "PTR", class: "IN" }],
    answers: [{ ...head, type: "SRV", data: { target: "b.local", port: 1 } }],
    additionals: [{ ...head, type: "TXT", data: ["k=v"] }],
  };
  for (let round = 0; round < 5_000; round++) {
    const read = readMessage(mutateObject(random, mutateObject(random, packet)));
    for (const record of [...read?.answers ?? [], ...read?.additionals ?? []]) {
      assertEquals(typeof record.name, "string", `seed ${SEED}, round ${round}`);
    }
  }
});

Deno.test(`openMulticast() survives mutated packets, seed ${SEED}`, async () => {
  const random = seededRandom(SEED + 3);
  const raw = createSocket({ type: "udp4", reuseAddr: true });
  await new Promise<void>((resolve) => raw.bind(0, "127.0.0.1", resolve));
  raw.setMulticastInterface("127.0.0.1");
  const { port } = raw.address();
  const browser = new DnsSdBrowser(OWN);
  const last = Promise.withResolvers<void>();
  const instances = new Set<string>();
  const errors: unknown[] = [];
  const socket = await openMulticast(
    { name: "loopback", address: "127.0.0.1", netmask: "255.0.0.0" },
    {
      onMessage: (heard, from) => {
        if (from.port !== port) return;
        for (const found of browser.read(heard, "10.0.0.5", 0)) {
          assertHarmless(found, `seed ${SEED}`);
          instances.add(found.instance);
        }
        if (heard.questions[0]?.name === "last.local") last.resolve();
      },
      onMalformed: () => {},
      onError: (error) => errors.push(error),
    },
  );
  const say = (bytes: Bytes) =>
    new Promise<void>((resolve) => raw.send(bytes, MDNS_PORT, "224.0.0.251", () => resolve()));
  await say(PACKET);
  // Fewer packets than are read of one source at once.
  for (let round = 0; round < 50; round++) await say(mutateBytes(random, PACKET));
  await say(concatBytes(Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), LAST_QUESTION));
  await last.promise;
  assertEquals([instances.has("foo"), errors], [true, []]);
  await socket.close();
  await new Promise<void>((resolve) => raw.close(() => resolve()));
});

function name(text: string): Bytes {
  const labels = text.split(".").map((label) =>
    concatBytes(Uint8Array.of(label.length), encodeUtf8(label))
  );
  return concatBytes(...labels, Uint8Array.of(0));
}

const LAST_QUESTION = concatBytes(name("last.local"), Uint8Array.of(0, 12, 0, 1));
/** PTR, SRV, TXT and A of a service, with pointers to earlier names as a real responder writes them. */
const PACKET = concatBytes(
  Uint8Array.of(0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0),
  name("_hamlet._tcp.local"),
  Uint8Array.of(0, 12, 0, 1, 0, 0, 0x11, 0x94, 0, 6, 3, 0x66, 0x6f, 0x6f, 0xc0, 12),
  Uint8Array.of(0xc0, 42, 0, 33, 0x80, 1, 0, 0, 0, 120, 0, 10, 0, 0, 0, 0, 0x23, 0x28),
  Uint8Array.of(1, 0x68, 0xc0, 25),
  Uint8Array.of(0xc0, 42, 0, 16, 0x80, 1, 0, 0, 0x11, 0x94, 0, 4, 3, 0x76, 0x3d, 0x31),
  Uint8Array.of(0xc0, 66, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 10, 0, 0, 5),
);
