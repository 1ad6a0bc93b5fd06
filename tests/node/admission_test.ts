import { assert, assertEquals } from "@std/assert";
import { Admission, DEFAULT_ADMISSION, type Guest } from "../../src/node/admission.ts";

const PURE = { permissions: "none" } as const;

function guest(host: string, lastReceivedMs: number, isBusy = false): Guest {
  return { host, lastReceivedMs, isBusy };
}

Deno.test("DEFAULT_ADMISSION is 512 in all and 128 per address", PURE, () => {
  assertEquals(DEFAULT_ADMISSION, { maxConnections: 512, maxPerHost: 128 });
});

Deno.test("Admission.admit() evicts the oldest idle guest of a full house", PURE, () => {
  const admission = new Admission();
  const guests = Array.from({ length: 512 }, (_, i) => guest(`10.0.0.${i % 200}`, 1000 - i));
  for (const each of guests) assertEquals(admission.admit(each), undefined);
  assertEquals(admission.size, 512);
  assertEquals(admission.admit(guest("10.0.1.1", 2000)), guests[511], "silent for longest");
  assertEquals(admission.size, 512);
});

Deno.test("Admission.admit() evicts within the host that is full, not elsewhere", PURE, () => {
  const admission = new Admission();
  const other = guest("10.0.0.2", 0);
  admission.admit(other);
  const own = Array.from({ length: 128 }, (_, i) => guest("10.0.0.1", 10 + i));
  for (const each of own) assertEquals(admission.admit(each), undefined);
  assertEquals(admission.admit(guest("10.0.0.1", 999)), own[0]);
  assertEquals(admission.size, 129);
  assertEquals(admission.admit(guest("10.0.0.3", 999)), undefined);
});

Deno.test("Admission.admit() spares the busy while anybody is idle", PURE, () => {
  const admission = new Admission({ maxConnections: 3, maxPerHost: 3 });
  const busy = [guest("a", 1, true), guest("a", 2, true)];
  const idle = guest("a", 900);
  for (const each of [...busy, idle]) admission.admit(each);
  assertEquals(admission.admit(guest("a", 1000, true)), idle);
  assertEquals(admission.admit(guest("a", 1001, true)), busy[0], "then the oldest busy one");
});

Deno.test("Admission.admit() hears a newcomer however many are busy", PURE, () => {
  const admission = new Admission();
  for (let i = 0; i < 1_500; i++) {
    admission.admit(guest(`10.0.${i % 40}.1`, i, true));
    assert(admission.size <= 512);
  }
});

Deno.test("Admission.release() makes room, once", PURE, () => {
  const admission = new Admission({ maxConnections: 2, maxPerHost: 1 });
  const first = guest("a", 0);
  admission.admit(first);
  admission.release(first);
  admission.release(first);
  assertEquals(admission.size, 0);
  assertEquals(admission.admit(guest("a", 1)), undefined);
  assertEquals(admission.admit(guest("b", 1)), undefined);
  assertEquals(admission.size, 2);
});

Deno.test("Admission keeps each host's count right under churn", PURE, () => {
  const admission = new Admission<Guest>({ maxConnections: 100, maxPerHost: 2 });
  const kept: Guest[] = [];
  for (let i = 0; i < 1_000; i++) {
    const each = guest(`h${i % 7}`, i);
    const evicted = admission.admit(each);
    kept.push(each);
    if (evicted) kept.splice(kept.indexOf(evicted), 1);
    if (i % 3 === 0) {
      const [leaver] = kept.splice(i % kept.length, 1);
      if (leaver) admission.release(leaver);
    }
    assertEquals(admission.size, kept.length);
  }
  for (let host = 0; host < 7; host++) {
    assert(kept.filter((each) => each.host === `h${host}`).length <= 2);
  }
});
