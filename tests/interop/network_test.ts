/** A village as its people make it: founded, joined by invitation, restarted, left. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "./agent_process.ts";
import { Device, type Members, untilTogether } from "./device.ts";

const isWindows = Deno.build.os === "windows";

Deno.test("hamlet makes a village by invitation", async (t) => {
  await using alice = await Device.start("alice", "--network", "Elm Street");
  await using bob = await Device.create("bob");
  await using carol = await Device.start("carol");
  const aliceId = await alice.agent.id();

  await t.step("the first start founds a network of this device alone", async () => {
    const [founded] = alice.events("network founded");
    assertEquals(founded?.["network"], "Elm Street");
    assertMatch(String(founded?.["next"]), /hamlet invite/);
    assertEquals(alice.events("OPEN VILLAGE").length, 0);
    const { network, members } = await alice.members();
    const { name, role, founder, open, revoked } = network;
    assertEquals({ name, role, founder, open, revoked }, {
      name: "Elm Street",
      role: "admin",
      founder: true,
      open: false,
      revoked: false,
    });
    assertEquals(members.map((each) => [each.name, each.this_device]), [["alice", true]]);
    const status = await alice.run("status");
    assertStringIncludes(status.stdout, "Elm Street: 1 member, this device is its founder");
  });

  await t.step("an invitation is a token, a QR code and the command to type", async () => {
    const { code, stdout } = await alice.run("invite", "--expires", "2h");
    assertEquals(code, 0);
    const [, token = ""] = /^ {2}hamlet join (\S+)$/m.exec(stdout) ?? [];
    assertMatch(token, /^[A-Z2-7]{80,200}$/);
    assertMatch(stdout, /\n\n(?:[█▀▄ ]+\n){16,}$/);
    assertStringIncludes(stdout, "Elm Street");
    assertStringIncludes(stdout, "2 h");
  });

  await t.step("a device joins before its agent was ever started", async () => {
    const joined = await bob.use(await alice.invite());
    assertEquals([joined.code, joined.stderr], [0, ""]);
    assertStringIncludes(joined.stdout, "Joined Elm Street as a member");
    assertStringIncludes(joined.stdout, "hamlet up");
    await bob.up();
    await untilTogether(alice, bob);
    const { members } = await bob.members();
    assertEquals(members.map(({ name, role, invited_by }) => [name, role, invited_by]), [
      ["bob", "member", null],
      ["alice", "admin", null],
    ]);
  });

  await t.step("a running agent moves to the network that it joins, on the same port", async () => {
    const { port } = carol.agent;
    const joined = await carol.json("join", await alice.invite());
    const { network, role, running } = joined as unknown as
      & { network: { name: string } }
      & typeof joined;
    assertEquals([network.name, role, running], ["Elm Street", "member", true]);
    // The next command finds it there already, and not on its way.
    const { members } = await carol.json("members") as unknown as Members;
    assertEquals(members.map(({ name }) => name).sort(), ["alice", "bob", "carol"]);
    await carol.agent.untilMoved();
    assertEquals(carol.agent.port, port);
    await untilTogether(alice, bob, carol);
  });

  await t.step("members are told in a table", async () => {
    const { stdout } = await bob.run("members");
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/).slice(1, 6));
    assertEquals(rows[0], ["NAME", "ROLE", "STATE", "SINCE", "SESSION"]);
    const cells = rows.slice(1, 4).map((
      [name, role, state, , session],
    ) => [name, role, state, session]);
    assertEquals(cells[0], ["bob", "member", "alive", "this device"]);
    assertEquals(cells.slice(1).sort(), [
      ["alice", "admin", "alive", "open"],
      ["carol", "member", "alive", "open"],
    ]);
    assertStringIncludes(stdout, "Elm Street: 3 members (3 alive), 2 sessions");
  });

  await t.step("after a restart they find each other, with no address given", async () => {
    for (const device of [alice, bob, carol]) await device.down();
    for (const device of [carol, bob, alice]) await device.up();
    await untilTogether(alice, bob, carol);
    assertEquals(await alice.agent.id(), aliceId);
    const { network, members } = await alice.members();
    assertEquals([network["name"], network["founder"]], ["Elm Street", true]);
    assertEquals(members.map(({ name, role }) => [name, role]).sort(), [
      ["alice", "admin"],
      ["bob", "member"],
      ["carol", "member"],
    ]);
    assertEquals(alice.events("network founded").length, 0);
  });

  await t.step("a device that was killed comes back", async () => {
    await bob.down("SIGKILL");
    await alice.untilWith(carol);
    await bob.up();
    await untilTogether(alice, bob, carol);
  });

  await t.step("what it keeps is nobody else's to read", async () => {
    if (isWindows) return;
    for (const device of [alice, bob, carol]) {
      assertEquals(await modeOf(device.stateDir), 0o700);
      for await (const { name, isFile } of Deno.readDir(device.stateDir)) {
        const mode = await modeOf(`${device.stateDir}/${name}`);
        assertEquals(mode, isFile ? 0o600 : 0o700, name);
      }
    }
  });

  await t.step("the founder of a network of others stays, unless forced", async () => {
    const refused = await alice.run("leave");
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(refused.stderr, /^hamlet: .*founded Elm Street.*2 other members.*--force\n$/);
    assertEquals((await alice.members()).members.length, 3);
  });

  await t.step("a member leaves: the others drop it, and it is on its own", async () => {
    const left = await carol.run("leave");
    assertEquals([left.code, left.stderr], [0, ""]);
    assertStringIncludes(left.stdout, "Left Elm Street");
    assertEquals((await carol.json("invite"))["network"], "carol's village");
    await carol.agent.untilMoved();
    for (const device of [alice, bob]) {
      await eventually("carol to be dropped", async () => {
        const { members } = await device.members();
        return !members.some(({ name }) => name === "carol");
      });
    }
    const { network, members } = await carol.members();
    assertEquals([network["founder"], members.length], [true, 1]);
    assert(network["name"] !== "Elm Street");
    await carol.untilWith();
    await untilTogether(alice, bob);
  });

  await t.step("whoever left comes back by invitation", async () => {
    assertEquals((await carol.use(await alice.invite())).code, 0);
    await carol.agent.untilMoved();
    await untilTogether(alice, bob, carol);
  });

  await t.step("without an agent a device leaves too", async () => {
    await bob.down();
    const left = await bob.run("leave");
    assertEquals([left.code, left.stderr], [0, ""]);
    assertStringIncludes(left.stdout, "Left Elm Street");
    const again = await bob.run("leave");
    assertEquals([again.code, again.stdout], [0, "No network to leave.\n"]);
    await using fresh = await Device.create("fresh");
    await Deno.remove(fresh.stateDir);
    assertEquals((await fresh.run("leave")).stdout, "No network to leave.\n");
    await bob.up();
    assertEquals(bob.events("network founded").length, 1);
    await bob.untilWith();
  });
});

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}
