import { assertEquals } from "@std/assert";
import { concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { isKrpcMessage, MAX_KRPC_BYTES } from "../../src/net/krpc.ts";

const PURE = { permissions: "none" } as const;
const ID = "20:abcdefghij0123456789";
const OTHER = "20:mnopqrstuvwxyz123456";

/** The examples of BEP 5, but for the one whose list of nodes is abbreviated there. */
const EXAMPLES: Readonly<Record<string, string>> = {
  "error": "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
  "ping": `d1:ad2:id${ID}e1:q4:ping1:t2:aa1:y1:qe`,
  "pong": `d1:rd2:id${OTHER}e1:t2:aa1:y1:re`,
  "find_node": `d1:ad2:id${ID}6:target${OTHER}e1:q9:find_node1:t2:aa1:y1:qe`,
  "get_peers": `d1:ad2:id${ID}9:info_hash${OTHER}e1:q9:get_peers1:t2:aa1:y1:qe`,
  "values": `d1:rd2:id${ID}5:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re`,
  "announce_peer":
    `d1:ad2:id${ID}12:implied_porti1e9:info_hash${OTHER}4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe`,
};

const isMessage = (text: string) => isKrpcMessage(encodeUtf8(text));

/** A ping with `members` among its arguments. */
const withArguments = (members: string) => `d1:ad2:id${ID}${members}e1:q4:ping1:t2:aa1:y1:qe`;
/** A response with `members` among its results. */
const withResults = (members: string) => `d1:rd2:id${ID}${members}e1:t2:aa1:y1:re`;

Deno.test("isKrpcMessage() takes the examples of BEP 5", PURE, () => {
  for (const [name, text] of Object.entries(EXAMPLES)) assertEquals(isMessage(text), true, name);
});

Deno.test("isKrpcMessage() takes what other implementations add", PURE, () => {
  for (
    const text of [
      // Versions, our address as they see it, read-only nodes, IPv6 (BEP 5, 32, 42, 43).
      `d1:ad2:id${ID}4:wantl2:n42:n6ee1:q4:ping2:roi1e1:t2:aa1:v4:LT\x01\x021:y1:qe`,
      `d2:ip6:abcdef1:rd2:id${ID}6:nodes638:${"n".repeat(38)}1:pi6881ee1:t4:aaaa1:y1:re`,
      // Members in another order than they should be in.
      `d1:y1:q1:t2:aa1:q4:ping1:ad2:id${ID}ee`,
      withResults(`5:nodes0:`),
      withResults(`5:nodes26:${"n".repeat(26)}`),
      withResults(`6:valuesle`),
      // A stored value may be anything (BEP 44).
      withArguments(`1:vd3:agei-5e4:listli0ei1eee`),
    ]
  ) assertEquals(isMessage(text), true, text);
});

Deno.test("isKrpcMessage() refuses every truncation and anything behind the end", PURE, () => {
  for (const text of Object.values(EXAMPLES)) {
    for (let length = 0; length < text.length; length++) {
      assertEquals(isMessage(text.slice(0, length)), false, text.slice(0, length));
    }
    for (const more of ["e", "\0", "0:", text]) assertEquals(isMessage(text + more), false);
  }
});

Deno.test("isKrpcMessage() refuses lengths and numbers that are none", PURE, () => {
  for (
    const text of [
      "l-3:",
      withArguments("1:x-1:"),
      withArguments("1:x+1:a"),
      withArguments("1:x:"),
      withArguments("1:x00001:a"),
      withArguments("1:x9999:a"),
      withArguments("1:x99999999999999999999:a"),
      withArguments("1:xie"),
      withArguments("1:xi-e"),
      withArguments("1:xi1.5e"),
      withArguments("1:xi--1e"),
      withArguments("1:xi1"),
      withArguments(`1:xi${"9".repeat(16)}e`),
    ]
  ) assertEquals(isMessage(text), false, text);
  assertEquals(isMessage(withArguments(`1:xi-${"9".repeat(15)}e`)), true);
});

Deno.test("isKrpcMessage() refuses members of the wrong type or length", PURE, () => {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    target: ["i5e", "19:abcdefghij012345678", "21:abcdefghij01234567890", "le", "de"],
    info_hash: ["i5e", "0:", "le"],
    token: ["i1e", "0:", `65:${"t".repeat(65)}`, "d6:equalsi1ee"],
    nodes: ["i1e", `25:${"n".repeat(25)}`, `27:${"n".repeat(27)}`, "l26:e"],
    values: ["6:abcdef", "l5:abcdee", "l7:abcdefge", "li1ee", "d1:a6:abcdefe"],
    k: [`31:${"k".repeat(31)}`, `33:${"k".repeat(33)}`, "i1e"],
    sig: [`63:${"s".repeat(63)}`, `65:${"s".repeat(65)}`, "i1e"],
    salt: [`65:${"s".repeat(65)}`, "i1e"],
    seq: ["1:1", "le"],
    cas: ["1:1"],
    port: ["4:6881"],
    implied_port: ["1:1"],
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      const member = `${key.length}:${key}${value}`;
      assertEquals(isMessage(withArguments(member)), false, member);
      assertEquals(isMessage(withResults(member)), false, member);
    }
  }
});

Deno.test("isKrpcMessage() refuses messages without what their kind needs", PURE, () => {
  for (
    const text of [
      "de",
      "le",
      "i5e",
      "4:ping",
      `d1:ad2:id${ID}e1:q4:ping1:y1:qe`,
      `d1:ad2:id${ID}e1:q4:ping1:t0:1:y1:qe`,
      `d1:ad2:id${ID}e1:q4:ping1:ti1e1:y1:qe`,
      `d1:ad2:id${ID}e1:q4:ping1:t2:aae`,
      `d1:ad2:id${ID}e1:q4:ping1:t2:aa1:y1:xe`,
      `d1:ad2:id${ID}e1:q4:ping1:t2:aa1:yi1ee`,
      `d1:ad2:id${ID}e1:t2:aa1:y1:qe`,
      `d1:ad2:id${ID}e1:qi1e1:t2:aa1:y1:qe`,
      "d1:q4:ping1:t2:aa1:y1:qe",
      "d1:a2:id1:q4:ping1:t2:aa1:y1:qe",
      "d1:ade1:q4:ping1:t2:aa1:y1:qe",
      "d1:ad2:idi1ee1:q4:ping1:t2:aa1:y1:qe",
      "d1:t2:aa1:y1:re",
      "d1:rde1:t2:aa1:y1:re",
      "d1:t2:aa1:y1:ee",
      "d1:e5:error1:t2:aa1:y1:ee",
      // The body of another kind is read as well.
      `d1:ad2:idi1ee1:rd2:id${ID}e1:t2:aa1:y1:re`,
    ]
  ) assertEquals(isMessage(text), false, text);
});

Deno.test("isKrpcMessage() refuses keys that are more than names", PURE, () => {
  for (
    const key of ["9:__proto__", "0:", "1:\n", `33:${"k".repeat(33)}`, "2:id", "i1e", "le"]
  ) assertEquals(isMessage(withArguments(`${key}i1e`)), false, key);
  assertEquals(isMessage(withArguments(`32:${"k".repeat(32)}i1e`)), true);
  const invalidUtf8 = concatBytes(encodeUtf8("d1:"), Uint8Array.of(0xff), encodeUtf8("i1ee"));
  assertEquals(isKrpcMessage(invalidUtf8), false);
});

Deno.test("isKrpcMessage() refuses what is longer or nests deeper than its limits", PURE, () => {
  // Message, arguments, and seven lists: the innermost value is at depth 8.
  const nested = (depth: number) => withArguments(`1:x${"l".repeat(depth)}${"e".repeat(depth)}`);
  assertEquals(isMessage(nested(7)), true);
  assertEquals(isMessage(nested(8)), false);
  assertEquals(isMessage("l".repeat(MAX_KRPC_BYTES)), false);
  const empty = withArguments(`1:x0000:`).length;
  const filled = (length: number) =>
    withArguments(`1:x${length - empty}:${"x".repeat(length - empty)}`);
  assertEquals([2_048, 2_049].map((length) => [filled(length).length, isMessage(filled(length))]), [
    [2_048, true],
    [2_049, false],
  ]);
});
