import { assert } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { ByteReader, ByteReaderError } from "../../src/base/byte_reader.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { EventError } from "../../src/gossip/event.ts";
import { Gossip } from "../../src/gossip/gossip.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { MAX_MEMBERS } from "../../src/gossip/member_table.ts";
import {
  encodeAsk,
  encodeDigest,
  encodeNack,
  encodeProbe,
  encodeRecords,
  encodeRumour,
  encodeRumours,
  encodeSummary,
  encodeWant,
  KINDS,
  prefixOf,
  type Rumour,
} from "../../src/gossip/message.ts";
import { MAX_ERRANDS } from "../../src/gossip/errands.ts";
import { hamletOf } from "../gossip/hamlet.ts";
import { forgedRecord, idOf, readRecord, recordOf, signerOf, toyVerify } from "../gossip/people.ts";
import { byte, fuzzSeed, mutateBytes } from "../testing/mutate.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const ROUNDS = 6_000;
/** Members that exist; the first is fuzzed, and has sessions with the next few. */
const VILLAGERS = 60;
const NEIGHBOURS = 6;
/** The longest message that a frame can carry. */
const MAX_FRAME_BYTES = 65_511;

/** A Gossip that counts what it wants done. */
class Target {
  dials = 0;
  sentBytes = 0;
  readonly gossip: Gossip;

  constructor(seed: number) {
    this.gossip = new Gossip({
      id: idOf(0),
      signer: signerOf(0),
      verify: toyVerify,
      readRecord,
      random: seededRandom(seed),
      addresses: () => [{ host: "10.0.0.0", port: 9000 }],
      belongs: (id) => id !== idOf(VILLAGERS - 1),
      outlet: {
        send: (_, { length }) => {
          assert(length <= MAX_FRAME_BYTES);
          this.sentBytes += length;
        },
        dial: () => this.dials++,
        hangUp: () => {},
        onEvent: () => {},
      },
    }, 0);
    for (let n = 1; n <= NEIGHBOURS; n++) this.gossip.connected(idOf(n), 0, n % 2 === 0);
  }

  /** Fails when anything is larger than its cap. */
  check(label: string): void {
    const { members, queued, neighbours, own } = this.gossip;
    assert(members.size <= Math.min(MAX_MEMBERS, VILLAGERS), label);
    assert(members.living <= members.size && members.awake <= members.living, label);
    assert(neighbours.size <= NEIGHBOURS, label);
    // A rumour and a probe for each member, the errands, and one of a stranger's making: none.
    assert(queued <= 2 * VILLAGERS + MAX_ERRANDS, `${label}: ${queued} are queued`);
    assert(own.id === idOf(0) && toyVerifies(own.bytes), label);
    assert(members.stateOf(idOf(VILLAGERS - 1)) === undefined, label);
    for (const record of members.records()) {
      assert(toyVerifies(record.bytes), `${label}: a record that nobody signed`);
    }
  }
}

function toyVerifies(bytes: Bytes): boolean {
  const body = bytes.subarray(0, -64);
  const signed = concatBytes(new TextEncoder().encode("hamlet member"), body);
  return toyVerify(bytes.slice(1, 33), signed, bytes.slice(-64));
}

/** Messages as members send them, of every kind. */
function honestMessages(random: Random): readonly Bytes[] {
  const n = () => randomBelow(random, VILLAGERS);
  const incarnation = () => randomBelow(random, 4);
  const status = () => (["alive", "asleep", "left"] as const)[randomBelow(random, 3)] ?? "alive";
  const rumour = (): Rumour => {
    const kind = (["suspect", "dead", "record"] as const)[randomBelow(random, 3)] ?? "record";
    if (kind !== "record") {
      return { kind, id: idOf(n()), incarnation: incarnation(), accuser: idOf(n()) };
    }
    const record = randomBelow(random, 4) === 0
      ? forgedRecord(n(), { incarnation: incarnation() })
      : recordOf(n(), { incarnation: incarnation(), status: status() });
    return { kind, record };
  };
  const rumours = Array.from({ length: 5 }, () => encodeRumour(rumour(), PLAIN_ID_CODEC));
  const records = Array.from({ length: 5 }, () => recordOf(n(), { incarnation: incarnation() }));
  const seq = randomBelow(random, 200);
  return [
    encodeProbe("ping", { seq, degree: randomBelow(random, 65_536), rumours }),
    encodeProbe("ack", { seq, degree: randomBelow(random, 65_536), rumours }),
    encodeAsk(seq, idOf(n()), PLAIN_ID_CODEC),
    encodeNack(seq),
    encodeRumours(rumours),
    encodeDigest({ low: byte(random), high: byte(random) }, byte(random) < 128 ? "ask" : "same"),
    encodeSummary({ bits: 0, part: 0 }, records.map((record) => [record, byte(random) < 64])),
    encodeWant(records.map(prefixOf)),
    ...encodeRecords(records.map((record) => [record, byte(random) < 64])),
    Uint8Array.of(KINDS.part),
  ];
}

/** What a village of a few said to each other, events and capability records too. */
function overheard(): readonly Bytes[] {
  const hamlet = hamletOf(5, 3);
  hamlet.resident(2).gossip.setCapabilities('{"cpu_cores":8}');
  hamlet.resident(3).gossip.broadcast("greeting", "hello", hamlet.nowMs);
  const query = { name: "who", data: "", where: "cpu_cores>=4", deadlineMs: 2_000 };
  hamlet.resident(4).gossip.query(
    { ...query, onAnswer: () => {}, onEnd: () => {} },
    hamlet.nowMs,
  );
  hamlet.run(8_000);
  // Who is gone is asked about; who is cut off from an origin asks for its events.
  hamlet.crash(5);
  hamlet.part(1, 3, "lost");
  hamlet.run(30_000);
  const byKind = new Map<string, string>();
  for (const line of hamlet.tape) {
    const hex = line.split(" ")[3] ?? "";
    byKind.set(`${hex.slice(0, 2)} ${byKind.size % 7}`, hex);
  }
  return [...byKind.values()].map((hex) => Uint8Array.fromHex(hex));
}

function fuzz(seed: number, messageOf: (random: Random) => Bytes): void {
  const random = seededRandom(seed);
  const target = new Target(seed);
  let nowMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const label = `seed ${SEED}, round ${round}`;
    nowMs += randomBelow(random, 40);
    const from = idOf(1 + randomBelow(random, NEIGHBOURS));
    const message = messageOf(random);
    try {
      target.gossip.receive(from, message, nowMs);
    } catch (error) {
      if (!(error instanceof ByteReaderError || error instanceof EventError)) {
        throw new Error(`${label}: ${message.toHex()}`, { cause: error });
      }
    }
    try {
      if (target.gossip.deadlineMs <= nowMs) target.gossip.tick(nowMs);
      if (randomBelow(random, 50) === 0) {
        target.gossip.dialFailed(idOf(randomBelow(random, VILLAGERS)), nowMs);
      }
    } catch (error) {
      throw new Error(label, { cause: error });
    }
    if (round % 100 === 0) target.check(label);
  }
  target.check(`seed ${SEED}, the end`);
}

Deno.test(
  `Gossip.receive() of mutated messages throws nothing but its errors, and stays within its caps, seed ${SEED}`,
  PURE,
  () =>
    fuzz(SEED, (random) => {
      const messages = honestMessages(random);
      const message = messages[randomBelow(random, messages.length)] ?? new Uint8Array();
      return randomBelow(random, 3) === 0 ? message : mutateBytes(random, message);
    }),
);

Deno.test(
  `Gossip.receive() of damaged talk of a village throws nothing but its errors, seed ${SEED}`,
  PURE,
  () => {
    const talk = overheard();
    assert(new Set(talk.map(([kind]) => kind)).size >= 8);
    fuzz(SEED + 1, (random) => {
      const message = talk[randomBelow(random, talk.length)] ?? new Uint8Array();
      if (randomBelow(random, 4) === 0) {
        return message.slice(0, randomBelow(random, message.length));
      }
      return randomBelow(random, 4) === 0 ? message : mutateBytes(random, message);
    });
  },
);

Deno.test(
  `Gossip.receive() of random bytes throws nothing but its errors, seed ${SEED}`,
  PURE,
  () =>
    fuzz(SEED + 2, (random) => {
      const bytes = Uint8Array.from({ length: randomBelow(random, 300) }, () => byte(random));
      bytes[0] = randomBelow(random, 24);
      return bytes;
    }),
);

Deno.test(
  `readMemberRecord() gives a record of exactly the bytes that it read, or throws, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED + 3);
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = mutateBytes(random, recordOf(round % 50).bytes);
      const reader = new ByteReader(bytes);
      try {
        const record = readRecord(reader);
        const read = bytes.subarray(0, reader.offset);
        assert(record.bytes.length === read.length, `seed ${SEED}, round ${round}`);
      } catch (error) {
        if (!(error instanceof ByteReaderError)) {
          throw new Error(`seed ${SEED}, round ${round}`, { cause: error });
        }
      }
    }
  },
);

Deno.test(
  `Gossip: one neighbour's flood costs no more than its allowance, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED + 4);
    const target = new Target(SEED);
    const members = Array.from({ length: VILLAGERS - 1 }, (_, n) => recordOf(n));
    for (const message of encodeRecords(members.map((record) => [record, false]))) {
      target.gossip.receive(idOf(1), message, 0);
    }
    const flood = [
      encodeDigest({ low: 1, high: 2 }, "ask"),
      encodeWant(members.map(prefixOf)),
      encodeSummary({ bits: 0, part: 0 }, []),
    ];
    target.sentBytes = 0;
    for (let ms = 0; ms < 60_000; ms += 2) {
      const message = flood[randomBelow(random, flood.length)] ?? new Uint8Array();
      target.gossip.receive(idOf(1), message, ms);
    }
    // A summary a second, and 256 records and four tables more: some 120 bytes each.
    const most = 61 * (VILLAGERS * 11 + 4) + (256 + 4 * VILLAGERS) * 130;
    assert(target.sentBytes < most, `seed ${SEED}: ${target.sentBytes} bytes of at most ${most}`);
  },
);
