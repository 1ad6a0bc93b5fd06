/** The command line as a person or a script meets it: help, exit codes, mistakes, JSON, the control API. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect } from "node:net";
import { AgentProcess, type CommandOutcome, hamlet } from "./agent_process.ts";
import { initiate } from "./counterpart.ts";
import { createIdentity } from "./counterpart_identity.ts";
import { type JsonMessage, LOOPBACK, Wire } from "./counterpart_wire.ts";

const COMMANDS = [
  "up",
  "invite",
  "join",
  "members",
  "revoke",
  "leave",
  "event",
  "query",
  "on",
  "sleep",
  "wake",
  "evolve",
  "jobs",
  "job",
  "peers",
  "ping",
  "send",
  "status",
  "candidates",
  "id",
  "demo",
  "version",
] as const;

/** What went wrong is said in one line, without a stack. */
function assertOneLine({ stdout, stderr }: CommandOutcome): string {
  assertMatch(stderr, /^hamlet: [^\n]+\n$/);
  assertEquals(stdout, "");
  return stderr;
}

async function withStateDir(use: (stateDir: string) => Promise<void>): Promise<void> {
  const stateDir = await Deno.makeTempDir({ prefix: "hamlet-interop-" });
  try {
    await use(stateDir);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

Deno.test("hamlet explains itself", async (t) => {
  const overview = await hamlet(["--help"]);
  assertEquals([overview.code, overview.stderr], [0, ""]);
  for (const args of [[], ["help"], ["-h"]]) {
    await t.step(`hamlet ${args.join(" ")}`, async () => {
      assertEquals(await hamlet(args), overview);
    });
  }
  for (const name of COMMANDS) {
    await t.step(`hamlet ${name} --help`, async () => {
      assertMatch(overview.stdout, new RegExp(`^  ${name} `, "m"));
      const [long, short, help] = await Promise.all([
        hamlet([name, "--help"]),
        hamlet([name, "-h"]),
        hamlet(["help", name]),
      ]);
      assertEquals([long.code, long.stderr], [0, ""]);
      assertMatch(long.stdout, new RegExp(`^hamlet ${name}: .+\n\nUsage: hamlet ${name}`));
      assertStringIncludes(long.stdout, "--help");
      assertEquals(short, long);
      assertEquals(help, long);
    });
  }
});

Deno.test("hamlet answers a mistake with one line and exit code 2", async (t) => {
  const cases: readonly [readonly string[], ...string[]][] = [
    [["peeers"], 'unknown command "peeers"', 'did you mean "hamlet peers"?'],
    [["stat"], '"hamlet status"'],
    [["xyzzyplugh"], "see: hamlet help"],
    [["help", "candidate"], '"hamlet candidates"'],
    [["up", "--prot", "9000"], "--prot", "did you mean --port?"],
    [["up", "--legacyy=off"], "--legacyy", "did you mean --legacy?"],
    [["peers", "--jsn"], "did you mean --json?"],
    [["peers", "-x"], "-x"],
    [["up", "--port"], "--port needs a value"],
    [["up", "--port", "--open"], "--port needs a value"],
    [["up", "--port", "65536"], "--port", "0 to 65535", "65536"],
    [["up", "--port=-1"], "--port", "-1"],
    [["up", "--port", "9e3"], "--port"],
    [["up", "--port", ""], "--port"],
    [["up", "--legacy", "lann"], "--legacy", "did you mean lan?"],
    [["up", "--log", "xml"], "--log", "text, json"],
    [["up", "--log-level", "loud"], "--log-level"],
    [["up", "--crypto", "rot13"], "--crypto", "noble"],
    [["up", "--peer", "1.2.3.4.5:9000"], "--peer", "1.2.3.4.5:9000"],
    [["up", "--peer", "host:99999"], "--peer"],
    [["up", "--open=yes"], "--open takes no value"],
    [["up", "extra"], "usage: hamlet up"],
    [["ping"], "usage: hamlet ping PEER"],
    [["ping", "a", "b"], "usage: hamlet ping PEER"],
    [["ping", "abc", "--count", "0"], "--count"],
    [["demo", "--nodes", "many"], "--nodes"],
  ];
  for (const [args, ...parts] of cases) {
    await t.step(`hamlet ${args.join(" ")}`, async () => {
      const outcome = await hamlet(args);
      assertEquals(outcome.code, 2);
      const line = assertOneLine(outcome);
      for (const part of parts) assertStringIncludes(line, part);
    });
  }
  await t.step("a wrong variable is named", async () => {
    const outcome = await hamlet(["up"], { env: { HAMLET_PORT: "http" } });
    assertEquals(outcome.code, 2);
    assertStringIncludes(assertOneLine(outcome), "HAMLET_PORT");
  });
});

Deno.test("hamlet commands without an agent say so and exit 1", async (t) => {
  await withStateDir(async (stateDir) => {
    for (const args of [["peers"], ["status", "--json"], ["candidates"], ["ping", "abc"]]) {
      await t.step(`hamlet ${args.join(" ")}`, async () => {
        const outcome = await hamlet([...args, "--state", stateDir]);
        assertEquals(outcome.code, 1);
        assertStringIncludes(assertOneLine(outcome), "hamlet up");
      });
    }
    await t.step("a note left by an agent that was killed", async () => {
      const note = { version: 1, url: "http://127.0.0.1:1", token: "x", pid: 1, listen_port: 1 };
      await Deno.writeTextFile(`${stateDir}/control.json`, JSON.stringify(note));
      const outcome = await hamlet(["status", "--state", stateDir]);
      assertEquals(outcome.code, 1);
      assertStringIncludes(assertOneLine(outcome), "hamlet up");
    });
  });
});

Deno.test("hamlet id and version need no agent", async (t) => {
  await withStateDir(async (stateDir) => {
    await t.step("the identity is created once, readable by its owner only", async () => {
      const path = `${stateDir}/deep/er/identity.json`;
      const args = ["id", "--state", `${stateDir}/deep/er`];
      const [first, second] = await Promise.all([hamlet(args), hamlet(args)]);
      assertMatch(first?.stdout ?? "", /^[a-z2-7]{52}\n$/);
      assertEquals(second, first);
      if (Deno.build.os !== "windows") {
        assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
        assertEquals(((await Deno.stat(`${stateDir}/deep/er`)).mode ?? 0) & 0o777, 0o700);
      }
      const before = await Deno.readTextFile(path);
      const json = await hamlet(["id", "--json"], { env: { HAMLET_STATE: `${stateDir}/deep/er` } });
      assertEquals(`${JSON.parse(json.stdout).node_id}\n`, first?.stdout);
      assertEquals(await Deno.readTextFile(path), before);
    });
  });

  await t.step("hamlet version", async () => {
    const [plain, flag, json] = await Promise.all([
      hamlet(["version"]),
      hamlet(["--version"]),
      hamlet(["version", "--json"]),
    ]);
    assertEquals(plain, flag);
    assertEquals([plain.code, json.code], [0, 0]);
    assertStringIncludes(plain.stdout, JSON.parse(json.stdout).version);
  });
});

Deno.test("hamlet commands reach the running agent", async (t) => {
  await using agent = await AgentProcess.start();
  using session = await initiate(await Wire.connect(agent.port), createIdentity());
  // An old node beside it, for commands that mean sessions.
  using old = await Wire.connect(agent.port);
  await old.writeFrame('{"type":"PEER_DISCOVERY","sender_id":"grandpa","capabilities":{}}');
  await old.expectFrame();
  const { id } = session.identity;
  const run = (...args: string[]) => hamlet([...args, "--state", agent.stateDir]);

  await t.step("status", async () => {
    const [json, plain] = await Promise.all([run("status", "--json"), run("status")]);
    assertEquals([json.code, plain.code], [0, 0]);
    const status = JSON.parse(json.stdout);
    assertEquals(status.peers, { authenticated: 1, connected: 1, unverified: 1 });
    assertEquals(status.pid, agent.pid);
    assertEquals(typeof status.crypto.aead, "string");
    for (const part of [status.node_id, status.crypto.aead, status.listen]) {
      assertStringIncludes(plain.stdout, part);
    }
  });

  await t.step("peers", async () => {
    const [json, plain] = await Promise.all([run("peers", "--json"), run("peers")]);
    assertEquals([json.code, plain.code], [0, 0]);
    const { peers } = JSON.parse(json.stdout) as { peers: JsonMessage[] };
    assertEquals(peers.map(({ node_id }) => node_id), [id, "grandpa"]);
    assertMatch(plain.stdout, /connected/);
    assertStringIncludes(plain.stdout, "2 known, 1 connected");
  });

  await t.step("candidates", async () => {
    const [json, plain] = await Promise.all([run("candidates", "--json"), run("candidates")]);
    assertEquals([json.code, plain.code], [0, 0]);
    const view = JSON.parse(json.stdout);
    assertEquals(view.candidates.map((each: JsonMessage) => each["node_id"]), [id]);
    assertEquals(view.left_out.map((each: JsonMessage) => each["reason"]), ["unverified"]);
    assertStringIncludes(plain.stdout, id.slice(0, 8));
  });

  await t.step("ping, which the peer answers", async () => {
    const pinging = run("ping", id.slice(0, 10), "--count", "2", "--json");
    for (let count = 0; count < 2; count++) {
      const ping = await session.untilType("PING");
      await session.send("PONG", {}, { correlation_id: ping["message_id"] });
    }
    const { code, stdout } = await pinging;
    assertEquals(code, 0);
    const view = JSON.parse(stdout);
    assertEquals(view.node_id, id);
    assertEquals(view.rtt_ms.length, 2);
  });

  for (
    const [peer, part] of [
      ["nobodyknowsme", "nobodyknowsme"],
      ["grandpa", "old node"],
      ["x".repeat(200), "peer"],
    ] as const
  ) {
    await t.step(`ping ${peer.slice(0, 16)} fails with one line`, async () => {
      const outcome = await run("ping", peer);
      assertEquals(outcome.code, 1);
      assertStringIncludes(assertOneLine(outcome), part);
    });
  }

  await t.step("a command whose reader has gone does not complain", async () => {
    const script = `"$@" | head -c 1 >/dev/null`;
    const via = ["sh", "-c", script, "sh"];
    if (Deno.build.os === "windows") return;
    const { stderr } = await hamlet(["help"], { via });
    assertEquals(stderr, "");
  });

  await t.step("the control API refuses whoever has no token", async () => {
    const ask = async (route: string, init: RequestInit) => {
      const response = await fetch(`${agent.controlUrl}/v1/${route}`, init);
      const { error } = await response.json();
      return [response.status, error?.code];
    };
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const unauthorized = [401, "unauthorized"];
    assertEquals(await ask("status", {}), unauthorized);
    assertEquals(await ask("status", bearer("")), unauthorized);
    assertEquals(await ask("peers", bearer(agent.token.slice(0, -1))), unauthorized);
    assertEquals(await ask("peers", bearer("x".repeat(agent.token.length))), unauthorized);
    assertEquals(await ask("stop", { method: "POST", ...bearer("wrong") }), unauthorized);
    assertEquals(await ask(`status?token=${agent.token}`, {}), unauthorized);
    assertEquals((await ask("status", bearer(agent.token)))[0], 200);
  });

  await t.step("the control API refuses other methods and routes", async () => {
    const headers = { authorization: `Bearer ${agent.token}` };
    for (
      const [method, route] of [
        ["POST", "status"],
        ["DELETE", "peers"],
        ["PUT", "candidates"],
        ["GET", "stop"],
        ["GET", "ping"],
        ["GET", "secrets"],
        ["GET", "../identity.json"],
      ] as const
    ) {
      const url = `${agent.controlUrl}/v1/${route}`;
      const response = await fetch(url, { method, headers });
      assertEquals((await response.json()).error.code, "unknown_route", `${method} ${route}`);
      assertEquals(response.status, 404);
    }
  });

  await t.step("the control API refuses a body that is not what it expects", async () => {
    for (
      const [body, code] of [
        ["{", "malformed_json"],
        ["[]", "invalid_field"],
        ["{}", "missing_field"],
        ['{"peer":7}', "invalid_field"],
        [JSON.stringify({ peer: "x", pad: "y".repeat(17_000) }), "too_large"],
      ] as const
    ) {
      const response = await fetch(`${agent.controlUrl}/v1/ping`, {
        method: "POST",
        headers: { authorization: `Bearer ${agent.token}` },
        body,
      });
      assertEquals((await response.json()).error.code, code);
      assert(response.status >= 400 && response.status < 500);
    }
  });

  await t.step(
    "the control API refuses another Host, as a page in a browser would send",
    async () => {
      const port = Number(new URL(agent.controlUrl).port);
      for (const host of ["evil.example", `localhost:${port}`, "127.0.0.1.evil.example"]) {
        assertMatch(await rawRequest(port, host, agent.token), /^HTTP\/1\.1 401 /);
      }
      assertMatch(await rawRequest(port, `127.0.0.1:${port}`, agent.token), /^HTTP\/1\.1 200 /);
    },
  );

  await t.step("the note is readable by its owner only", async () => {
    if (Deno.build.os === "windows") return;
    const { mode } = await Deno.stat(`${agent.stateDir}/control.json`);
    assertEquals((mode ?? 0) & 0o777, 0o600);
  });

  await t.step("neither the token nor the key is in the log", async () => {
    const { ed25519_seed } = JSON.parse(
      await Deno.readTextFile(`${agent.stateDir}/identity.json`),
    );
    assert(!agent.log.includes(agent.token) && !agent.log.includes(ed25519_seed));
  });
});

/** `GET /v1/status` with a Host header that `fetch` would not send; resolves with the response. */
function rawRequest(port: number, host: string, token: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, LOOPBACK, () => {
    const lines = [`Host: ${host}`, `Authorization: Bearer ${token}`, "Connection: close"];
    socket.write(`GET /v1/status HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  });
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (part: string) => text += part);
  socket.on("error", reject);
  socket.on("close", () => resolve(text));
  return promise;
}
