import { assert, assertEquals } from "@std/assert";
import { JobEvaluator } from "../../src/agent/job_evaluator.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { Evaluation, Evaluator } from "../../src/work/worker/evaluator.ts";

const PURE = { permissions: "none" } as const;
const GENOMES = [[1, 2]];
const FIVE: readonly Evaluation[] = [{ isOk: true, fitness: 5 }];

/** Evaluators that answer when they are told to, and remember what they were opened with. */
function bench() {
  const opened: { state: unknown; isClosed: boolean; answer: () => void }[] = [];
  const evaluator = new JobEvaluator({
    clock: new ManualClock(),
    open: (slots, state) => {
      const { promise, resolve } = Promise.withResolvers<readonly Evaluation[]>();
      const one = { state, isClosed: false, answer: () => resolve(FIVE) };
      opened.push(one);
      return Promise.resolve<Evaluator>({
        slots,
        evaluate: () => promise,
        pause: () => {},
        resume: () => {},
        checkpoint: () => Promise.resolve(`state ${opened.length}`),
        close: () => {
          one.isClosed = true;
          return Promise.resolve();
        },
      });
    },
    onReady: () => {},
    onTrouble: () => {},
  }, "first");
  return { evaluator, opened };
}

const turns = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test(
  "JobEvaluator.rest() ends processes without work, and measure() starts others",
  PURE,
  async () => {
    const { evaluator, opened } = bench();
    const measuring = evaluator.measure(GENOMES);
    await turns();
    evaluator.rest();
    assertEquals(opened.map(({ isClosed }) => isClosed), [false], "it is at work");
    opened[0]?.answer();
    assertEquals(await measuring, FIVE);
    assertEquals(await evaluator.checkpoint(), "state 1");
    evaluator.rest();
    assertEquals([opened[0]?.isClosed, evaluator.slots], [true, 0]);

    const again = evaluator.measure(GENOMES);
    await turns();
    assertEquals(opened[1]?.state, "state 1");
    opened[1]?.answer();
    assertEquals(await again, FIVE);
    await evaluator.close();
    assert(opened.every(({ isClosed }) => isClosed));
  },
);
