import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import {
  detectForeign,
  detectPath,
  HANDSHAKE_BYTE,
  type Path,
  PATH_LIMITS,
  RECORD_BYTE,
} from "../../src/wire/detect.ts";

/** PROTOCOL.md section 2 drawn as a map: rows are the high half of the byte, columns the low half. */
const MAP = `
  .........jj..j..
  ................
  j...............
  ................
  ................
  ................
  ................
  ...........j....
  ................
  ................
  ................
  ................
  ................
  ................
  ................
  ........hsrrrrrr
`.replace(/\s/g, "");

const PATH_OF_LETTER: Readonly<Record<string, Path>> = {
  j: "json",
  h: "handshake",
  s: "sealed",
  r: "reserved",
  ".": "malformed",
};

function lengthOf(opening: string): number {
  return new DataView(encodeUtf8(opening).buffer).getUint32(0);
}

Deno.test("detectPath() gives each first byte its path", { permissions: "none" }, () => {
  assertEquals(MAP.length, 256);
  for (let byte = 0; byte < 256; byte++) {
    const expected = PATH_OF_LETTER[MAP[byte] ?? ""];
    assertEquals<Path | undefined>(detectPath(byte), expected, `byte 0x${byte.toString(16)}`);
  }
});

Deno.test("detectPath() calls what is no byte malformed", { permissions: "none" }, () => {
  for (const byte of [-1, 256, 0xf9 + 256, NaN, 0.5, Infinity]) {
    assertEquals(detectPath(byte), "malformed", `${byte}`);
  }
});

Deno.test("HANDSHAKE_BYTE and RECORD_BYTE are F8 and F9", { permissions: "none" }, () => {
  assertEquals(HANDSHAKE_BYTE, 0xf8);
  assertEquals(RECORD_BYTE, 0xf9);
});

Deno.test("PATH_LIMITS are the bounds of PROTOCOL.md", { permissions: "none" }, () => {
  assertEquals({ ...PATH_LIMITS }, {
    json: 64 * 1024,
    handshake: 4 * 1024,
    sealed: 1 + 65_535,
    reserved: 1024 * 1024,
    malformed: 1024 * 1024,
  });
  assert(Object.isFrozen(PATH_LIMITS));
});

Deno.test("detectPath() takes no byte of UTF-8 for a binary path", { permissions: "none" }, () => {
  const used = new Set<number>();
  for (let block = 0; block <= 0x10ffff; block += 0x800) {
    if (block === 0xd800) continue;
    let text = "";
    for (let i = 0; i < 0x800; i++) text += String.fromCodePoint(block + i);
    for (const byte of encodeUtf8(text)) used.add(byte);
  }
  // RFC 3629 section 4: the octets C0, C1 and F5 to FF never appear.
  const never = [0xc0, 0xc1, ...Array.from({ length: 11 }, (_, i) => 0xf5 + i)];
  const expected = Array.from({ length: 256 }, (_, byte) => byte)
    .filter((byte) => !never.includes(byte));
  assertEquals([...used].sort((a, b) => a - b), expected);
  for (const byte of used) assert(["json", "malformed"].includes(detectPath(byte)));
});

Deno.test("detectPath() takes every opening of JSON text and no other", {
  permissions: "none",
}, () => {
  const cases: readonly (readonly [name: string, first: number, path: Path])[] = [
    ["object", 0x7b, "json"],
    ["tab", 0x09, "json"],
    ["line feed", 0x0a, "json"],
    ["carriage return", 0x0d, "json"],
    ["space", 0x20, "json"],
    ["array", 0x5b, "malformed"],
    ["string", 0x22, "malformed"],
    ["number", 0x31, "malformed"],
    ["NUL", 0x00, "malformed"],
    ["vertical tab", 0x0b, "malformed"],
    ["form feed", 0x0c, "malformed"],
    ["no-break space in Latin-1", 0xa0, "malformed"],
    ["UTF-8 byte order mark", 0xef, "malformed"],
    ["UTF-16 big-endian byte order mark", 0xfe, "reserved"],
    ["UTF-16 little-endian byte order mark", 0xff, "reserved"],
    ["UTF-16 big-endian brace", 0x00, "malformed"],
    ["gzip", 0x1f, "malformed"],
    ["TLS handshake", 0x16, "malformed"],
  ];
  for (const [name, first, path] of cases) assertEquals(detectPath(first), path, name);
});

Deno.test("detectForeign() knows the openings of HTTP, SSH and TLS", {
  permissions: "none",
}, () => {
  const openings: readonly (readonly [opening: string, foreign: string])[] = [
    ["GET / HTTP/1.1\r\n", "http"],
    ["HEAD / HTTP/1.1\r\n", "http"],
    ["POST / HTTP/1.1\r\n", "http"],
    ["PUT / HTTP/1.1\r\n", "http"],
    ["DELETE / HTTP/1.1\r\n", "http"],
    ["CONNECT a:1 HTTP/1.1\r\n", "http"],
    ["OPTIONS * HTTP/1.1\r\n", "http"],
    ["TRACE / HTTP/1.1\r\n", "http"],
    ["PATCH / HTTP/1.1\r\n", "http"],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http"],
    ["SSH-2.0-OpenSSH_9.9\r\n", "ssh"],
    ["SSH-1.99-x\r\n", "ssh"],
    ["\x16\x03\x01\x02\x00", "tls"],
    ["\x16\x03\x03\x00\x7a", "tls"],
    ["\x16\x03\x00\x00\x2f", "tls"],
    ["\x16\x03\x04\x7f\x7f", "tls"],
  ];
  for (const [opening, foreign] of openings) {
    const length = lengthOf(opening);
    assertEquals<string | undefined>(detectForeign(length), foreign, JSON.stringify(opening));
    assert(length > 1_048_576, "a foreign opening is never a length of ours");
  }
});

Deno.test("detectForeign() knows TLS by its first two bytes alone", { permissions: "none" }, () => {
  for (const low of [0x0000, 0x0100, 0x03ff, 0xffff]) {
    assertEquals(detectForeign(0x1603_0000 + low), "tls");
  }
  for (const length of [0x1602_ffff, 0x1604_0000, 0x1503_0301, 0x1703_0301, 0x0316_0000]) {
    assertEquals(detectForeign(length), undefined, length.toString(16));
  }
});

Deno.test("detectForeign() knows nothing else", { permissions: "none" }, () => {
  const lengths = [0, 1, 65_536, 1_048_576, 1_048_577, 0x7fffffff, 0x80000000, 0xffffffff];
  for (const length of lengths) assertEquals(detectForeign(length), undefined, `${length}`);
  const openings = [
    "get /",
    "GET\t",
    "GETX",
    "Get ",
    "HELO",
    "EHLO",
    "SSH_",
    "ssh-",
    " GET",
    "PUTS",
  ];
  for (const opening of openings) {
    assertEquals(detectForeign(lengthOf(opening)), undefined, opening);
  }
});

Deno.test("detectForeign() leaves every length of ours alone", { permissions: "none" }, () => {
  for (let length = 0; length <= 1_048_576; length++) {
    if (detectForeign(length) !== undefined) throw new Error(`length ${length} is foreign`);
  }
});
