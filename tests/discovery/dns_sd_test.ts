import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import {
  answer,
  describeService,
  foldName,
  goodbye,
  instanceOf,
  isSpellable,
  message,
  pointerTo,
  readText,
  recordKey,
  sameName,
  serviceNameOf,
} from "../../src/discovery/dns_sd.ts";
import type { DnsQuestion, DnsRecord } from "../../src/net/dns_message.ts";

const PURE = { permissions: "none" } as const;
/** 32 zero bytes: 52 times the first letter of base32. */
const ID = peerIdOf(new Uint8Array(32));
const NAME = "hamlet-aaaaaaaa._hamlet._tcp.local";
const HOST = "hamlet-aaaaaaaaaaaaaaaa.local";
const SERVICE = { id: ID, port: 9000, version: "1", hint: "AAECAwQFBgc" };
const RECORDS = describeService(SERVICE, ["10.0.0.1", "10.0.0.2"]);

/** The kinds of `records`, PTRs with what they point to. */
function kinds(records: readonly DnsRecord[]): readonly string[] {
  return records.map((record) => {
    if (record.type === "PTR") return `PTR ${record.target}`;
    return record.type === "A" ? `A ${record.address}` : record.type;
  });
}

function texts(...lines: readonly string[]): readonly Uint8Array[] {
  return lines.map(encodeUtf8);
}

Deno.test(
  "describeService() gives the records of RFC 6763 with the times of RFC 6762",
  PURE,
  () => {
    assertEquals(RECORDS, [
      {
        name: "_services._dns-sd._udp.local",
        type: "PTR",
        target: "_hamlet._tcp.local",
        ttlSeconds: 4_500,
        flush: false,
      },
      { name: "_hamlet._tcp.local", type: "PTR", target: NAME, ttlSeconds: 4_500, flush: false },
      { name: NAME, type: "SRV", target: HOST, port: 9000, ttlSeconds: 120, flush: true },
      {
        name: NAME,
        type: "TXT",
        texts: texts(`key=${"a".repeat(52)}`, "v=1", "net=AAECAwQFBgc"),
        ttlSeconds: 4_500,
        flush: true,
      },
      { name: HOST, type: "A", address: "10.0.0.1", ttlSeconds: 120, flush: true },
      { name: HOST, type: "A", address: "10.0.0.2", ttlSeconds: 120, flush: true },
    ]);
  },
);

Deno.test("describeService() says nothing of a network without a hint", PURE, () => {
  const text = describeService({ ...SERVICE, hint: undefined }, []).find(({ type }) =>
    type === "TXT"
  );
  assertEquals(text?.type === "TXT" && text.texts, texts(`key=${"a".repeat(52)}`, "v=1"));
});

Deno.test("goodbye() ends all our records but the type itself, which others have too", PURE, () => {
  const last = goodbye(RECORDS);
  assertEquals(kinds(last), [`PTR ${NAME}`, "SRV", "TXT", "A 10.0.0.1", "A 10.0.0.2"]);
  assertEquals(last.every(({ ttlSeconds }) => ttlSeconds === 0), true);
});

Deno.test("answer() adds what whoever asks will need next", PURE, () => {
  const table: readonly [DnsQuestion, readonly string[], readonly string[]][] = [
    [
      { name: "_hamlet._tcp.local", type: "PTR" },
      [`PTR ${NAME}`],
      ["SRV", "TXT", "A 10.0.0.1", "A 10.0.0.2"],
    ],
    [{ name: "_HAMLET._TCP.Local", type: "ANY" }, [`PTR ${NAME}`], [
      "SRV",
      "TXT",
      "A 10.0.0.1",
      "A 10.0.0.2",
    ]],
    [{ name: "_services._dns-sd._udp.local", type: "PTR" }, ["PTR _hamlet._tcp.local"], []],
    [{ name: NAME, type: "SRV" }, ["SRV"], ["A 10.0.0.1", "A 10.0.0.2"]],
    [{ name: NAME.toUpperCase(), type: "TXT" }, ["TXT"], []],
    [{ name: NAME, type: "ANY" }, ["SRV", "TXT"], ["A 10.0.0.1", "A 10.0.0.2"]],
    [{ name: HOST, type: "A" }, ["A 10.0.0.1", "A 10.0.0.2"], []],
    [{ name: HOST, type: "AAAA" }, [], []],
    [{ name: "_other._tcp.local", type: "PTR" }, [], []],
    [{ name: "hamlet-bbbbbbbb._hamlet._tcp.local", type: "SRV" }, [], []],
  ];
  for (const [question, answers, additionals] of table) {
    const found = answer([question], [], RECORDS);
    assertEquals(kinds(found.answers), answers, `${question.type} ${question.name}`);
    assertEquals(kinds(found.additionals), additionals, `${question.type} ${question.name}`);
  }
});

Deno.test("answer() answers several questions once", PURE, () => {
  const found = answer(
    [{ name: NAME, type: "SRV" }, { name: NAME, type: "ANY" }, { name: HOST, type: "A" }],
    [],
    RECORDS,
  );
  assertEquals(kinds(found.answers), ["SRV", "TXT", "A 10.0.0.1", "A 10.0.0.2"]);
  assertEquals(found.additionals, []);
});

Deno.test("answer() leaves out what the asker knows for half of its life or more", PURE, () => {
  const ask = (known: readonly DnsRecord[]) =>
    answer([{ name: "_hamlet._tcp.local", type: "PTR" }], known, RECORDS).answers.length;
  assertEquals(ask([pointerTo(NAME, 4_500)]), 0);
  assertEquals(ask([pointerTo(NAME, 2_250)]), 0);
  assertEquals(ask([pointerTo(NAME, 2_249)]), 1);
  assertEquals(ask([pointerTo(NAME.toUpperCase(), 4_500)]), 0);
  assertEquals(ask([pointerTo("hamlet-bbbbbbbb._hamlet._tcp.local", 4_500)]), 1);
});

Deno.test("answer() compares the data of every type with what is known", PURE, () => {
  const changed: Readonly<Record<string, Partial<Record<string, unknown>>>> = {
    PTR: { target: "x.local" },
    SRV: { port: 9001 },
    TXT: { texts: texts("key=other", "v=1", "net=AAECAwQFBgc") },
    A: { address: "10.0.0.9" },
  };
  for (const record of RECORDS) {
    const { name, type } = record;
    const ask = (known: DnsRecord) => answer([{ name, type }], [known], [record]).answers.length;
    assertEquals(ask(record), 0, `${type} as it is`);
    assertEquals(ask({ ...record, ...changed[type] } as DnsRecord), 1, `another ${type}`);
    assertEquals(ask({ ...record, ttlSeconds: 0 }), 1, `${type} at its end`);
  }
});

Deno.test("sameName() folds the case of ASCII letters alone (RFC 6762 section 16)", PURE, () => {
  assertEquals(sameName("_Hamlet._TCP.local", "_hamlet._tcp.LOCAL"), true);
  assertEquals(sameName("\u00c9.local", "\u00e9.local"), false);
  assertEquals(sameName("a", "ab"), false);
  assertEquals(foldName("A\u0130\u00c9z"), "a\u0130\u00c9z");
});

Deno.test("instanceOf() takes printable names below the type", PURE, () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    [NAME, "hamlet-aaaaaaaa"],
    ["Bar Baz._HAMLET._tcp.local", "Bar Baz"],
    ["a.b._hamlet._tcp.local", "a.b"],
    ["\u00e9\u{1f600}._hamlet._tcp.local", "\u00e9\u{1f600}"],
    ["_hamlet._tcp.local", undefined],
    ["._hamlet._tcp.local", undefined],
    ["x_hamlet._tcp.local", undefined],
    ["x._hamlet._udp.local", undefined],
    ["x._hamlet._tcp.local.evil", undefined],
    ["\u001b[2J._hamlet._tcp.local", undefined],
    ["\u202ex._hamlet._tcp.local", undefined],
    ["", undefined],
  ];
  for (const [name, instance] of table) assertEquals(instanceOf(name), instance, name);
});

Deno.test("isSpellable() holds names to the lengths of RFC 1035", PURE, () => {
  assertEquals(isSpellable(NAME), true);
  assertEquals(isSpellable(`${"a".repeat(63)}.local`), true);
  assertEquals(isSpellable(`${"a".repeat(64)}.local`), false);
  assertEquals(isSpellable(`${"\ufffd".repeat(22)}.local`), false, "66 bytes of UTF-8");
  assertEquals(isSpellable("a..local"), false);
  assertEquals(isSpellable("."), false);
  const label = "a".repeat(63);
  assertEquals(isSpellable([label, label, label, "a".repeat(61)].join(".")), true, "253 bytes");
  assertEquals(isSpellable([label, label, label, "a".repeat(62)].join(".")), false, "254 bytes");
});

Deno.test("readText() reads key, version and hint where they are plausible", PURE, () => {
  const nothing = { id: undefined, hint: undefined, version: undefined };
  const read = (...lines: readonly string[]) => readText(texts(...lines));
  assertEquals(read(`key=${ID}`, "v=1", "net=AAECAwQFBgc"), {
    id: ID,
    hint: "AAECAwQFBgc",
    version: "1",
  });
  assertEquals(read(), nothing);
  assertEquals(read(""), nothing);
  assertEquals(read("txtvers=1", "path=/"), nothing);
  assertEquals(read(`KEY=${ID}`, "V=1.1"), { ...nothing, id: ID, version: "1.1" });
  assertEquals(read("v=1", "v=2", "V=3").version, "1", "the first counts");
  assertEquals(read("v", "v=2").version, undefined, "a key without a value is there");
  assertEquals(read(`key=${ID.toUpperCase()}`).id, undefined, "not canonical");
  assertEquals(read(`key=${ID}=`).id, undefined);
  assertEquals(read("net=a b").hint, undefined);
  assertEquals(read(`net=${"a".repeat(33)}`).hint, undefined);
  assertEquals(read(`v=${"1".repeat(17)}`).version, undefined);
  assertEquals(read("v=\u001b").version, undefined);
  assertEquals(readText([Uint8Array.of(0xff, 0x3d, 0xfe)]), nothing, "not UTF-8");
});

Deno.test(
  "recordKey() tells records apart by name, type and data, not by their lives",
  PURE,
  () => {
    assertEquals(new Set(RECORDS.map(recordKey)).size, RECORDS.length);
    assertEquals(goodbye(RECORDS).map(recordKey), RECORDS.slice(1).map(recordKey));
  },
);

Deno.test("message() is empty where nothing is said", PURE, () => {
  assertEquals(message("query", {}), {
    kind: "query",
    id: 0,
    isTruncated: false,
    questions: [],
    answers: [],
    additionals: [],
  });
  assertEquals(serviceNameOf(ID), NAME);
});
