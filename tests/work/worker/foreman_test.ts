/** A foreman and its agent, as processes: who may start what, and what is left when somebody is killed. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Clock, ManualClock, systemClock } from "../../../src/base/clock.ts";
import { WorkerError } from "../../../src/work/worker/evaluator.ts";
import { Foreman } from "../../../src/work/worker/foreman.ts";
import {
  encodeForemanFrame,
  ForemanFrameReader,
  type FrameKind,
} from "../../../src/work/worker/foreman_frame.ts";
import { ForemanLauncher } from "../../../src/work/worker/foreman_launcher.ts";
import { planForeman } from "../../../src/work/worker/launch_plan.ts";
import type { LaunchRequest } from "../../../src/work/worker/process.ts";
import { FakeLauncher } from "./fake_launcher.ts";
import { withEvaluator } from "./workers.ts";

const isLinux = Deno.build.os === "linux";
const COMMANDS = [{ name: "echo", command: ["sh", "-c", "echo $PPID; exec cat"] as const }];
const TELLS_PARENT = `export function evaluate([x]) {
  const end = performance.now() + x;
  while (performance.now() < end);
  return Deno.ppid;
}`;

function foremanLauncher(clock: Clock = systemClock): ForemanLauncher {
  const self = {
    execPath: Deno.execPath(),
    mainModule: new URL("../../../main.ts", import.meta.url).href,
    isStandalone: false,
  };
  const plan = planForeman(COMMANDS, { os: "linux", self, env: (name) => Deno.env.get(name) });
  return new ForemanLauncher({ plan, commands: COMMANDS, clock });
}

function isAlive(pid: number): boolean {
  try {
    return !/\) Z/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Ids of the processes that `pid` has started. */
function childrenOf(pid: number): readonly number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean)
    .map(Number);
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isTrue(); i++) await new Promise((next) => setTimeout(next, 10));
  assert(isTrue());
}

Deno.test(
  "ForemanLauncher evaluates as a launcher of this process does",
  { ignore: !isLinux },
  async () => {
    const launcher = foremanLauncher();
    await withEvaluator(TELLS_PARENT, { launcher, slots: 2 }, async (evaluator) => {
      const evaluations = await evaluator.evaluate(new Array(20).fill([5]));
      const parents = new Set(evaluations.map((each) => each.isOk ? each.fitness : each.code));
      assertEquals(parents.size, 1);
      const [foreman] = parents;
      assert(typeof foreman === "number" && foreman !== Deno.pid);
      await until(() => childrenOf(foreman).length >= 2);
    });
  },
);

Deno.test("ForemanLauncher.cpuMs() is what the workers have computed until now", {
  ignore: !isLinux,
}, async () => {
  const launcher = foremanLauncher();
  await withEvaluator(TELLS_PARENT, { launcher }, async (evaluator) => {
    await evaluator.evaluate([[0]]);
    const before = await launcher.cpuMs() ?? NaN;
    await evaluator.evaluate([[400]]);
    const used = (await launcher.cpuMs() ?? NaN) - before;
    // Others may have had the processor meanwhile, but nobody else computes in that process.
    assert(used > 20 && used < 1_000, `${used} ms`);
  });
});

Deno.test("ForemanLauncher passes on pauses and limits", { ignore: !isLinux }, async () => {
  const launcher = foremanLauncher();
  const limits = { evaluationMs: 20_000, memoryMb: 160 };
  const source = `export function evaluate([x]) {
    const all = [];
    while (x === 2) all.push(new Uint8Array(1 << 20).fill(1));
    return x;
  }`;
  await withEvaluator(source, { launcher, limits }, async (evaluator) => {
    const evaluating = evaluator.evaluate([[0], [2], [3]]);
    evaluator.pause();
    evaluator.resume();
    const codes = (await evaluating).map((each) => each.isOk ? each.fitness : each.code);
    assertEquals(codes, [0, "memory", 3]);
  });
});

Deno.test(
  "ForemanLauncher goes on with another foreman where one is killed, and leaves no worker of it",
  {
    ignore: !isLinux,
  },
  async () => {
    const launcher = foremanLauncher();
    await withEvaluator(TELLS_PARENT, { launcher }, async (evaluator) => {
      const [first] = await evaluator.evaluate([[0]]);
      assert(first?.isOk);
      const workers = childrenOf(first.fitness);
      const evaluating = evaluator.evaluate(new Array(8).fill([100]));
      Deno.kill(first.fitness, "SIGKILL");
      const evaluations = await evaluating;
      assert(evaluations.every((each) => each.isOk && each.fitness !== first.fitness));
      await until(() => !workers.some(isAlive));
    });
  },
);

Deno.test("ForemanLauncher.close() ends the foreman and its workers, busy or stopped", {
  ignore: !isLinux,
}, async () => {
  const launcher = foremanLauncher();
  let foreman = 0;
  let workers: readonly number[] = [];
  await withEvaluator(TELLS_PARENT, { launcher }, async (evaluator) => {
    const [first] = await evaluator.evaluate([[0]]);
    assert(first?.isOk);
    foreman = first.fitness;
    workers = childrenOf(foreman);
    void evaluator.evaluate([[10_000]]);
    evaluator.pause();
    await launcher.close();
  });
  assertEquals([foreman, ...workers].filter(isAlive), []);
  await assertRejects(
    () => withEvaluator(TELLS_PARENT, { launcher }, () => Promise.resolve()),
    WorkerError,
    "foreman is gone",
  );
});

Deno.test(
  "ForemanLauncher lets its foreman go after a minute without work, and has another when it needs one",
  {
    ignore: !isLinux,
  },
  async () => {
    const clock = new ManualClock();
    const launcher = foremanLauncher(clock);
    const said: string[] = [];
    const start = () =>
      launcher.launch({
        program: { kind: "command", command: ["sh", "-c", "echo $PPID; exec cat"] },
        memoryMb: 256,
        onOutput: (bytes) => void said.push(new TextDecoder().decode(bytes).trim()),
        onComplaint: () => {},
      });
    try {
      const first = start();
      await until(() => said.length === 1);
      first.kill();
      await first.ended;
      clock.advance(59_999);
      const second = start();
      await until(() => said.length === 2);
      second.kill();
      await second.ended;
      assertEquals(said[1], said[0]);
      clock.advance(60_000);
      // Asked for while the old one is still going, it waits for the new one.
      const third = start();
      await until(() => said.length === 3);
      assert(said[2] !== said[0]);
      assert(!isAlive(Number(said[0])));
      third.kill();
      await third.ended;
    } finally {
      await launcher.close();
    }
  },
);

Deno.test("A foreman whose agent was killed ends, and every worker with it, busy or stopped", {
  ignore: !isLinux,
}, async () => {
  for (const state of ["busy", "stopped"]) {
    const program = new URL("./foreman_agent.ts", import.meta.url).pathname;
    const agent = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", program, state],
      stdout: "piped",
    }).spawn();
    const reader = agent.stdout.getReader();
    const foreman = Number(new TextDecoder().decode((await reader.read()).value));
    const workers = childrenOf(foreman);
    assert(workers.length > 1 && workers.every(isAlive));
    agent.kill("SIGKILL");
    await Promise.all([agent.status, reader.cancel()]);
    await until(() => ![foreman, ...workers].some(isAlive));
  }
});

Deno.test("ForemanLauncher starts commands that its foreman knows, and no others", {
  ignore: !isLinux,
}, async () => {
  const launcher = foremanLauncher();
  const lines: string[] = [];
  const request = (command: readonly [string, ...string[]]): LaunchRequest => ({
    program: { kind: "command", command },
    memoryMb: 256,
    onOutput: (bytes) => void lines.push(new TextDecoder().decode(bytes)),
    onComplaint: () => {},
  });
  try {
    let refused = "";
    try {
      launcher.launch(request(["sh", "-c", "echo hacked"]));
    } catch (error) {
      refused = error instanceof WorkerError ? error.code : "";
    }
    assertEquals(refused, "not_configured");
    const process = launcher.launch(request(["sh", "-c", "echo $PPID; exec cat"]));
    process.write(new TextEncoder().encode("x".repeat(10_000)));
    await until(() => lines.join("").endsWith("x".repeat(10_000)));
    process.kill();
    assertEquals((await process.ended).reason, "exited");
  } finally {
    await launcher.close();
  }
});

/** What a foreman says to orders, without processes. */
async function obey(
  orders: readonly Uint8Array[],
): Promise<readonly (readonly [FrameKind, number, string])[]> {
  const reader = new ForemanFrameReader();
  const said: (readonly [FrameKind, number, string])[] = [];
  const foreman = new Foreman({
    launcher: new FakeLauncher(systemClock, () => []),
    commands: COMMANDS,
    write: (frame) => {
      for (const { kind, process, payload } of reader.push(frame)) {
        said.push([kind, process, new TextDecoder().decode(payload)]);
      }
    },
  });
  await foreman.serve(ReadableStream.from(orders));
  return said;
}

Deno.test("Foreman.serve() starts nothing but modules and commands by name", async () => {
  const launch = (order: unknown, id = 1) =>
    encodeForemanFrame("launch", id, new TextEncoder().encode(JSON.stringify(order)));
  const kinds = async (...orders: readonly Uint8Array[]) =>
    (await obey(orders)).map(([kind]) => kind);
  assertEquals(await kinds(launch({ memory_mb: 256 })), ["started"]);
  assertEquals(await kinds(launch({ memory_mb: 256, command: "echo" })), ["started"]);
  for (
    const order of [
      {},
      { memory_mb: 0 },
      { memory_mb: 256, command: "rm" },
      { memory_mb: 256, command: ["sh"] },
      { memory_mb: 256, command: "__proto__" },
      { memory_mb: "256" },
      null,
      [],
    ]
  ) assertEquals(await kinds(launch(order)), ["refused"], JSON.stringify(order));
  assertEquals(await kinds(launch({ memory_mb: 1 }), launch({ memory_mb: 1 })), [
    "started",
    "refused",
  ]);
  assertEquals(await kinds(encodeForemanFrame("launch", 1, new Uint8Array([0xff]))), ["refused"]);
  assertEquals(await kinds(encodeForemanFrame("kill", 9), encodeForemanFrame("over", 0)), []);
});
