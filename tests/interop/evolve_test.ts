/** A search by real processes: spread, killed, gone on with, confirmed, checked, stopped; and bad code. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type CommandOutcome, eventually, hamlet } from "./agent_process.ts";
import type { JsonMessage } from "./counterpart_wire.ts";
import { Device, untilTogether } from "./device.ts";

/** Waits rather than burns, as long as a small simulation takes. */
const SPHERE = `export async function evaluate(genome) {
  await new Promise((resolve) => setTimeout(resolve, 8));
  return genome.reduce((sum, x) => sum + x * x, 0);
}
export function describe() {
  return { name: "squares", dims: 5, bounds: [-5, 5], target: 1e-6 };
}
`;
const WORK = ["--work", "on", "--work-cpu", "100%"];
/** Half of it is enough on a quiet machine. */
const END_MS = 60_000;

interface Job extends JsonMessage {
  readonly id: string;
  readonly state: string;
  readonly best: number | null;
  readonly members: readonly { readonly name: string; readonly evaluations: number }[];
  readonly result: JsonMessage & { readonly genome: readonly number[]; readonly fitness: number };
}

async function withModule(code: string, use: (file: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "hamlet-interop-" });
  try {
    const file = `${directory}/module.js`;
    await Deno.writeTextFile(file, code);
    await use(file);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function jobOf(device: Device, id: string): Promise<Job> {
  return await device.agent.get(`job?id=${id}`) as Job;
}

Deno.test("hamlet evolve: the village ends what its killed initiator began", async () => {
  await using alice = await Device.start("alice", ...WORK);
  await using bob = await Device.create("bob");
  await using carol = await Device.create("carol");
  for (const device of [bob, carol]) {
    assertEquals((await device.use(await alice.invite())).code, 0);
    await device.up(...WORK, "--peer", alice.address);
  }
  await untilTogether(alice, bob, carol);
  await withModule(SPHERE, async (file) => {
    const started = await alice.run("evolve", file, "--time", "2m", "--detach");
    assertEquals([started.code, started.stderr], [0, ""]);
    const id = started.stdout.trim();
    assertMatch(id, /^[a-z2-7]{8}$/);
    await eventually("all to take part", async () => {
      const { members } = await jobOf(bob, id).catch(() => ({ members: [] }));
      return members.filter(({ evaluations }) => evaluations > 0).length === 3;
    }, END_MS);
    await alice.down("SIGKILL");
    const job = await eventually("the job to end", async () => {
      const view = await jobOf(carol, id);
      return view.state === "accepted" ? view : undefined;
    }, END_MS);
    const { genome, fitness } = job.result;
    const sum = genome.reduce((total, x) => total + x * x, 0);
    assert(fitness <= 1e-6 && Math.abs(sum - fitness) <= 1e-12, `${sum} for ${fitness}`);
    // The record proves it, to a process that asks one who did not start it.
    const verified = await bob.run("job", id, "--verify");
    assertEquals([verified.code, verified.stderr], [0, ""]);
    assertStringIncludes(verified.stdout, "The record holds");
    await alice.up(...WORK, "--peer", bob.address);
    const again = await eventually("alice to hear of it", async () => {
      const view = await jobOf(alice, id);
      return view.state === "accepted" ? view : undefined;
    }, END_MS);
    assertEquals(again.result.fitness, fitness);
    const shown = await alice.run("jobs");
    assertMatch(shown.stdout, new RegExp(`^${id}  squares +accepted`, "m"));
    for (const device of [alice, bob, carol]) {
      const files = `${device.stateDir}/jobs/${job.id}`;
      assertMatch(await Deno.readTextFile(`${files}/plot.svg`), /^<svg .*squares/s);
      assertMatch(await Deno.readTextFile(`${files}/history.csv`), /^unix_ms,.*\n\d+,/);
    }
  });
});

Deno.test("hamlet evolve says what is wrong, and the agent goes on", async (t) => {
  await using alice = await Device.start("alice", ...WORK);
  const DIMS = ["--dims", "2", "--bounds", "-1,1"];
  const fails = async (outcome: CommandOutcome, code: number, ...parts: readonly string[]) => {
    await Promise.resolve();
    assertEquals([outcome.code, outcome.stdout], [code, ""], outcome.stderr);
    assertMatch(outcome.stderr, /^hamlet: [^\n]+\n$/);
    for (const part of parts) assertStringIncludes(outcome.stderr, part);
  };
  const modules: readonly (readonly [string, string, number, string])[] = [
    ["does not parse", "export function evaluate( {", 2, "cannot be used"],
    ["exports nothing", "export const x = 1;", 2, "exports no function evaluate"],
    ["throws", "export function evaluate() { throw new Error('no table'); }", 1, "no table"],
    ["returns NaN", "export const evaluate = () => NaN;", 1, "returned no number"],
    ["returns a string", "export const evaluate = () => '7';", 1, "returned no number"],
  ];
  for (const [what, code, exit, part] of modules) {
    await t.step(`a module that ${what}`, async () => {
      await withModule(code, async (file) => {
        await fails(await alice.run("evolve", file, ...DIMS), exit, part);
      });
    });
  }
  await withModule(SPHERE, async (file) => {
    const flags: readonly (readonly [readonly string[], string])[] = [
      [["--dims", "0"], "1 to 4096"],
      [["--dims", "1000000000"], "1 to 4096"],
      [["--bounds", "5,-5"], "did you mean --bounds -5,5?"],
      [["--worker", "robot"], "name one thing that evaluates"],
    ];
    for (const [args, part] of flags) {
      await t.step(`hamlet evolve FILE ${args.join(" ")}`, async () => {
        await fails(await alice.run("evolve", file, ...args), 2, part);
      });
    }
    await t.step("a worker that is not configured", async () => {
      const outcome = await alice.run("evolve", "--worker", "robot", ...DIMS);
      await fails(outcome, 1, "no worker is called robot", "hamlet up --worker robot=");
    });
    await t.step("no agent", async () => {
      const outcome = await hamlet(["evolve", file, "--state", `${alice.stateDir}/none`]);
      await fails(outcome, 1, "start one with: hamlet up");
    });
  });
  assertEquals((await alice.json("jobs"))["jobs"], []);
  await fails(await alice.run("job", "aaaa"), 1, "see: hamlet jobs");
});
