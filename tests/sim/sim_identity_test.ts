import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ByteReader } from "../../src/base/byte_reader.ts";
import { concatBytes, encodeHex } from "../../src/base/bytes.ts";
import type { MessageSigner } from "../../src/discovery/signature.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import { readMemberRecord, signMemberRecord } from "../../src/gossip/member_record.ts";
import { RecordPool } from "./record_pool.ts";
import { InterningIdCodec, simKey, simSigner } from "./sim_identity.ts";

Deno.test("simKey() is the same for the same seed and index, and begins differently for all others", () => {
  assertEquals(simKey(3, 7), simKey(3, 7));
  const heads = Array.from(
    { length: 5_000 },
    (_, index) => encodeHex(simKey(3, index).slice(0, 4)),
  );
  assertEquals(new Set(heads).size, 5_000);
});

Deno.test("InterningIdCodec spells as peerIdOf() does, each id once", () => {
  const ids = new InterningIdCodec();
  const key = simKey(1, 2);
  const id = ids.read(key);
  assertEquals(id, peerIdOf(key));
  assertStrictEquals(ids.read(key.slice()), id);
  assertEquals(ids.write(id), key);
  const other = key.slice();
  other[31] = (other[31] ?? 0) ^ 1;
  assertThrows(() => ids.read(other), RangeError, "the same four bytes");
  assertThrows(() => ids.write(peerIdOf(simKey(1, 3))), RangeError, "was never read");
});

Deno.test("simSigner() signs differently in the first six bytes", () => {
  const heads = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const signer = simSigner(simKey(1, seed), seed);
    for (let n = 0; n < 200; n++) heads.add(encodeHex(signer.sign(new Uint8Array(9)).slice(0, 6)));
  }
  assertEquals(heads.size, 10_000);
});

Deno.test("RecordPool.read() reads as readMemberRecord() does, and shares what it read before", () => {
  const ids = new InterningIdCodec();
  const pool = new RecordPool(ids);
  const id = ids.read(simKey(1, 1));
  // The same member, in its life and in a former one.
  const [now, then] = [simSigner(simKey(1, 1), 1), simSigner(simKey(1, 1), 2)];
  const sign = (incarnation: number, signer: MessageSigner) => {
    const addresses = [{ host: "10.0.0.1", port: 9000 }];
    const said = { id, incarnation, status: "alive", pace: "lan", addresses } as const;
    return signMemberRecord(said, signer, ids);
  };
  const [first, second, former] = [sign(0, now), sign(1, now), sign(0, then)];
  const message = concatBytes(first.bytes, second.bytes, former.bytes, first.bytes);
  const [reader, plain] = [new ByteReader(message), new ByteReader(message)];
  const read = Array.from({ length: 4 }, () => pool.read(reader));
  assertEquals(read, Array.from({ length: 4 }, () => readMemberRecord(plain, ids)));
  assertStrictEquals(read[3], read[0]);
  assertStrictEquals(pool.read(new ByteReader(former.bytes)), read[2]);
  reader.end();
});

Deno.test("RecordPool.read() throws as readMemberRecord() does at every truncation", () => {
  const ids = new InterningIdCodec();
  const id = ids.read(simKey(1, 1));
  const said = { id, incarnation: 0, status: "alive", pace: "lan", addresses: [] } as const;
  const { bytes } = signMemberRecord(said, simSigner(simKey(1, 1), 1), ids);
  const pool = new RecordPool(ids);
  pool.read(new ByteReader(bytes));
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => pool.read(new ByteReader(bytes.slice(0, length))), Error, "Cannot read");
  }
});
