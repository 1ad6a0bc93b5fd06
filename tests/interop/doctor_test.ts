/**
 * `hamlet doctor` beside real agents, taken ports, open files and strangers.
 */

import { assertEquals } from "@std/assert";
import { hamlet } from "./agent_process.ts";
import { type JsonMessage, LOOPBACK } from "./counterpart_wire.ts";
import { Device, untilTogether } from "./device.ts";

interface Check extends JsonMessage {
  readonly check: string;
  readonly verdict: string;
  readonly text: string;
  readonly facts: JsonMessage;
}

async function examine(
  stateDir: string,
  env: Record<string, string> = {},
): Promise<{ readonly code: number; readonly checks: ReadonlyMap<string, Check> }> {
  const { code, stdout, stderr } = await hamlet(["doctor", "--json", "--state", stateDir], { env });
  assertEquals(stderr, "");
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  assertEquals(ok, code === 0);
  return { code, checks: new Map(checks.map((check) => [check.check, check])) };
}

/** The reason that `device` gives for `peer`, and the exit code. */
async function reason(device: Device, peer: string): Promise<readonly [unknown, number]> {
  const { code, stdout, stderr } = await device.run("doctor", peer, "--json");
  assertEquals(stderr, "");
  return [JSON.parse(stdout)["code"], code];
}

Deno.test("hamlet doctor looks at a device on which nothing has run, and leaves nothing behind", async () => {
  const parent = await Deno.makeTempDir({ prefix: "hamlet-doctor-" });
  const { code, checks } = await examine(`${parent}/state`, { HAMLET_PORT: "0" });
  const verdicts = (...names: string[]) => names.map((name) => checks.get(name)?.verdict);
  assertEquals(verdicts("agent", "files", "identity", "certificate", "settings", "port"), [
    "unknown",
    ...["ok", "ok", "ok", "ok", "ok"],
  ]);
  const measured = checks.get("cryptography")?.facts;
  assertEquals(Number(measured?.["bytes_per_s"]) > 0, true);
  assertEquals(Number(measured?.["handshakes_per_s"]) > 0, true);
  assertEquals(code, [...checks.values()].some(({ verdict }) => verdict === "broken") ? 1 : 0);
  assertEquals([...Deno.readDirSync(parent)], []);
  await Deno.remove(parent);
});

Deno.test("hamlet doctor finds a taken port and wrong settings", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "hamlet-doctor-" });
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const taken = await examine(stateDir, { HAMLET_PORT: String(listener.addr.port) });
  assertEquals([taken.code, taken.checks.get("port")?.verdict], [1, "broken"]);
  const wrong = await examine(stateDir, { HAMLET_PORT: "70000" });
  assertEquals([wrong.code, wrong.checks.get("settings")?.verdict], [1, "broken"]);
  await Deno.remove(stateDir);
});

Deno.test({
  name: "hamlet doctor finds open, damaged and expired files, and mends nothing by itself",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using device = await Device.start("alice");
    await device.down();
    const identity = `${device.stateDir}/identity.json`;
    await Deno.chmod(identity, 0o644);
    const open = await examine(device.stateDir);
    assertEquals([open.code, open.checks.get("files")?.verdict], [1, "broken"]);
    assertEquals(((await Deno.stat(identity)).mode ?? 0) & 0o777, 0o644);
    await Deno.chmod(identity, 0o600);
    assertEquals((await examine(device.stateDir)).checks.get("files")?.verdict, "ok");

    const before = await Deno.readTextFile(identity);
    await Deno.writeTextFile(identity, before.slice(0, 20));
    const damaged = await examine(device.stateDir);
    assertEquals([damaged.code, damaged.checks.get("identity")?.verdict], [1, "broken"]);
    assertEquals((await Deno.readTextFile(identity)).length, 20);
    await Deno.writeTextFile(identity, before);
    await device.writeState("network.json", "{}");
    const torn = await examine(device.stateDir);
    assertEquals([torn.code, torn.checks.get("certificate")?.verdict], [1, "broken"]);
    assertEquals(await Deno.readTextFile(`${device.stateDir}/network.json`), "{}");
  },
});

Deno.test("hamlet doctor asks a running agent, in the old nodes' way too", async () => {
  await using device = await Device.start("alice");
  const { checks } = await examine(device.stateDir);
  const verdicts = (...names: string[]) => names.map((name) => checks.get(name)?.verdict);
  assertEquals(verdicts("files", "identity", "certificate", "old nodes"), ["ok", "ok", "ok", "ok"]);
  // It serves this machine only, as the test has told it.
  assertEquals(checks.get("reachable")?.verdict, "warn");
  assertEquals(checks.get("identity")?.text, await device.agent.id());
  // Nobody was made up by asking.
  assertEquals(await device.agent.peers(), []);
  await device.down("SIGKILL");
  const after = await examine(device.stateDir);
  assertEquals(after.checks.get("agent")?.verdict, "warn");
});

Deno.test({
  name: "hamlet doctor tells an agent that hangs, and does not dial in its stead",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using device = await Device.start("alice");
    device.agent.signal("SIGSTOP");
    const { code, checks } = await examine(device.stateDir);
    assertEquals([code, checks.get("agent")?.verdict], [1, "broken"]);
    const asked = await device.run("doctor", `${LOOPBACK}:9`);
    assertEquals([asked.code, asked.stdout], [1, ""]);
    assertEquals(asked.stderr.includes("does not answer"), true);
    device.agent.signal("SIGCONT");
  },
});

Deno.test("hamlet doctor PEER gives one reason", async (t) => {
  await using alice = await Device.start("alice");
  await using bob = await Device.start("bob");
  await using carol = await Device.start("carol");
  await bob.use(await alice.invite());
  await bob.agent.untilMoved();
  await untilTogether(alice, bob);
  const bobId = await bob.agent.id();

  await t.step("connected, by name, by id, by address", async () => {
    for (const peer of ["bob", bobId, bobId.slice(0, 6), bob.address]) {
      assertEquals(await reason(alice, peer), ["connected", 0]);
    }
  });
  await t.step("this_device and unknown_peer", async () => {
    assertEquals(await reason(alice, "alice"), ["this_device", 0]);
    assertEquals(await reason(alice, alice.address), ["this_device", 0]);
    for (const peer of ["zelda", "x".repeat(256)]) {
      assertEquals(await reason(alice, peer), ["unknown_peer", 1]);
    }
    for (const peer of ["", "\u001b[31m", "x".repeat(257)]) {
      assertEquals((await alice.run("doctor", peer)).code, 2);
    }
  });
  await t.step("another network's device", async () => {
    const [code, exit] = await reason(alice, carol.address);
    assertEquals([["not_a_member", "foreign_network"].includes(String(code)), exit], [true, 1]);
  });
  await t.step("what is no hamlet", async () => {
    await using server = Deno.serve(
      { hostname: LOOPBACK, port: 0, onListen() {} },
      () => new Response("hello"),
    );
    assertEquals(await reason(alice, `${LOOPBACK}:${server.addr.port}`), ["not_hamlet", 1]);
  });
  await t.step("a port where nothing listens, a name without an address", async () => {
    const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    listener.close();
    assertEquals(await reason(alice, `${LOOPBACK}:${listener.addr.port}`), ["refused", 1]);
    assertEquals(await reason(alice, "nobody.invalid:9000"), ["not_resolved", 1]);
  });
  await t.step("a member whose agent was killed", async () => {
    await bob.down("SIGKILL");
    assertEquals(await reason(alice, "bob"), ["refused", 1]);
  });
  await t.step("without an agent here", async () => {
    assertEquals(await reason(bob, "alice"), ["no_agent", 1]);
    assertEquals(await reason(bob, "bob"), ["this_device", 0]);
    assertEquals(await reason(bob, "zelda"), ["unknown_peer", 1]);
  });
  await t.step("a revoked member, from both sides", async () => {
    await alice.json("revoke", "bob");
    assertEquals(await reason(alice, bobId), ["revoked", 1]);
    assertEquals(await reason(bob, "alice"), ["own_revoked", 1]);
  });
});
