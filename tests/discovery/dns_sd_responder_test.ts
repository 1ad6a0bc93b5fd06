import { assert, assertEquals } from "@std/assert";
import { peerIdOf } from "../../src/base/peer_id.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { describeService, message, pointerTo } from "../../src/discovery/dns_sd.ts";
import { DnsSdResponder } from "../../src/discovery/dns_sd_responder.ts";
import type { DnsMessage, DnsQuestion } from "../../src/net/dns_message.ts";

const PURE = { permissions: "none" } as const;
const NAME = "hamlet-aaaaaaaa._hamlet._tcp.local";
const HOST = "hamlet-aaaaaaaaaaaaaaaa.local";
const SERVICE = {
  id: peerIdOf(new Uint8Array(32)),
  port: 9000,
  version: "1",
  hint: undefined,
};
const RECORDS = describeService(SERVICE, ["10.0.0.1"]);
const WHO: DnsQuestion = { name: "_hamlet._tcp.local", type: "PTR" };
const ASKER = { host: "10.0.0.9", port: 5353 };
const LEGACY = { host: "10.0.0.9", port: 40_000 };
/** The least of every delay. */
const NO_CHANCE: Random = { next: () => 0 };

/** A responder whose announcements at 20 and 1,040 ms are over. */
function settled(random: Random = NO_CHANCE): DnsSdResponder {
  const responder = new DnsSdResponder(random);
  responder.publish(RECORDS, 0);
  assert(responder.take(500));
  assert(responder.take(1_700));
  assertEquals(responder.nextMs, Infinity);
  return responder;
}

function types(response: DnsMessage | undefined): readonly string[] | undefined {
  return response && [...response.answers, ...response.additionals].map(({ type }) => type);
}

function ask(...questions: readonly DnsQuestion[]): DnsMessage {
  return message("query", { questions });
}

Deno.test("DnsSdResponder announces everything twice, a second apart", PURE, () => {
  const responder = new DnsSdResponder(NO_CHANCE);
  assertEquals(responder.nextMs, Infinity);
  responder.publish(RECORDS, 0);
  assertEquals(responder.nextMs, 20);
  assertEquals(responder.take(19), undefined);
  assertEquals(responder.take(20), message("response", { answers: RECORDS }));
  assertEquals(responder.nextMs, 1_040);
  assertEquals(responder.take(1_039), undefined);
  assertEquals(responder.take(1_040), message("response", { answers: RECORDS }));
  assertEquals(responder.nextMs, Infinity);
});

Deno.test("DnsSdResponder.publish() announces only what is news", PURE, () => {
  const responder = settled();
  responder.publish([...RECORDS].reverse(), 5_000);
  assertEquals(responder.nextMs, Infinity);
  responder.publish(describeService(SERVICE, ["10.0.0.2"]), 5_000);
  assertEquals(responder.nextMs, 5_020);
  assertEquals(responder.take(5_020)?.answers.at(-1), {
    name: HOST,
    type: "A",
    address: "10.0.0.2",
    ttlSeconds: 120,
    flush: true,
  });
});

Deno.test("DnsSdResponder answers the group after 20 to 120 ms, with additionals", PURE, () => {
  const random = seededRandom(1);
  const delays = new Set<number>();
  for (let i = 0; i < 2_000; i++) {
    const responder = settled(random);
    assertEquals(responder.ask(ask(WHO), ASKER, 10_000), undefined);
    delays.add(responder.nextMs - 10_000);
    assertEquals(types(responder.take(responder.nextMs)), ["PTR", "SRV", "TXT", "A"]);
  }
  assertEquals([delays.size, Math.min(...delays), Math.max(...delays)], [101, 20, 120]);
});

Deno.test("DnsSdResponder multicasts a record at most once a second", PURE, () => {
  const responder = settled();
  const heard: number[] = [];
  for (let nowMs = 10_000; nowMs < 20_000; nowMs += 10) {
    responder.ask(ask(WHO, { name: HOST, type: "A" }), ASKER, nowMs);
    const response = responder.take(nowMs);
    if (response) heard.push(nowMs);
  }
  for (const [i, atMs] of heard.entries()) assert(i === 0 || atMs - (heard[i - 1] ?? 0) >= 1_000);
  assert(heard.length >= 9, `${heard.length}`);
});

Deno.test("DnsSdResponder sends again only the records whose second is over", PURE, () => {
  const responder = settled();
  responder.ask(ask({ name: HOST, type: "A" }), ASKER, 10_000);
  assertEquals(types(responder.take(10_020)), ["A"]);
  responder.ask(ask(WHO), ASKER, 10_500);
  assertEquals(types(responder.take(10_520)), ["PTR", "SRV", "TXT"], "the address was just told");
  responder.ask(ask({ name: NAME, type: "SRV" }), ASKER, 10_600);
  assertEquals(types(responder.take(10_620)), undefined);
});

Deno.test("DnsSdResponder is silent to who knows, and to questions of others", PURE, () => {
  const responder = settled();
  const known = message("query", { questions: [WHO], answers: [pointerTo(NAME)] });
  assertEquals(responder.ask(known, ASKER, 10_000), undefined);
  assertEquals(
    responder.ask(ask({ name: "_ipp._tcp.local", type: "PTR" }), ASKER, 10_000),
    undefined,
  );
  assertEquals(responder.nextMs, Infinity);
});

Deno.test(
  "DnsSdResponder waits for the known answers that a truncated query promises",
  PURE,
  () => {
    const responder = settled();
    const truncated = { ...ask(WHO), isTruncated: true };
    const rest = message("query", { answers: [pointerTo(NAME)] });
    responder.ask(truncated, ASKER, 10_000);
    assertEquals(responder.nextMs, 10_400);
    responder.ask(rest, { ...ASKER, host: "10.0.0.8" }, 10_050);
    assertEquals(responder.nextMs, 10_400, "another host's");
    responder.ask(rest, ASKER, 10_100);
    assertEquals(responder.nextMs, Infinity);
    responder.ask(truncated, ASKER, 20_000);
    responder.ask(ask(WHO), { ...ASKER, host: "10.0.0.8" }, 20_010);
    assertEquals(responder.nextMs, 20_030, "somebody else wants it sooner");
    responder.ask(rest, ASKER, 20_020);
    assertEquals(types(responder.take(20_030)), ["PTR", "SRV", "TXT", "A"]);
  },
);

Deno.test("DnsSdResponder answers ordinary resolvers as RFC 6762 section 6.7 says", PURE, () => {
  const responder = settled();
  const query = { ...ask(WHO), id: 0x1234 };
  const reply = responder.ask(query, LEGACY, 2_000);
  assertEquals([reply?.kind, reply?.id, reply?.questions], ["response", 0x1234, [WHO]]);
  assertEquals(types(reply), ["PTR", "SRV", "TXT", "A"]);
  const records = [...reply?.answers ?? [], ...reply?.additionals ?? []];
  assertEquals(records.every(({ ttlSeconds, flush }) => ttlSeconds === 10 && !flush), true);
  assertEquals(responder.nextMs, Infinity, "nothing for the group");
});

Deno.test("DnsSdResponder answers a QU question directly while the group remembers", PURE, () => {
  const responder = settled();
  const query = { ...ask({ name: HOST, type: "A", wantsUnicast: true }), id: 7 };
  const reply = responder.ask(query, ASKER, 1_700 + 29_999);
  assertEquals(reply, message("response", { answers: RECORDS.slice(-1) }));
  assertEquals(responder.nextMs, Infinity);
  // A quarter of 120 s after it was multicast last.
  assertEquals(responder.ask(query, ASKER, 1_700 + 30_000), undefined);
  assertEquals(responder.nextMs, 1_700 + 30_020);
});

Deno.test("DnsSdResponder limits direct answers to one host, and serves the next", PURE, () => {
  const responder = settled();
  const answered = (host: string) => {
    let count = 0;
    for (let i = 0; i < 100; i++) {
      if (responder.ask(ask(WHO), { ...LEGACY, host }, 10_000)) count++;
    }
    return count;
  };
  assertEquals([answered("10.0.0.7"), answered("10.0.0.8")], [10, 10]);
});

Deno.test("DnsSdResponder.leave() says goodbye and answers no more", PURE, () => {
  const responder = settled();
  responder.ask(ask(WHO), ASKER, 10_000);
  const last = responder.leave();
  assertEquals(last.answers.map(({ type, ttlSeconds }) => [type, ttlSeconds]), [
    ["PTR", 0],
    ["SRV", 0],
    ["TXT", 0],
    ["A", 0],
  ]);
  assertEquals(responder.nextMs, Infinity);
  assertEquals(responder.ask(ask(WHO), LEGACY, 10_000), undefined);
});
