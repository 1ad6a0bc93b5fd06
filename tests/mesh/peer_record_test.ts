import { assert, assertEquals } from "@std/assert";
import { ed25519 } from "@noble/curves/ed25519.js";
import { encodeBase64Url, encodeUtf8 } from "../../src/base/bytes.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { MAX_MUX_BODY_BYTES } from "../../src/channel/mux_frame.ts";
import {
  MAX_RECORDS_SENT,
  type PeerRecord,
  reachableFrom,
  readRecord,
  signRecord,
} from "../../src/mesh/peer_record.ts";
import { RecordBook } from "../../src/mesh/record_book.ts";
import { naiveCanonical } from "../testing/canonical.ts";
import { ALICE, BOB, identityOf, PRIMITIVES, WALL_MS } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const HOUR_MS = 3_600_000;
const ADDRESSES = [{ host: "192.168.1.5", port: 9000 }, { host: "2001:db8::1", port: 9001 }];

function record(wallMs = WALL_MS, identity = ALICE): PeerRecord {
  return signRecord(identity.id, ADDRESSES, identity.signing, wallMs);
}

function read(value: unknown, wallMs = WALL_MS): PeerRecord | undefined {
  return readRecord(value, PRIMITIVES.verify, wallMs);
}

/** Any body, signed by Alice. */
function signed(body: JsonObject): JsonObject {
  const signature = encodeBase64Url(ALICE.signing.sign(encodeUtf8(naiveCanonical(body))));
  return { ...body, signature };
}

function body(changes: JsonObject = {}): JsonObject {
  const { signature: _, ...rest } = record().signed;
  return { ...rest, ...changes };
}

Deno.test("signRecord() spells the record and signs its canonical form", PURE, () => {
  const { signature, ...rest } = record().signed;
  assertEquals(rest, {
    type: "PEER_RECORD",
    node_id: ALICE.id,
    addresses: ["192.168.1.5:9000", "[2001:db8::1]:9001"],
    seq: WALL_MS,
    expires: WALL_MS + HOUR_MS,
  });
  const bytes = Uint8Array.fromBase64(String(signature), { alphabet: "base64url" });
  assert(ed25519.verify(bytes, encodeUtf8(naiveCanonical(rest)), ALICE.signing.publicKey));
});

Deno.test("signRecord() carries at most eight addresses", PURE, () => {
  const many = Array.from({ length: 20 }, (_, n) => ({ host: `10.0.0.${n}`, port: 9000 }));
  const long = signRecord(ALICE.id, many, ALICE.signing, WALL_MS);
  assertEquals(long.addresses, many.slice(0, 8));
  assertEquals(read(long.signed)?.addresses, many.slice(0, 8));
});

Deno.test("readRecord() round-trips through JSON", PURE, () => {
  const original = record();
  assertEquals(read(JSON.parse(JSON.stringify(original.signed))), original);
});

Deno.test("readRecord() refuses every tampered field and every missing one", PURE, () => {
  const honest = record().signed;
  const changes: readonly JsonObject[] = [
    { type: "PEER_DISCOVERY" },
    { node_id: BOB.id },
    { addresses: ["10.6.6.6:9000"] },
    { addresses: [] },
    { seq: WALL_MS + 1 },
    { expires: WALL_MS + HOUR_MS - 1 },
    { extra: 1 },
    { signature: record(WALL_MS, BOB).signed["signature"] },
    { signature: "AAAA" },
  ];
  for (const change of changes) {
    assertEquals(read({ ...honest, ...change }), undefined, JSON.stringify(change));
  }
  for (const key of Object.keys(honest)) {
    const { [key]: _, ...rest } = honest;
    assertEquals(read(rest), undefined, `without ${key}`);
  }
});

Deno.test("readRecord() refuses hostile values, signed or not, without throwing", PURE, () => {
  const hostile: readonly unknown[] = [
    null,
    undefined,
    1,
    "x",
    [],
    {},
    [record().signed],
    ...[null, 1, "x", ALICE.id.toUpperCase()].map((node_id) => signed(body({ node_id }))),
    ...[null, -1, 0.5, 1e308, "1", []].map((seq) => signed(body({ seq }))),
    ...[null, -1, 0.5, 1e308, "1", []].map((expires) => signed(body({ expires }))),
    ...[null, "x", {}, [1], Array(9).fill("10.0.0.1:1"), ["a".repeat(81)]].map((addresses) =>
      signed(body({ addresses }))
    ),
    signed(body({ type: "PEER_DISCOVERY" })),
  ];
  for (const value of hostile) assertEquals(read(value), undefined, JSON.stringify(value));
});

Deno.test(
  "readRecord() refuses a record that nobody can canonicalise, without throwing",
  PURE,
  () => {
    for (const extra of ['"x":1e999', '"x":"\\ud800"', '"\\ud800":1', '"x":[{"y":-1e999}]']) {
      const text = JSON.stringify(record().signed).replace("{", `{${extra},`);
      assertEquals(read(JSON.parse(text)), undefined, extra);
    }
  },
);

Deno.test("readRecord() refuses a record padded beyond any use, signed though it is", PURE, () => {
  // Passed on unchanged, it would cost every member its size, and no introduction could carry it.
  const padded = signed(body({ padding: "x".repeat(50_000) }));
  assert(read(padded) === undefined, "50,000 bytes of padding were taken");
});

Deno.test("readRecord() takes a record until it expires, inclusive", PURE, () => {
  assert(read(record().signed, WALL_MS + HOUR_MS));
  assertEquals(read(record().signed, WALL_MS + HOUR_MS + 1), undefined);
});

Deno.test("readRecord() refuses a lifetime beyond an hour", PURE, () => {
  assert(read(signed(body({ expires: WALL_MS + HOUR_MS }))));
  assertEquals(read(signed(body({ expires: WALL_MS + HOUR_MS + 1 }))), undefined);
});

Deno.test("readRecord() takes a clock up to 300 s ahead", PURE, () => {
  assert(read(record(WALL_MS + 300_000).signed));
  assertEquals(read(record(WALL_MS + 300_001).signed), undefined);
});

Deno.test("reachableFrom() keeps what means something where it was said", PURE, () => {
  const scopes = {
    loopback: ["127.0.0.1", "::1"],
    private: ["10.1.1.1", "192.168.1.1", "172.16.0.1", "fd00::1"],
    link_local: ["169.254.1.1", "fe80::1"],
    public: ["203.0.113.5", "2001:db8::5"],
    unspecified: ["0.0.0.0", "::"],
  };
  const lan = [...scopes.private, ...scopes.link_local, ...scopes.public];
  const table = [
    ["127.0.0.1", [...scopes.loopback, ...lan]],
    ["::1", [...scopes.loopback, ...lan]],
    ["192.168.1.9", lan],
    ["169.254.7.7", lan],
    ["fd00::9", lan],
    ["203.0.113.9", scopes.public],
    ["2001:db8::9", scopes.public],
  ] as const;
  const all = Object.values(scopes).flat().map((host) => ({ host, port: 9000 }));
  for (const [source, expected] of table) {
    const kept = reachableFrom(source, all).map(({ host }) => host);
    assertEquals(kept.sort(), [...expected].sort(), source);
  }
});

Deno.test("RecordBook.keep() keeps the newest of each", PURE, () => {
  const book = new RecordBook();
  assertEquals(book.keep(record(WALL_MS)), true);
  assertEquals(book.keep(record(WALL_MS)), false, "a replay");
  assertEquals(book.keep(record(WALL_MS - 1)), false, "an older one");
  assertEquals(book.keep(record(WALL_MS + 1)), true);
  assertEquals(book.size, 1);
  const [listed] = book.list({ wallMs: WALL_MS, except: BOB.id, limit: 9 });
  assertEquals(listed?.seqMs, WALL_MS + 1);
});

Deno.test("RecordBook.list() leaves out the expired and whom it is for, newest first", PURE, () => {
  const book = new RecordBook();
  const named = (n: number, wallMs: number) => record(wallMs, identityOf(n));
  book.keep(named(1, WALL_MS));
  book.keep(named(2, WALL_MS - HOUR_MS - 1));
  book.keep(named(3, WALL_MS));
  book.keep(named(4, WALL_MS));
  const list = (limit: number) =>
    book.list({ wallMs: WALL_MS, except: identityOf(3).id, limit }).map(({ id }) => id);
  assertEquals(list(9), [identityOf(4).id, identityOf(1).id]);
  assertEquals(list(1), [identityOf(4).id]);
  assertEquals(list(0), []);
});

Deno.test("RecordBook holds at most 4,096 records, forgetting the oldest", PURE, () => {
  const book = new RecordBook();
  const fake = (n: number): PeerRecord => ({
    ...record(),
    id: `peer${n}` as PeerRecord["id"],
  });
  const template = fake(0);
  for (let n = 0; n < 5_000; n++) book.keep({ ...template, id: `peer${n}` as PeerRecord["id"] });
  assertEquals(book.size, 4_096);
  const kept = book.list({ wallMs: WALL_MS, except: BOB.id, limit: 1e9 });
  assertEquals([kept[0]?.id, kept.at(-1)?.id].map(String), ["peer4999", "peer904"]);
});

Deno.test("MAX_RECORDS_SENT of the longest honest records fit into one message", PURE, () => {
  const addresses = Array.from({ length: 8 }, (_, n) => ({
    host: `2001:db8:aaaa:bbbb:cccc:dddd:eeee:${1000 + n}`,
    port: 65_535,
  }));
  const { signed: longest } = signRecord(ALICE.id, addresses, ALICE.signing, WALL_MS);
  const bytes = JSON.stringify(longest).length;
  assert(MAX_RECORDS_SENT * (bytes + 1) < MAX_MUX_BODY_BYTES - 1_024, `${bytes} bytes each`);
});
