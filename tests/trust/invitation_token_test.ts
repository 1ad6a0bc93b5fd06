import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Bytes } from "../../src/base/bytes.ts";
import { publicKeyOf } from "../../src/base/peer_id.ts";
import type { Address } from "../../src/net/address.ts";
import {
  decodeToken,
  encodeToken,
  MAX_TOKEN_LENGTH,
  TokenError,
} from "../../src/trust/invitation_token.ts";
import { ALICE } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET: Bytes = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i);
const KEY = publicKeyOf(ALICE.id);
const V4 = [192, 168, 1, 5];

/** A token around any bytes behind the version, by RFC 4648's text. */
function tokenOf(body: readonly number[], version = 1): string {
  const bytes = Buffer.from([version, ...body]);
  const checksum = createHash("sha256").update(bytes).digest().subarray(0, 3);
  let bits = "";
  for (const byte of Buffer.concat([bytes, checksum])) bits += byte.toString(2).padStart(8, "0");
  bits = bits.padEnd(Math.ceil(bits.length / 5) * 5, "0");
  return bits.replace(/.{5}/g, (five) => ALPHABET[parseInt(five, 2)] ?? "");
}

function fixed(port = 9000): readonly number[] {
  return [...KEY, ...SECRET, port >> 8, port & 0xff];
}

function encode(...addresses: readonly Address[]): string {
  return encodeToken({ inviter: ALICE.id, secret: SECRET, addresses });
}

function hosts(...names: readonly string[]): readonly Address[] {
  return names.map((host) => ({ host, port: 9000 }));
}

function refusal(text: string): string {
  const error = assertThrows(() => decodeToken(text), TokenError);
  assertEquals(error.code, "damaged_token");
  return error.message;
}

Deno.test("encodeToken() writes the bytes that its comment draws", PURE, () => {
  const loopback6 = [6, ...Array(15).fill(0), 1];
  assertEquals(
    encode(...hosts("192.168.1.5", "::1")),
    tokenOf([...fixed(), 4, ...V4, ...loopback6]),
  );
  assertEquals(encode(), tokenOf(fixed(0)));
});

Deno.test("decodeToken() reads what another implementation wrote", PURE, () => {
  assertEquals(decodeToken(tokenOf([...fixed(65_535), 4, ...V4])), {
    inviter: ALICE.id,
    secret: SECRET,
    addresses: [{ host: "192.168.1.5", port: 65_535 }],
  });
  assertEquals(decodeToken(tokenOf(fixed())).addresses, []);
});

Deno.test("encodeToken() and decodeToken() keep every form of IPv6", PURE, () => {
  const forms: readonly (readonly [string, string])[] = [
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:DB8::A", "2001:db8::a"],
    ["2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::ffff:c0a8:105", "192.168.1.5"],
  ];
  for (const [given, read] of forms) {
    assertEquals(decodeToken(encode(...hosts(given))).addresses, hosts(read), given);
  }
});

Deno.test("encodeToken() carries four of the longest addresses in 200 characters", PURE, () => {
  const many = Array.from({ length: 9 }, (_, n) => `2001:db8:1111:2222:3333:4444:5555:a${n}66`);
  const token = encode(...hosts(...many));
  assert(token.length <= MAX_TOKEN_LENGTH, `${token.length}`);
  assertEquals(MAX_TOKEN_LENGTH, 200);
  assertEquals(decodeToken(token).addresses, hosts(...many.slice(0, 4)));
});

Deno.test("encodeToken() leaves out host names, and addresses on another port", PURE, () => {
  const given = [
    ...hosts("10.0.0.1", "pi.local"),
    { host: "10.0.0.2", port: 9001 },
    ...hosts("10.0.0.3"),
  ];
  assertEquals(decodeToken(encode(...given)).addresses, hosts("10.0.0.1", "10.0.0.3"));
});

Deno.test("encodeToken() writes only what a QR code holds best", PURE, () => {
  // ISO 18004's alphanumeric mode knows no lower case.
  assert(/^[A-Z2-7]+$/.test(encode(...hosts("10.0.0.1"))));
});

Deno.test("decodeToken() forgives case, spaces and line breaks", PURE, () => {
  const token = encode(...hosts("10.0.0.1", "fd00::1"));
  const read = decodeToken(token);
  const groups = token.match(/.{1,5}/g) ?? [];
  for (
    const text of [
      token.toLowerCase(),
      ` ${token}\n`,
      groups.join(" "),
      groups.join("\r\n\t "),
      groups.map((group, n) => n % 2 ? group : group.toLowerCase()).join("\u00a0"),
    ]
  ) assertEquals(decodeToken(text), read);
});

Deno.test("decodeToken() tells a mistyped token, whichever character it is", PURE, () => {
  const token = encode(...hosts("10.0.0.1"));
  for (let at = 0; at < token.length; at++) {
    for (const letter of ALPHABET + "0189-_=$é") {
      if (letter === token[at]) continue;
      refusal(token.slice(0, at) + letter + token.slice(at + 1));
    }
    refusal(token.slice(0, at) + token.slice(at + 1));
    refusal(token.slice(0, at));
    const [one, other] = [token[at], token[at + 1]];
    if (one !== other) refusal(token.slice(0, at) + (other ?? "A") + one + token.slice(at + 2));
  }
  refusal(token + "A");
  refusal(token + token);
});

Deno.test("decodeToken() refuses what is no token, however long", PURE, () => {
  for (const text of ["", " ", "A", "hello", "A".repeat(200), "A".repeat(201), "A".repeat(1e6)]) {
    assertEquals(
      refusal(text),
      "Cannot read invitation: it is incomplete or mistyped; copy all of it",
    );
  }
});

Deno.test("decodeToken() refuses bytes that no version 1 has", PURE, () => {
  const bodies: readonly (readonly number[])[] = [
    [],
    fixed().slice(1),
    [...fixed(), 4],
    [...fixed(), 4, 1, 2, 3],
    [...fixed(), 6, ...Array(15).fill(0)],
    [...fixed(), 5, 1, 2, 3, 4],
    [...fixed(), 0],
    [...fixed(), 4, ...V4, 4],
    [...fixed(0), 4, ...V4],
  ];
  for (const body of bodies) refusal(tokenOf(body));
});

Deno.test("decodeToken() reads no more addresses than a token may have", PURE, () => {
  const crowded = tokenOf([...fixed(), ...Array(10).fill([4, ...V4]).flat()]);
  assert(crowded.length <= MAX_TOKEN_LENGTH);
  assertEquals(decodeToken(crowded).addresses.length, 4);
});

Deno.test("decodeToken() names a version that it does not know", PURE, () => {
  assertEquals(
    refusal(tokenOf(fixed(), 2)),
    "Cannot read invitation: it is of version 2, this program knows 1; update it",
  );
});

Deno.test("decodeToken() tells nothing of the secret when it refuses", PURE, () => {
  const token = encode(...hosts("10.0.0.1"));
  const message = refusal(token.slice(0, -1));
  for (let at = 0; at + 8 < token.length; at++) assert(!message.includes(token.slice(at, at + 8)));
});
