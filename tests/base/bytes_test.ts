import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Bytes,
  concatBytes,
  decodeBase32,
  decodeBase64Url,
  decodeHex,
  decodeUtf8,
  encodeBase32,
  encodeBase64Url,
  encodeHex,
  encodeUtf8,
  encodeUtf8Into,
  equalBytes,
  readU32,
  releaseBytes,
  writeU32,
} from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** RFC 4648 section 10, without padding, base32 in lower case. */
const RFC_4648: readonly (readonly [text: string, base64url: string, base32: string])[] = [
  ["f", "Zg", "my"],
  ["fo", "Zm8", "mzxq"],
  ["foo", "Zm9v", "mzxw6"],
  ["foob", "Zm9vYg", "mzxw6yq"],
  ["fooba", "Zm9vYmE", "mzxw6ytb"],
  ["foobar", "Zm9vYmFy", "mzxw6ytboi"],
];

/** The definition of RFC 4648 read aloud: a string of bits, zero-filled, cut into letters. */
function naiveEncode(bytes: Uint8Array, alphabet: string): string {
  const bitsPerLetter = Math.log2(alphabet.length);
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  let text = "";
  for (let i = 0; i < bits.length; i += bitsPerLetter) {
    text += alphabet[parseInt(bits.slice(i, i + bitsPerLetter).padEnd(bitsPerLetter, "0"), 2)];
  }
  return text;
}

function randomBytes(seed: number, length: number): Bytes {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => Math.floor(random.next() * 256));
}

function ascii(text: string): Bytes {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

Deno.test("concatBytes() joins in order into fresh memory", { permissions: "none" }, () => {
  const one = Uint8Array.of(1, 2);
  const joined = concatBytes(one, Uint8Array.of(), Uint8Array.of(3));
  assertEquals(joined, Uint8Array.of(1, 2, 3));
  one[0] = 9;
  assertEquals(joined[0], 1);
  assert(concatBytes(one).buffer !== one.buffer);
  assertEquals(concatBytes().length, 0);
});

Deno.test("equalBytes() compares content and length", { permissions: "none" }, () => {
  const cases: readonly (readonly [number[], number[], boolean])[] = [
    [[], [], true],
    [[0], [], false],
    [[], [0], false],
    [[1, 2, 3], [1, 2, 3], true],
    [[1, 2, 3], [1, 2, 4], false],
    [[0, 2, 3], [1, 2, 3], false],
    [[1, 2], [1, 2, 3], false],
  ];
  for (const [a, b, expected] of cases) {
    assertEquals(equalBytes(Uint8Array.from(a), Uint8Array.from(b)), expected, `${a} | ${b}`);
  }
});

Deno.test("readU32() and writeU32() agree with DataView", { permissions: "none" }, () => {
  const values = [0, 1, 0xff, 0x100, 0x12345678, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
  for (const value of values) {
    for (const offset of [0, 1, 3]) {
      const expected = new Uint8Array(8);
      new DataView(expected.buffer).setUint32(offset, value, false);
      const written = new Uint8Array(8);
      writeU32(written, offset, value);
      assertEquals(written, expected);
      assertEquals(readU32(expected, offset), value);
    }
  }
});

Deno.test("readU32() honours the offset of a view", { permissions: "none" }, () => {
  const view = Uint8Array.of(9, 9, 0xde, 0xad, 0xbe, 0xef).subarray(2);
  assertEquals(readU32(view, 0), 0xdeadbeef);
});

Deno.test("encodeBase64Url() and decodeBase64Url() match RFC 4648", { permissions: "none" }, () => {
  for (const [text, base64url] of RFC_4648) {
    assertEquals(encodeBase64Url(ascii(text)), base64url);
    assertEquals(decodeBase64Url(base64url, text.length), ascii(text));
  }
  assertEquals(encodeBase64Url(new Uint8Array(0)), "");
  assertEquals(decodeBase64Url("", 0)?.length, 0);
  // The two letters in which base64url differs from base64: 62 and 63, twice.
  assertEquals(encodeBase64Url(Uint8Array.of(0xfb, 0xff, 0xbf)), "-_-_");
  assertEquals(decodeBase64Url("-_-_", 3), Uint8Array.of(0xfb, 0xff, 0xbf));
});

Deno.test("encodeBase64Url() agrees with a bit-string encoder", { permissions: "none" }, () => {
  for (let length = 0; length <= 70; length++) {
    const bytes = randomBytes(length + 1, length);
    const text = naiveEncode(bytes, BASE64URL);
    assertEquals(encodeBase64Url(bytes), text);
    assertEquals(decodeBase64Url(text, length), bytes);
  }
});

Deno.test("decodeBase64Url() takes one text per byte string", { permissions: "none" }, () => {
  const accepted = new Map<number, string>();
  for (const first of BASE64URL) {
    for (const second of BASE64URL) {
      const byte = decodeBase64Url(first + second, 1)?.[0];
      if (byte === undefined) continue;
      assert(!accepted.has(byte), `${first}${second} repeats ${accepted.get(byte)}`);
      accepted.set(byte, first + second);
    }
  }
  assertEquals(accepted.size, 256);
  for (const [byte, text] of accepted) {
    assertEquals(text, naiveEncode(Uint8Array.of(byte), BASE64URL));
  }
});

Deno.test("decodeBase64Url() refuses all but the canonical text", { permissions: "none" }, () => {
  const cases: readonly (readonly [text: string, length: number])[] = [
    ["Zh", 1], // spare bits 000001
    ["Zv", 1], // spare bits 101111
    ["Zm9", 2], // spare bits 01
    ["Zg==", 1],
    ["Zg=", 1],
    ["Zm8=", 2],
    ["Zm9v=", 3],
    ["====", 3],
    ["Z+8", 2],
    ["Z/8", 2],
    [" Zg", 1],
    ["Zg ", 1],
    ["Z g", 1],
    ["Zg\n", 1],
    ["Zm9v\n", 3],
    ["Zm9v ", 4],
    ["Z", 0],
    ["Z", 1],
    ["Zm9vY", 4],
    ["Zm9v", 2],
    ["Zm9v", 4],
    ["Zm9v", 0],
    ["", 1],
    ["Zg\u0000", 2],
    ["Z\u0261", 1],
    ["\uff3a\uff47", 1],
    ["\ud83d\ude00", 1],
    ["\ud800g", 1],
  ];
  for (const [text, length] of cases) {
    assertEquals(decodeBase64Url(text, length), undefined, `${JSON.stringify(text)}, ${length}`);
  }
});

Deno.test("decodeBase64Url() holds a 32-byte key to 43 letters", { permissions: "none" }, () => {
  const key = randomBytes(7, 32);
  const text = naiveEncode(key, BASE64URL);
  assertEquals(text.length, 43);
  assertEquals(decodeBase64Url(text, 32), key);
  for (const wrong of [text.slice(1), `${text}A`, `${text}=`, `${text.slice(0, 42)}=`]) {
    assertEquals(decodeBase64Url(wrong, 32), undefined);
  }
  const last = BASE64URL.indexOf(text[42] ?? "");
  for (let spare = 1; spare < 4; spare++) {
    const twin = text.slice(0, 42) + (BASE64URL[(last & 0b111100) | spare] ?? "");
    assertEquals(decodeBase64Url(twin, 32), undefined, twin);
  }
});

Deno.test("decodeBase64Url() refuses a huge text by its length", { permissions: "none" }, () => {
  assertEquals(decodeBase64Url("A".repeat(1 << 20), 32), undefined);
});

Deno.test("encodeBase32() and decodeBase32() match RFC 4648", { permissions: "none" }, () => {
  for (const [text, , base32] of RFC_4648) {
    assertEquals(encodeBase32(ascii(text)), base32);
    assertEquals(decodeBase32(base32), ascii(text));
  }
  assertEquals(encodeBase32(new Uint8Array(0)), "");
});

Deno.test("encodeBase32() agrees with a bit-string encoder", { permissions: "none" }, () => {
  for (let length = 1; length <= 70; length++) {
    const bytes = randomBytes(length + 100, length);
    const text = naiveEncode(bytes, BASE32);
    assertEquals(encodeBase32(bytes), text);
    assertEquals(decodeBase32(text), bytes);
  }
});

Deno.test("decodeBase32() takes one text per byte string", { permissions: "none" }, () => {
  const accepted = new Set<number>();
  for (const first of BASE32) {
    for (const second of BASE32) {
      const byte = decodeBase32(first + second)?.[0];
      if (byte === undefined) continue;
      assertEquals(first + second, naiveEncode(Uint8Array.of(byte), BASE32));
      assert(!accepted.has(byte));
      accepted.add(byte);
    }
  }
  assertEquals(accepted.size, 256);
  // The last letter carries 4, 1 and 3 spare bits for 2, 3 and 4 bytes.
  for (const [length, spareBits] of [[2, 4], [3, 1], [4, 3]] as const) {
    const text = naiveEncode(randomBytes(length, length), BASE32);
    const taken = [...BASE32].filter((last) => decodeBase32(text.slice(0, -1) + last));
    assertEquals(taken.length, 32 >> spareBits, `${length} bytes`);
  }
});

Deno.test("decodeBase32() refuses all but the canonical text", { permissions: "none" }, () => {
  const cases = [
    "MY",
    "My",
    "mY",
    "my======",
    "my=",
    "mz", // spare bits 01
    "a",
    "aaa",
    "aaaaaa",
    "aaaaaaaaa",
    "m0",
    "m1",
    "m8",
    "m9",
    " my",
    "my ",
    "my\n",
    "m y",
    "m-",
    "m\u0000",
    "\uff4d\uff59",
    "m\u017f", // the long s, an upper-case S to some
    "\u212ay", // the Kelvin sign, a lower-case k to some
  ];
  for (const text of cases) assertEquals(decodeBase32(text), undefined, JSON.stringify(text));
});

Deno.test("decodeUtf8() refuses what RFC 3629 forbids", { permissions: "none" }, () => {
  const cases: readonly (readonly number[])[] = [
    [0x80],
    [0xbf],
    [0xc0, 0x80],
    [0xc1, 0xbf],
    [0xc2],
    [0xc2, 0x41],
    [0xe0, 0x80, 0x80],
    [0xe0, 0x9f, 0xbf],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80], // U+D800
    [0xed, 0xbf, 0xbf], // U+DFFF
    [0xf0, 0x80, 0x80, 0x80],
    [0xf0, 0x9f, 0x98],
    [0xf4, 0x90, 0x80, 0x80], // U+110000
    [0xf5, 0x80, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
    [0xf9],
    [0xfe],
    [0xff],
    [0x7b, 0x7d, 0xff],
  ];
  for (const bytes of cases) {
    assertThrows(() => decodeUtf8(Uint8Array.from(bytes)), TypeError, undefined, `${bytes}`);
    // A failure leaves nothing behind.
    assertEquals(decodeUtf8(Uint8Array.of(0x61)), "a");
  }
});

Deno.test("decodeUtf8() keeps a byte order mark and NUL", { permissions: "none" }, () => {
  assertEquals(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b)), "\ufeff{");
  assertEquals(decodeUtf8(Uint8Array.of(0x61, 0x00, 0x62)), "a\u0000b");
  assertEquals(decodeUtf8(new Uint8Array(0)), "");
});

Deno.test("encodeUtf8() and decodeUtf8() agree on published bytes", { permissions: "none" }, () => {
  // RFC 3629 section 7.
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["A\u2262\u0391.", [0x41, 0xe2, 0x89, 0xa2, 0xce, 0x91, 0x2e]],
    ["\ud55c\uad6d\uc5b4", [0xed, 0x95, 0x9c, 0xea, 0xb5, 0xad, 0xec, 0x96, 0xb4]],
    ["\u65e5\u672c\u8a9e", [0xe6, 0x97, 0xa5, 0xe6, 0x9c, 0xac, 0xe8, 0xaa, 0x9e]],
    ["\ufeff\u{233b4}", [0xef, 0xbb, 0xbf, 0xf0, 0xa3, 0x8e, 0xb4]],
    ["\u{10ffff}", [0xf4, 0x8f, 0xbf, 0xbf]],
  ];
  for (const [text, bytes] of cases) {
    assertEquals(encodeUtf8(text), Uint8Array.from(bytes));
    assertEquals(decodeUtf8(Uint8Array.from(bytes)), text);
  }
  // A lone surrogate becomes U+FFFD, as the Encoding standard says.
  assertEquals(encodeUtf8("\ud800"), Uint8Array.of(0xef, 0xbf, 0xbd));
});

/** RFC 3629 section 4, a byte a letter of Latin-1; T is a tail. */
const UTF8 = new RegExp(
  `^(?:${
    [
      "[\\x00-\\x7f]",
      "[\\xc2-\\xdf]T",
      "\\xe0[\\xa0-\\xbf]T",
      "[\\xe1-\\xec]TT",
      "\\xed[\\x80-\\x9f]T",
      "[\\xee-\\xef]TT",
      "\\xf0[\\x90-\\xbf]TT",
      "[\\xf1-\\xf3]TTT",
      "\\xf4[\\x80-\\x8f]TT",
    ].join("|").replaceAll("T", "[\\x80-\\xbf]")
  })*$`,
);
/** Those at which a rule of it begins or ends. */
const EDGES = decodeHex("00417f808f909fa0bbbdbfc0c1c2dfe0e1ecedeeeff0f1f3f4f5f8f9feff");

Deno.test("decodeUtf8() accepts what RFC 3629 does, and no more", { permissions: "none" }, () => {
  const check = (...bytes: readonly number[]) => {
    const input = Uint8Array.from(bytes);
    const isText = UTF8.test(String.fromCharCode(...bytes));
    if (isText) assertEquals(encodeUtf8(decodeUtf8(input)), input);
    else assertThrows(() => decodeUtf8(input), TypeError, undefined, `${bytes}`);
  };
  for (let first = 0; first < 256; first++) {
    check(first);
    for (const second of EDGES) check(first, second);
  }
  for (const first of EDGES.filter((byte) => byte >= 0xe0)) {
    for (const second of EDGES) {
      for (const third of [0x7f, 0x80, 0xbf, 0xc0]) {
        check(first, second, third);
        for (const fourth of [0x7f, 0x80, 0xbf, 0xc0]) check(first, second, third, fourth);
      }
    }
  }
});

Deno.test("decodeUtf8() keeps a U+FFFD that was sent", { permissions: "none" }, () => {
  const sent = [0xef, 0xbf, 0xbd];
  assertEquals(decodeUtf8(Uint8Array.from(sent)), "\ufffd");
  assertEquals(decodeUtf8(Uint8Array.of(0x61, ...sent, ...sent, 0x62)), "a\ufffd\ufffdb");
  // And a byte order mark beside it.
  assertEquals(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, ...sent)), "\ufeff\ufffd");
  for (const bad of [0x80, 0xc3, 0xff]) {
    assertThrows(() => decodeUtf8(Uint8Array.of(...sent, bad)), TypeError);
    assertThrows(() => decodeUtf8(Uint8Array.of(bad, ...sent)), TypeError);
  }
});

Deno.test(
  "decodeUtf8() refuses one bad byte anywhere in a long text",
  { permissions: "none" },
  () => {
    const text = "a\u00e9\u20ac\u{1f600}".repeat(2_000);
    const bytes = encodeUtf8(text);
    assertEquals(decodeUtf8(bytes), text);
    for (let at = 0; at < bytes.length; at += 97) {
      const damaged = bytes.slice();
      damaged[at] = 0xff;
      assertThrows(() => decodeUtf8(damaged), TypeError, undefined, `${at}`);
    }
    // The last character is 4 bytes long.
    for (const cut of [1, 2, 3]) assertThrows(() => decodeUtf8(bytes.subarray(0, -cut)), TypeError);
  },
);

Deno.test("encodeUtf8Into() writes all or says so", { permissions: "none" }, () => {
  // The last is a lone surrogate, which becomes U+FFFD.
  const cases: readonly (readonly [text: string, hex: string])[] = [
    ["", ""],
    ["A", "41"],
    ["A\u2262\u0391.", "41e289a2ce912e"],
    ["\ufeff\u{233b4}", "efbbbff0a38eb4"],
    ["x\ud800", "78efbfbd"],
  ];
  for (const [text, hex] of cases) {
    const length = hex.length / 2;
    const out = new Uint8Array(length + 3).fill(0xaa);
    assertEquals(encodeUtf8Into(text, out), length, text);
    assertEquals(out.toHex(), `${hex}aaaaaa`);
    assertEquals(encodeUtf8Into(text, new Uint8Array(length)), length, text);
    for (let room = 0; room < length; room++) {
      assertEquals(encodeUtf8Into(text, new Uint8Array(room)), undefined, `${text}, ${room}`);
    }
  }
});

Deno.test("encodeUtf8Into() stays within a view", { permissions: "none" }, () => {
  const whole = new Uint8Array(6).fill(0xaa);
  assertEquals(encodeUtf8Into("\u20ac\u20ac", whole.subarray(1, 5)), undefined);
  assertEquals([whole[0], whole[5]], [0xaa, 0xaa]);
  assertEquals(encodeUtf8Into("\u20ac", whole.subarray(2, 5)), 3);
  assertEquals([whole[0], whole[5], whole.subarray(2, 5).toHex()], [0xaa, 0xaa, "e282ac"]);
});

Deno.test("releaseBytes() frees a large buffer of its own", { permissions: "none" }, () => {
  for (const length of [4_096, 65_519, 1_048_576]) {
    const bytes = new Uint8Array(length);
    releaseBytes(bytes);
    assertEquals([bytes.buffer.detached, bytes.length], [true, 0], `${length}`);
    releaseBytes(bytes);
  }
});

Deno.test("releaseBytes() leaves small ones and views alone", { permissions: "none" }, () => {
  const small = new Uint8Array(4_095).fill(1);
  const whole = new Uint8Array(8_192).fill(2);
  const cases = [new Uint8Array(0), small, whole.subarray(1), whole.subarray(0, 8_191)];
  for (const bytes of cases) releaseBytes(bytes);
  assert(small.every((byte) => byte === 1) && small.length === 4_095);
  assert(whole.every((byte) => byte === 2) && whole.length === 8_192);
  const shared = new Uint8Array(new SharedArrayBuffer(8_192)).fill(3);
  releaseBytes(shared);
  assertEquals([shared.length, shared[0]], [8_192, 3]);
});

Deno.test("encodeHex() and decodeHex() spell each byte", { permissions: "none" }, () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const text = [...all].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  assertEquals(encodeHex(all), text);
  assertEquals(decodeHex(text), all);
  for (const bad of ["0", "0g", " 00", "0x00", "00 "]) {
    assertThrows(() => decodeHex(bad), SyntaxError, undefined, bad);
  }
});
