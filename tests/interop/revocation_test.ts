/** Devices that are removed from a village, and who may remove them. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type CommandOutcome, eventually } from "./agent_process.ts";
import { Device, untilTogether } from "./device.ts";

/** How long a revocation may take to reach everybody who is there. */
const REVOKED_WITHIN_MS = 10_000;

function assertRefused({ code, stdout, stderr }: CommandOutcome, reason: RegExp): void {
  assertMatch(stderr, /^hamlet: [^\n]+\n$/);
  assertMatch(stderr, reason);
  assertEquals([code, stdout], [1, ""]);
}

/** Resolves once `device` neither lists `removed` nor has a session with it. */
async function untilRid(device: Device, removed: Device): Promise<void> {
  await eventually(`${device.name} to be rid of ${removed.name}`, async () => {
    const { members } = await device.members();
    const peers = await device.agent.peers();
    return !members.some(({ name }) => name === removed.name) &&
      !peers.some(({ connected, name }) => connected && name === removed.name);
  }, REVOKED_WITHIN_MS);
}

/** Resolves once others have refused it so many times. */
async function untilTurnedAway(device: Device, times: number): Promise<void> {
  await eventually(
    `${device.name} to be turned away`,
    () =>
      device.events("peer disconnected").filter(({ code }) => code === "revoked").length >= times,
  );
}

/** Resolves once `device` knows that it was removed, and its owner is told. */
async function untilItSaysSo(device: Device): Promise<void> {
  await eventually(
    `${device.name} to know`,
    async () => (await device.members()).network["revoked"] === true,
  );
  const status = await device.run("status");
  assertStringIncludes(status.stdout, "this device was REMOVED from it");
  const [line] = device.events("this device was removed from its network");
  assertEquals(line?.["level"], "error");
  assertMatch(String(line?.["next"]), /hamlet join/);
}

Deno.test("hamlet revoke cuts a device off everywhere, for good", async (t) => {
  await using alice = await Device.start("alice");
  await using bob = await Device.join("bob", alice);
  await using carol = await Device.join("carol", alice);
  await using dave = await Device.join("dave", alice);
  await untilTogether(alice, bob, carol, dave);
  const carolId = await carol.agent.id();

  await t.step("at every member that is there, within 10 s", async () => {
    await dave.down();
    const revoked = await alice.run("revoke", "carol");
    assertEquals([revoked.code, revoked.stderr], [0, ""]);
    assertMatch(revoked.stdout, /^Removed carol \([a-z2-7]{8}\)\. /);
    await Promise.all([untilRid(alice, carol), untilRid(bob, carol)]);
    await alice.untilWith(bob);
  });

  await t.step("it is told so, in its log and its status", () => untilItSaysSo(carol));

  await t.step("it knows nobody to send to", async () => {
    assertEquals(await carol.sends(await bob.agent.id()), false);
    assertEquals((await carol.json("candidates"))["candidates"], []);
  });

  await t.step("it does not come back, by a restart, nor by an address", async () => {
    await carol.down();
    await carol.up("--peer", alice.address, "--peer", bob.address);
    await untilItSaysSo(carol);
    await untilTurnedAway(carol, 2);
    assertEquals(await carol.present(), []);
    await alice.untilWith(bob);
    const { members } = await alice.members();
    assertEquals(members.map(({ name }) => name).sort(), ["alice", "bob", "dave"]);
  });

  await t.step("a member that was away learns of it before it would take it in", async () => {
    await carol.down();
    await dave.up();
    await dave.untilWith(alice, bob);
    await untilRid(dave, carol);
    assertEquals((await dave.members()).revoked.map(({ node_id }) => node_id), [carolId]);
    await carol.up("--peer", dave.address, "--known", "off");
    await untilTurnedAway(carol, 1);
    assertEquals(await carol.present(), []);
    await dave.untilWith(alice, bob);
  });

  await t.step("it is remembered after everybody was restarted", async () => {
    for (const device of [alice, bob, dave]) await device.down("SIGKILL");
    for (const device of [dave, bob, alice]) await device.up();
    await untilTogether(alice, bob, dave);
    for (const device of [alice, bob, dave]) {
      assertEquals((await device.members()).revoked.map(({ node_id }) => node_id), [carolId]);
    }
  });

  await t.step("a new invitation lets it in again", async () => {
    const joined = await carol.use(await alice.invite());
    assertEquals([joined.code, joined.stderr], [0, ""]);
    await carol.agent.untilMoved();
    await untilTogether(alice, bob, carol, dave);
    assertEquals((await carol.members()).network["revoked"], false);
  });
});

Deno.test("hamlet invite and hamlet revoke are for admins", async (t) => {
  await using alice = await Device.start("alice");
  await using bob = await Device.join("bob", alice, "--admin");
  await using carol = await Device.join("carol", bob);
  await untilTogether(alice, bob, carol);
  const bobId = await bob.agent.id();

  await t.step("an admin lets members in, and everybody takes them", async () => {
    for (const device of [alice, bob, carol]) {
      const { members } = await device.members();
      assertEquals(
        members.map(({ name, role, invited_by }) => [name, role, invited_by]).sort(),
        [["alice", "admin", null], ["bob", "admin", null], ["carol", "member", bobId]],
      );
    }
  });

  await t.step("a member neither invites nor revokes", async () => {
    assertRefused(await carol.run("invite"), /only admins may, and this device is a member/);
    for (const target of ["bob", "alice"]) {
      assertRefused(
        await carol.run("revoke", target),
        /only admins may, and this device is a member/,
      );
    }
    await untilTogether(alice, bob, carol);
  });

  await t.step("an admin neither makes admins nor removes them", async () => {
    assertRefused(await bob.run("invite", "--admin"), /only the device that founded/);
    assertRefused(await bob.run("revoke", "alice"), /only the device that founded/);
    assertRefused(await bob.run("revoke", "bob"), /hamlet leave/);
    await untilTogether(alice, bob, carol);
  });

  await t.step("whom nobody knows, or several are called, is not removed", async () => {
    assertRefused(await alice.run("revoke", "mallory"), /hamlet members/);
    await using second = await Device.create("carol");
    assertEquals((await second.use(await alice.invite())).code, 0);
    assertRefused(await alice.run("revoke", "carol"), /2 match/);
    const { members } = await alice.members();
    const ids = members.flatMap(({ name, node_id }) => name === "carol" ? node_id : []);
    const other = ids.find((id) =>
      id !== members.find(({ connected, name }) => connected && name === "carol")?.node_id
    );
    assertEquals((await alice.run("revoke", other?.slice(0, 12) ?? "")).code, 0);
    await untilTogether(alice, bob, carol);
  });

  await t.step("an admin removes a member", async () => {
    await using dave = await Device.join("dave", alice);
    await untilTogether(alice, bob, carol, dave);
    assertEquals((await bob.run("revoke", "dave")).code, 0);
    await Promise.all([alice, bob, carol].map((device) => untilRid(device, dave)));
    await untilItSaysSo(dave);
  });

  await t.step("the founder removes an admin; whom it had let in stays, and is named", async () => {
    const revoked = await alice.run("revoke", "bob");
    assertEquals(revoked.code, 0);
    assertMatch(revoked.stdout, /It had let these in, who stay: carol \([a-z2-7]{8}\)/);
    await Promise.all([untilRid(alice, bob), untilRid(carol, bob)]);
    await untilItSaysSo(bob);
    await untilTogether(alice, carol);
    assertRefused(await bob.run("invite"), /revoked/);
  });

  await t.step("a device that was away when it was removed does not come in", async () => {
    await carol.down();
    assertEquals((await alice.run("revoke", "carol")).code, 0);
    await carol.up();
    await untilTurnedAway(carol, 1);
    assertEquals(await alice.present(), ["alice"]);
    assertEquals((await carol.run("leave")).code, 0);
    await carol.agent.untilMoved();
    assertEquals((await carol.use(await alice.invite())).code, 0);
    await carol.agent.untilMoved();
    await untilTogether(alice, carol);
  });
});
