import { assertEquals } from "@std/assert";
import { MemberHistory } from "../../src/control/member_history.ts";
import { ALICE, BOB } from "../testing/identities.ts";
import { aliceAndBob, fakeId } from "./village.ts";

const PURE = { permissions: "none" } as const;

Deno.test("MemberHistory says since when a member is as it is", PURE, async () => {
  const { village, alice, bob } = await aliceAndBob();
  const { clock } = village;
  const startMs = clock.now();
  const history = new MemberHistory(alice.agent, clock);
  assertEquals([history.size, history.sinceMs(ALICE.id)], [2, startMs]);
  assertEquals(history.sinceMs(fakeId("nobody")), undefined);

  await village.pass(2_000);
  const aroundMs = clock.now();
  bob.agent.villager.sleep();
  await village.pass(1_000);
  const asleepMs = history.sinceMs(BOB.id) ?? NaN;
  assertEquals(asleepMs >= aroundMs && asleepMs <= aroundMs + 200, true, `${asleepMs}`);

  // What it does itself nobody tells a device: it has to look.
  alice.agent.villager.sleep();
  assertEquals(history.sinceMs(ALICE.id), undefined);
  history.note(ALICE.id);
  assertEquals(history.sinceMs(ALICE.id), clock.now());

  alice.agent.villager.forget(BOB.id);
  assertEquals(history.sinceMs(BOB.id), undefined);
  history.note(BOB.id);
  assertEquals(history.size, 1);
  history.close();
  await village.close();
});

Deno.test("MemberHistory hears nothing once it is closed", PURE, async () => {
  const { village, alice, bob } = await aliceAndBob();
  const history = new MemberHistory(alice.agent, village.clock);
  history.close();
  bob.agent.villager.sleep();
  await village.pass(1_000);
  assertEquals(alice.agent.villager.gossip.members.stateOf(BOB.id), "asleep");
  assertEquals(history.sinceMs(BOB.id), undefined);
  await village.close();
});
