import { assertEquals } from "@std/assert";
import { DialPace, type DialReason } from "../../src/mesh/dial_pace.ts";

const PURE = { permissions: "none" } as const;
const REASONS: readonly DialReason[] = ["urgent", "given", "redial", "member", "news"];

/** The reasons for which a dial may begin. */
function allowed(pace: DialPace, nowMs: number): readonly DialReason[] {
  return REASONS.filter((reason) => pace.allows(reason, nowMs));
}

/** Begins and ends as many dials as it may at once, at most `limit`. */
function dialAll(pace: DialPace, reason: DialReason, nowMs: number, limit = 1_000): number {
  for (let n = 0; n < limit; n++) {
    if (!pace.allows(reason, nowMs)) return n;
    pace.begin("x", reason, nowMs);
    pace.end("x");
  }
  return limit;
}

Deno.test("DialPace lets 32 dials begin at once and 5/s in the long run", PURE, () => {
  const pace = new DialPace();
  assertEquals(dialAll(pace, "news", 0), 32);
  assertEquals(dialAll(pace, "news", 199), 0);
  assertEquals(dialAll(pace, "news", 200), 1);
  assertEquals(dialAll(pace, "news", 1_000), 4);
  assertEquals(dialAll(pace, "urgent", 2_000), 5);
  assertEquals(dialAll(pace, "news", 3_600_000), 32, "no more than a burst is saved");
});

Deno.test("DialPace does not have given addresses wait, but others for them", PURE, () => {
  const pace = new DialPace();
  dialAll(pace, "news", 0);
  assertEquals(allowed(pace, 0), ["given"]);
  assertEquals(dialAll(pace, "given", 0, 10), 10);
  assertEquals(allowed(pace, 2_000), ["given"]);
  assertEquals(allowed(pace, 2_200), REASONS);
  dialAll(pace, "given", 3_000, 1_000);
  assertEquals(allowed(pace, 9_400), ["given"], "a debt has an end");
  assertEquals(allowed(pace, 9_600), REASONS);
});

Deno.test("DialPace keeps 250 ms between two redials, and nothing else", PURE, () => {
  const pace = new DialPace();
  pace.begin("a", "redial", 0);
  assertEquals(allowed(pace, 249), ["urgent", "given", "member", "news"]);
  assertEquals(allowed(pace, 250), REASONS);
  for (const reason of ["urgent", "given", "member", "news"] as const) {
    pace.begin(reason, reason, 250);
  }
  assertEquals(allowed(pace, 250), REASONS);
});

Deno.test("DialPace has at most 16 dials in flight, 8 of them redials", PURE, () => {
  const pace = new DialPace();
  for (let n = 0; n < 4; n++) pace.begin(`urgent ${n}`, "urgent", 0);
  for (let n = 0; n < 4; n++) pace.begin(`redial ${n}`, "redial", n * 250);
  assertEquals(allowed(pace, 2_000), ["given", "member", "news"]);
  for (let n = 0; n < 8; n++) pace.begin(`news ${n}`, "news", 2_000);
  assertEquals([allowed(pace, 9_000), pace.inFlight], [[], 16]);
  pace.end("news 0");
  assertEquals(allowed(pace, 9_000), ["given", "member", "news"]);
  pace.end("urgent 0");
  assertEquals(allowed(pace, 9_000), REASONS);
});

Deno.test("DialPace keeps 4 of the 16 places from news of whom we do not know", PURE, () => {
  const pace = new DialPace();
  for (let n = 0; n < 12; n++) pace.begin(`news ${n}`, "news", 0);
  assertEquals(allowed(pace, 0), ["urgent", "given", "redial", "member"]);
  for (let n = 0; n < 4; n++) pace.begin(`member ${n}`, "member", 0);
  assertEquals(allowed(pace, 0), []);
  pace.end("news 0");
  assertEquals(allowed(pace, 0), REASONS);
});

Deno.test("DialPace.end() tells which dials the network changed under", PURE, () => {
  const pace = new DialPace();
  pace.begin("a", "news", 0);
  pace.makeStale();
  pace.begin("b", "news", 0);
  assertEquals([pace.isInFlight("a"), pace.isInFlight("c")], [true, false]);
  assertEquals([pace.end("a"), pace.end("b"), pace.end("c"), pace.end("a")], [
    "stale",
    "fresh",
    undefined,
    undefined,
  ]);
  assertEquals(pace.inFlight, 0);
});

Deno.test("DialPace.recent() counts the dials of the last 10 s", PURE, () => {
  const pace = new DialPace();
  assertEquals(pace.recent(0), 0);
  for (const nowMs of [0, 0, 3_000, 9_000]) {
    pace.begin("x", "given", nowMs);
    pace.end("x");
  }
  const at = [9_000, 9_999, 10_000, 12_999, 13_000, 18_999, 19_000, 1e6];
  assertEquals(at.map((nowMs) => pace.recent(nowMs)), [4, 4, 2, 2, 1, 1, 0, 0]);
});
