import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import {
  curbPacket,
  type DnsMessage,
  readMessage,
  writeMessage,
} from "../../src/net/dns_message.ts";

const PURE = { permissions: "none" } as const;

/** A header that claims these four counts (RFC 1035 section 4.1.1). */
function header(...counts: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(12);
  for (const [i, count] of counts.entries()) new DataView(bytes.buffer).setUint16(4 + 2 * i, count);
  return bytes;
}

/** A decoded packet. */
function decoded(parts: Readonly<Record<string, unknown>>) {
  return {
    type: "response",
    id: 0,
    flags: 0,
    questions: [],
    answers: [],
    additionals: [],
    ...parts,
  };
}

Deno.test("curbPacket() lowers what the four counts claim together", PURE, () => {
  const table: readonly (readonly [readonly number[], number, readonly number[]])[] = [
    [[1, 2, 3, 4], 64, [1, 2, 3, 4]],
    [[16, 16, 16, 16], 64, [16, 16, 16, 16]],
    [[1, 64, 0, 0], 64, [1, 63, 0, 0]],
    [[1, 63, 0, 9], 64, [1, 63, 0, 0]],
    [[0, 65_535, 65_535, 65_535], 64, [0, 64, 0, 0]],
    [[0, 30, 30, 30], 64, [0, 30, 30, 4]],
    [[1, 1, 1, 1], 0, [0, 0, 0, 0]],
  ];
  for (const [claimed, maxRecords, expected] of table) {
    const packet = header(...claimed);
    curbPacket(packet, maxRecords);
    assertEquals(packet, header(...expected), `${claimed}`);
  }
});

Deno.test("curbPacket() leaves a packet alone that ends in its header", PURE, () => {
  for (let length = 0; length < 12; length++) {
    const packet = new Uint8Array(length).fill(1);
    curbPacket(packet, 64);
    assertEquals(packet.length, length);
  }
});

Deno.test(
  "readMessage() takes queries and responses that succeeded, and nothing else",
  PURE,
  () => {
    const kindOf = (type: string, flags: number) => readMessage(decoded({ type, flags }))?.kind;
    assertEquals(kindOf("query", 0), "query");
    assertEquals(kindOf("response", 0x0400), "response", "authoritative");
    assertEquals(kindOf("query", 0x0100), "query", "recursion desired, as ordinary resolvers ask");
    assertEquals(kindOf("query", 0x0800), undefined, "another opcode");
    assertEquals(kindOf("response", 0x0003), undefined, "an error");
    assertEquals(readMessage(decoded({ type: "query", flags: 0x0200 }))?.isTruncated, true);
  },
);

Deno.test("readMessage() reads questions of our types, with and without the QU bit", PURE, () => {
  const read = (type: string, dnsClass: unknown) =>
    readMessage(decoded({ type: "query", questions: [{ name: "a.local", type, class: dnsClass }] }))
      ?.questions;
  const question = { name: "a.local", type: "PTR", wantsUnicast: false };
  assertEquals<unknown>(read("PTR", "IN"), [question]);
  assertEquals<unknown>(read("PTR", "ANY"), [question]);
  assertEquals<unknown>(read("ANY", "IN"), [{ ...question, type: "ANY" }]);
  // 0x8001 and 0x80ff.
  assertEquals<unknown>(read("PTR", "UNKNOWN_32769"), [{ ...question, wantsUnicast: true }]);
  assertEquals<unknown>(read("PTR", "UNKNOWN_33023"), [{ ...question, wantsUnicast: true }]);
  assertEquals<unknown>(read("PTR", "CH"), []);
  assertEquals<unknown>(read("MX", "IN"), []);
});

Deno.test("readMessage() passes over what is no record of ours", PURE, () => {
  const head = { name: "a.local", ttl: 120, class: "IN", flush: true };
  const answers = [
    { ...head, type: "A", data: "10.0.0.1" },
    { ...head, type: "A", class: "CH", data: "10.0.0.2" },
    { ...head, type: "NSEC", data: {} },
    { ...head, type: "SRV", data: null },
    { ...head, type: "TXT", data: "text" },
    { ...head, type: "TXT", data: [encodeUtf8("k=v"), "no bytes", 7] },
    null,
    "record",
    [],
    { ...head, type: "OPT", name: "." },
  ];
  const expected = { name: "a.local", ttlSeconds: 120, flush: true };
  assertEquals<unknown>(readMessage(decoded({ answers }))?.answers, [
    { ...expected, type: "A", address: "10.0.0.1" },
    { ...expected, type: "TXT", texts: [encodeUtf8("k=v")] },
  ]);
  assertEquals(readMessage(decoded({ answers: "none", additionals: { length: 3 } }))?.answers, []);
});

Deno.test("writeMessage() and readMessage() are inverse", PURE, () => {
  const head = { name: "a.local", ttlSeconds: 120, flush: true };
  const message: DnsMessage = {
    kind: "response",
    id: 7,
    isTruncated: false,
    questions: [{ name: "a.local", type: "ANY", wantsUnicast: false }],
    answers: [
      { ...head, type: "PTR", target: "b.local", flush: false },
      { ...head, type: "SRV", target: "c.local", port: 9000 },
    ],
    additionals: [
      { ...head, type: "A", address: "10.0.0.1" },
      { ...head, type: "AAAA", address: "fd00::1" },
    ],
  };
  assertEquals(readMessage(writeMessage(message)), message);
});
