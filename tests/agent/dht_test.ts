import { assert, assertEquals, assertRejects } from "@std/assert";
import { DhtScout, type DhtScoutOptions } from "../../src/agent/dht.ts";
import { type Bytes, encodeHex } from "../../src/base/bytes.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { readRecord, signRecord } from "../../src/mesh/peer_record.ts";
import type { Address } from "../../src/net/address.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import { deriveKey } from "../../src/noise/secret_box.ts";
import { recordSigner, sealRecord } from "../../src/trust/dht_keys.ts";
import { FakeDht } from "../testing/fake_dht.ts";
import { ALICE, BOB, identityOf } from "../testing/identities.ts";

const SECRET = new Uint8Array(32).fill(7);
const OWN = { host: "192.0.2.1", port: 9000 };
const MINUTE_MS = 60_000;
const NOON = Date.parse("2026-11-22T12:00Z");

interface Scene {
  readonly clock: ManualClock;
  readonly dht: FakeDht;
  readonly scout: DhtScout;
  readonly addresses: Address[];
  readonly records: unknown[];
  /** Events by level and name. */
  readonly logged: string[];
}

interface Setting extends Partial<DhtScoutOptions> {
  readonly wallMs?: number;
  /** What the DHT is before the scout joins it. */
  readonly prepare?: (dht: FakeDht) => void;
}

/** Runs `use` with a scout on a DHT in memory, its first round done. */
async function withScout(setting: Setting, use: (scene: Scene) => Promise<void>): Promise<void> {
  const { wallMs = NOON, prepare, ...options } = setting;
  const clock = new ManualClock(wallMs);
  const dht = new FakeDht(clock);
  prepare?.(dht);
  const [addresses, records, logged]: [Address[], unknown[], string[]] = [[], [], []];
  const scout = await DhtScout.start({
    clock,
    random: seededRandom(4),
    log: (level, event) => logged.push(`${level} ${event}`),
    primitives: noblePrimitives,
    secrets: () => [SECRET],
    id: ALICE.id,
    port: OWN.port,
    addresses: () => [OWN],
    record: () => signRecord(ALICE.id, [OWN], ALICE.signing, clock.wallMs()),
    wanted: () => [],
    onAddress: (address) => addresses.push(address),
    onRecord: (record) => records.push(record),
    open: () => Promise.resolve(dht),
    ...options,
  });
  clock.advance(0);
  await settle();
  try {
    await use({ clock, dht, scout, addresses, records, logged });
  } finally {
    await scout.close();
    assertEquals([clock.pending, dht.isClosed], [0, true]);
  }
}

/** Lets `count` minutes pass: the first, in which much happens, second by second. */
async function pass(clock: ManualClock, count: number): Promise<void> {
  const untilMs = clock.now() + count * MINUTE_MS;
  await clock.run(Math.max(0, MINUTE_MS - clock.now()), 1_000);
  await clock.run(untilMs - clock.now(), 20_000);
}

/** `count` addresses from the `first`th on. */
function many(count: number, first = 0): readonly Address[] {
  return Array.from(
    { length: count },
    (_, n) => ({
      host: `198.51.100.${(first + n) % 256}`,
      port: 9_000 + Math.floor((first + n) / 256),
    }),
  );
}

/** Stores the record of Bob as Bob would. */
function storeBob(dht: FakeDht, wallMs = NOON) {
  const record = signRecord(BOB.id, [{ host: "10.0.0.2", port: 9000 }], BOB.signing, wallMs);
  const value = sealRecord(SECRET, record.signed);
  const signer = recordSigner(SECRET, BOB.id, noblePrimitives);
  assert(value);
  dht.items.set(signer.publicKey.toHex(), { signer, value, seq: record.seqMs });
  return record.signed;
}

Deno.test("DhtScout looks up at once, often in the first minute, then every 5 minutes", async () => {
  await withScout({}, async ({ clock, dht, scout }) => {
    await pass(clock, 15);
    assertEquals(dht.times("lookup"), [0, 1, 5, 15, 30, 60, 360, 660]);
    assertEquals(scout.status.lookups, 8);
  });
});

Deno.test("DhtScout announces its port where members meet, every 15 minutes", async () => {
  await withScout({}, async ({ clock, dht, scout }) => {
    assertEquals([dht.announcedPort, scout.status.announced], [OWN.port, 8]);
    const day = encodeHex(deriveKey(SECRET, "hamlet dht rendezvous 2026-11-22", 20));
    await pass(clock, 60);
    assertEquals(dht.times("announce"), [0, 960, 1_860, 2_760]);
    for (const name of ["announce", "lookup"] as const) {
      assertEquals(new Set(dht.named(name).map(({ key }) => key)), new Set([day]));
    }
  });
});

Deno.test("DhtScout announces anew when the day changes, and looks on both sides of midnight", async () => {
  const [day22 = "", day23 = ""] = ["2026-11-22", "2026-11-23"].map((day) =>
    encodeHex(deriveKey(SECRET, `hamlet dht rendezvous ${day}`, 20))
  );
  // The rounds are at 23:56, four more in a minute, and at 00:02.
  await withScout({ wallMs: Date.parse("2026-11-22T23:56Z") }, async ({ clock, dht }) => {
    const lookedUp = () => dht.named("lookup").slice(-2).map(({ key }) => key);
    const announced = () => dht.named("announce").map(({ key }) => key);
    assertEquals([lookedUp(), announced()], [[day22, day23], [day22]]);
    await pass(clock, 7);
    assertEquals([lookedUp(), announced()], [[day23, day22], [day22, day23]]);
    assertEquals(dht.times("announce"), [0, 360]);
  });
});

Deno.test("DhtScout tries again at the next round when nobody took its announcement", async () => {
  await withScout({ prepare: (dht) => dht.nodes = 0 }, async ({ clock, dht, scout }) => {
    await clock.run(4_000, 1_000);
    assertEquals([dht.times("announce"), dht.times("put")], [[0, 1], [0, 1]]);
    assertEquals(scout.status.announced, 0);
    dht.nodes = 3;
    await clock.run(MINUTE_MS, 1_000);
    assertEquals([dht.times("announce"), dht.times("put")], [[0, 1, 5], [0, 1, 5]]);
    assertEquals(scout.status.announced, 3);
  });
});

Deno.test("DhtScout tells each address once, and none that cannot be a member's", async () => {
  const member = { host: "203.0.113.7", port: 9000 };
  const loopback = { host: "127.0.0.1", port: 9001 };
  const peers = [
    OWN,
    member,
    { host: "203.0.113.8", port: 0 },
    { host: "0.0.0.0", port: 9000 },
    { host: "224.0.0.251", port: 5353 },
    { host: "255.255.255.255", port: 9000 },
    member,
    loopback,
  ];
  await withScout({ prepare: (dht) => dht.peers = peers }, async ({ clock, scout, addresses }) => {
    assertEquals(addresses, [member, loopback]);
    await pass(clock, 9);
    assertEquals(addresses, [member, loopback]);
    assertEquals(scout.status.found, 2);
    await pass(clock, 3);
    assertEquals(addresses, [member, loopback, member, loopback], "once in 10 minutes");
  });
});

Deno.test("DhtScout tells at most 64 addresses a lookup", async () => {
  await withScout({ prepare: (dht) => dht.peers = many(500) }, async ({ clock, addresses }) => {
    assertEquals(addresses, [...many(64)]);
    await clock.run(1_000, 500);
    assertEquals(addresses, [...many(128)]);
  });
});

Deno.test("DhtScout stores its record sealed, every 30 minutes", async () => {
  await withScout({}, async ({ clock, dht }) => {
    const { publicKey } = recordSigner(SECRET, ALICE.id, noblePrimitives);
    const stored = dht.items.get(publicKey.toHex());
    assertEquals([stored?.seq, stored?.value.length], [NOON, 995]);
    await pass(clock, 65);
    // Rounds are 5 minutes apart from the end of the first minute on.
    assertEquals(dht.times("put"), [0, 1_860, 3_660]);
    assertEquals(dht.items.get(publicKey.toHex())?.seq, NOON + 3_660_000);
  });
});

Deno.test("DhtScout does not store a record that is too long", async () => {
  const long = (n: number) => ({ host: `${"h".repeat(60)}.${"h".repeat(60)}.${n}`, port: 9000 });
  const addresses = Array.from({ length: 8 }, (_, n) => long(n));
  const record = () => signRecord(ALICE.id, addresses, ALICE.signing, NOON);
  await withScout({ record }, async ({ clock, dht, logged }) => {
    await pass(clock, 5);
    assertEquals(dht.named("put"), []);
    assertEquals(logged, ["warn dht record too long"]);
    assertEquals(dht.times("announce"), [0]);
  });
});

Deno.test("DhtScout.publish() stores and announces again", async () => {
  await withScout({}, async ({ clock, dht, scout }) => {
    await clock.run(100_000, 1_000);
    scout.publish();
    clock.advance(0);
    await settle();
    assertEquals([dht.times("put"), dht.times("announce")], [[0, 100], [0, 100]]);
  });
});

Deno.test("DhtScout.search() looks up soon, at most every 10 s", async () => {
  await withScout({}, async ({ clock, dht, scout }) => {
    await clock.run(100_000, 1_000);
    const before = dht.named("lookup").length;
    for (let n = 0; n < 250; n++) {
      scout.search();
      await clock.run(100, 100);
    }
    assertEquals(dht.times("lookup").slice(before), [100, 110, 120]);
    await clock.run(15 * MINUTE_MS, 5_000);
    // The last search was at 124.9 s, and the rest go on from there.
    assertEquals(dht.times("lookup").slice(before + 3), [130, 430, 730]);
  });
});

Deno.test("DhtScout.find() hands over the record that a member stored", async () => {
  await withScout({}, async ({ scout, dht, records, clock }) => {
    const signed = storeBob(dht);
    assertEquals(scout.find(BOB.id), true);
    await settle();
    assertEquals(records, [signed]);
    const { verify } = noblePrimitives;
    assertEquals(readRecord(records[0], verify, clock.wallMs())?.id, BOB.id);
  });
});

Deno.test("DhtScout.find() finds nothing with another secret, and no garbage", async () => {
  const secret = new Uint8Array(32).fill(8);
  await withScout({ secrets: () => [secret] }, async ({ scout, dht, records }) => {
    storeBob(dht);
    const signer = recordSigner(secret, ALICE.id, noblePrimitives);
    dht.items.set(signer.publicKey.toHex(), { signer, value: new Uint8Array(100), seq: 1 });
    assertEquals([BOB.id, ALICE.id].map((id) => scout.find(id)), [true, true]);
    await settle();
    assertEquals(dht.named("get").length, 2);
    assertEquals(records, []);
  });
});

Deno.test("DhtScout looks under former secrets and publishes under the present one", async () => {
  const present = new Uint8Array(32).fill(8);
  const secrets = [[SECRET], [present, SECRET]] as [Bytes, ...Bytes[]][];
  let generation = 0;
  const setting = { secrets: () => secrets[generation] ?? [SECRET] } as const;
  await withScout(setting, async ({ clock, dht, scout, records }) => {
    const announced = () => dht.named("announce").length;
    assertEquals(announced(), 1);
    generation = 1;
    scout.publish();
    await clock.run(10_000, 1_000);
    assertEquals(announced(), 2, "anew, under the present secret");
    const looked = dht.named("lookup").length;
    await clock.run(5_000, 1_000);
    assertEquals((dht.named("lookup").length - looked) % 2, 0, "each round under both");
    storeBob(dht);
    assertEquals(scout.find(BOB.id), true);
    await settle();
    assertEquals(records.length, 1, "who was away has stored under the former secret");
  });
});

Deno.test("DhtScout.find() has at most 8 lookups under way, each for 30 s", async () => {
  const ids = Array.from({ length: 10 }, (_, n) => identityOf(n).id);
  await withScout({}, async ({ clock, dht, scout }) => {
    dht.isHanging = true;
    assertEquals(ids.map((id) => scout.find(id)), [...Array(8).fill(true), false, false]);
    assertEquals(scout.find(ids[0] ?? BOB.id), false);
    await clock.run(29_999, 1_000);
    assertEquals(scout.find(BOB.id), false);
    await clock.run(1);
    assertEquals([scout.find(BOB.id), scout.find(ids[0] ?? BOB.id)], [true, true]);
  });
});

Deno.test("DhtScout looks for the records of missing members, 8 a minute at most", async () => {
  const ids = Array.from({ length: 20 }, (_, n) => identityOf(n).id);
  let wanted: readonly PeerId[] = [ALICE.id, ...ids];
  const setting: Setting = { wanted: () => wanted };
  await withScout(setting, async ({ clock, dht }) => {
    assertEquals(dht.named("get").length, 8);
    assertEquals(new Set(dht.named("get").map(({ key }) => key)).size, 8);
    for (let minute = 1; minute <= 10; minute++) {
      await pass(clock, 1);
      assertEquals(dht.named("get").length, 8 * (minute + 1));
    }
    const own = recordSigner(SECRET, ALICE.id, noblePrimitives).publicKey.toHex();
    const asked = new Set(dht.named("get").map(({ key }) => key));
    assertEquals([asked.has(own), asked.size], [false, 20]);
    wanted = [];
    await pass(clock, 5);
    assertEquals(dht.named("get").length, 88);
  });
});

Deno.test("DhtScout goes on when lookups do not end", async () => {
  await withScout({ prepare: (dht) => dht.isHanging = true }, async ({ clock, dht }) => {
    // Each call is given up after 30 s, and an announcement follows its lookup.
    await clock.run(2 * MINUTE_MS, 1_000);
    assertEquals([dht.times("lookup"), dht.times("announce")], [[0, 60], [30, 90]]);
    dht.isHanging = false;
    await pass(clock, 5);
    assertEquals([dht.times("lookup"), dht.times("announce")], [[0, 60, 360], [30, 90, 360]]);
  });
});

Deno.test("DhtScout.status tells a DHT that does not answer from one that does", async () => {
  await withScout({ prepare: (dht) => dht.nodes = 0 }, async ({ clock, dht, scout, logged }) => {
    assertEquals(scout.status, { state: "starting", nodes: 0, announced: 0, lookups: 1, found: 0 });
    await clock.run(9_999, 1_000);
    assertEquals(scout.status.state, "starting");
    await clock.run(1);
    assertEquals(scout.status.state, "alone");
    await clock.run(50_000, 1_000);
    await pass(clock, 2);
    assertEquals(logged, ["warn dht alone"]);
    assertEquals(dht.times("lookup"), [0, 1, 5, 15, 30, 60, 120, 180]);
    dht.nodes = 5;
    assertEquals([scout.status.state, scout.status.nodes], ["on", 5]);
    await clock.run(MINUTE_MS, 1_000);
    assertEquals(logged, ["warn dht alone", "info dht joined"]);
  });
});

Deno.test("DhtScout survives a defect of whoever takes what it finds", async () => {
  const onRecord = () => {
    throw new Error("a defect");
  };
  await withScout({ onRecord, wanted: () => [BOB.id] }, async ({ clock, dht, logged }) => {
    storeBob(dht);
    await clock.run(MINUTE_MS, 1_000);
    assert(logged.includes("warn dht failed"));
    assertEquals(dht.times("lookup"), [0, 1, 5, 15, 30, 60]);
  });
});

Deno.test("DhtScout.close() ends everything at once, whatever hangs", async () => {
  await withScout({}, async ({ clock, dht, scout, records, addresses }) => {
    dht.isHanging = true;
    assertEquals(scout.find(BOB.id), true);
    await clock.run(1_000, 500);
    const calls = dht.calls.length;
    await Promise.all([scout.close(), scout.close()]);
    assertEquals(clock.pending, 0);
    scout.search();
    scout.publish();
    assertEquals(scout.find(BOB.id), false);
    await clock.run(10 * MINUTE_MS, MINUTE_MS);
    assertEquals([dht.calls.length, clock.pending, records, addresses], [calls, 0, [], []]);
  });
});

Deno.test("DhtScout.start() fails as opening does", async () => {
  const open = () => Promise.reject(new Error("no socket"));
  await assertRejects(() => withScout({ open }, () => Promise.resolve()), Error, "no socket");
});
