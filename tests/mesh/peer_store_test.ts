import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import type { AuthenticatedPeer } from "../../src/mesh/peer.ts";
import {
  decodePeers,
  encodePeers,
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

const PEERS = [
  peer(BOB.id, [{ host: "10.0.0.2", port: 9000 }, { host: "2001:db8::1", port: 1 }], 1),
  peer(CAROL.id, [{ host: "pi.local", port: 65_535 }], 2),
];

function file(peers: unknown, version: unknown = 1): Uint8Array<ArrayBuffer> {
  return encodeUtf8(JSON.stringify({ version, peers }));
}

Deno.test(
  "encodePeers() writes ids and addresses, the latest heard first, and nothing else",
  PURE,
  () => {
    assertEquals(JSON.parse(decodeUtf8(encodePeers(PEERS))), {
      version: 1,
      peers: [
        { node_id: CAROL.id, addresses: ["pi.local:65535"] },
        { node_id: BOB.id, addresses: ["10.0.0.2:9000", "[2001:db8::1]:1"] },
      ],
    });
  },
);

Deno.test("decodePeers() round-trips", PURE, () => {
  const known = decodePeers(encodePeers(PEERS));
  assertEquals(known, [...PEERS].reverse().map(({ id, addresses }) => ({ id, addresses })));
  assertEquals(decodePeers(encodePeers([])), []);
});

Deno.test("encodePeers() leaves out whom nobody could dial", PURE, () => {
  assertEquals(decodePeers(encodePeers([peer(BOB.id, [], 1)])), []);
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
  const bytes = encodePeers(peers);
  assert(bytes.length <= MAX_STORE_BYTES, `${bytes.length}`);
  const known = decodePeers(bytes);
  assertEquals(known.length, MAX_STORED_PEERS);
  assertEquals(known[0]?.id, peers[4_999]?.id);
  assertEquals(known.at(-1)?.id, peers[904]?.id);
});

Deno.test("decodePeers() throws on a damaged file and on one of another version", PURE, () => {
  const honest = { node_id: BOB.id, addresses: ["10.0.0.2:9000"] };
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
    file(Array(MAX_STORED_PEERS + 1).fill(honest)),
  ];
  for (const bytes of damaged) assertThrows(() => decodePeers(bytes), Error);
});

Deno.test("decodePeers() throws on a file cut at any byte but its last", PURE, () => {
  const bytes = encodePeers(PEERS);
  for (let length = 0; length < bytes.length - 1; length++) {
    assertThrows(() => decodePeers(bytes.slice(0, length)), Error);
  }
});
