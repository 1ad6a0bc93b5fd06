import { assert, assertEquals } from "@std/assert";
import { Rivalry } from "../../src/node/rivalry.ts";
import { ALICE, BOB, identityOf } from "../testing/identities.ts";
import { Village } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;

/** The codes with which a villager's sessions ended. */
function ends({ events }: { events: readonly { type: string }[] }): readonly string[] {
  return events.flatMap((event) => "code" in event ? [String(event.code)] : []);
}

Deno.test("Rivalry lets a device move, and not for ever in a row", PURE, () => {
  const rivalry = new Rivalry();
  const takeovers = [0, 1_000, 2_000, 3_000, 4_000].map((ms) => rivalry.isRivalled(BOB.id, ms));
  assertEquals(takeovers, [false, false, false, true, true]);
  assertEquals(rivalry.isRivalled(BOB.id, 34_000), false, "half a minute of peace");
  assertEquals(rivalry.isRivalled(ALICE.id, 34_000), false);
});

Deno.test("Rivalry remembers 256 peers", PURE, () => {
  const rivalry = new Rivalry();
  for (let n = 0; n < 300; n++) rivalry.isRivalled(identityOf(n).id, 0);
  assertEquals(rivalry.size, 256);
});

Deno.test(
  "Node keeps one of two devices with one identity, and tells the other",
  PURE,
  async () => {
    const village = new Village();
    const bob = village.add(BOB, "10.0.0.2");
    const original = village.add(ALICE, "10.0.0.1");
    const clone = village.add(ALICE, "10.0.0.3");
    for (let round = 0; round < 3; round++) {
      await village.join(original, bob);
      await village.join(clone, bob);
      await village.clock.run(500, 50);
    }
    // Taken over by the clone, the original and the clone again; then the original is refused.
    assertEquals(bob.alarms, ["warn one identity on two devices"]);
    const told = [original, clone].filter((each) => ends(each).includes("identity_in_use"));
    assertEquals(told.length, 1, "one of them stays and hears nothing");
    const [stays] = [original, clone].filter((each) => !told.includes(each));
    assert(stays);
    assert(ends(original).includes("identity_in_use"));
    assert(!ends(clone).includes("identity_in_use"));
    assertEquals(clone.node.connected, [BOB.id]);
    const pong = bob.node.ask(ALICE.id, "PING", {}, { timeoutMs: 1_000 });
    assertEquals((await village.until(pong)).type, "PONG");
    await village.close();
  },
);

Deno.test("Node takes a device back that moves again and again", PURE, async () => {
  const village = new Village();
  const bob = village.add(BOB, "10.0.0.2");
  for (let n = 10; n < 20; n++) {
    const alice = village.add(ALICE, `10.0.0.${n}`);
    await village.join(alice, bob);
    await village.clock.run(500, 50);
    assertEquals(alice.node.connected, [BOB.id]);
    // Out of reach, and silent for a while, before it appears elsewhere.
    village.network.partition([`10.0.0.${n}`]);
    await village.clock.run(6_000, 100);
  }
  assertEquals(bob.alarms, []);
  village.network.heal();
  await village.close();
});
