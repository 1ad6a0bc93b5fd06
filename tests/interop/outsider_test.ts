/** Strangers at the door: agents of another network, open ones, and what they learn. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "./agent_process.ts";
import { Device, untilTogether } from "./device.ts";

/** Long enough for a storm of dials to show; back-off allows a handful. */
const WATCH_MS = 5_000;
const MAX_DIALS = 4;

Deno.test("hamlet up keeps strangers out", async (t) => {
  await using alice = await Device.start("alice");
  await using bob = await Device.join("bob", alice);
  await untilTogether(alice, bob);
  const [aliceId, bobId] = [await alice.agent.id(), await bob.agent.id()];

  for (const kind of ["of another network", "of an open village"] as const) {
    await t.step(`one ${kind} that dials us`, async () => {
      await using mallory = await Device.create("mallory");
      const open = kind === "of an open village" ? ["--open"] : [];
      await mallory.up("--peer", alice.address, ...open);
      const malloryId = await mallory.agent.id();

      const refused = await eventually(
        "mallory to be refused",
        () =>
          mallory.events("peer not reached").find(({ code }) => code === "foreign_network") ??
            mallory.events("peer disconnected").find(({ code }) => code === "foreign_network"),
      );
      assertEquals(refused["level"], "warn");
      await eventually(
        "alice to count it",
        async () => await alice.agent.rejected("foreign_network"),
      );

      const watched = () =>
        watch(WATCH_MS, async () => {
          assertEquals((await alice.agent.peer(malloryId))?.connected ?? false, false);
          assertEquals(await bob.agent.peer(malloryId), undefined);
          // Of our village it learns nothing but whom it dialled.
          assertEquals(await mallory.agent.peer(bobId), undefined);
        });
      const sending = [alice.sends(malloryId), mallory.sends(aliceId)];
      const [, ...sent] = await Promise.all([watched(), ...sending]);
      assertEquals(sent, [false, false]);
      assert(
        mallory.events("peer not reached").length + mallory.events("peer disconnected").length <=
          2 * MAX_DIALS,
        mallory.log,
      );
      const { candidates } = await alice.json("candidates") as unknown as {
        candidates: readonly { node_id: string }[];
      };
      assert(candidates.every(({ node_id }) => node_id === bobId));
      assertEquals((await alice.run("ping", malloryId)).code, 1);
      assertEquals(await alice.sends(bobId), true);
      const { members } = await alice.members();
      assertEquals(members.map(({ name }) => name).sort(), ["alice", "bob"]);
    });
  }

  await t.step("one whom we dial", async () => {
    await using mallory = await Device.start("mallory");
    await alice.down();
    await alice.up("--peer", mallory.address);
    await alice.untilWith(bob);
    const refused = await eventually(
      "alice to refuse",
      () => alice.events("peer not reached").find(({ code }) => code === "foreign_network"),
    );
    assertEquals(refused["level"], "warn");
    const malloryId = await mallory.agent.id();
    assertEquals((await alice.agent.peer(malloryId))?.connected ?? false, false);
    assertEquals((await mallory.agent.peer(aliceId))?.connected ?? false, false);
    assertEquals(await mallory.agent.peer(bobId), undefined);
    await alice.untilWith(bob);
  });

  await t.step("an open village takes them, and says so loudly", async () => {
    await using mallory = await Device.start("mallory", "--open");
    await using oscar = await Device.create("oscar");
    await oscar.up("--open", "--peer", mallory.address);
    await oscar.agent.untilPeer(await mallory.agent.id(), ({ connected }) => connected);
    const loud = mallory.agent.events.find(({ event }) => String(event).startsWith("OPEN VILLAGE"));
    assertEquals(loud?.["level"], "warn");
    assertMatch((await mallory.run("status")).stdout, /OPEN: any machine/);
  });
});

/** Looks at `check` over and over for `ms`. */
async function watch(ms: number, check: () => Promise<void>): Promise<void> {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    await check();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
