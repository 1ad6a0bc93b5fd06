import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hkdfSync } from "node:crypto";
import { type Bytes, encodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import { deriveKey, sealBox } from "../../src/noise/secret_box.ts";
import {
  MAX_RECORD_BYTES,
  openRecord,
  recordSigner,
  rendezvousKeys,
  sealRecord,
} from "../../src/trust/dht_keys.ts";

const PURE = { permissions: "none" } as const;
const SECRET = new Uint8Array(32).fill(7);
const OTHER_SECRET = new Uint8Array(32).fill(8);
const ALICE = peerIdOf(new Uint8Array(32).fill(1));
const BOB = peerIdOf(new Uint8Array(32).fill(2));

/** RFC 5869 by the runtime: what the keys must be. */
function derived(secret: Bytes, label: string, length: number): string {
  return encodeHex(new Uint8Array(hkdfSync("sha256", secret, "", label, length)));
}

const rendezvousOf = (day: string) => derived(SECRET, `hamlet dht rendezvous ${day}`, 20);

/** A record whose JSON has `length` bytes. */
function recordOf(length: number) {
  return { text: "x".repeat(length - '{"text":""}'.length) };
}

Deno.test("rendezvousKeys() are the day's, and near midnight the neighbour's", PURE, () => {
  const keysAt = (time: string) =>
    rendezvousKeys(SECRET, Date.parse(`2026-11-22T${time}Z`)).map(encodeHex);
  const [before, today, after] = ["2026-11-21", "2026-11-22", "2026-11-23"].map(rendezvousOf);
  assertEquals(keysAt("00:00:00.000"), [today, before]);
  assertEquals(keysAt("01:59:59.999"), [today, before]);
  assertEquals(keysAt("02:00:00.000"), [today]);
  assertEquals(keysAt("12:00:00.000"), [today]);
  assertEquals(keysAt("21:59:59.999"), [today]);
  assertEquals(keysAt("22:00:00.000"), [today, after]);
  assertEquals(keysAt("23:59:59.999"), [today, after]);
});

Deno.test("rendezvousKeys() let members meet whose clocks are 2 h apart", PURE, () => {
  const midnight = Date.parse("2026-11-23T00:00Z");
  for (const aheadMs of [1, 60_000, 7_199_999, 7_200_000]) {
    for (let wallMs = midnight - aheadMs; wallMs < midnight; wallMs += 599_999) {
      const [announced] = rendezvousKeys(SECRET, wallMs + aheadMs);
      const lookedUp = rendezvousKeys(SECRET, wallMs).map(encodeHex);
      assert(lookedUp.includes(encodeHex(announced)), `${wallMs} ${aheadMs}`);
    }
  }
});

Deno.test("rendezvousKeys() of another secret are others", PURE, () => {
  assertNotEquals(rendezvousKeys(SECRET, 0), rendezvousKeys(OTHER_SECRET, 0));
});

Deno.test("recordSigner() follows from the secret and the node id", PURE, () => {
  const seed = Uint8Array.fromHex(derived(SECRET, `hamlet dht record ${ALICE}`, 32));
  const expected = noblePrimitives.importSigningKeyPair(seed).publicKey;
  const publicKeyOf = (secret: Bytes, id: typeof ALICE) =>
    recordSigner(secret, id, noblePrimitives).publicKey;
  assertEquals(publicKeyOf(SECRET, ALICE), expected);
  assertNotEquals(publicKeyOf(SECRET, BOB), expected);
  assertNotEquals(publicKeyOf(OTHER_SECRET, ALICE), expected);
});

Deno.test("sealRecord() and openRecord() carry a record to who holds the secret", PURE, () => {
  const record = { type: "PEER_RECORD", node_id: ALICE, addresses: ["10.0.0.1:9000"], seq: 5 };
  const box = sealRecord(SECRET, record);
  assert(box);
  assertEquals(openRecord(SECRET, box), record);
  assertEquals(openRecord(OTHER_SECRET, box), undefined);
});

Deno.test("sealRecord() shows neither a record's length nor that it is the same", PURE, () => {
  const boxes = [recordOf(20), recordOf(20), recordOf(500)].map((each) => sealRecord(SECRET, each));
  // nonce, padded record, tag: what BEP 44 still takes, 999 bytes with its length in front.
  assertEquals(boxes.map((box) => box?.length), [995, 995, 995]);
  assertNotEquals(boxes[0], boxes[1]);
});

Deno.test("sealRecord() takes the longest record and none that is longer", PURE, () => {
  const longest = recordOf(MAX_RECORD_BYTES);
  const box = sealRecord(SECRET, longest);
  assertEquals(box && openRecord(SECRET, box), longest);
  assertEquals(sealRecord(SECRET, recordOf(MAX_RECORD_BYTES + 1)), undefined);
  // Bytes count, not characters.
  assertEquals(sealRecord(SECRET, { text: "é".repeat(480) }), undefined);
});

Deno.test("openRecord() refuses every forged and truncated box", PURE, () => {
  const box = sealRecord(SECRET, recordOf(20));
  assert(box);
  for (let n = 0; n < box.length; n += 7) {
    const forged = box.with(n, (box[n] ?? 0) ^ 1) as Bytes;
    assertEquals(openRecord(SECRET, forged), undefined);
    assertEquals(openRecord(SECRET, box.slice(0, n)), undefined);
  }
});

Deno.test("openRecord() refuses what a member sealed that is no JSON", PURE, () => {
  const key = deriveKey(SECRET, "hamlet dht value");
  for (const plaintext of [encodeUtf8(""), encodeUtf8("{"), Uint8Array.of(0xff, 0xfe)]) {
    assertEquals(openRecord(SECRET, sealBox(key, plaintext)), undefined);
  }
});
