/** What failure detection counts: round trips, probes, and what became of members. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Hamlet } from "./hamlet.ts";
import { PURE } from "./people.ts";

function formed(): Hamlet {
  const hamlet = new Hamlet();
  hamlet.start(1);
  hamlet.start(2, 1);
  hamlet.start(3, 1);
  hamlet.run(30_000);
  return hamlet;
}

Deno.test("Swim.counters: a round trip is as long as its two ways", PURE, () => {
  const hamlet = formed();
  for (const { gossip } of hamlet.residents.values()) {
    const { probes, probesFailed, roundTripSeconds } = gossip.swimCounters;
    const { counts, sum } = roundTripSeconds;
    const count = counts.reduce((all, each) => all + each, 0);
    // Links take a millisecond each way.
    assertAlmostEquals(sum / count, 0.002, 1e-9);
    assert(count > 5 && count <= probes, `${count} of ${probes}`);
    assertEquals(probesFailed, 0);
  }
});

Deno.test(
  "Swim.counters: a crash is a failed probe, one suspicion and one death for each",
  PURE,
  () => {
    const hamlet = formed();
    hamlet.crash(3);
    hamlet.run(60_000);
    const all = [1, 2].map((n) => hamlet.resident(n).gossip.swimCounters);
    assert(all.reduce((sum, { probesFailed }) => sum + probesFailed, 0) >= 1);
    for (const { suspicions, deaths, refutations } of all) {
      assertEquals({ suspicions, deaths, refutations }, {
        suspicions: 1,
        deaths: 1,
        refutations: 0,
      });
    }
  },
);

Deno.test("Swim.counters: who is wrongly suspected refutes, once for each time", PURE, () => {
  const hamlet = formed();
  const { own } = hamlet.resident(3).gossip;
  // For three seconds nobody hears 3, and all hear each other.
  hamlet.isReachable = (a, b) => a !== 3 && b !== 3;
  hamlet.run(3_000);
  hamlet.isReachable = () => true;
  hamlet.run(60_000);
  const { refutations } = hamlet.resident(3).gossip.swimCounters;
  const raised = hamlet.resident(3).gossip.own.incarnation - own.incarnation;
  assert(refutations >= 1, "3 heard of it");
  assertEquals(refutations, raised);
  assertEquals(hamlet.resident(1).gossip.swimCounters.deaths, 0);
});
