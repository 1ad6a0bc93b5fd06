import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  minSuspicionMs,
  Suspicion,
  SUSPICION_ALPHA,
  SUSPICION_BETA,
  suspicionMs,
} from "../../src/gossip/suspicion.ts";
import { idOf, PURE } from "./people.ts";

const [SUSPECT, ...OTHERS] = [1, 2, 3, 4, 5, 6].map(idOf);
assert(SUSPECT);

function suspicionIn(members: number, nowMs = 1_000): Suspicion {
  return new Suspicion({
    incarnation: 7,
    accuser: idOf(2),
    members,
    intervalMs: 1_000,
    nowMs,
  });
}

Deno.test("minSuspicionMs() is alpha * max(1, log10 N) * interval", PURE, () => {
  for (
    const [members, factor] of [[0, 1], [1, 1], [2, 1], [10, 1], [100, 2], [1_000, 3]] as const
  ) {
    assertAlmostEquals(minSuspicionMs(members, 1_000), SUSPICION_ALPHA * factor * 1_000, 1e-6);
    assertAlmostEquals(minSuspicionMs(members, 5_000), SUSPICION_ALPHA * factor * 5_000, 1e-6);
  }
});

Deno.test("suspicionMs() follows Lifeguard's formula", PURE, () => {
  assertEquals(SUSPICION_BETA, 6);
  const minMs = 1_000;
  const maxMs = 6_000;
  for (
    const [confirmed, ms] of [
      [0, maxMs],
      // log 2 / log 4 = 1/2
      [1, maxMs - (maxMs - minMs) / 2],
      [2, maxMs - (maxMs - minMs) * Math.log(3) / Math.log(4)],
      [3, minMs],
      [4, minMs],
      [1_000, minMs],
    ] as const
  ) {
    assertAlmostEquals(suspicionMs(minMs, confirmed, 3), ms, 1e-6, `${confirmed} confirmations`);
  }
});

Deno.test("suspicionMs() is shortest where nobody else could confirm", PURE, () => {
  assertEquals(suspicionMs(1_000, 0, 0), 1_000);
  assertEquals(suspicionMs(1_000, 0, -1), 1_000);
});

Deno.test("Suspicion shortens with each independent accuser, and no further", PURE, () => {
  const suspicion = suspicionIn(100);
  // min = 3 * 2 * 1 s = 6 s, max = 36 s.
  const waits = [36_000, 21_000, 36_000 - 30_000 * Math.log(3) / Math.log(4), 6_000];
  for (const [confirmed, waitMs] of waits.entries()) {
    if (confirmed > 0) assert(suspicion.confirm(idOf(2 + confirmed)));
    assertAlmostEquals(suspicion.deadlineMs, 1_000 + waitMs, 1e-6, `${confirmed}`);
  }
  assert(!suspicion.confirm(idOf(50)), "the shortest wait is not worth a rumour");
  assertAlmostEquals(suspicion.deadlineMs, 7_000, 1e-6);
});

Deno.test("Suspicion.confirm() counts each accuser once", PURE, () => {
  const suspicion = suspicionIn(100);
  assert(!suspicion.confirm(idOf(2)), "who began it");
  assert(suspicion.confirm(idOf(3)));
  assert(!suspicion.confirm(idOf(3)));
  assertAlmostEquals(suspicion.deadlineMs, 22_000, 1e-6);
  assert(suspicion.isAccusedBy(idOf(2)) && suspicion.isAccusedBy(idOf(3)));
  assert(!suspicion.isAccusedBy(idOf(4)));
});

Deno.test("Suspicion waits for no confirmation where too few could give one", PURE, () => {
  // The suspect and the accuser left out, 4 members are 2 others: fewer than Lifeguard's K = 3.
  for (const members of [1, 2, 3, 4]) assertEquals(suspicionIn(members).deadlineMs, 4_000);
  assertEquals(suspicionIn(5).deadlineMs, 1_000 + 18_000);
});

Deno.test("Suspicion holds at most K + 1 accusers", PURE, () => {
  const suspicion = suspicionIn(1_000);
  const taken = Array.from({ length: 1_000 }, (_, n) => suspicion.confirm(idOf(n)));
  assertEquals(taken.filter((isTaken) => isTaken).length, 3);
});

Deno.test("Suspicion.restart() waits anew and forgets no accuser", PURE, () => {
  const suspicion = suspicionIn(100);
  suspicion.confirm(idOf(3));
  suspicion.restart(50_000);
  assertEquals(suspicion.sinceMs, 50_000);
  assertAlmostEquals(suspicion.deadlineMs, 71_000, 1e-6);
  assertEquals(OTHERS.filter((id) => suspicion.isAccusedBy(id)), [idOf(2), idOf(3)]);
});
