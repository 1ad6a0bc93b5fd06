import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import type { AuthenticatedPeer } from "../../src/mesh/peer.ts";
import {
  decodePeers,
  encodePeers,
  type KnownPeer,
  MAX_STORE_BYTES,
  MAX_STORED_PEERS,
} from "../../src/mesh/peer_store.ts";
import { Registry } from "../../src/mesh/registry.ts";
import type { Address } from "../../src/net/address.ts";
import { ALICE, BOB, CAROL } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

function peer(id: AuthenticatedPeer["id"], addresses: readonly Address[], nowMs: number) {
  const learnt = new Registry(ALICE.id).learn({ id, addresses }, nowMs);
  assert(learnt);
  return learnt;
}

const DAY_MS = 86_400_000;
/** Noon of 2026-11-22, UTC. */
const WALL_MS = Date.UTC(2026, 10, 22, 12);
const TODAY = "2026-11-22";

function encode(peers: readonly AuthenticatedPeer[], known: readonly KnownPeer[] = []) {
  return encodePeers(peers, known, { wallMs: WALL_MS, dayOf: () => TODAY });
}

const PEERS = [
  peer(BOB.id, [{ host: "10.0.0.2", port: 9000 }, { host: "2001:db8::1", port: 1 }], 1),
  peer(CAROL.id, [{ host: "pi.local", port: 65_535 }], 2),
];

function file(peers: unknown, version: unknown = 1): Uint8Array<ArrayBuffer> {
  return encodeUtf8(JSON.stringify({ version, peers }));
}

Deno.test(
  "encodePeers() writes ids, addresses and the day, by id, and nothing else",
  PURE,
  () => {
    const bob = { node_id: BOB.id, addresses: ["10.0.0.2:9000", "[2001:db8::1]:1"], seen: TODAY };
    const carol = { node_id: CAROL.id, addresses: ["pi.local:65535"], seen: TODAY };
    const peers = BOB.id < CAROL.id ? [bob, carol] : [carol, bob];
    assertEquals(JSON.parse(decodeUtf8(encode(PEERS))), { version: 1, peers });
  },
);

Deno.test("decodePeers() round-trips", PURE, () => {
  const known = decodePeers(encode(PEERS));
  const expected = PEERS.map(({ id, addresses }) => ({ id, addresses, seen: TODAY }));
  assertEquals(known, expected.toSorted((a, b) => a.id < b.id ? -1 : 1));
  assertEquals(decodePeers(encode([])), []);
});

Deno.test("encodePeers() keeps known peers for 30 days, and the news of those it has", PURE, () => {
  const [bob, carol] = PEERS;
  assert(bob && carol);
  const old = [{ host: "10.9.9.9", port: 9 }];
  const days = (count: number) => new Date(WALL_MS - count * DAY_MS).toISOString().slice(0, 10);
  const recent = { id: CAROL.id, addresses: old, seen: days(30) };
  const kept = decodePeers(encode([bob], [recent, { ...recent, id: BOB.id }]));
  assertEquals(kept.find(({ id }) => id === CAROL.id), recent);
  assertEquals(kept.find(({ id }) => id === BOB.id)?.addresses, bob.addresses);
  assertEquals(decodePeers(encode([], [{ ...recent, seen: days(31) }])), []);
});

Deno.test("encodePeers() leaves out whom nobody could dial", PURE, () => {
  assertEquals(decodePeers(encode([peer(BOB.id, [], 1)])), []);
});

Deno.test("encodePeers() keeps the latest 4,096 and fits its own bound", PURE, () => {
  const addresses = Array.from({ length: 8 }, (_, n) => ({
    host: `2001:db8:aaaa:bbbb:cccc:dddd:eeee:${1000 + n}`,
    port: 65_535,
  }));
  const template = peer(BOB.id, addresses, 0);
  const peers = Array.from({ length: 5_000 }, (_, n) => {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, n);
    return { ...template, id: peerIdOf(key), lastSeenMs: n };
  });
  const bytes = encode(peers);
  assert(bytes.length <= MAX_STORE_BYTES, `${bytes.length}`);
  const known = decodePeers(bytes);
  assertEquals(known.length, MAX_STORED_PEERS);
  const latest = peers.slice(904).map(({ id }) => id);
  assertEquals(new Set(known.map(({ id }) => id)), new Set(latest));
});

Deno.test("decodePeers() throws on a damaged file and on one of another version", PURE, () => {
  const honest = { node_id: BOB.id, addresses: ["10.0.0.2:9000"], seen: TODAY };
  const damaged = [
    new Uint8Array(0),
    encodeUtf8("{"),
    encodeUtf8("[]"),
    encodeUtf8("null"),
    encodeUtf8("{}"),
    Uint8Array.of(0xff),
    encodeUtf8("\ufeff" + JSON.stringify({ version: 1, peers: [] })),
    file([], 2),
    file([], 0),
    file([], "1"),
    file({}),
    file(null),
    file([null]),
    file([[]]),
    file([{ ...honest, node_id: "x" }]),
    file([{ ...honest, node_id: BOB.id.toUpperCase() }]),
    file([{ addresses: [] }]),
    file([{ ...honest, addresses: "10.0.0.2:9000" }]),
    file([{ ...honest, addresses: [1] }]),
    file([{ ...honest, seen: 20261122 }]),
    file(Array(MAX_STORED_PEERS + 1).fill(honest)),
  ];
  for (const bytes of damaged) assertThrows(() => decodePeers(bytes), Error);
});

Deno.test("decodePeers() throws on a file cut at any byte but its last", PURE, () => {
  const bytes = encode(PEERS);
  for (let length = 0; length < bytes.length - 1; length++) {
    assertThrows(() => decodePeers(bytes.slice(0, length)), Error);
  }
});
