/** Plays several runs at a time, each in a worker of its own: a run is a matter of one thread. */

import { describeError } from "../../src/base/errors.ts";
import { type Outcome, playScenario } from "./scenario.ts";
import { scenarioOf } from "./scenarios.ts";
import { playSealed } from "./sealed/sealed_scenario.ts";
import { sealedScenarioOf } from "./sealed/sealed_scenarios.ts";

/** A run to play. */
export interface Task {
  readonly scenario: string;
  readonly seed: number;
  readonly nodes: number | undefined;
  readonly hasDigest: boolean;
}

/** What a run says: how far it has come, then how it ended. */
export type Word =
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "outcome"; readonly outcome: Outcome }
  | { readonly type: "failed"; readonly reason: string };

/** Plays `task` in this thread. */
export async function playTask(task: Task, say: (word: Word) => void): Promise<void> {
  const { seed, nodes, hasDigest } = task;
  const options = { seed, ...nodes && { nodes } };
  const scenario = scenarioOf(task.scenario);
  const sealed = sealedScenarioOf(task.scenario);
  const note = (text: string) => say({ type: "note", text });
  try {
    if (scenario) {
      say({ type: "outcome", outcome: playScenario(scenario, { ...options, hasDigest, note }) });
    } else if (sealed) say({ type: "outcome", outcome: await playSealed(sealed, options) });
    else throw new RangeError(`Cannot play ${task.scenario}: there is no such scenario`);
  } catch (error) {
    say({ type: "failed", reason: describeError(error) });
  }
}

/** Plays `tasks`, up to `jobs` at a time; resolves when all have ended. */
export async function playTasks(
  tasks: readonly Task[],
  jobs: number,
  say: (task: Task, word: Word) => void,
): Promise<void> {
  if (jobs === 1) {
    for (const task of tasks) await playTask(task, (word) => say(task, word));
    return;
  }
  const left = tasks.values();
  const work = async () => {
    for (const task of left) await playApart(task, (word) => say(task, word));
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

/** Plays `task` in a worker. */
function playApart(task: Task, say: (word: Word) => void): Promise<void> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  return new Promise((resolve) => {
    const end = (word: Word) => {
      say(word);
      worker.terminate();
      resolve();
    };
    worker.onmessage = ({ data }: MessageEvent<Word>) => {
      if (data.type === "note") say(data);
      else end(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      end({ type: "failed", reason: event.message });
    };
    worker.postMessage(task);
  });
}
