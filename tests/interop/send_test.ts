/** `hamlet send` between two processes: what arrives, what is refused, and what a crash in the middle costs. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash, randomBytes } from "node:crypto";
import {
  AgentProcess,
  type CommandOutcome,
  eventually,
  hamlet,
  programArgs,
} from "./agent_process.ts";
import { LOOPBACK } from "./counterpart_wire.ts";

const isWindows = Deno.build.os === "windows";
const MIB = 1_048_576;
/** Slow enough that there is a middle: 3.75 MB/s. */
const SLOW = ["--max-up", "30M"];
/** Two seconds at that pace. */
const SLOW_FILE_BYTES = 7 * MIB + 4_321;

/** A directory for files to send. */
class Desk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async open(): Promise<Desk> {
    return new Desk(await Deno.makeTempDir({ prefix: "hamlet-interop-" }));
  }

  /** Writes a file that nobody has seen before; returns its path. */
  async write(name: string, length: number): Promise<string> {
    const path = `${this.path}/${name}`;
    await Deno.writeFile(path, new Uint8Array(randomBytes(length)));
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** `hamlet send` while it runs. */
class Sending implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #outcome: Promise<CommandOutcome>;

  constructor(sender: AgentProcess, ...args: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: programArgs(["send", "--state", sender.stateDir, "--json", ...args]),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#outcome = this.#child.output().then(({ code, stdout, stderr }) => {
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: decode(stdout), stderr: decode(stderr) };
    });
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  ended(): Promise<CommandOutcome> {
    return this.#outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#outcome;
  }
}

async function sha256Of(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

function inboxOf({ stateDir }: AgentProcess): string {
  return `${stateDir}/inbox`;
}

/** Bytes of the partial files in an inbox. */
async function partialBytes(receiver: AgentProcess): Promise<number> {
  const directory = `${inboxOf(receiver)}/.partial`;
  let bytes = 0;
  for await (const { name } of Deno.readDir(directory)) {
    // It may have been moved into the inbox since.
    bytes += (await Deno.stat(`${directory}/${name}`).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}

/** Waits for the middle of a transfer. */
async function untilHalfway(receiver: AgentProcess): Promise<void> {
  await eventually("the middle of the file", async () => await partialBytes(receiver) > 2 * MIB);
}

async function untilConnected(from: AgentProcess, to: string): Promise<void> {
  await from.untilPeer(to, ({ connected }) => connected);
}

function peerFlags({ port }: AgentProcess): readonly string[] {
  return ["--peer", `${LOOPBACK}:${port}`];
}

/** What went wrong is said in one line. */
function assertFailedInOneLine({ code, stdout, stderr }: CommandOutcome): string {
  assertEquals([code, stdout], [1, ""]);
  const line = stderr.trimEnd().split("\n").at(-1) ?? "";
  assertMatch(line, /^hamlet: /);
  return line;
}

Deno.test("hamlet send puts files into a peer's inbox", async (t) => {
  await using desk = await Desk.open();
  await using receiver = await AgentProcess.start({ args: ["--max-file", "9MB"] });
  await using sender = await AgentProcess.start({ args: peerFlags(receiver) });
  const id = await receiver.id();
  await untilConnected(sender, id);
  const inbox = inboxOf(receiver);
  const send = (...args: string[]) => hamlet(["send", "--state", sender.stateDir, ...args]);
  const sendJson = async (...args: string[]) => {
    const { code, stdout, stderr } = await send("--json", ...args);
    assertEquals([code, stderr], [0, ""]);
    return JSON.parse(stdout);
  };

  const path = await desk.write("holiday.mp4", 3 * MIB + 17);
  const sha256 = await sha256Of(path);

  await t.step("in words", async () => {
    const { code, stdout } = await send(id.slice(0, 8), path);
    assertEquals(code, 0);
    assertMatch(stdout, /^holiday\.mp4: 3\.15 MB in .+, saved as "holiday\.mp4" by [a-z2-7]{8}, /);
    assertStringIncludes(stdout, `sha256 ${sha256}\n`);
    assertEquals(await sha256Of(`${inbox}/holiday.mp4`), sha256);
  });

  await t.step("in JSON, the same file again under another name", async () => {
    const [result, ...more] = await sendJson(id, path);
    assertEquals(more, []);
    assert(typeof result.seconds === "number" && result.seconds > 0);
    assertEquals(result, {
      file: path,
      event: "done",
      name: "holiday.mp4",
      size: 3 * MIB + 17,
      sha256,
      saved_as: "holiday (2).mp4",
      resumed_from: 0,
      seconds: result.seconds,
      node_id: id,
    });
    assertEquals(await sha256Of(`${inbox}/holiday (2).mp4`), sha256);
  });

  await t.step("several, empty ones and ones with hostile names", async () => {
    const hostile = isWindows ? "-rf" : '-rf \x1b[2J"<b>\u202e.txt';
    const safe = isWindows ? "rf" : "rf [2J__b_.txt";
    const paths = [await desk.write("empty", 0), await desk.write(hostile, 100)];
    const results = await sendJson(id, "--", ...paths);
    assertEquals(
      results.map((result: Record<string, unknown>) => [result["size"], result["saved_as"]]),
      [[0, "empty"], [100, safe]],
    );
    assertEquals(await Deno.readFile(`${inbox}/${safe}`), await Deno.readFile(paths[1] ?? ""));
    assertEquals((await Deno.stat(`${inbox}/empty`)).size, 0);
  });

  await t.step("the inbox and what is in it are its owner's", async () => {
    if (isWindows) return;
    for (const name of ["", "holiday.mp4", "empty"]) {
      const { mode } = await Deno.stat(`${inbox}/${name}`);
      assertEquals((mode ?? 0) & 0o077, 0, name);
    }
    assertEquals(await partialBytes(receiver), 0);
  });

  await t.step("one that is larger than the receiver takes is refused", async () => {
    const large = await desk.write("large.bin", 9_000_001);
    const line = assertFailedInOneLine(await send(id, large));
    for (const part of ["large.bin", "9000001", "9000000", id.slice(0, 8)]) {
      assertStringIncludes(line, part);
    }
    await Deno.truncate(large, 9_000_000);
    const [result] = await sendJson(id, large);
    assertEquals(result.saved_as, "large.bin");
  });

  await t.step("a failure among several is told, in JSON too", async () => {
    const large = await desk.write("larger.bin", 9_000_001);
    const small = await desk.write("small.bin", 5);
    const { code, stdout, stderr } = await send("--json", id, large, small);
    assertEquals(code, 1);
    const [first, second] = JSON.parse(stdout);
    assertEquals([first.event, first.code, second.event], ["failed", "too_large", "done"]);
    assertMatch(stderr, /^hamlet: larger\.bin: Cannot [^\n]+\n$/);
  });

  await t.step("an unknown peer is one line", async () => {
    const line = assertFailedInOneLine(await send("nobodyknowsme", path));
    assertStringIncludes(line, "nobodyknowsme");
  });

  await t.step("what is no file is a mistake", async () => {
    for (const [operand, part] of [[desk.path, "directory"], ["/no/such/file", "no such"]]) {
      const { code, stdout, stderr } = await send(id, operand ?? "");
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, /^hamlet: [^\n]+\n$/);
      assertStringIncludes(stderr, part ?? "");
    }
  });

  await t.step("the logs name peers by their short ids, and no path", async () => {
    const received = () => receiver.events.filter(({ event }) => event === "file received");
    await eventually("all six to be logged", () => received().length === 6);
    for (const agent of [sender, receiver]) {
      assert(!agent.log.includes(desk.path) && !agent.log.includes(id));
    }
  });
});

Deno.test("hamlet send to a peer without an inbox is refused in one line", async () => {
  await using desk = await Desk.open();
  await using receiver = await AgentProcess.start({ args: ["--inbox", "off"] });
  await using sender = await AgentProcess.start({ args: peerFlags(receiver) });
  const id = await receiver.id();
  await untilConnected(sender, id);
  const path = await desk.write("a.txt", 100);
  const outcome = await hamlet(["send", "--state", sender.stateDir, id, path]);
  const line = assertFailedInOneLine(outcome);
  for (const part of ["a.txt", id.slice(0, 8)]) assertStringIncludes(line, part);
  const names = [...Deno.readDirSync(receiver.stateDir)].map(({ name }) => name);
  assert(!names.includes("inbox"));
});

Deno.test({ name: "hamlet send survives what breaks it off", ignore: isWindows }, async (t) => {
  await using desk = await Desk.open();
  await using receiverState = await Desk.open();
  await using senderState = await Desk.open();
  const startReceiver = (port: readonly string[]) =>
    AgentProcess.start({ stateDir: receiverState.path, port });
  const startSender = (to: AgentProcess) =>
    AgentProcess.start({ stateDir: senderState.path, args: [...SLOW, ...peerFlags(to)] });
  let receiver = await startReceiver(["--port", "0"]);
  let sender = await startSender(receiver);
  const { port } = receiver;
  const id = await receiver.id();
  await untilConnected(sender, id);

  /** The one result of a `send` that ended well, whose file is in the inbox as it was sent. */
  async function assertArrived({ code, stdout, stderr }: CommandOutcome, path: string) {
    assertEquals([code, stderr], [0, ""]);
    const [result] = JSON.parse(stdout);
    const sha256 = await sha256Of(path);
    assertEquals([result.event, result.sha256, result.size], ["done", sha256, SLOW_FILE_BYTES]);
    assertEquals(await sha256Of(`${inboxOf(receiver)}/${result.saved_as}`), sha256);
    assertEquals(await partialBytes(receiver), 0);
    return result;
  }

  try {
    await t.step("the receiver is killed and comes back: the same command goes on", async () => {
      const path = await desk.write("killed.bin", SLOW_FILE_BYTES);
      await using sending = new Sending(sender, id, path);
      await untilHalfway(receiver);
      receiver.signal("SIGKILL");
      await receiver.exited();
      await receiver[Symbol.asyncDispose]();
      receiver = await startReceiver(["--port", String(port)]);
      const result = await assertArrived(await sending.ended(), path);
      assert(result.resumed_from >= MIB, `${result.resumed_from}`);
      assertEquals(result.resumed_from % MIB, 0);
    });

    await t.step("the command is interrupted and run again: it goes on", async () => {
      const path = await desk.write("interrupted.bin", SLOW_FILE_BYTES);
      await using first = new Sending(sender, id, path);
      await untilHalfway(receiver);
      first.signal("SIGINT");
      const { code, stdout, stderr } = await first.ended();
      assertEquals([code, JSON.parse(stdout)[0].code], [1, "interrupted"]);
      assertMatch(stderr, /^interrupted: [^\n]+\n$/);
      await using second = new Sending(sender, id, path);
      const result = await assertArrived(await second.ended(), path);
      assert(result.resumed_from >= MIB, `${result.resumed_from}`);
    });

    await t.step("the sender's agent is killed and comes back: it goes on", async () => {
      const path = await desk.write("orphaned.bin", SLOW_FILE_BYTES);
      await using first = new Sending(sender, id, path);
      await untilHalfway(receiver);
      sender.signal("SIGKILL");
      const { code, stdout, stderr } = await first.ended();
      assertEquals([code, JSON.parse(stdout)[0].event], [1, "failed"]);
      assertMatch(stderr, /^hamlet: [^\n]+\n$/);
      await sender.exited();
      await sender[Symbol.asyncDispose]();
      sender = await startSender(receiver);
      await untilConnected(sender, id);
      await using second = new Sending(sender, id, path);
      const result = await assertArrived(await second.ended(), path);
      assert(result.resumed_from >= MIB, `${result.resumed_from}`);
    });
  } finally {
    await sender[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  }
});
