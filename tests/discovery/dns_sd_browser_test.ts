import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";
import { describeService, goodbye, message, pointerTo } from "../../src/discovery/dns_sd.ts";
import { DnsSdBrowser, MAX_SERVICES } from "../../src/discovery/dns_sd_browser.ts";
import type { DnsRecord } from "../../src/net/dns_message.ts";

const PURE = { permissions: "none" } as const;
const OWN = peerIdOf(new Uint8Array(32));
const OTHER = peerIdOf(new Uint8Array(32).fill(0xff));
const NAME = "hamlet-77777777._hamlet._tcp.local";
const HOST = "hamlet-7777777777777777.local";
const SERVICE = { id: OTHER, port: 9000, version: "1", hint: "AAECAwQFBgc" };
const RECORDS = describeService(SERVICE, ["10.0.0.2"]);
const [, POINTER, SRV, TXT, A] = RECORDS;
const FROM = "10.0.0.2";
const FOUND = {
  instance: "hamlet-77777777",
  id: OTHER,
  hint: "AAECAwQFBgc",
  version: "1",
  addresses: [{ host: "10.0.0.2", port: 9000 }],
};
const LIFE = { ttlSeconds: 120, flush: false };

function says(...answers: readonly (DnsRecord | undefined)[]) {
  return message("response", { answers: answers.filter((record) => record !== undefined) });
}

/** The records of a service that something else than hamlet publishes. */
function foreign(label: string, addresses: readonly string[], port = 9123): readonly DnsRecord[] {
  const name = `${label}._hamlet._tcp.local`;
  return [
    pointerTo(name),
    { ...LIFE, name, type: "SRV", target: "printer.local", port },
    { ...LIFE, name, type: "TXT", texts: [] },
    ...addresses.map((address): DnsRecord => ({
      ...LIFE,
      name: "printer.local",
      type: address.includes(":") ? "AAAA" : "A",
      address,
    })),
  ];
}

Deno.test("DnsSdBrowser finds who announces itself, each time", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  assertEquals(browser.read(says(...RECORDS), FROM, 0), [FOUND]);
  assertEquals(browser.read(says(...RECORDS), FROM, 1_000), [FOUND]);
  assertEquals([browser.size, browser.nextMs], [1, Infinity]);
});

Deno.test("DnsSdBrowser reads records in any order, additionals too", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  const reversed = message("response", {
    answers: [A, TXT].filter((record) => record !== undefined),
    additionals: [SRV, POINTER].filter((record) => record !== undefined),
  });
  assertEquals(browser.read(reversed, FROM, 0), [FOUND]);
});

Deno.test("DnsSdBrowser completes an answer from what it remembers", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  browser.read(says(...RECORDS), FROM, 0);
  assertEquals(browser.read(says(POINTER), FROM, 119_999), [FOUND]);
  assertEquals(browser.read(says(POINTER), FROM, 120_000), [], "SRV and A are over");
  assertEquals(browser.takePending(120_100).questions, [
    { name: NAME, type: "SRV" },
    { name: HOST, type: "A" },
  ]);
  assertEquals(browser.read(says(SRV, A), FROM, 120_200), [FOUND]);
  assertEquals(browser.nextMs, Infinity);
});

Deno.test("DnsSdBrowser asks for what is missing, step by step", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  assertEquals(browser.read(says(POINTER), FROM, 0), []);
  assertEquals(browser.nextMs, 100);
  assertEquals(browser.takePending(100), {
    questions: [{ name: NAME, type: "SRV" }, { name: NAME, type: "TXT" }],
    found: [],
  });
  assertEquals(browser.read(says(SRV, TXT), FROM, 200), []);
  assertEquals(browser.nextMs, 1_100);
  assertEquals(browser.takePending(1_100).questions, [{ name: HOST, type: "A" }]);
  assertEquals(browser.read(says(A), FROM, 1_200), [FOUND]);
  assertEquals(browser.read(says(A), FROM, 1_300), [], "no news of the service");
});

Deno.test(
  "DnsSdBrowser makes do with a location alone when asking twice brought nothing",
  PURE,
  () => {
    const browser = new DnsSdBrowser(OWN);
    browser.read(says(POINTER, SRV), "10.0.0.77", 0);
    assertEquals(browser.takePending(100).questions.length, 2);
    assertEquals(browser.takePending(1_100).questions.length, 2);
    assertEquals(browser.nextMs, 2_100);
    assertEquals(browser.takePending(2_100), {
      questions: [],
      found: [{
        instance: "hamlet-77777777",
        id: undefined,
        hint: undefined,
        version: undefined,
        addresses: [{ host: "10.0.0.77", port: 9000 }],
      }],
    });
    browser.read(says(POINTER), "10.0.0.77", 10_000);
    assertEquals(browser.takePending(10_100).questions.length, 2, "asked again when heard again");
  },
);

Deno.test("DnsSdBrowser forgets a name that has no location", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  browser.read(says(POINTER, TXT), FROM, 0);
  for (const nowMs of [100, 1_100]) assertEquals(browser.takePending(nowMs).questions.length, 1);
  assertEquals(browser.takePending(2_100), { questions: [], found: [] });
  assertEquals([browser.size, browser.nextMs], [0, Infinity]);
});

Deno.test("DnsSdBrowser finds services without our keys", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  assertEquals(browser.read(says(...foreign("Foo Bar", ["10.0.0.5"])), FROM, 0), [{
    instance: "Foo Bar",
    id: undefined,
    hint: undefined,
    version: undefined,
    addresses: [{ host: "10.0.0.5", port: 9123 }],
  }]);
});

Deno.test("DnsSdBrowser takes up to 8 plausible addresses", PURE, () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["127.0.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255", "10.0.0.5"], ["10.0.0.5"]],
    [["169.254.1.2", "8.8.8.8"], ["169.254.1.2", "8.8.8.8"]],
    [["fe80::1", "::1", "fd00::5", "2001:db8::1"], ["fd00::5", "2001:db8::1"]],
    [["10.0.0.5", "10.0.0.5"], ["10.0.0.5"]],
    [["127.0.0.1", "not an address"], [FROM]],
    [
      Array.from({ length: 12 }, (_, i) => `10.0.1.${i}`),
      Array.from({ length: 8 }, (_, i) => `10.0.1.${i}`),
    ],
  ];
  for (const [told, expected] of cases) {
    const [found] = new DnsSdBrowser(OWN).read(says(...foreign("x", told)), FROM, 0);
    assertEquals(found?.addresses.map(({ host }) => host), expected);
  }
});

Deno.test("DnsSdBrowser says nothing of a service that is nowhere", PURE, () => {
  const read = (records: readonly DnsRecord[], source: string) =>
    new DnsSdBrowser(OWN).read(says(...records), source, 0);
  assertEquals(read(foreign("x", ["127.0.0.1"]), "127.0.0.1"), []);
  assertEquals(read(foreign("x", ["10.0.0.5"], 0), FROM), [], "port 0");
});

Deno.test("DnsSdBrowser tells of changed addresses", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  browser.read(says(...RECORDS), FROM, 0);
  const moved = describeService(SERVICE, ["10.0.0.3"]);
  const addresses = [{ host: "10.0.0.3", port: 9000 }];
  assertEquals(browser.read(says(moved.at(-1)), "10.0.0.3", 1), [{ ...FOUND, addresses }]);
  assertEquals(browser.read(says(POINTER), "10.0.0.3", 2), [{ ...FOUND, addresses }]);
});

Deno.test(
  "DnsSdBrowser forgets the addresses of a service that moved to another host",
  PURE,
  () => {
    const browser = new DnsSdBrowser(OWN);
    browser.read(says(...RECORDS), FROM, 0);
    const moved: DnsRecord = { ...LIFE, name: NAME, type: "SRV", target: "new.local", port: 9 };
    assertEquals(browser.read(says(moved), FROM, 1), []);
    assertEquals(browser.takePending(101).questions, [{ name: "new.local", type: "A" }]);
  },
);

Deno.test("DnsSdBrowser ignores ourselves, by name and by key", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  const own = describeService({ ...SERVICE, id: OWN }, ["10.0.0.1"]);
  assertEquals(browser.read(says(...own), "10.0.0.1", 0), []);
  assertEquals(browser.size, 0);
  const claimed: DnsRecord = {
    ...LIFE,
    name: "x._hamlet._tcp.local",
    type: "TXT",
    texts: [encodeUtf8(`key=${OWN}`)],
  };
  assertEquals(browser.read(says(...foreign("x", ["10.0.0.5"]), claimed), FROM, 0), []);
});

Deno.test("DnsSdBrowser says nothing at a goodbye, and forgets", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  browser.read(says(...RECORDS), FROM, 0);
  assertEquals(browser.read(says(...goodbye(RECORDS)), FROM, 1), []);
  assertEquals([browser.size, browser.nextMs], [0, Infinity]);
  assertEquals(browser.read(says(...RECORDS), FROM, 2), [FOUND]);
});

Deno.test("DnsSdBrowser passes over records of other kinds and types", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  const others: readonly DnsRecord[] = [
    { ...LIFE, name: "_ipp._tcp.local", type: "PTR", target: "p._ipp._tcp.local" },
    { ...LIFE, name: "_hamlet._tcp.local", type: "PTR", target: "p._ipp._tcp.local" },
    { ...LIFE, name: "p._ipp._tcp.local", type: "SRV", target: "p.local", port: 631 },
    { ...LIFE, name: "p.local", type: "A", address: "10.0.0.4" },
    { ...LIFE, name: "\u001b[2J._hamlet._tcp.local", type: "SRV", target: "p.local", port: 1 },
  ];
  assertEquals(browser.read(says(...others), FROM, 0), []);
  assertEquals(browser.size, 0);
});

Deno.test("DnsSdBrowser knows services without regard to case", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  browser.read(says(pointerTo(NAME.toUpperCase().replace("HAMLET", "Hamlet"))), FROM, 0);
  browser.read(says(SRV, TXT, A), FROM, 1);
  assertEquals(browser.size, 1);
});

Deno.test(`DnsSdBrowser remembers ${MAX_SERVICES} services, the latest`, PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  browser.read(says(...RECORDS), FROM, 0);
  for (let i = 1; i < MAX_SERVICES; i++) {
    browser.read(says(pointerTo(`x${i}._hamlet._tcp.local`)), FROM, i);
  }
  assertEquals(browser.size, MAX_SERVICES);
  assertEquals(browser.read(says(POINTER), FROM, 300), [FOUND], "all are remembered");
  browser.read(says(pointerTo("one more._hamlet._tcp.local")), FROM, 301);
  assertEquals(browser.size, MAX_SERVICES);
  assertEquals(browser.read(says(POINTER), FROM, 302), [FOUND], "x1 went, which was the oldest");
  const many = Array.from(
    { length: MAX_SERVICES },
    (_, i) => pointerTo(`y${i}._hamlet._tcp.local`),
  );
  browser.read(says(...many), FROM, 303);
  assertEquals(browser.size, MAX_SERVICES);
  assertEquals(browser.read(says(POINTER), FROM, 304), []);
});

Deno.test(
  "DnsSdBrowser asks no more than a packet a second, however many are pending",
  PURE,
  () => {
    const browser = new DnsSdBrowser(OWN);
    const label = "n".repeat(59);
    for (let i = 0; i < MAX_SERVICES; i++) {
      browser.read(says(pointerTo(`${label}${1_000 + i}._hamlet._tcp.local`)), FROM, 0);
    }
    const asked = new Map<string, number>();
    let packets = 0;
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 100) {
      if (nowMs < browser.nextMs) continue;
      const { questions } = browser.takePending(nowMs);
      if (questions.length === 0) continue;
      packets++;
      let bytes = 12;
      for (const { name } of questions) {
        bytes += name.length + 2 + 4;
        asked.set(name, (asked.get(name) ?? 0) + 1);
      }
      assertEquals(bytes <= 1_400, true, `${bytes} bytes`);
    }
    assertEquals(packets <= 60, true, `${packets} packets`);
    // SRV and TXT, twice at most.
    assertEquals([...asked.values()].every((count) => count <= 4), true);
  },
);

Deno.test("DnsSdBrowser never asks for a name that no packet can hold", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  browser.read(says(pointerTo(`${"\ufffd".repeat(40)}._hamlet._tcp.local`)), FROM, 0);
  assertEquals(browser.takePending(100), { questions: [], found: [] });
});

Deno.test("DnsSdBrowser.knownAnswers() holds us and who answered this search", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  const own = pointerTo("hamlet-aaaaaaaa._hamlet._tcp.local");
  assertEquals(browser.knownAnswers(0), [own]);
  browser.read(says(...RECORDS), FROM, 0);
  assertEquals(browser.knownAnswers(100_500), [own, pointerTo(NAME, 4_399)]);
  assertEquals(browser.knownAnswers(2_250_000), [own, pointerTo(NAME, 2_250)]);
  assertEquals(browser.knownAnswers(2_250_001), [own], "less than half of its life");
  browser.restart();
  assertEquals(browser.knownAnswers(100_500), [own], "everybody is to answer");
  browser.read(says(POINTER), FROM, 101_000);
  assertEquals(browser.knownAnswers(101_000), [own, pointerTo(NAME)]);
});

Deno.test("DnsSdBrowser.knownAnswers() fits into a packet, the latest first", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  for (let i = 0; i < MAX_SERVICES; i++) {
    browser.read(says(pointerTo(`x${i}._hamlet._tcp.local`)), FROM, i);
  }
  const known = browser.knownAnswers(1_000);
  // Two names with a byte at each end, and type, class, time to live and length.
  const bytes = known.map((record) =>
    record.type === "PTR" ? record.name.length + record.target.length + 14 : 0
  ).reduce((sum, each) => sum + each, 0);
  assertEquals(bytes <= 1_300 && known.length > 15, true, `${bytes} bytes`);
  assertEquals(known[1]?.type === "PTR" && known[1].target, "x255._hamlet._tcp.local");
});

Deno.test("DnsSdBrowser cuts a life that would never end", PURE, () => {
  const browser = new DnsSdBrowser(OWN);
  const eternal = RECORDS.map((record) => ({ ...record, ttlSeconds: 2 ** 32 - 1 }));
  assertEquals(browser.read(says(...eternal), FROM, 0), [FOUND]);
  assertEquals(browser.read(says(POINTER), FROM, 4_500_000), []);
});
