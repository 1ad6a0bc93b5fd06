/** Invitations as they are used, misused, and met at the wrong moment. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { type CommandOutcome, eventually, hamlet, MAIN } from "./agent_process.ts";
import { LOOPBACK, Port } from "./counterpart_wire.ts";
import { Device, untilTogether } from "./device.ts";
import {
  mistyped,
  portOf,
  secretOf,
  withHosts,
  withOtherSecret,
  withPort,
} from "./invitation_tokens.ts";

/** One line that says why, and the exit code of a failure. */
function assertRefused({ code, stdout, stderr }: CommandOutcome, reason: RegExp, exit = 1): void {
  assertMatch(stderr, /^hamlet: [^\n]+\n$/);
  assertMatch(stderr, reason);
  assertEquals([code, stdout], [exit, ""]);
}

Deno.test("hamlet join says what is wrong with an invitation", async (t) => {
  await using alice = await Device.start("alice");
  await using bob = await Device.create("bob");
  await using carol = await Device.start("carol");
  await using dave = await Device.create("dave");

  await t.step("it was used", async () => {
    const token = await alice.invite();
    assertEquals((await bob.use(token)).code, 0);
    for (const late of [carol, dave]) assertRefused(await late.use(token), /used already/);
    const [line] = alice.events("invitation refused");
    assertEquals(line?.["code"], "invitation_used");
  });

  await t.step("it has expired", async () => {
    const token = await alice.invite();
    await alice.down();
    const book = await alice.readState("invitations.json") as {
      invitations: { used_by: unknown }[];
    };
    const invitations = book.invitations.map((each) =>
      each.used_by === null ? { ...each, expires: Date.now() - 1_000 } : each
    );
    await alice.writeState("invitations.json", { ...book, invitations });
    await alice.up();
    for (const late of [carol, dave]) assertRefused(await late.use(token), /has expired/);
  });

  await t.step("the inviter does not know it", async () => {
    const token = withOtherSecret(await alice.invite());
    for (const wrong of [carol, dave]) {
      assertRefused(await wrong.use(token), /does not know this invitation/);
    }
  });

  await t.step("it is of somebody else than who answers there", async () => {
    const token = withPort(await alice.invite(), carol.agent.port);
    assertRefused(await dave.use(token), /does not know this invitation|not the inviter/);
  });

  await t.step("the inviter does not answer", async () => {
    using port = new Port();
    const token = withPort(await alice.invite(), port.port);
    port.close();
    assertRefused(await dave.use(token), /reach the inviter at .*it must be running/);
  });

  await t.step("it is mistyped, cut off, or something else", async () => {
    const token = await alice.invite();
    const texts = [mistyped(token), token.slice(0, -1), token + "A", "hello", token.repeat(2)];
    for (const text of texts) assertRefused(await dave.use(text), /incomplete or mistyped/, 2);
    assertRefused(await dave.run("join"), /usage: hamlet join TOKEN/, 2);
  });

  // Only there is every address of 127/8 this machine's.
  await t.step({
    name: "one of its addresses is somebody else's here",
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const token = await alice.invite();
      await using neighbour = await Device.create("neighbour");
      await neighbour.up("--listen", "127.0.0.2", "--port", String(portOf(token)));
      await using erin = await Device.create("erin");
      const joined = await erin.use(withHosts(token, ["127.0.0.2", LOOPBACK]));
      assertEquals([joined.code, joined.stderr], [0, ""]);
    },
  });

  await t.step("this device made it", async () => {
    assertRefused(await carol.use(await carol.invite()), /this device made the invitation/);
  });

  await t.step("this device is a member already", async () => {
    const token = await alice.invite();
    assertRefused(await bob.use(token), /is a member of alice's village.*hamlet leave/);
    await bob.up();
    assertRefused(await bob.use(token), /is a member of alice's village.*hamlet leave/);
  });

  await t.step("this device founded a network of others", async () => {
    assertRefused(await alice.use(await carol.invite()), /founded alice's village.*--force/);
    await alice.down();
    assertRefused(await alice.use(await carol.invite()), /founded alice's village.*--force/);
    await alice.up();
  });

  await t.step("after all that the right one works, however it is written", async () => {
    const token = await alice.invite();
    const pieces = token.toLowerCase().match(/.{1,20}/g) ?? [];
    assertEquals((await dave.run("join", ...pieces, "--name", "dave")).code, 0);
    await dave.up();
    await untilTogether(alice, bob, dave);
    await carol.untilWith();
  });
});

Deno.test("hamlet invite", async (t) => {
  await using alice = await Device.create("alice");

  await t.step("needs a running agent", async () => {
    assertRefused(await alice.run("invite"), /start one with: hamlet up/);
  });
  await alice.up();

  await t.step("gives scripts what they need", async () => {
    const before = Date.now();
    const invitation = await alice.json("invite", "--admin", "--expires", "90s");
    const { token, expires_unix_ms: expires, ...rest } = invitation;
    assertEquals(rest, { role: "admin", network: "alice's village" });
    assertMatch(String(token), /^[A-Z2-7]{80,200}$/);
    assertEquals(portOf(String(token)), alice.agent.port);
    assertEquals(Math.round((Number(expires) - before) / 10_000), 9);
  });

  await t.step("takes times from 10 s to a week", async () => {
    for (const text of ["9s", "8d", "0", "-5m", "soon", "1.5h", "15M"]) {
      assertRefused(await alice.run("invite", `--expires=${text}`), /--expires takes a time/, 2);
    }
  });

  await t.step("keeps only a hash of the secret", async () => {
    const secret = secretOf(await alice.invite());
    const { buffer, byteOffset, length } = secret;
    const bytes = Buffer.from(buffer, byteOffset, length);
    const spellings = [
      bytes.toString("hex"),
      bytes.toString("base64url"),
      bytes.toString("base64"),
    ];
    for await (const { name, isFile } of Deno.readDir(alice.stateDir)) {
      if (!isFile) continue;
      const content = Buffer.from(await Deno.readFile(`${alice.stateDir}/${name}`));
      for (const spelling of [bytes, ...spellings]) {
        assertEquals(content.indexOf(spelling), -1, `${name} tells the secret`);
      }
    }
  });

  await t.step("holds until the inviter has been restarted, or killed", async () => {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await using newcomer = await Device.create("newcomer");
      const token = await alice.invite();
      await alice.down(signal);
      assertRefused(await newcomer.use(token), /it must be running/);
      await alice.up();
      assertEquals((await newcomer.use(token)).code, 0);
      assertRefused(await newcomer.use(token), /is a member of/);
    }
  });

  await t.step("holds what was used, too, when the inviter was killed", async () => {
    await using first = await Device.create("first");
    await using second = await Device.create("second");
    const token = await alice.invite();
    assertEquals((await first.use(token)).code, 0);
    await alice.down("SIGKILL");
    await alice.up();
    assertRefused(await second.use(token), /used already/);
    await first.up();
    await untilTogether(alice, first);
  });
});

Deno.test("hamlet join that is cut off leaves the device where it was", async (t) => {
  await using alice = await Device.start("alice");

  await t.step("Ctrl-C or a kill while the inviter keeps silent", async () => {
    await using bob = await Device.create("bob");
    using silent = new Port();
    const token = withPort(await alice.invite(), silent.port);
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-prompt", MAIN, "join", token, "--state", bob.stateDir],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      using _wire = await silent.accept();
      child.kill(signal);
      assertEquals((await child.status).success, false);
    }
    const names = await Array.fromAsync(Deno.readDir(bob.stateDir), ({ name }) => name);
    assertEquals(names.includes("network.json"), false);
    assertEquals((await bob.use(await alice.invite())).code, 0);
    await bob.up();
    await untilTogether(alice, bob);
  });

  await t.step("a running agent that is killed meanwhile starts in its old network", async () => {
    await using carol = await Device.start("carol");
    using silent = new Port();
    const joining = carol.use(withPort(await alice.invite(), silent.port));
    using _wire = await silent.accept();
    await carol.down("SIGKILL");
    assertEquals((await joining).code, 1);
    await carol.up();
    const { network } = await carol.members();
    assertEquals([network["name"], network["founder"]], ["carol's village", true]);
    assertEquals((await carol.use(await alice.invite())).code, 0);
    await carol.agent.untilMoved();
    await carol.untilWith(alice);
  });

  await t.step("killed as it moves, it is in one of the two", async () => {
    await using dave = await Device.start("dave");
    const args = ["join", await alice.invite(), "--state", dave.stateDir];
    const joining = hamlet(args, { deadlineMs: 2_000 });
    await eventually(
      "dave to be on its way",
      () => Deno.stat(`${dave.stateDir}/control.json`).then(() => false, () => true),
    );
    await dave.down("SIGKILL");
    await joining;
    await dave.up();
    const { network } = await dave.members();
    assertStringIncludes("alice's village, dave's village", String(network["name"]));
  });

  await t.step("told to stop as soon as it has joined, it has joined", async () => {
    await using frank = await Device.start("frank");
    const response = await fetch(`${frank.agent.controlUrl}/v1/join`, {
      method: "POST",
      headers: { authorization: `Bearer ${frank.agent.token}` },
      body: JSON.stringify({ token: await alice.invite() }),
    });
    assertEquals([response.status, (await response.json()).role], [200, "member"]);
    await frank.down("SIGINT");
    await frank.up();
    await frank.untilWith(alice);
    await frank.json("leave");
  });

  await t.step("a disk that takes nothing leaves the agent running where it was", async () => {
    await using grace = await Device.start("grace");
    // No file can take the place of a directory.
    await Deno.mkdir(`${grace.stateDir}/members.json/full`, { recursive: true });
    const token = await alice.invite();
    assertRefused(
      await grace.use(token),
      /could not write its state, and stays in grace's village/,
    );
    await grace.agent.untilMoved();
    assertEquals((await grace.members()).network["founder"], true);
    assertEquals((await grace.use(token)).code, 0);
    await grace.agent.untilMoved();
    await grace.untilWith(alice);
    await grace.json("leave");
  });

  await t.step("an inviter that is killed lets the same device try again", async () => {
    await using erin = await Device.create("erin");
    const token = await alice.invite();
    // As if its answer had been lost: the file says who has used it.
    assertEquals((await erin.use(token)).code, 0);
    await alice.down("SIGKILL");
    for (const file of ["network.json", "members.json", "peers.json"]) {
      await Deno.remove(`${erin.stateDir}/${file}`);
    }
    await alice.up();
    assertEquals((await erin.use(token)).code, 0);
    await erin.up();
    await eventually("erin to be here", async () => (await alice.present()).includes("erin"));
  });
});

Deno.test("hamlet up and damaged files of its network", async (t) => {
  await using alice = await Device.start("alice");
  await using bob = await Device.join("bob", alice);
  await untilTogether(alice, bob);
  const token = await alice.invite();
  await alice.down();
  const damages = ["not json", "", "[]", '{"version":9}', "{}", "x".repeat(1_048_576)];

  await t.step("network.json stops the start and stays as it is", async () => {
    const good = await alice.readState("network.json");
    for (const damage of [...damages, JSON.stringify({ ...good, certificates: [] })]) {
      await alice.writeState("network.json", damage);
      const up = await alice.run("up", "--port", "0", "--listen", LOOPBACK, "--log-level", "error");
      assertRefused(up, /Cannot read .*network\.json: /);
      assertRefused(await alice.run("leave"), /Cannot read .*network\.json: /);
      assertRefused(await alice.use(token), /Cannot read .*network\.json: /);
      assertEquals(await Deno.readTextFile(`${alice.stateDir}/network.json`), damage);
    }
    await alice.writeState("network.json", await bob.readState("network.json"));
    const up = await alice.run("up", "--port", "0", "--listen", LOOPBACK, "--log-level", "error");
    assertRefused(up, /its certificate is of another device/);
    await alice.writeState("network.json", good);
  });

  await t.step("members.json is set aside, and filled again by the others", async () => {
    for (const damage of damages) {
      await alice.writeState("members.json", damage);
      await alice.up();
      assertEquals(alice.events("file damaged").map(({ file }) => file), ["members.json"]);
      await untilTogether(alice, bob);
      await alice.down();
    }
    const aside = await Array.fromAsync(Deno.readDir(alice.stateDir), ({ name }) => name);
    assertEquals(aside.some((name) => /^members\.json\..+/.test(name)), true);
  });

  await t.step("invitations.json is set aside; what was open is unknown", async () => {
    for (const damage of damages) {
      await alice.writeState("invitations.json", damage);
      await alice.up();
      assertEquals(alice.events("file damaged").map(({ file }) => file), ["invitations.json"]);
      await alice.down();
    }
    await alice.up();
    await untilTogether(alice, bob);
  });

  await t.step("by force a device leaves a network that it cannot read", async () => {
    await bob.down();
    await bob.writeState("network.json", "not json");
    assertEquals((await bob.run("leave", "--force")).code, 0);
    await bob.up();
    await eventually("a new network", () => bob.events("network founded").length === 1);
  });
});
