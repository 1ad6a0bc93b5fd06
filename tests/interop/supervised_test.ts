/**
 * The agent under a service manager that shares no code with it: a datagram socket of Python's, at a path and
 * at an abstract name.
 */

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { AgentProcess, eventually, hamlet, programArgs } from "./agent_process.ts";
import { LOOPBACK } from "./counterpart_wire.ts";

const SERVER = fileURLToPath(new URL("notify_server.py", import.meta.url));
const isLinux = Deno.build.os === "linux";

interface Told {
  readonly lines: readonly string[];
  readonly pid: number;
}

/** Listens at `name` until it is disposed of. */
class Ear implements AsyncDisposable {
  readonly told: Told[] = [];
  #isListening = false;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(name: string) {
    this.#child = new Deno.Command("python3", {
      args: [SERVER, name],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  listening(): Promise<true> {
    return eventually("the ear to listen", () => this.#isListening || undefined);
  }

  /** Who said so, once somebody has said `line`; with `count`, so many times. */
  heard(line: string, count = 1): Promise<Told> {
    return eventually(`${line} to be told`, () => {
      const those = this.told.filter(({ lines }) => lines.includes(line));
      return those[count - 1];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.map((each) => JSON.parse(each))) {
        if ("listening" in line) this.#isListening = true;
        else this.told.push(line);
      }
    }
  }
}

/** Starts an agent with an environment, as a service manager does, and hands over its process. */
async function withAgent(
  env: Record<string, string>,
  run: (agent: Deno.ChildProcess, log: () => string) => Promise<void>,
): Promise<void> {
  const stateDir = await Deno.makeTempDir({ prefix: "hamlet-supervised-" });
  const child = new Deno.Command(Deno.execPath(), {
    args: programArgs(["up", "--listen", LOOPBACK, "--port", "0", "--state", stateDir, "--open"]),
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) log += text;
  })();
  try {
    await run(child, () => log);
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
    await reading;
    await Deno.remove(stateDir, { recursive: true });
  }
}

for (const form of ["path", "abstract name"] as const) {
  Deno.test({
    name: `hamlet up tells a service manager at a ${form} that it is ready, alive and at its end`,
    ignore: !isLinux,
    async fn() {
      const directory = await Deno.makeTempDir({ prefix: "hamlet-ear-" });
      const name = form === "path" ? `${directory}/notify` : `@hamlet-${crypto.randomUUID()}`;
      await using ear = new Ear(name);
      await ear.listening();
      await withAgent({ NOTIFY_SOCKET: name, WATCHDOG_USEC: "400000" }, async (agent) => {
        const ready = await ear.heard("READY=1");
        // NotifyAccess=main takes the word of the main process only.
        assertEquals(ready.pid, agent.pid);
        assertEquals(ear.told[0], ready);
        assertEquals((await ear.heard("WATCHDOG=1", 3)).pid, agent.pid);
        agent.kill("SIGTERM");
        await ear.heard("STOPPING=1");
        assertEquals((await agent.status).code, 0);
        const last = ear.told.findIndex(({ lines }) => lines.includes("STOPPING=1"));
        assertEquals(
          ear.told.slice(last + 1).filter(({ lines }) => lines.includes("WATCHDOG=1")),
          [],
        );
      });
      await Deno.remove(directory, { recursive: true });
    },
  });
}

Deno.test({
  name: "hamlet up serves all the same where the service manager cannot be told",
  ignore: !isLinux,
  async fn() {
    for (const name of ["relative/path", "/nowhere/at/all"]) {
      await withAgent({ NOTIFY_SOCKET: name }, async (agent, log) => {
        await eventually("the complaint", () => log().includes("service manager not told"));
        await eventually("the agent to be up", () => log().includes("hamlet is up"));
        agent.kill("SIGTERM");
        assertEquals((await agent.status).code, 0);
      });
    }
  },
});

Deno.test("hamlet up without a service manager tells nobody", async () => {
  await using agent = await AgentProcess.start();
  agent.signal("SIGTERM");
  assertEquals(await agent.exited(), 0);
  assertEquals(agent.log.includes("service manager"), false);
});

Deno.test({
  name: "hamlet service says what to do where no service manager runs",
  ignore: !isLinux || await exists("/run/systemd/system"),
  async fn() {
    const home = await Deno.makeTempDir({ prefix: "hamlet-home-" });
    const env = { XDG_CONFIG_HOME: home, HAMLET_STATE: `${home}/state` };
    for (const action of ["install", "uninstall", "status"]) {
      const { code, stdout, stderr } = await hamlet(["service", action, "--user"], { env });
      assertEquals([code, stdout], [1, ""]);
      assertEquals(/Cannot (reach|use) systemd: .*hamlet/.test(stderr), true, stderr);
    }
    assertEquals([...Deno.readDirSync(home)], []);
    await Deno.remove(home);
  },
});

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
