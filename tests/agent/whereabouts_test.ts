/** What others can do to an agent by telling it where peers are. */

import { assertEquals } from "@std/assert";
import { ALICE, BOB } from "../testing/identities.ts";
import { addressOf, Realm } from "../testing/realm.ts";
import { ADMIN_CHAIN } from "../testing/trust.ts";
import { at, madeUp } from "../mesh/dial_world.ts";

const PURE = { permissions: "none" } as const;

Deno.test(
  "Whereabouts.hear() of a member has it dialled before thousands of made-up peers",
  PURE,
  async () => {
    const realm = new Realm();
    const alice = await realm.founder();
    const bob = await realm.add(BOB, "10.0.0.2", ADMIN_CHAIN);
    alice.membership.roster.keep(ADMIN_CHAIN);
    const { whereabouts, node } = alice.agent;
    for (let n = 0; n < 2_000; n++) whereabouts.hear(madeUp(n), [at(10_000 + n)]);
    await realm.pass(1_000);
    const hearOthers = (first: number) => {
      for (let n = first; n < first + 100; n++) whereabouts.hear(madeUp(n), [at(10_000 + n)]);
    };
    hearOthers(2_000);
    whereabouts.hear(BOB.id, addressOf(bob));
    assertEquals(bob.agent.node.connected, []);
    hearOthers(2_100);
    await realm.pass(1_000);
    assertEquals(node.connected, [BOB.id]);
    assertEquals(bob.agent.node.connected, [ALICE.id]);
    await realm.close();
  },
);
