/** Members as the control API shows them: what certificates and what gossip say of each. */

import { assert, assertEquals } from "@std/assert";
import { MemberHistory } from "../../src/control/member_history.ts";
import { membersView } from "../../src/control/network_views.ts";
import { BOB, CAROL } from "../testing/identities.ts";
import { type Citizen, Realm } from "../testing/realm.ts";
import { ADMIN_CHAIN, certificate, MALLORY, MEMBER_CHAIN } from "../testing/trust.ts";

const DAVE = MALLORY;

/** How `citizen` sees its village, now and whenever it is asked. */
function lookoutOf({ agent, membership }: Citizen, { clock }: Realm) {
  const history = new MemberHistory(agent, clock);
  return () => membersView({ agent, membership, history, nowMs: clock.now() }).members;
}

/** Runs `use` in a realm that is closed afterwards. */
async function inRealm(use: (realm: Realm) => Promise<void>): Promise<void> {
  const realm = new Realm();
  try {
    await use(realm);
  } finally {
    await realm.close();
  }
}

Deno.test("membersView() tells how gossip sees each, and since when", async () => {
  await inRealm(async (realm) => {
    const alice = await realm.founder();
    const bob = await realm.add(BOB, "10.0.0.2", ADMIN_CHAIN, { peers: [alice.address] });
    const carol = await realm.add(CAROL, "10.0.0.3", MEMBER_CHAIN, { peers: [alice.address] });
    await realm.pass(2_000);
    alice.membership.roster.keep([certificate({ node_id: DAVE.id, name: "dave" })]);
    const look = lookoutOf(alice, realm);
    const seen = () =>
      look().map(({ name, state, state_since_s, incarnation, connected }) => [
        name,
        state,
        state_since_s,
        incarnation,
        connected,
      ]);
    assertEquals(seen(), [
      ["alice", "alive", 0, 0, true],
      ["bob", "alive", 0, 0, true],
      ["carol", "alive", 0, 0, true],
      ["dave", "unknown", null, null, false],
    ]);
    carol.agent.villager.sleep();
    await realm.pass(3_000);
    assertEquals(seen()[2], ["carol", "asleep", 3, 1, true]);
    await realm.village.crash(bob);
    await realm.pass(60_000, 1_000);
    const [, , dave, gone] = seen();
    assertEquals(dave?.[1], "unknown");
    assertEquals([gone?.[0], gone?.[1], gone?.[4]], ["bob", "dead", false]);
    const sinceS = Number(gone?.[2]);
    assert(sinceS > 30 && sinceS < 60, `${sinceS}`);
  });
});

Deno.test("membersView() lists whom only gossip knows where the village is open", async () => {
  await inRealm(async (realm) => {
    const alice = await realm.founder({ isOpen: true });
    const peers = [alice.address];
    const { agent: stranger } = await realm.village.add(DAVE, "10.0.0.9", { peers });
    const look = lookoutOf(alice, realm);
    await realm.pass(2_000);
    const [self, dave, ...more] = look();
    assertEquals([self?.name, self?.this_device, more], ["alice", true, []]);
    assert(dave && dave.state_since_s !== null && dave.state_since_s <= 2);
    assertEquals({ ...dave, state_since_s: 0, last_seen_s: 0 }, {
      node_id: DAVE.id,
      short_id: DAVE.id.slice(0, 8),
      name: null,
      role: null,
      this_device: false,
      state: "alive",
      state_since_s: 0,
      incarnation: 0,
      connected: true,
      last_seen_s: 0,
      addresses: ["10.0.0.9:9000"],
      issued_unix_ms: null,
      expires_unix_ms: null,
      invited_by: null,
    });
    await realm.village.village.until(stranger.close());
    await realm.pass(1_000);
    const [, left] = look();
    assertEquals([left?.state, left?.connected], ["left", false]);
  });
});
