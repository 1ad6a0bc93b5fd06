import { assert, assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { type Evaluation, WorkerError } from "../../../src/work/worker/evaluator.ts";
import type { EvaluatorOptions } from "../../../src/work/worker/open_evaluator.ts";
import { WorkerPool } from "../../../src/work/worker/pool.ts";
import { FakeLauncher, type Reaction, type Script } from "./fake_launcher.ts";

const PURE = { permissions: "none" } as const;
const READY: readonly Reaction[] = [{ kind: "say", line: { type: "ready" }, ms: 40 }];
const CRASH: readonly Reaction[] = [{ kind: "end", end: { reason: "exited", code: 1 }, ms: 1 }];
const DEADLINE_MS = 3_600_000;

interface Bench {
  readonly clock: ManualClock;
  readonly launcher: FakeLauncher;
  readonly pool: WorkerPool;
  /** Lets time pass until `promise` is settled. */
  readonly until: <T>(promise: Promise<T>) => Promise<T>;
}

function bench(script: Script, options: Partial<EvaluatorOptions> = {}): Bench {
  const clock = new ManualClock();
  const launcher = new FakeLauncher(clock, script);
  const pool = new WorkerPool({
    worker: { kind: "command", command: ["fake"] },
    job: "j",
    space: { kind: "real", dims: 1, lower: [-1], upper: [1] },
    seed: 1,
    options: {},
    limits: { evaluationMs: 1_000, memoryMb: 256 },
    slots: 1,
    launcher,
    clock,
    log: silentLog,
    ...options,
  });
  const until = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const mark = () => {
      isSettled = true;
    };
    promise.then(mark, mark);
    const limitMs = clock.now() + DEADLINE_MS;
    assert(await clock.runUntil(limitMs, () => isSettled), "it never settled");
    return await promise;
  };
  return { clock, launcher, pool, until };
}

/** A worker that squares, at `ms` each, unless `special` has something else for a batch. */
function squares(
  ms: number,
  special: (xs: readonly number[], process: number) => readonly Reaction[] | undefined = () =>
    undefined,
): Script {
  return (request, process) => {
    if (request.type === "init") return READY;
    if (request.type !== "evaluate") return [];
    const xs: readonly number[] = request.genomes.map(([x]: readonly number[]) => x);
    return special(xs, process) ?? [resultOf(request.id, xs, ms)];
  };
}

function resultOf(id: number, xs: readonly number[], ms: number): Reaction {
  const line = { type: "result", id, fitness: xs.map((x) => x * x) };
  return { kind: "say", line, ms: ms * xs.length };
}

const genomes = (...xs: readonly number[]) => xs.map((x) => [x]);
const brief = (evaluations: readonly Evaluation[]) =>
  evaluations.map((each) => each.isOk ? each.fitness : each.code);
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

Deno.test("WorkerPool.evaluate() gives one outcome for each genome, in order", PURE, async () => {
  const { pool, until, launcher } = bench(squares(1), { slots: 3 });
  const given = await until(Promise.all([
    pool.evaluate(genomes(...range(500))),
    pool.evaluate([]),
    pool.evaluate(genomes(7)),
  ]));
  assertEquals(brief(given[0]), range(500).map((x) => x * x));
  assertEquals([given[1], brief(given[2])], [[], [49]]);
  assertEquals(launcher.launched.length, 3);
  await until(pool.close());
});

Deno.test(
  "WorkerPool.evaluate() makes batches of about 75 ms, shared among those who are free",
  PURE,
  async () => {
    const { pool, until, launcher } = bench(squares(1), { slots: 2 });
    await until(pool.evaluate(genomes(...range(2_000))));
    const sizes = launcher.launched.map(({ asked }) =>
      asked.filter(({ type }) => type === "evaluate").map(({ genomes }) => genomes.length)
    );
    const middle = sizes.flatMap((each) => each.slice(4, -3));
    assert(middle.length > 10 && middle.every((size) => size === 75), JSON.stringify(sizes));
    // The last ones are shared, so that nobody waits for one.
    assert((sizes[0]?.at(-1) ?? 99) < 75);
    await until(pool.close());
  },
);

Deno.test("WorkerPool.evaluate() heeds how much a worker likes to have at once", PURE, async () => {
  const { pool, until, launcher } = bench((request, process) =>
    request.type === "init"
      ? [{ kind: "say", line: { type: "ready", batch: 8 } }]
      : squares(0)(request, process)
  );
  await until(pool.evaluate(genomes(...range(100))));
  const sizes = launcher.launched[0]?.asked.flatMap(({ genomes }) =>
    genomes ? [genomes.length] : []
  );
  assertEquals(Math.max(...sizes ?? []), 8);
  await until(pool.close());
});

Deno.test("WorkerPool.evaluate() finds the one genome that takes too long", PURE, async () => {
  const { pool, until, launcher } = bench(squares(1, (xs) => xs.includes(13) ? [] : undefined));
  assertEquals(brief(await until(pool.evaluate(genomes(...range(40))))), [
    ...range(13).map((x) => x * x),
    "timeout",
    ...range(40).slice(14).map((x) => x * x),
  ]);
  // Once with others, once alone.
  assertEquals(launcher.launched.length, 3);
  assertEquals(launcher.running.length, 1);
  await until(pool.close());
});

Deno.test(
  "WorkerPool.evaluate() charges a timeout at once where a genome was alone",
  PURE,
  async () => {
    const { pool, until, launcher, clock } = bench(
      squares(1, (xs) => xs.includes(13) ? [] : undefined),
    );
    assertEquals(brief(await until(pool.evaluate(genomes(13)))), ["timeout"]);
    assertEquals(launcher.launched.length, 1);
    // 40 ms to be ready, one second, and half a second more.
    assertEquals(clock.now(), 1_540);
    await until(pool.close());
  },
);

Deno.test(
  "WorkerPool.evaluate() gives a genome whose process ended a second chance",
  PURE,
  async () => {
    let ends = 0;
    const once = bench(squares(1, (xs) => xs.includes(13) && ends++ < 1 ? CRASH : undefined));
    assertEquals(brief(await once.until(once.pool.evaluate(genomes(13, 2)))), [169, 4]);
    const always = bench(squares(1, (xs) => xs.includes(13) ? CRASH : undefined));
    assertEquals(brief(await always.until(always.pool.evaluate(genomes(1, 13, 2, 3)))), [
      1,
      "crashed",
      4,
      9,
    ]);
    const memory: readonly Reaction[] = [{ kind: "end", end: { reason: "memory", code: 137 } }];
    const full = bench(squares(1, (xs) => xs.includes(13) ? memory : undefined));
    assertEquals(brief(await full.until(full.pool.evaluate(genomes(13)))), ["memory"]);
    for (const { pool, until } of [once, always, full]) await until(pool.close());
  },
);

Deno.test("WorkerPool.evaluate() keeps what was done before a process ended", PURE, async () => {
  const seen: number[][] = [];
  const { pool, until } = bench((request, process) => {
    if (request.type !== "evaluate") return squares(1)(request, process);
    const xs: number[] = request.genomes.map(([x]: number[]) => x);
    seen.push(xs);
    if (seen.length !== 3) return [resultOf(request.id, xs, 1)];
    const half = xs.slice(0, 2).map((x) => x * x);
    return [
      { kind: "say", line: { type: "progress", id: request.id, fitness: half }, ms: 5 },
      { kind: "end", end: { reason: "exited", code: 1 }, ms: 6 },
    ];
  });
  assertEquals(
    brief(await until(pool.evaluate(genomes(...range(10))))),
    range(10).map((x) => x * x),
  );
  assertEquals(seen.slice(0, 5), [[0], [1, 2, 3, 4], [5, 6, 7, 8, 9], [7], [8]]);
  await until(pool.close());
});

Deno.test("WorkerPool.evaluate() gives up where nothing ever comes of it", PURE, async () => {
  const { pool, until, launcher } = bench(squares(1, () => CRASH), { slots: 2 });
  const error = await assertRejects(
    () => until(pool.evaluate(genomes(...range(100)))),
    WorkerError,
  );
  assertEquals(error.code, "crashing");
  assert(launcher.launched.length < 30);
  await assertRejects(() => pool.evaluate(genomes(1)), WorkerError);
  await until(pool.close());
});

Deno.test("WorkerPool.evaluate() starts processes later and later", PURE, async () => {
  const startsMs: number[] = [];
  const { pool, until, clock } = bench((request, process) => {
    if (request.type === "init") startsMs.push(clock.now());
    return squares(1, () => CRASH)(request, process);
  });
  await assertRejects(() => until(pool.evaluate(genomes(...range(30)))), WorkerError);
  const gaps = startsMs.slice(1).map((ms, i) => Math.round(ms - (startsMs[i] ?? 0)) - 41);
  assertEquals(gaps.slice(0, 8), [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  await until(pool.close());
});

const START_FAULTS: readonly (readonly [
  name: string,
  reactions: readonly Reaction[],
  code: string,
  starts: number,
])[] = [
  ["ends", CRASH, "init_failed", 3],
  ["is silent", [], "init_failed", 1],
  [
    "is refused",
    [
      { kind: "say", line: { type: "error", code: "invalid_module", message: "no" } },
    ],
    "invalid_module",
    1,
  ],
  ["answers something else", [{ kind: "say", line: { type: "checkpoint" } }], "protocol", 1],
  ["writes no JSON", [{ kind: "write", text: "hello\n" }], "protocol", 1],
];

for (const [name, reactions, code, starts] of START_FAULTS) {
  Deno.test(
    `WorkerPool.open() rejects where a process ${name} before it is ready`,
    PURE,
    async () => {
      const { pool, until, launcher } = bench(() => reactions);
      const error = await assertRejects(() => until(pool.open()), WorkerError);
      assertEquals([error.code, launcher.launched.length], [code, starts]);
      await until(pool.close());
      assertEquals(launcher.running.length, 0);
    },
  );
}

const BREACHES: readonly (readonly [name: string, line: unknown])[] = [
  ["too few", { type: "result", id: 0, fitness: [] }],
  ["too many", { type: "result", id: 0, fitness: [1, 2, 3] }],
  ["another batch's", { type: "result", id: 1, fitness: [1, 2] }],
  ["progress of all and more", { type: "progress", id: 0, fitness: [1, 2, 3] }],
  ["progress of nothing", { type: "progress", id: 0, fitness: [] }],
  ["another answer", { type: "ready" }],
];

for (const [name, line] of BREACHES) {
  Deno.test(`WorkerPool.evaluate() takes no results that are ${name}`, PURE, async () => {
    const { pool, until, launcher } = bench(squares(1, () => [{ kind: "say", line }]));
    await until(pool.open());
    const error = await assertRejects(() => until(pool.evaluate(genomes(1))), WorkerError);
    assertEquals(error.code, "protocol");
    await until(pool.close());
    assertEquals(launcher.running.length, 0);
  });
}

Deno.test(
  "WorkerPool.evaluate() goes on with another process where one spoke unasked",
  PURE,
  async () => {
    const twice: Script = (request, process) => {
      const answers = squares(1)(request, process);
      return process === 0 && request.type === "evaluate" ? [...answers, ...answers] : answers;
    };
    const { pool, until, launcher } = bench(twice);
    assertEquals(brief(await until(pool.evaluate(genomes(1)))), [1]);
    assertEquals(brief(await until(pool.evaluate(genomes(2)))), [4]);
    assertEquals(launcher.launched.length, 2);
    await until(pool.close());
  },
);

Deno.test(
  "WorkerPool.pause() stops the processes and their time, and hands out nothing",
  PURE,
  async () => {
    const { pool, until, launcher, clock } = bench(squares(900), { slots: 2 });
    await until(pool.open());
    const evaluating = pool.evaluate(genomes(1, 2, 3));
    await clock.run(500);
    pool.pause();
    assert(launcher.running.every(({ isSuspended }) => isSuspended));
    const asked = launcher.launched.map((each) => each.asked.length);
    await clock.run(50_000, 1_000);
    assertEquals(launcher.launched.map((each) => each.asked.length), asked);
    assertEquals(launcher.running.length, 2);
    pool.resume();
    assertEquals(brief(await until(evaluating)), [1, 4, 9]);
    assert(launcher.running.every(({ isSuspended }) => !isSuspended));
    await until(pool.close());
  },
);

Deno.test(
  "WorkerPool.pause() gives the memory back after a minute; resume() does it again",
  PURE,
  async () => {
    const { pool, until, launcher, clock } = bench(
      squares(1, (_, process) => process === 0 ? [] : undefined),
      { limits: { evaluationMs: 600_000, memoryMb: 256 } },
    );
    await until(pool.open());
    const evaluating = pool.evaluate(genomes(3));
    await clock.run(10);
    pool.pause();
    await clock.run(59_000, 1_000);
    assertEquals(launcher.running.length, 1);
    await clock.run(2_000, 1_000);
    assertEquals(launcher.running.length, 0);
    pool.resume();
    assertEquals(brief(await until(evaluating)), [9]);
    assertEquals(launcher.launched.length, 2);
    await until(pool.close());
  },
);

Deno.test("WorkerPool.pause() ends what cannot be stopped within two seconds", PURE, async () => {
  const { pool, until, launcher, clock } = bench(
    squares(1, (_, process) => process === 0 ? [] : undefined),
    { limits: { evaluationMs: 600_000, memoryMb: 256 } },
  );
  launcher.canSuspend = false;
  await until(pool.open());
  const evaluating = pool.evaluate(genomes(3));
  await clock.run(10);
  pool.pause();
  await clock.run(2_000, 100);
  assertEquals(launcher.running.length, 0);
  pool.resume();
  assertEquals(brief(await until(evaluating)), [9]);
  await until(pool.close());
});

Deno.test(
  "WorkerPool.checkpoint() keeps what a worker remembers for those that come after it",
  PURE,
  async () => {
    const { pool, until, launcher } = bench((request, process) =>
      request.type === "checkpoint"
        ? [{ kind: "say", line: { type: "checkpoint", state: { seen: 5 } } }]
        : squares(1, (xs) => process === 0 && xs.includes(2) ? CRASH : undefined)(request, process)
    );
    assertEquals(await until(pool.checkpoint()), undefined);
    await until(pool.evaluate(genomes(1)));
    assertEquals(await until(pool.checkpoint()), { seen: 5 });
    await until(pool.evaluate(genomes(2)));
    const inits = launcher.launched.map(({ asked }) => asked.find(({ type }) => type === "init"));
    assertEquals(inits.map(({ state }) => state), [undefined, { seen: 5 }]);
    await until(pool.close());
  },
);

Deno.test("WorkerPool.close() ends everything, and whoever waits hears of it", PURE, async () => {
  const { pool, until, launcher, clock } = bench(squares(1, () => []), { slots: 2 });
  await until(pool.open());
  const evaluating = pool.evaluate(genomes(1, 2, 3, 4));
  await clock.run(100);
  await until(Promise.all([pool.close(), pool.close()]));
  assertEquals(brief(await until(evaluating)), ["stopped", "stopped", "stopped", "stopped"]);
  assertEquals(brief(await pool.evaluate(genomes(1))), ["stopped"]);
  assertEquals([launcher.running.length, clock.pending], [0, 0]);
});

Deno.test(
  "WorkerPool.close() lets an idle process end by itself, but not for ever",
  PURE,
  async () => {
    const { pool, until, launcher, clock } = bench(squares(1));
    await until(pool.evaluate(genomes(1)));
    const startMs = clock.now();
    await until(pool.close());
    assertEquals(launcher.launched[0]?.asked.at(-1), { type: "stop" });
    assertEquals(clock.now() - startMs, 2_000);
  },
);
