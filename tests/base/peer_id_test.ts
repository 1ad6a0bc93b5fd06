import { assert, assertEquals, assertThrows } from "@std/assert";
import { parsePeerId, peerIdOf, publicKeyOf, shortId } from "../../src/base/peer_id.ts";

/** RFC 8032 section 7.1, test 1: its public key. */
const KEY = Uint8Array.fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");

/** Base32 read aloud: a string of bits, zero-filled, cut into fives. */
function naiveBase32(bytes: Uint8Array): string {
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five.padEnd(5, "0"), 2)])
    .join("");
}

Deno.test("peerIdOf() spells the key in 52 letters and back", { permissions: "none" }, () => {
  const id = peerIdOf(KEY);
  assertEquals<string>(id, naiveBase32(KEY));
  assertEquals(id.length, 52);
  assertEquals<string | undefined>(parsePeerId(id), id);
  assertEquals(publicKeyOf(id), KEY);
});

Deno.test("peerIdOf() refuses keys of another length", { permissions: "none" }, () => {
  for (const length of [0, 31, 33, 64]) {
    assertThrows(() => peerIdOf(new Uint8Array(length)), RangeError);
  }
});

Deno.test("parsePeerId() refuses all but the canonical text", { permissions: "none" }, () => {
  const id = naiveBase32(KEY);
  // 52 letters carry 260 bits: the last 4 must be zero, so the last letter is a or q.
  const last = [..."abcdefghijklmnopqrstuvwxyz234567"];
  const taken = last.filter((letter) => parsePeerId(id.slice(0, 51) + letter));
  assertEquals(taken, ["a", "q"]);
  const refused = [
    "",
    id.slice(1),
    `${id}a`,
    id.toUpperCase(),
    `${id.slice(0, 51)}=`,
    ` ${id.slice(1)}`,
    `1${id.slice(1)}`,
    "a".repeat(1 << 20),
    "\u0000".repeat(52),
  ];
  for (const text of refused) assert(parsePeerId(text) === undefined, text.slice(0, 60));
});

Deno.test("shortId() shows 8 characters", { permissions: "none" }, () => {
  assertEquals(shortId("abcdefghij"), "abcdefgh");
  assertEquals(shortId("node-1"), "node-1");
});
