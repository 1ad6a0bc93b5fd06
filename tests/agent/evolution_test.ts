/** Jobs among agents on the in-memory network: workers are functions, directories are real. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { JOB_EVENT } from "../../src/agent/evolution_options.ts";
import { JobLookupError } from "../../src/agent/job_lookup.ts";
import { JobStartError } from "../../src/agent/job_start.ts";
import type { JobView } from "../../src/agent/job_views.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { JobError } from "../../src/work/job/spec.ts";
import { verifyConsensus } from "../../src/work/job/verdict.ts";
import { readJob } from "../../src/work/job/spec.ts";
import { WorkerError } from "../../src/work/worker/evaluator.ts";
import { DEFAULT_WORK } from "../../src/work/worker/work_settings.ts";
import { namesIn } from "../store/temp.ts";
import { linesOf } from "../testing/agents.ts";
import { BOB, CAROL, PRIMITIVES } from "../testing/identities.ts";
import {
  JobRealm,
  MODULE,
  requestOf,
  sphere,
  WILLING,
  workOf,
  type WorkOptions,
} from "../testing/jobs.ts";
import { addressOf, type Citizen } from "../testing/realm.ts";
import { ADMIN_CHAIN, MALLORY, MEMBER_CHAIN } from "../testing/trust.ts";

const FILES = { permissions: { read: true, write: true } } as const;

const LOWER = [-5, -5, -5, -5, -5, -5];
/** A job that takes some while. */
const HARD = {
  space: { kind: "real", dims: 6, lower: LOWER, upper: LOWER.map((low) => -low) },
  target: 1e-10,
} as const;

interface Cast {
  readonly realm: JobRealm;
  readonly path: string;
  readonly alice: Citizen;
  readonly bob: Citizen;
  readonly carol: Citizen;
  /** Names of those whose evaluator was opened, in order. */
  readonly opened: string[];
}

/** Alice founded the network, Bob is an admin, Carol a member; all work, unless `changes` say otherwise. */
async function withVillage(
  use: (cast: Cast) => Promise<void>,
  changes: Readonly<Record<string, Partial<WorkOptions>>> = {},
): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "hamlet_test_" });
  const realm = new JobRealm();
  const opened: string[] = [];
  const work = (name: string) =>
    workOf({
      path: `${path}/${name}`,
      clock: realm.clock,
      onOpen: () => opened.push(name),
      ...changes[name],
    });
  try {
    const alice = await realm.founder({ work: work("alice") });
    const bob = await realm.add(BOB, "10.0.0.2", ADMIN_CHAIN, {
      peers: addressOf(alice),
      work: work("bob"),
    });
    const carol = await realm.add(CAROL, "10.0.0.3", MEMBER_CHAIN, {
      peers: addressOf(alice, bob),
      work: work("carol"),
    });
    await realm.pass(2_000);
    await use({ realm, path, alice, bob, carol, opened });
  } finally {
    await realm.close();
    await Deno.remove(path, { recursive: true });
  }
}

function evolutionOf({ agent }: Citizen) {
  if (!agent.evolution) throw new Error("it takes no part in jobs");
  return agent.evolution;
}

async function start(cast: Cast, changes = {}): Promise<JobView> {
  return await cast.realm.until(evolutionOf(cast.alice).evolve(requestOf(changes)));
}

const hasEnded = ({ result }: JobView) => result !== null;

Deno.test(
  "Evolution.evolve() spreads a search over the village and has its result confirmed",
  FILES,
  async () => {
    await withVillage(async (cast) => {
      const { realm, alice, bob, carol, opened, path } = cast;
      const { id, members } = await start(cast, HARD);
      assertEquals(members.map(({ this_device }) => this_device), [true]);
      for (const citizen of [alice, bob, carol]) {
        const view = await realm.untilJob(citizen, id, hasEnded);
        assertEquals([view.state, view.owned_here], ["accepted", citizen === alice]);
        assertEquals(view.members.length, 3);
        // Alice's Network calls its members by these names.
        assertEquals(view.members.map(({ name }) => name).sort(), ["alice", "bob", "carol"]);
        const { result } = view;
        assert(result?.genome && result.consensus);
        assertEquals([result.jurors, result.agreed, result.self_confirmed], [2, 2, false]);
        // What is said to be the fitness is what the genome is worth.
        assert(result.fitness !== null && result.fitness <= 1e-10);
        assert(Math.abs(sphere(result.genome) - result.fitness) < 1e-20);
        const job = readJob(result.job, PRIMITIVES);
        assert(verifyConsensus(job, result.consensus, PRIMITIVES).isValid);
      }
      assertEquals(opened.toSorted(), ["alice", "bob", "carol"]);
      await realm.pass(2_000);
      for (const name of ["alice", "bob", "carol"]) {
        assertEquals(await namesIn(`${path}/${name}/${id}`), [
          "checkpoint.json",
          "history.csv",
          "ledger.json",
          "module.js",
          "plot.svg",
          "result.json",
          "spec.json",
        ]);
        assertEquals(await Deno.readFile(`${path}/${name}/${id}/module.js`), MODULE);
      }
    });
  },
);

Deno.test("Evolution tells with the device's capabilities that it works", FILES, async () => {
  await withVillage(async (cast) => {
    const { realm, alice, bob } = cast;
    const seen = () => {
      const { capabilities } = alice.agent.registry.get(bob.id) ?? {};
      return [capabilities?.availableForEvolution, capabilities?.evolutionLoad];
    };
    assertEquals(seen(), [true, 0]);
    const { id } = await start(cast, { target: null });
    await realm.pass(10_000);
    assertEquals(seen(), [false, 1]);
    await realm.until(evolutionOf(alice).order(id, "stop"));
    await realm.untilJob(alice, id, hasEnded);
    await realm.pass(2_000);
    assertEquals(seen(), [true, 0]);
  });
});

Deno.test(
  "Evolution: the job goes on without who started it, and is there when it comes back",
  FILES,
  async () => {
    await withVillage(async (cast) => {
      const { realm, alice, bob, path } = cast;
      const { id } = await start(cast, HARD);
      await realm.pass(3_000);
      await realm.village.crash(alice);
      const view = await realm.untilJob(bob, id, hasEnded);
      assertEquals([view.state, view.result?.jurors], ["accepted", 1]);
      const again = await realm.founder({
        peers: addressOf(bob),
        work: workOf({ path: `${path}/alice`, clock: realm.clock }),
      });
      assertEquals(
        (await realm.untilJob(again, id, hasEnded)).result?.fitness,
        view.result?.fitness,
      );
      assertEquals(linesOf(again, "job resumed").length, 1);
    });
  },
);

Deno.test(
  "Evolution.order(): admins stop a job and let it go on, members do not",
  FILES,
  async () => {
    const settings = { ...WILLING, mode: "off" } as const;
    await withVillage(async (cast) => {
      const { realm, alice, bob, carol, opened } = cast;
      const { id } = await start(cast, { target: null });
      await realm.pass(5_000);
      // Neither takes part: what they know is what Alice tells.
      assertEquals(opened, ["alice"]);
      const [listed] = await evolutionOf(carol).jobs();
      assertEquals([listed?.id, listed?.here.state], [id, "not_taking_part"]);
      const view = await realm.until(evolutionOf(carol).job(id.slice(0, 6)));
      assertEquals([view.state, view.members.map(({ name }) => name)], ["running", ["alice"]]);
      await assertRejects(
        () => realm.until(evolutionOf(carol).order(id, "stop")),
        JobError,
        "only its owner",
      );
      const stopped = await realm.until(evolutionOf(bob).order(id, "stop"));
      assertEquals(stopped.state, "stopping");
      const end = await realm.untilJob(alice, id, hasEnded);
      assertEquals([end.state, end.result?.cause], ["stopped", "stopped"]);
      assertEquals((await realm.until(evolutionOf(bob).job(id))).state, "stopped");
      await realm.until(evolutionOf(bob).order(id, "resume"));
      const resumed = await realm.untilJob(alice, id, (job) => job.state === "running");
      assertEquals(resumed.result, null);
      await realm.pass(5_000);
      assert((await evolutionOf(alice).job(id)).evaluations > end.evaluations);
    }, { bob: { settings }, carol: { settings } });
  },
);

Deno.test("Evolution says who does not take part, and why", FILES, async () => {
  const battery = { ...DEFAULT_WORK, mode: "idle" } as const;
  await withVillage(async (cast) => {
    const { realm, alice, bob, carol } = cast;
    const { id } = await start(cast, { target: null });
    await realm.pass(5_000);
    const { declined } = await evolutionOf(alice).job(id);
    const reasons = new Map(declined.map(({ node_id, reason }) => [node_id, reason]));
    assertEquals([reasons.get(bob.id), reasons.get(carol.id)], ["cannot_evolve", "busy"]);
  }, {
    bob: { settings: { ...DEFAULT_WORK, mode: "off" } },
    // It has not been idle for long enough.
    carol: { settings: battery },
  });
});

Deno.test("Evolution: one job at a time, an emergency before others", FILES, async () => {
  await withVillage(async (cast) => {
    const { realm, alice, bob } = cast;
    const { id: first } = await start(cast, { target: null, name: "first" });
    await realm.pass(3_000);
    const { id: second } = await start(cast, { target: null, name: "second" });
    const { id: urgent } = await start(cast, { target: null, name: "urgent", type: "emergency" });
    await realm.pass(20_000);
    const here = async (citizen: Citizen, id: string) => (await evolutionOf(citizen).job(id)).here;
    assertEquals((await here(alice, urgent)).state, "searching");
    for (const id of [first, second]) {
      assertEquals(await here(alice, id), { state: "paused", reason: "another job runs here" });
    }
    assertEquals((await here(bob, urgent)).state, "searching", "Bob left the first for it");
    await realm.until(evolutionOf(alice).order(urgent, "stop"));
    await realm.untilJob(alice, urgent, hasEnded);
    await realm.pass(3_000);
    assertEquals((await here(alice, first)).state, "searching", "the older goes on first");
    assertEquals((await evolutionOf(alice).jobs()).length, 3);
  });
});

Deno.test(
  "Evolution: a checkpoint cut in half costs the search, and not the job",
  FILES,
  async () => {
    const settings = { ...WILLING, mode: "off" } as const;
    await withVillage(async (cast) => {
      const { realm, alice, path } = cast;
      const { id } = await start(cast, { target: null });
      await realm.pass(35_000);
      const before = await evolutionOf(alice).job(id);
      await realm.village.crash(alice);
      const file = `${path}/alice/${id}/checkpoint.json`;
      const text = await Deno.readTextFile(file);
      await Deno.writeTextFile(file, text.slice(0, text.length / 2));
      const again = await realm.founder({
        work: workOf({ path: `${path}/alice`, clock: realm.clock }),
      });
      const after = await realm.untilJob(again, id, ({ state }) => state === "running");
      assertEquals(linesOf(again, "checkpoint set aside").length, 1);
      assert(after.best !== null && before.best !== null && after.best <= before.best);
      assert(after.best !== null && before.best !== null && after.best <= before.best);
      assert(after.evaluations >= before.evaluations);
      const names = await namesIn(`${path}/alice/${id}`);
      assert(names.some((name) => name.startsWith("checkpoint.json.damaged-")));
    }, { bob: { settings }, carol: { settings } });
  },
);

Deno.test(
  "Evolution.evolve() refuses what cannot work, and nobody hears of it",
  FILES,
  async () => {
    let fault: "module" | "throw" | "nan" = "module";
    const broken: Partial<WorkOptions> = {
      openEvaluator: () => {
        if (fault === "module") {
          return Promise.reject(
            new WorkerError("invalid_module", "Cannot load the module: it does not parse"),
          );
        }
        const isNan = fault === "nan";
        return Promise.resolve({
          slots: 1,
          evaluate: (genomes) =>
            Promise.resolve(genomes.map(() => ({
              isOk: false as const,
              code: isNan ? "not_a_number" as const : "threw" as const,
              message: "as it was written",
            }))),
          pause: () => {},
          resume: () => {},
          checkpoint: () => Promise.resolve(undefined),
          close: () => Promise.resolve(),
        });
      },
    };
    await withVillage(async (cast) => {
      const { realm, alice, bob, path } = cast;
      await assertRejects(() => start(cast), WorkerError, "does not parse");
      fault = "throw";
      await assertRejects(() => start(cast), JobStartError, "threw for each of 3 genomes");
      fault = "nan";
      await assertRejects(() => start(cast), JobStartError, "returned no number");
      const worker = { kind: "command", name: "robot" } as const;
      await assertRejects(
        () => start(cast, { worker }),
        JobStartError,
        "no worker is called robot",
      );
      const code = encodeUtf8("x".repeat(2 ** 20 + 1));
      const large = { kind: "module", language: "js", code } as const;
      await assertRejects(() => start(cast, { worker: large }), JobStartError, "1048577 bytes");
      const space = { kind: "real", dims: 1, lower: [1], upper: [-1] } as const;
      await assertRejects(() => start(cast, { space }), JobError, "not below its upper bound");
      await realm.pass(2_000);
      assertEquals([await evolutionOf(alice).jobs(), await evolutionOf(bob).jobs()], [[], []]);
      await assertRejects(() => Deno.stat(`${path}/alice`), Deno.errors.NotFound);
    }, { alice: broken });
  },
);

Deno.test("Evolution: what a stranger says of jobs is not heard", FILES, async () => {
  await withVillage(async (cast) => {
    const { realm, alice, bob, carol } = cast;
    const { id } = await start(cast, { target: null });
    await realm.pass(3_000);
    for (const citizen of [alice, bob, carol]) {
      citizen.agent.villager.broadcast(JOB_EVENT, "{");
      citizen.agent.villager.broadcast(JOB_EVENT, JSON.stringify({ id, name: "\u001b" }));
    }
    // A member's messages, each wrong in its own way.
    const send = (data: Record<string, unknown>, evolutionId: string) =>
      bob.agent.node.send(carol.id, "EVOLUTION_REQUEST_HELP", data, { evolutionId });
    send({}, id);
    send({ job: { owner: MALLORY.id } }, "a".repeat(26));
    send({ job: null, steward: 7 }, "../../etc");
    for (const type of ["EVOLUTION_VOTE", "EVOLUTION_CONSENSUS", "EVOLUTION_COMPLETE"] as const) {
      for (const data of [{}, { order: 1, consensus: [] }, { vote: {}, proposal: "x" }]) {
        bob.agent.node.send(carol.id, type, data, { evolutionId: id });
      }
    }
    await realm.pass(3_000);
    assert(carol.agent.node.isConnected(bob.id));
    const view = await evolutionOf(carol).job(id);
    assertEquals([view.state, view.members.length], ["running", 3]);
    assertEquals((await evolutionOf(carol).jobs()).map((job) => job.id), [id]);
  });
});

Deno.test(
  "Evolution.job() finds by the beginning of an id, and names the nearest",
  FILES,
  async () => {
    await withVillage(async (cast) => {
      const { realm, alice } = cast;
      const { id } = await start(cast, { target: null });
      assertEquals((await evolutionOf(alice).job(id.slice(0, 3).toUpperCase())).id, id);
      const typed = id.slice(0, 7) + (id[7] === "a" ? "b" : "a");
      const error = await assertRejects(() => evolutionOf(alice).job(typed), JobLookupError);
      assertStringIncludes(error.message, `did you mean ${id.slice(0, 8)}?`);
      const { id: other } = await start(cast, { target: null });
      const shared = [...id].findIndex((letter, index) => letter !== other[index]);
      const ambiguous = await assertRejects(
        () => evolutionOf(alice).job(id.slice(0, shared)),
        JobLookupError,
      );
      assertEquals(ambiguous.code, "ambiguous_job");
      await realm.pass(100);
    });
  },
);
