/** Starting and stopping: ports, state, damaged files, full disks, signals. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  AgentProcess,
  type CommandOutcome,
  eventually,
  hamlet,
  programArgs,
} from "./agent_process.ts";
import { initiate, respond } from "./counterpart.ts";
import { createIdentity } from "./counterpart_identity.ts";
import { LOOPBACK, Port, Wire } from "./counterpart_wire.ts";

const isWindows = Deno.build.os === "windows";
/** Ctrl-C must be over by then. */
const STOP_MS = 2_000;

async function withStateDir(use: (stateDir: string) => Promise<void>): Promise<void> {
  const stateDir = await Deno.makeTempDir({ prefix: "hamlet-interop-" });
  try {
    await use(stateDir);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

/** `hamlet up` where it is expected to fail; only errors are logged. */
function tryUp(stateDir: string, ...args: string[]): Promise<CommandOutcome> {
  const quiet = ["--log-level", "error", "--listen", LOOPBACK];
  return hamlet([
    "up",
    "--state",
    stateDir,
    ...quiet,
    ...(args.length > 0 ? args : ["--port", "0"]),
  ]);
}

function assertFailedInOneLine(outcome: CommandOutcome, ...parts: string[]): void {
  assertMatch(outcome.stderr, /^hamlet: [^\n]+\n$/);
  assertEquals([outcome.code, outcome.stdout], [1, ""]);
  for (const part of parts) assertStringIncludes(outcome.stderr, part);
}

Deno.test("hamlet up and its port", async (t) => {
  await t.step("a taken port that was asked for is an error", async () => {
    using taken = new Port();
    await withStateDir(async (stateDir) => {
      const outcome = await tryUp(stateDir, "--port", String(taken.port));
      assertFailedInOneLine(outcome, `port ${taken.port} is taken`, "--port");
    });
  });

  await t.step("a taken default port gives way to the next, which is said", async () => {
    using _taken = take(9000);
    await using agent = await AgentProcess.start({ port: [] });
    assert(agent.port > 9000 && agent.port <= 9005, `it serves ${agent.port}`);
    const up = await eventually(
      "the agent to say that it is up",
      () => agent.events.find(({ event }) => event === "hamlet is up"),
    );
    assertEquals(up["listen"], `${LOOPBACK}:${agent.port}`);
    const passed = agent.events.filter(({ event }) => event === "port taken");
    const expected = Array.from({ length: agent.port - 9000 }, (_, index) => 9000 + index);
    assertEquals(passed.map(({ port }) => port), expected);
    assertEquals(passed.at(-1)?.["trying"], agent.port);
  });

  await t.step("an address that is not this machine's is an error", async () => {
    await withStateDir(async (stateDir) => {
      const outcome = await tryUp(stateDir, "--port", "0", "--listen", "203.0.113.1");
      assertFailedInOneLine(outcome, "203.0.113.1");
    });
  });
});

Deno.test("hamlet up and its state", async (t) => {
  const damages: readonly [string, string][] = [
    ["garbage", "not json at all"],
    ["nothing", ""],
    ["another version", '{"version":2,"ed25519_seed":"' + "A".repeat(43) + '"}'],
    ["a short seed", '{"version":1,"ed25519_seed":"AAAA"}'],
    ["a list", "[]"],
    ["a megabyte", "x".repeat(1_048_576)],
  ];
  for (const [name, content] of damages) {
    await t.step(`an identity file with ${name} is an error and stays as it is`, async () => {
      await withStateDir(async (stateDir) => {
        const path = `${stateDir}/identity.json`;
        await Deno.writeTextFile(path, content, { mode: 0o600 });
        // Every command that needs the identity treats it alike; one runs the whole agent.
        const outcome = name === "garbage"
          ? await tryUp(stateDir)
          : await hamlet(["id", "--state", stateDir]);
        assertFailedInOneLine(outcome, path);
        assertEquals(await Deno.readTextFile(path), content);
        const names = [...Deno.readDirSync(stateDir)].map((entry) => entry.name);
        assertEquals(names.filter((each) => !each.endsWith(".lock")), ["identity.json"]);
      });
    });
  }

  await t.step("an identity file that cannot be read is an error", async () => {
    await withStateDir(async (stateDir) => {
      await Deno.mkdir(`${stateDir}/identity.json`);
      assertFailedInOneLine(await tryUp(stateDir), "identity.json");
    });
  });

  await t.step("a state directory that is a file is an error", async () => {
    await withStateDir(async (stateDir) => {
      const path = `${stateDir}/file`;
      await Deno.writeTextFile(path, "");
      assertFailedInOneLine(await tryUp(path), path);
      assertFailedInOneLine(await tryUp(`${path}/below`), path);
    });
  });

  await t.step("an exposed identity becomes private, with a warning", async () => {
    if (isWindows) return;
    await withStateDir(async (stateDir) => {
      await hamlet(["id", "--state", stateDir]);
      const path = `${stateDir}/identity.json`;
      await Deno.chmod(path, 0o644);
      const before = await Deno.readTextFile(path);
      await using agent = await AgentProcess.start({ stateDir });
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
      assertEquals(await Deno.readTextFile(path), before);
      assert(agent.events.some(({ level, path: named }) => level === "warn" && named === path));
    });
  });

  await t.step(
    "a damaged peers.json is set aside with a warning, and the agent starts",
    async () => {
      await withStateDir(async (stateDir) => {
        const damaged = '{"version":1,"peers":[{"node_id":';
        await Deno.writeTextFile(`${stateDir}/peers.json`, damaged);
        await using agent = await AgentProcess.start({ stateDir });
        assertEquals(await agent.peers(), []);
        const warning = agent.events.find(({ event }) => event === "peers file damaged");
        assertEquals(warning?.["level"], "warn");
        assertEquals(await Deno.readTextFile(String(warning?.["aside"])), damaged);
      });
    },
  );

  await t.step("a second agent on one state directory is told whose it is", async () => {
    await using agent = await AgentProcess.start();
    const note = await Deno.readTextFile(`${agent.stateDir}/control.json`);
    assertFailedInOneLine(await tryUp(agent.stateDir), String(agent.pid), "--state");
    assertEquals(await Deno.readTextFile(`${agent.stateDir}/control.json`), note);
    assertEquals((await agent.status())["pid"], agent.pid);
  });

  const canMount = await succeeds("unshare", ["-m", "true"]);
  // "$1" is the runtime, what follows it runs the program.
  const program = programArgs(["up"]).map((_, index) => `"\${${index + 1}}"`).join(" ");
  const FILL = 'head -c 1M /dev/zero >"$D/fill" 2>/dev/null';
  const disks = [
    ["full from the start", `${FILL}; "$@"`],
    [
      "full once it has an identity",
      `${program} id --state "$D" >/dev/null; ${FILL}; "$@"`,
    ],
    ["read-only", `mount -o remount,ro "$D"; "$@"`],
  ] as const;
  for (const [name, script] of disks) {
    await t.step({
      name: canMount
        ? `a disk that is ${name} is an error`
        : `skipped, for it needs a mount namespace: a disk that is ${name} is an error`,
      ignore: !canMount,
      fn: async () => {
        await withStateDir(async (stateDir) => {
          const mounted = `D="${stateDir}"; mount -t tmpfs -o size=64k tmpfs "$D" && ${script}`;
          const outcome = await hamlet(
            [
              "up",
              "--state",
              stateDir,
              "--listen",
              LOOPBACK,
              "--port",
              "0",
              "--log-level",
              "error",
            ],
            { via: ["unshare", "-m", "sh", "-c", mounted, "sh"] },
          );
          assertFailedInOneLine(outcome, stateDir);
        });
      },
    });
  }
});

Deno.test("hamlet up remembers its peers and dials them at the next start", async () => {
  await withStateDir(async (stateDir) => {
    const identity = createIdentity();
    using port = new Port();
    const listen = [`${LOOPBACK}:${port.port}`];
    const first = await AgentProcess.start({ stateDir });
    const { id, code } = await (async () => {
      using session = await initiate(await Wire.connect(first.port), identity, {
        introduction: { listen },
      });
      await session.ping();
      const id = await first.id();
      first.signal("SIGINT");
      await session.untilType("PEER_GOODBYE");
      await session.ended();
      return { id, code: await first.exited() };
    })();
    assertEquals(code, 0);
    const saved = JSON.parse(await Deno.readTextFile(`${stateDir}/peers.json`));
    const seen = saved.peers[0]?.seen;
    assertMatch(seen, /^\d{4}-\d\d-\d\d$/);
    assertEquals(saved.peers, [{ node_id: identity.id, addresses: listen, seen }]);
    await using second = await AgentProcess.start({ stateDir });
    assertEquals(await second.id(), id);
    using wire = await port.accept();
    using session = await respond(wire, identity, await wire.expectFrame());
    await session.ping();
    await second.untilPeer(identity.id, ({ connected }) => connected);
  });
});

Deno.test({ name: "hamlet up and its end", ignore: isWindows }, async (t) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    await t.step(`${signal}: goodbye reaches the peer, and the exit code is 0`, async () => {
      await using agent = await AgentProcess.start();
      using session = await initiate(await Wire.connect(agent.port), createIdentity());
      await session.ping();
      agent.signal(signal);
      const [code] = await Promise.all([agent.exited(STOP_MS), untilGoodbye()]);
      assertEquals(code, 0);
      assertEquals(agent.events.at(-1)?.["event"], "stopped");
      const names = [...Deno.readDirSync(agent.stateDir)].map((entry) => entry.name).sort();
      assertEquals(names, [
        "agent.lock",
        "identity.json",
        "inbox",
        "metrics.token",
        "network.json",
        "peers.json",
      ]);

      async function untilGoodbye(): Promise<void> {
        await session.untilType("PEER_GOODBYE");
        await session.ended();
        session.wire.close();
      }
    });
  }

  await t.step("POST /v1/stop ends it likewise", async () => {
    await using agent = await AgentProcess.start();
    const response = await fetch(`${agent.controlUrl}/v1/stop`, {
      method: "POST",
      headers: { authorization: `Bearer ${agent.token}` },
    });
    assertEquals([response.status, await response.json()], [200, { stopping: true }]);
    assertEquals(await agent.exited(), 0);
  });

  await t.step("peers that never hang up do not keep it from ending", async () => {
    await using agent = await AgentProcess.start();
    using session = await initiate(await Wire.connect(agent.port), createIdentity());
    using _idle = await Wire.connect(agent.port);
    await session.ping();
    agent.signal("SIGINT");
    assertEquals(await agent.exited(STOP_MS), 0);
  });

  await t.step("a second SIGINT ends it at once, with 130", async () => {
    await using agent = await AgentProcess.start();
    // Somebody who never hangs up keeps it waiting for half a second.
    using session = await initiate(await Wire.connect(agent.port), createIdentity());
    await session.ping();
    agent.signal("SIGINT");
    await eventually("the first signal to be heard", () => agent.log.includes("stopping"));
    let hasEnded = false;
    const exit = agent.exited().finally(() => hasEnded = true);
    await eventually("the agent to end", () => {
      // An echo of the first one is ignored for a moment, so it is sent as an impatient person would.
      if (!hasEnded) agent.signal("SIGINT");
      return hasEnded;
    });
    assertEquals(await exit, 130);
  });

  await t.step(
    "an echo of the first SIGINT, as task runners send it, is no second one",
    async () => {
      await using agent = await AgentProcess.start();
      using session = await initiate(await Wire.connect(agent.port), createIdentity());
      await session.ping();
      agent.signal("SIGINT");
      agent.signal("SIGINT");
      await session.untilType("PEER_GOODBYE");
      session[Symbol.dispose]();
      assertEquals(await agent.exited(STOP_MS), 0);
    },
  );

  await t.step("after a SIGKILL the same state serves again", async () => {
    await withStateDir(async (stateDir) => {
      const first = await AgentProcess.start({ stateDir });
      const id = await first.id();
      first.signal("SIGKILL");
      await first.exited();
      await first[Symbol.asyncDispose]();
      await using second = await AgentProcess.start({ stateDir });
      assertEquals(await second.id(), id);
    });
  });
});

/** Holds a port, unless somebody else already does. */
function take(port: number): Disposable {
  try {
    return new Port(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return { [Symbol.dispose]() {} };
  }
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" });
  return await child.output().then(({ success }) => success, () => false);
}
