/** Three processes on loopback that tell and ask each other: event, query, on, sleep, members. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  AgentProcess,
  type CommandOutcome,
  eventually,
  hamlet,
  programArgs,
} from "./agent_process.ts";
import { type JsonMessage, LOOPBACK } from "./counterpart_wire.ts";

const isWindows = Deno.build.os === "windows";

/** `hamlet on` while it runs. */
class Waiting implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #stdout = "";
  #stderr = "";

  private constructor(agent: AgentProcess, args: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: programArgs(["on", "--state", agent.stateDir, ...args]),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr } = this.#child;
    this.#read = Promise.all([
      collect(stdout, (text) => this.#stdout += text),
      collect(stderr, (text) => this.#stderr += text),
    ]);
  }

  /** Resolves once it waits. */
  static async start(agent: AgentProcess, ...args: readonly string[]): Promise<Waiting> {
    const waiting = new Waiting(agent, args);
    await eventually("hamlet on to wait", () => waiting.log.includes("waiting"));
    return waiting;
  }

  get log(): string {
    return this.#stderr;
  }

  /** The lines of JSON that its commands have written. */
  get lines(): readonly JsonMessage[] {
    return this.#stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Ends it as Ctrl-C does. */
  async interrupt(): Promise<number> {
    this.#child.kill("SIGINT");
    const { code } = await this.#child.status;
    await this.#read;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    await this.#read;
  }
}

async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (t: string) => void) {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}

/** States of members by id, as `agent` sees them. */
async function states(agent: AgentProcess): Promise<ReadonlyMap<string, string>> {
  const { members } = await agent.get("members") as unknown as { members: JsonMessage[] };
  return new Map(members.map(({ node_id, state }) => [String(node_id), String(state)]));
}

Deno.test(
  { name: "members of a village tell and ask each other", ignore: isWindows },
  async (t) => {
    await using one = await AgentProcess.start({ args: ["--mdns", "off"] });
    const args = ["--mdns", "off", "--peer", `${LOOPBACK}:${one.port}`];
    const [secondStart, thirdStart, id] = await Promise.all([
      AgentProcess.start({ args }),
      AgentProcess.start({ args }),
      one.id(),
    ]);
    await using two = secondStart;
    await using three = thirdStart;
    const agents = [one, two, three];
    const sleeper = await three.id();
    const run = (agent: AgentProcess, ...args: string[]): Promise<CommandOutcome> =>
      hamlet([...args, "--state", agent.stateDir]);
    await eventually("everybody to know everybody", async () => {
      const seen = await Promise.all(agents.map(states));
      return seen.every((each) => [...each.values()].filter((s) => s === "alive").length === 3);
    });

    const cat = ["lights", "--", "cat"];
    const answering = ["up", "--", "sh", "-c", "cat >/dev/null; echo three days"];
    const [atTwo, atThree, asleepAtTwo, upAtThree] = await Promise.all([
      Waiting.start(two, ...cat),
      Waiting.start(three, ...cat),
      Waiting.start(two, "member-asleep", "--", "cat"),
      Waiting.start(three, ...answering),
    ]);
    await using waitingTwo = atTwo;
    await using waitingThree = atThree;
    await using waitingForSleep = asleepAtTwo;
    await using _answering = upAtThree;

    await t.step("an event reaches both others once, and their commands read it", async () => {
      const { code, stdout } = await run(one, "event", "lights", '{"off": "ä\n"}');
      assertEquals([code, stdout], [0, "Told 2 other members: lights\n"]);
      for (const waiting of [waitingTwo, waitingThree]) {
        await eventually("the event", () => waiting.log.includes("command ended"));
      }
      const json = await run(one, "event", "lights", "on", "--json");
      assertEquals(JSON.parse(json.stdout), { name: "lights", bytes: 2, members: 2 });
      for (const waiting of [waitingTwo, waitingThree]) {
        await eventually("the next one", () => waiting.lines.length >= 2);
        const [first, second, ...more] = waiting.lines;
        const { received_unix_ms, ...rest } = first ?? {};
        assertEquals(rest, {
          kind: "event",
          name: "lights",
          data: '{"off": "ä\n"}',
          origin: id,
          origin_name: null,
        });
        assert(Math.abs(Number(received_unix_ms) - Date.now()) < 60_000);
        assertEquals([second?.["data"], more], ["on", []]);
      }
    });

    await t.step("a query is answered by whom it is for", async () => {
      const where = "cpu_cores>=1 and not device_type=toaster";
      const { code, stdout } = await run(one, "query", "up", "--where", where, "--timeout", "1s");
      assertEquals(code, 0);
      const [answer, summary] = stdout.split("\n");
      assertEquals(answer, `${sleeper.slice(0, 8)}: three days`);
      assertMatch(summary ?? "", /^1 answer of 2 members asked in 1\.\d s$/);
      const none = await run(one, "query", "up", "--where", "cpu_cores<1", "--timeout", "1s");
      assertMatch(none.stdout, /^No answers of \d members? asked/);
      const all = await run(one, "query", "lights", "--timeout", "5m", "--json");
      const result = JSON.parse(all.stdout);
      assertEquals([result.answers.length, result.asked, result.interrupted], [2, 2, false]);
      assert(result.seconds < 10, "everybody has answered: nothing is waited for");
      const bad = await run(one, "query", "up", "--where", "cpu_core>=1");
      assertEquals([bad.code, bad.stdout], [2, ""]);
      assertStringIncludes(bad.stderr, "did you mean `cpu_cores`?) at character 1");
    });

    await t.step("who sleeps is asleep for the others, and dead for nobody", async () => {
      assertEquals((await run(three, "sleep")).code, 0);
      for (const agent of [one, two]) {
        await eventually(
          "it to be asleep",
          async () => (await states(agent)).get(sleeper) === "asleep",
        );
      }
      await eventually("the command to run", () => waitingForSleep.lines.length === 1);
      const [line] = waitingForSleep.lines;
      assertEquals([line?.["kind"], line?.["origin"]], ["member", sleeper]);
      const { stdout } = await run(one, "members");
      assertStringIncludes(stdout, "(2 alive, 1 asleep), 2 sessions");
      assertEquals((await run(three, "wake")).code, 0);
      for (const agent of [one, two]) {
        await eventually(
          "it to be back",
          async () => (await states(agent)).get(sleeper) === "alive",
        );
      }
      for (const agent of agents) {
        assertEquals(agent.events.filter(({ event }) => event === "member dead"), []);
      }
    });

    await t.step("Ctrl-C ends what waits", async () => {
      const ends = await Promise.all([waitingTwo.interrupt(), waitingThree.interrupt()]);
      assertEquals(ends, [0, 0]);
      assertEquals(waitingTwo.lines.length, 2, "nothing came twice");
    });
  },
);
