/** The network's secret among agents: who has the new one when somebody was revoked. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { BOB, CAROL, identityOf } from "../testing/identities.ts";
import { addressOf, type Citizen, Realm } from "../testing/realm.ts";
import { ADMIN_CHAIN, certificate, MEMBER_CHAIN } from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;
const [B, C, D] = ["10.0.0.2", "10.0.0.3", "10.0.0.4"];
const DAVE = identityOf(4);
const DAVE_BY_BOB = [
  certificate({ node_id: DAVE.id, name: "dave", issuer: BOB.id }),
  ADMIN_CHAIN[0],
] as const;

const secretOf = ({ membership }: Citizen) => membership.network.secret;

/** Alice the founder, Bob the admin, Carol the member. */
async function village() {
  const realm = new Realm();
  const alice = await realm.founder();
  const bob = await realm.add(BOB, B, ADMIN_CHAIN, { peers: addressOf(alice) });
  const carol = await realm.add(CAROL, C, MEMBER_CHAIN, { peers: addressOf(alice) });
  await realm.pass(1_000);
  return { realm, alice, bob, carol };
}

Deno.test(
  "Gatekeeper.revoke() leaves the revoked behind with the old secret",
  PURE,
  async () => {
    for (const revoker of ["alice", "bob"] as const) {
      const { realm, ...all } = await village();
      const before = secretOf(all.carol);
      assertEquals([secretOf(all.alice), secretOf(all.bob)], [before, before]);
      await all[revoker].agent.gatekeeper.revoke(CAROL.id);
      await realm.pass(2_000);
      assertEquals(secretOf(all.carol), before);
      assertNotEquals(secretOf(all.alice), before);
      assertEquals(secretOf(all.alice), secretOf(all.bob));
      for (const each of [all.alice, all.bob]) {
        assert(each.saves.includes("network"));
        assertEquals(each.membership.secrets.all.length, 2);
      }
      await realm.close();
    }
  },
);

Deno.test("Gatekeeper tells who comes back the secret first thing", PURE, async () => {
  const { realm, alice, bob } = await village();
  await alice.agent.gatekeeper.revoke(CAROL.id);
  let told = 0;
  const dave = await realm.add(DAVE, D, DAVE_BY_BOB, { peers: addressOf(bob) });
  dave.agent.onSecret = () => told++;
  assertNotEquals(secretOf(dave), secretOf(bob));
  await realm.pass(1_000);
  assertEquals(secretOf(dave), secretOf(alice));
  assertEquals(told, 1);
  await realm.close();
});

Deno.test("Gatekeeper takes no secret from a member that is no admin", PURE, async () => {
  const { realm, alice, bob, carol } = await village();
  const before = secretOf(alice);
  const issuer = { name: CAROL.id, signer: CAROL.signing };
  const made = carol.membership.secrets.rotate(issuer, 9e13, () => false);
  for (const { id } of [alice, bob]) carol.agent.node.send(id, "NETWORK_STATE", { secret: made });
  await realm.pass(1_000);
  assertEquals([secretOf(alice), secretOf(bob)], [before, before]);
  await realm.close();
});

Deno.test("Gatekeeper lets in by the new secret who joins after a revocation", PURE, async () => {
  const { realm, alice } = await village();
  await alice.agent.gatekeeper.revoke(CAROL.id);
  const joined = await realm.join(DAVE, D, await realm.invite(alice));
  assertEquals(joined.stored.network.secret, secretOf(alice));
  const dave = await realm.settle(DAVE, D, joined);
  await realm.pass(1_000);
  assertEquals(dave.membership.secrets.all, [secretOf(alice)]);
  assertEquals(dave.membership.secrets.stored.record, alice.membership.secrets.stored.record);
  await realm.close();
});
