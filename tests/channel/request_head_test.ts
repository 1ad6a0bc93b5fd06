import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, decodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { seededRandom } from "../../src/base/random.ts";
import {
  decodeReplyHead,
  decodeRequestHead,
  encodeReplyHead,
  encodeRequestHead,
  HeadError,
  headLength,
  MAX_HEAD_BYTES,
} from "../../src/channel/request_head.ts";
import { headOf } from "../testing/channel.ts";
import { fuzzSeed, mutateBytes, pollution } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;
const THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1_000;

function request(json: string) {
  return decodeRequestHead(encodeUtf8(json));
}

function reply(json: string) {
  return decodeReplyHead(encodeUtf8(json));
}

function assertRefused(decode: () => unknown, label?: string): void {
  assertEquals(assertThrows(decode, HeadError, undefined, label).code, "malformed_head", label);
}

/** Objects within objects, `levels` of them. */
function nested(levels: number): JsonObject {
  let value = {};
  for (let level = 1; level < levels; level++) value = { in: value };
  return value;
}

Deno.test("encodeRequestHead() gives the golden bytes", PURE, () => {
  const golden = encodeRequestHead({ type: "FILE_PUT", data: { n: 1 }, deadlineMs: 250 });
  assertEquals(golden, headOf('{"type":"FILE_PUT","data":{"n":1},"deadline_ms":250}'));
  const never = encodeRequestHead({ type: "T", data: {}, deadlineMs: Infinity });
  assertEquals(never.toHex(), "00000016" + encodeUtf8('{"type":"T","data":{}}').toHex());
});

Deno.test("encodeReplyHead() gives the golden bytes", PURE, () => {
  assertEquals(encodeReplyHead({ isOk: true, data: { a: "é" } }), headOf('{"data":{"a":"é"}}'));
  assertEquals(
    encodeReplyHead({ isOk: false, code: "busy", message: "Cannot answer: busy" }),
    headOf('{"type":"ERROR","data":{"code":"busy","message":"Cannot answer: busy"}}'),
  );
});

Deno.test("encodeReplyHead() cuts a message that is longer than may be read", PURE, () => {
  for (const length of [511, 512, 513, 100_000]) {
    const bytes = encodeReplyHead({ isOk: false, code: "busy", message: "m".repeat(length) });
    const message = "m".repeat(Math.min(length, 512));
    assertEquals(decodeReplyHead(bytes.subarray(4)), { isOk: false, code: "busy", message });
  }
});

Deno.test("encodeRequestHead() and decodeRequestHead() round-trip", PURE, () => {
  const cases = [
    { type: "A", data: {}, deadlineMs: Infinity },
    { type: "A".repeat(64), data: { list: [1, "two", null, { three: true }] }, deadlineMs: 0 },
    { type: "TENSOR_PUT_2", data: { text: "\u0000\u2028\ud83d\ude00" }, deadlineMs: 0.5 },
    { type: "T", data: nested(15), deadlineMs: THIRTY_DAYS_MS },
  ];
  for (const each of cases) {
    const bytes = encodeRequestHead(each);
    assertEquals(headLength(bytes), bytes.length - 4);
    assertEquals(decodeRequestHead(bytes.subarray(4)), each);
  }
});

Deno.test("encodeRequestHead() refuses what is no type", PURE, () => {
  for (const type of ["", "lower", "9X", "_X", "A-B", "A B", "A\n", "É", "A".repeat(65)]) {
    assertThrows(() => encodeRequestHead({ type, data: {}, deadlineMs: 1 }), TypeError, "type");
    assertRefused(() => request(JSON.stringify({ type })), type);
  }
});

Deno.test("encodeRequestHead() takes 65,536 bytes and no more", PURE, () => {
  assertEquals(MAX_HEAD_BYTES, 65_536);
  const empty = '{"type":"T","data":{"x":""}}'.length;
  const of = (text: string) =>
    encodeRequestHead({ type: "T", data: { x: text }, deadlineMs: Infinity });
  for (const [letter, bytes] of [["x", 1], ["é", 2], ["€", 3]] as const) {
    const count = Math.floor((65_536 - empty) / bytes);
    const pad = "p".repeat(65_536 - empty - count * bytes);
    assertEquals(of(letter.repeat(count) + pad).length, 4 + 65_536, letter);
    assertThrows(() => of(letter.repeat(count) + pad + "p"), RangeError, "65536", letter);
  }
  const small = of("after a refusal");
  assertEquals(small, headOf('{"type":"T","data":{"x":"after a refusal"}}'));
});

Deno.test("encodeReplyHead() gives bytes that no other head shares", PURE, () => {
  const heads = [10, 1_000, 1_020, 1_024, 2_000, 60_000, 10, 1_000].map((length) => ({
    bytes: encodeReplyHead({ isOk: true, data: { x: "x".repeat(length) } }),
    golden: headOf(JSON.stringify({ data: { x: "x".repeat(length) } })),
  }));
  for (const { bytes, golden } of heads) {
    assertEquals(bytes, golden);
    bytes.fill(0);
  }
});

Deno.test("headLength() takes 2 to 65,536", PURE, () => {
  for (const length of [2, 3, 65_535, 65_536]) {
    assertEquals(headLength(decodeHex(length.toString(16).padStart(8, "0"))), length);
  }
  for (const hex of ["00000000", "00000001", "00010001", "7fffffff", "80000000", "ffffffff"]) {
    assertRefused(() => headLength(decodeHex(hex)), hex);
  }
});

Deno.test(
  "decodeRequestHead() fills in what may be absent and ignores what it knows not",
  PURE,
  () => {
    assertEquals(request('{"type":"T"}'), { type: "T", data: {}, deadlineMs: Infinity });
    const more = request('{"priority":3,"type":"T","data":{"k":[]},"deadline_ms":1.5,"x":{"y":1}}');
    assertEquals(more, { type: "T", data: { k: [] }, deadlineMs: 1.5 });
  },
);

Deno.test("decodeRequestHead() refuses wrong types and ranges", PURE, () => {
  const cases = [
    "null",
    "1",
    '"T"',
    "[]",
    "{}",
    '["type","T"]',
    '{"type":null}',
    '{"type":1}',
    '{"type":["T"]}',
    '{"type":{"T":1}}',
    '{"data":{}}',
    ...["null", "1", '"x"', "[]", "true"].map((data) => `{"type":"T","data":${data}}`),
    ...["null", '"5"', "[5]", "true", "-1", "-0.001", "1e999", `${THIRTY_DAYS_MS + 1}`].map(
      (deadline) => `{"type":"T","deadline_ms":${deadline}}`,
    ),
  ];
  for (const json of cases) assertRefused(() => request(json), json);
});

Deno.test(
  "decodeRequestHead() and decodeReplyHead() refuse what is not JSON in UTF-8",
  PURE,
  () => {
    const cases: readonly Bytes[] = [
      new Uint8Array(0),
      encodeUtf8("{"),
      encodeUtf8('{"type":"T"}}'),
      encodeUtf8('{"type":"T"}{}'),
      encodeUtf8('{"type":"T"}\u0000'),
      encodeUtf8("\ufeff{}"),
      encodeUtf8("{'type':'T'}"),
      encodeUtf8("GET / HTTP/1.1"),
      encodeUtf8("{}").map((byte) => byte ^ 0x80),
      concatBytes(encodeUtf8('{"type":"T","data":{"x":"'), Uint8Array.of(0xff), encodeUtf8('"}}')),
    ];
    for (const bytes of cases) {
      assertRefused(() => decodeRequestHead(bytes), bytes.toHex());
      assertRefused(() => decodeReplyHead(bytes), bytes.toHex());
    }
  },
);

Deno.test("decodeRequestHead() reads 16 levels and no more", PURE, () => {
  const of = (levels: number) => JSON.stringify({ type: "T", data: nested(levels) });
  assertEquals(request(of(15)).data, nested(15));
  assertRefused(() => request(of(16)));
  // As deep as a head can be.
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    const levels = Math.floor(65_000 / (open.length + close.length));
    const deep = open.repeat(levels) + (open === "[" ? "" : "1") + close.repeat(levels);
    for (const json of [deep, `{"type":"T","data":${deep}}`, open.repeat(65_000 / open.length)]) {
      assertRefused(() => request(json));
      assertRefused(() => reply(json));
    }
  }
});

Deno.test("decodeRequestHead() takes __proto__ for a key like any other", PURE, () => {
  assertRefused(() => request('{"__proto__":{"type":"T","data":{}}}'));
  assertRefused(() =>
    request('{"type":"T","__proto__":{},"data":{"__proto__":1},"deadline_ms":"x"}')
  );
  const { data } = request('{"type":"T","data":{"__proto__":{"polluted":true}}}');
  assertEquals([Object.keys(data), "polluted" in data], [["__proto__"], false]);
  assertEquals(Object.getPrototypeOf(data), Object.prototype);
  const answer = reply('{"data":{"constructor":{"prototype":{"polluted":1}},"__proto__":null}}');
  assertEquals(answer.isOk && Object.keys(answer.data), ["constructor", "__proto__"]);
  assertEquals(pollution(), []);
});

Deno.test("decodeReplyHead() tells an answer from an error", PURE, () => {
  const longest = "c".repeat(64);
  const cases: readonly (readonly [json: string, expected: unknown])[] = [
    ["{}", { isOk: true, data: {} }],
    ['{"data":{"a":1}}', { isOk: true, data: { a: 1 } }],
    ['{"type":"OTHER","data":{"code":"x"}}', { isOk: true, data: { code: "x" } }],
    ['{"type":"error"}', { isOk: true, data: {} }],
    [
      '{"type":"ERROR","data":{"code":"a_9","message":"why"}}',
      { isOk: false, code: "a_9", message: "why" },
    ],
    [
      `{"type":"ERROR","data":{"code":"${longest}"}}`,
      { isOk: false, code: longest, message: longest },
    ],
  ];
  for (const [json, expected] of cases) assertEquals(reply(json), expected, json);
});

Deno.test("decodeReplyHead() refuses wrong types, codes and messages", PURE, () => {
  const bad = ['""', '"Busy"', '"a b"', '"9"', `"${"c".repeat(65)}"`, "7", "null", "[]"];
  const cases = [
    "null",
    "[]",
    ...["null", "1", "[]", '"x"'].map((data) => `{"data":${data}}`),
    '{"type":"ERROR"}',
    ...["null", "{}", "[]", '{"message":"m"}'].map((data) => `{"type":"ERROR","data":${data}}`),
    ...bad.map((code) => `{"type":"ERROR","data":{"code":${code}}}`),
    ...["7", "null", "[]", `"${"m".repeat(513)}"`, '"\\u001b[2J"', '"\\u202e"'].map((message) =>
      `{"type":"ERROR","data":{"code":"c","message":${message}}}`
    ),
  ];
  for (const json of cases) assertRefused(() => reply(json), json);
});

Deno.test("decodeRequestHead() and decodeReplyHead() survive damage", PURE, () => {
  const seed = fuzzSeed();
  const random = seededRandom(seed);
  const sources = [
    encodeUtf8('{"type":"FILE_PUT","data":{"name":"a","size":[1,{"b":null}]},"deadline_ms":5}'),
    encodeUtf8('{"type":"ERROR","data":{"code":"busy","message":"Cannot"}}'),
  ];
  for (let round = 0; round < 3_000; round++) {
    const damaged = mutateBytes(random, sources[round % 2] ?? new Uint8Array(0));
    for (const decode of [decodeRequestHead, decodeReplyHead]) {
      try {
        decode(damaged);
      } catch (error) {
        assert(error instanceof HeadError, `seed ${seed}, round ${round}: ${error}`);
      }
    }
  }
  assertEquals(pollution(), []);
});
